"""The warnings of incomplete ledgers: each asset has those of the machines under it."""

from services.kpi.published.ledger_warnings import LedgerWarnings

MILL, SAW, PRESS = "works/hall/line-1/mill", "works/hall/line-2/saw", "works/yard/line-3/press"


def codes(warnings: LedgerWarnings, path: str) -> list[tuple[str, str]]:
    return [(warning.code, warning.asset) for warning in warnings.of(path)]


def test_machines_behind_are_counted_at_every_level() -> None:
    warnings = LedgerWarnings()
    warnings.follow({SAW, MILL, PRESS}, {})
    amounts = {
        path: [warning.amount for warning in warnings.of(path)]
        for path in (MILL, "works/hall/line-1", "works/hall", "works", "other", "works/hall/line")
    }
    assert amounts == {
        MILL: [1],
        "works/hall/line-1": [1],
        "works/hall": [2],
        "works": [3],
        "other": [],
        "works/hall/line": [],
    }
    assert f"{MILL} and 1 more" in warnings.of("works/hall")[0].text


def test_a_machine_that_fails_is_named_in_everything_it_is_part_of() -> None:
    warnings = LedgerWarnings()
    warnings.follow({SAW}, {MILL: "division by zero"})
    assert codes(warnings, "works/hall") == [("ledger-stands-still", MILL), ("ledger-recomputed", "works/hall")]
    assert codes(warnings, "works/yard") == []


def test_what_is_complete_again_is_warned_of_no_more() -> None:
    warnings = LedgerWarnings()
    behind, failing = {SAW}, {MILL: "division by zero"}
    warnings.follow(behind, failing)
    behind.clear()
    failing.clear()
    warnings.follow(behind, failing)
    assert codes(warnings, "works") == []
