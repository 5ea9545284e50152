"""What the page on readings shows of `corridor check` is what it prints."""

from pathlib import Path

from tests.cli.conftest import Corridor
from tests.cli.conftest import corridor as corridor  # noqa: PLC0414

PAGE = (Path(__file__).resolve().parents[3] / "docs/reference/readings.md").read_text("utf-8")


def test_check_shows_what_a_message_is_understood_as(corridor: Corridor) -> None:
    sent = '{"total":"5123.4","unit":"kWh"}'
    _, out, _ = corridor("check", "sheffield/machining/line-1/mill-1/meter/electricity", sent)
    shown = [f"    {line}\n" for line in out.splitlines() if "no ts" not in line]
    assert len(shown) == 3
    assert "".join(shown) in PAGE
