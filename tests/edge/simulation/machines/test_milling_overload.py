"""The rules of AI4I 2020 against its data: S. Matzka, UCI Machine Learning Repository, 2020, licence CC BY 4.0.

`ai4i_2020.tsv.gz` has all 10,000 rows and, of the columns, those that the rules are about.
"""

import csv
import gzip
from pathlib import Path
from statistics import correlation, fmean, pstdev

import msgspec
import pytest

from edge.simulation.physics import overload


class Row(msgspec.Struct):
    grade: overload.Grade = msgspec.field(name="Type")
    air_k: float = msgspec.field(name="Air temperature [K]")
    process_k: float = msgspec.field(name="Process temperature [K]")
    speed_per_min: float = msgspec.field(name="Rotational speed [rpm]")
    torque_nm: float = msgspec.field(name="Torque [Nm]")
    wear_min: float = msgspec.field(name="Tool wear [min]")
    heat: int = msgspec.field(name="HDF")
    power: int = msgspec.field(name="PWF")
    strain: int = msgspec.field(name="OSF")


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    with gzip.open(Path(__file__).with_name("ai4i_2020.tsv.gz"), "rt", encoding="ascii") as file:
        return msgspec.convert(list(csv.DictReader(file, delimiter="\t")), list[Row], strict=False)


def found(truth: list[int], verdicts: list[bool]) -> tuple[int, int, int]:
    """Return how many failures there are, how many were found, and how many of those found are none."""
    right = sum(one and verdict for one, verdict in zip(truth, verdicts, strict=True))
    return sum(truth), right, sum(verdicts) - right


def test_power_failures_are_found_and_no_others(rows: list[Row]) -> None:
    verdicts = [overload.is_power_failure(row.torque_nm, row.speed_per_min) for row in rows]
    assert found([row.power for row in rows], verdicts) == (95, 95, 0)


def test_overstrain_is_found_and_no_others(rows: list[Row]) -> None:
    verdicts = [overload.is_overstrained(row.wear_min, row.torque_nm, row.grade) for row in rows]
    assert found([row.strain for row in rows], verdicts) == (98, 98, 0)


def test_103_of_115_failures_by_heat_are_found_and_no_others(rows: list[Row]) -> None:
    verdicts = [overload.lacks_cooling(row.air_k, row.process_k, row.speed_per_min) for row in rows]
    assert found([row.heat for row in rows], verdicts) == (115, 103, 0)


def test_with_the_limit_itself_all_115_are_found_and_15_false_ones(rows: list[Row]) -> None:
    verdicts = [round(row.process_k - row.air_k, 1) <= 8.6 and row.speed_per_min < 1_380 for row in rows]
    assert found([row.heat for row in rows], verdicts) == (115, 115, 15)


def test_the_data_are_those_that_were_published(rows: list[Row]) -> None:
    assert len(rows) == 10_000
    speeds, torques = [row.speed_per_min for row in rows], [row.torque_nm for row in rows]
    assert fmean(row.air_k for row in rows) == pytest.approx(300.005, abs=0.001)
    assert fmean(row.process_k for row in rows) == pytest.approx(310.006, abs=0.001)
    assert (fmean(speeds), pstdev(speeds)) == pytest.approx((1_538.8, 179.3), abs=0.05)
    assert (fmean(torques), pstdev(torques)) == pytest.approx((39.99, 9.97), abs=0.01)
    assert correlation(speeds, torques) == pytest.approx(-0.875, abs=0.001)
