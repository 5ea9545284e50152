"""What holds for all tests: programs that they need, settings that they must not see, and Hypothesis' patience.

A test that needs a program says so with a marker (`cli.develop.checks.PROGRAMS` lists them). Where the program is not
installed, the test is skipped with the package's name; under `CI=true` it fails, so that nothing goes unchecked there.
"""

import os

import hypothesis
import pytest
import structlog

from cli.develop import checks
from tests.properties import examples

hypothesis.settings.register_profile("corridor", examples(100, deadline=None))  # a busy machine is not a bug
hypothesis.settings.load_profile("corridor")


MISSING = checks.missing_programs()


def pytest_configure() -> None:
    """Drop the developer's own settings, which every command would otherwise read."""
    for name in [name for name in os.environ if name.startswith("CORRIDOR_")]:
        del os.environ[name]


def pytest_runtest_teardown() -> None:
    """Let no command that a test has called say what the next test may log."""
    structlog.reset_defaults()


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test whose program is missing; fail it where nothing may be missing."""
    for program in MISSING:
        if item.get_closest_marker(program.marker):
            need = f"needs {program.names[0]}: apt install {program.package}"
            if os.environ.get("CI") == "true":
                pytest.fail(need, pytrace=False)
            pytest.skip(need)
