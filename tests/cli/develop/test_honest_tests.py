"""Every test can fail by what it finds: it asserts, expects an error, or calls a function of the tests that does."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Final

TESTS: Final = Path(__file__).parents[2]
EXPECTING: Final = frozenset(
    {
        *("raises", "warns", "fail"),  # pytest's
        *(
            "wait_for",
            "wait_for_selector",
            "wait_for_function",
            "wait_for_url",
            "expect",
            "expect_response",
        ),  # a browser's
        "run_state_machine_as_test",  # Hypothesis'
        "suppress",  # a property: whatever comes, nothing but this error is raised
        "until",  # a condition, with a time-out
    }
)
"""Calls that end a test unless what they name is so."""

EXCEPTIONS: Final = {"test_its_syntax_is_understood_by_old_pythons"}
"""It parses, which ends it if there is a fault."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions() -> Iterator[tuple[Path, Function]]:
    """Yield the functions of all test files, those within others too."""
    for file in sorted(TESTS.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_bytes())):
            if isinstance(node, Function):
                yield file, node


def asserts(function: Function) -> bool:
    """Return whether something in a function is a statement that can find a fault."""
    for node in ast.walk(function):
        if isinstance(node, ast.Assert) and not isinstance(node.test, ast.Constant):
            return True
        if isinstance(node, ast.Raise) and "AssertionError" in ast.unparse(node):
            return True
        if isinstance(node, ast.Call) and called(node) in EXPECTING:
            return True
    return False


def names_called(function: Function) -> set[str]:
    """Return the bare names of all that a function calls."""
    return {called(node) for node in ast.walk(function) if isinstance(node, ast.Call)}


def called(call: ast.Call) -> str:
    """Return the bare name of what is called."""
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def test_every_test_asserts_something() -> None:
    all_functions = [(file, function, asserts(function), names_called(function)) for file, function in functions()]
    calls: dict[str, set[str]] = defaultdict(set)
    checking = {function.name for _, function, asserting, _ in all_functions if asserting}
    for _, function, _, names in all_functions:
        calls[function.name] |= names
    while further := {name for name, names in calls.items() if names & checking} - checking:
        checking |= further
    silent = [
        f"{file.relative_to(TESTS).as_posix()}:{function.lineno} {function.name}"
        for file, function, asserting, names in all_functions
        if function.name.startswith("test_")
        and function.name not in EXCEPTIONS
        and not asserting
        and not names & checking
    ]
    assert not silent, "these tests pass whatever they find"


def test_what_asserts_nothing_or_a_constant_is_found() -> None:
    for text, expected in (("f()", False), ("assert True", False), ("assert f()", True), ("suppress(E)", True)):
        (function,) = ast.parse(f"def test_one():\n    {text}\n").body
        assert isinstance(function, Function)
        assert asserts(function) is expected, text
