import pytest
import typer

from cli import times


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30s", 30),
        ("8h", 28_800),
        ("7d", 604_800),
        ("1h30m", 5_400),
        ("500ms", 0.5),
        ("1.5h", 5_400),
        ("2 min", 120),
        (90.0, 90),
    ],
)
def test_a_duration_is_read_in_seconds(text: str | float, seconds: float) -> None:
    assert times.duration_s(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "30", "8 hours", "h8", "-5s", "0s", "nan", "1h,5m", "99999999999999w", -1.0, float("nan")]
)
def test_what_is_not_a_duration_is_refused_with_an_example(text: str | float) -> None:
    with pytest.raises(typer.BadParameter, match="30s"):
        times.duration_s(text)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-24T08:00:00Z",
        "2026-11-24T09:00:00+01:00",
        "2026-11-24 08:00:00+00:00",
        "1795507200000",
        1_795_507_200_000,
    ],
)
def test_an_instant_is_rfc_3339_or_epoch_milliseconds(text: object) -> None:
    assert times.instant_ns(text) == 1_795_507_200 * 10**9


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2026-11-24", "2026-11-24T08:00:00", "2026-02-30T08:00:00Z", "1e99", "9" * 40]
)
def test_what_is_not_an_instant_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="2026-11-24T08:00:00Z"):
        times.instant_ns(text)
