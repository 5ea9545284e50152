"""`corridor test --changed`: which tests concern a change, in a small repository of the test's own."""

import subprocess
from pathlib import Path

import pytest

from cli.develop import changed


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with three modules, and tests that import them in every way there is."""
    files = {
        "shop/codec.py": "ONE = 1\n",
        "shop/topics.py": "TWO = 2\n",
        "docs/page.md": "Read me.\n",
        "tests/conftest.py": "",
        "tests/shop/test_codec.py": "",
        "tests/shop/test_both.py": "from shop import codec, topics\n",
        "tests/kpi/test_name.py": "from shop.topics import TWO\n",
        "tests/kpi/test_module.py": "import shop.topics\n",
        "tests/shop/test_cases.py": "",
        "tests/shop/price-list/one.json": "{}",
        "tests/docs/test_pages.py": "PAGE = 'docs/page.md'\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    _git(tmp_path, "init")
    _commit(tmp_path)
    (tmp_path / "last.txt").write_text("of the last commit")
    _commit(tmp_path)
    return tmp_path


def _git(folder: Path, *arguments: str) -> None:
    who = ("-c", "user.name=test", "-c", "user.email=test@example.org")
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, stdout=subprocess.DEVNULL)


def _commit(folder: Path) -> None:
    _git(folder, "add", ".")
    _git(folder, "commit", "--message", "all of it")


@pytest.mark.parametrize(
    ("file", "tests"),
    [
        ("shop/codec.py", ["tests/shop/test_both.py", "tests/shop/test_codec.py"]),
        (
            "shop/topics.py",
            ["tests/kpi/test_module.py", "tests/kpi/test_name.py", "tests/shop/test_both.py"],
        ),
        ("tests/kpi/test_name.py", ["tests/kpi/test_name.py"]),
        ("shop/price_list.py", ["tests/shop/test_cases.py"]),
        ("docs/page.md", ["tests/docs/test_pages.py"]),
        ("shop/pages.py", ["tests/docs/test_pages.py"]),
    ],
)
def test_a_change_concerns_the_tests_that_import_or_name_it(repository: Path, file: str, tests: list[str]) -> None:
    with (repository / file).open("a") as changing:
        changing.write("# changed\n")
    selection = changed.select(repository)
    assert (selection.files, selection.tests, selection.left) == ([file], tests, 0)


def test_a_clean_checkout_is_about_its_last_commit(repository: Path) -> None:
    assert changed.select(repository).files == ["last.txt"]


def test_what_very_many_tests_import_is_left_to_the_whole_suite(repository: Path) -> None:
    for number in range(changed.MANY):
        (repository / f"tests/kpi/test_{number}.py").write_text("from shop.codec import ONE\n")
    _commit(repository)
    with (repository / "shop/codec.py").open("a") as changing:
        changing.write("# changed\n")
    selection = changed.select(repository)
    assert (selection.tests, selection.left) == (["tests/shop/test_codec.py"], changed.MANY + 1)
