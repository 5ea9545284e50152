from contextlib import suppress
from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.contract import instants
from broker.contract.errors import ContractError
from broker.contract.events import NS_PER_MS, NS_PER_S

EIGHT = 1_795_507_200 * NS_PER_S


@pytest.mark.parametrize(
    ("written", "at"),
    [
        (0, 0),
        (-1, -NS_PER_MS),
        (1_795_507_200_123, EIGHT + 123 * NS_PER_MS),
        (1_795_507_200_000.5, EIGHT + 500_000),
        ("2026-11-24T08:00:00Z", EIGHT),
        ("2026-11-24t08:00:00z", EIGHT),
        ("2026-11-24 08:00:00Z", EIGHT),
        ("2026-11-24T08:00:00.1Z", EIGHT + 100 * NS_PER_MS),
        ("2026-11-24T08:00:00.1234567Z", EIGHT + 123_456_700),
        ("2026-11-24T08:00:00.123456789Z", EIGHT + 123_456_789),
        ("2026-11-24T08:00:00.123456789999Z", EIGHT + 123_456_789),
        ("2026-11-24T13:30:00+05:30", EIGHT),
        ("2026-11-24T03:00:00-05:00", EIGHT),
        ("1969-12-31T23:59:59.999Z", -NS_PER_MS),
    ],
)
def test_an_instant_is_read(written: float | str, at: int) -> None:
    assert instants.parse(written) == at


@pytest.mark.parametrize(
    "written",
    [
        "",
        "now",
        "2026-11-24",
        "2026-11-24T08:00Z",
        "2026-11-24T08:00:00",
        "2026-11-24T08:00:00,5Z",
        "2026-11-24T08:00:00.Z",
        "2026-11-24T08:00:00Z\n",
        "2026-11-24T08:00:61Z",
        "2026-02-29T08:00:00Z",
        "2026-13-01T08:00:00Z",
        "2026-11-24T08:00:00+25:00",
        "٢٠٢٦-11-24T08:00:00Z",
        "9" * 10_000,
        1e19,
        -1e300,
        float("nan"),
        float("inf"),
        pytest.param(10**5_000, id="huge"),
    ],
)
def test_what_is_not_an_instant_is_rejected_with_a_hint(written: float | str) -> None:
    with pytest.raises(ContractError) as caught:
        instants.parse(written)
    assert caught.value.hint
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (EIGHT + 120 * NS_PER_MS, "2026-11-24T08:00:00.120Z"),
        (EIGHT + 1_000, "2026-11-24T08:00:00.000001Z"),
        (EIGHT + 1, "2026-11-24T08:00:00.000000001Z"),
        (-NS_PER_MS, "1969-12-31T23:59:59.999Z"),
        (-62_135_596_800 * NS_PER_S, "0001-01-01T00:00:00Z"),
    ],
)
def test_an_instant_is_written_with_as_many_digits_as_it_needs(at: int, text: str) -> None:
    assert instants.format_rfc3339(at) == text


@given(st.integers(-62_135_596_800 * NS_PER_S, 253_402_300_799 * NS_PER_S))
def test_what_is_written_is_read_again(at: int) -> None:
    assert instants.parse(instants.format_rfc3339(at)) == at
    assert instants.parse(instants.to_wire(at)) == at


@given(st.datetimes(min_value=datetime(1973, 1, 1), timezones=st.timezones()))  # noqa: DTZ001  (before, zones had seconds)
def test_a_time_of_any_zone_is_the_instant_of_its_text(at: datetime) -> None:
    assert instants.from_datetime(at) == instants.parse(at.isoformat())


@given(st.dates(), st.integers(0, 86_400 * NS_PER_S - 1))
def test_each_instant_of_a_day_has_its_date(day: date, within: int) -> None:
    assert instants.utc_date(instants.parse(f"{day}T00:00:00Z") + within) == day


@given(st.text() | st.floats() | st.integers())
def test_anything_is_parsed_or_rejected(written: float | str) -> None:
    with suppress(ContractError):
        assert isinstance(instants.parse(written), int)
