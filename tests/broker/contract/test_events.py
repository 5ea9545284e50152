import pytest

from broker.contract.events import Measurement


@pytest.mark.parametrize(
    ("value", "lower", "upper", "place"),
    [
        (1.0, 2.0, 3.0, "below"),
        (2.0, 2.0, 3.0, "within"),
        (3.0, 2.0, 3.0, "within"),
        (4.0, 2.0, 3.0, "above"),
        (1.0, None, 3.0, "within"),
        (4.0, 2.0, None, "within"),
        (4.0, None, None, "within"),
    ],
)
def test_a_measurement_lies_by_the_limits_that_are_reported(
    value: float, lower: float | None, upper: float | None, place: str
) -> None:
    measured = Measurement(asset="a/b/c/d", at=0, characteristic="bore", value=value, lower=lower, upper=upper)
    assert measured.place == place
