"""`corridor wall`: where it may listen without a password."""

from pathlib import Path

import pytest

from tests.cli.conftest import Corridor


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "192.0.2.7", "plant.example"])
@pytest.mark.parametrize("password", [[], ["--password", ""]], ids=["none", "empty"])
def test_a_wall_that_others_can_reach_needs_a_password(
    corridor: Corridor, tmp_path: Path, host: str, password: list[str]
) -> None:
    status, out, err = corridor("wall", "--host", host, *password)
    assert (status, out) == (2, "")
    assert "give it a --password" in err
    assert not (tmp_path / "corridor.db").exists()
