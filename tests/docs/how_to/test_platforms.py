"""The page on platforms has a row for each package of the lock file that is not pure Python, in the locked version."""

import re

from tests.docs.platform_wheels import COMPUTERS, ROOT, locked

PAGE = (ROOT / "docs/how-to/platforms.md").read_text("utf-8")
HOW = "write the table again: python -m tests.docs.platform_wheels"


def test_the_table_is_of_what_is_locked_now() -> None:
    rows = re.findall(r"^\| ([a-z][\w-]*) ([\d.]+) \|", PAGE, re.MULTILINE)
    packages = locked((ROOT / "requirements.lock").read_text("utf-8"))
    (pure,) = re.findall(r"The other (\d+) are pure Python", PAGE)
    assert {(name, version) for name, version in rows} <= {(each.name, each.version) for each in packages}, HOW
    assert len(rows) + int(pure) == len(packages), HOW


def test_each_row_has_an_answer_for_each_computer() -> None:
    head = f"| package | {' | '.join(COMPUTERS)} |\n"
    table = PAGE.split(head)[1].split("\n\n")[0].splitlines()[1:]
    assert {cell for row in table for cell in row.strip("| ").split(" | ")[1:]} <= {"yes", "no"}
    assert {row.count("|") for row in table} == {len(COMPUTERS) + 2}


def test_the_lock_file_is_read_with_its_markers() -> None:
    text = "a==1 \\\n    --hash=x\nb==2 ; python_full_version < '3.12' \\\nb==3 ; python_full_version >= '3.12' \\\n"
    assert [(each.version, each.pythons) for each in locked(text)] == [
        ("1", ("3.11", "3.13")),
        ("2", ("3.11",)),
        ("3", ("3.13",)),
    ]
