"""The words of the field stand everywhere, and none of a language of our own that came before them.

What is relied on from outside keeps its name, whatever it is: those places are exempt, one by one.
"""

import ast
import re
import subprocess
from fnmatch import fnmatch
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[2]
TEXTS: Final = (".css", ".html", ".js", ".md", ".py", ".toml", ".yml", "corridor")
NO_WORDS_OF_OURS: Final = (
    "*.lock", "dashboards/schema/*", "services/wall/static/vendor/*", "tests/docs/test_words.py", "*/node_modules/*"
)  # fmt: skip

INSTEAD: Final = {
    r"tells?|told|telling|untold": "report, reported, show, distinguish",
    r"said|unsaid": "reported, was",
    r"hears?|heard|unheard": "receive, received, connected",
    r"kept|keepers?": "stored, LedgerWriter",
    r"refus(?:e|es|ed|al|als|ing)": "reject, rejected",
    r"judg(?:e|es|ed|ing|ement)s?": "validate, classify, inspect, build",
    r"doubts?|doubted": "data-quality warning, implausible",
    r"cures?": "hint, fix",
    r"mend(?:s|ed|ing)?": "fix, repair",
    r"frontiers?": "watermark",
    r"anew": "again, recompute, rebuild, reload",
    r"forg(?:ets?|ot|otten|etting)|holdings": "drop, retention, status",
    r"thinned": "downsampled",
    r"stretch(?:es|ed)?|spells?": "time range, state interval",
    r"take up|taking in|taken in": "restore, add, read",
    r"news|last word|known before|reach back": "changes_state, retained snapshot, last_known_state, lookback",
    r"poisoned|strikes": "protocol errors, redelivery attempts",
    r"vectorised": "columnar",
    r"all is well": "all checks passed",
    r"nothing in the store": "no data for X in that range",
}

EXEMPT: Final = (
    # Fields of JSON, tables and the command line's documents.
    ("cli/stack/check.py", '"hint": "cure"'),
    ("cli/messages/*.py", '"cure": meaning.hint'),
    ("cli/messages/*.py", "`refused`"),
    ("cli/messages/*.py", '"refused"'),
    ("cli/store.py", '"refused"'),
    ("cli/plants/plant.py", '"cure": mistake.hint'),
    ("dashboards/alerts.py", '"refused"'),
    ("services/wall/*.py", '"cure": received.hint'),
    ("services/wall/*.py", "cure=error.hint"),
    ("services/wall/live/*.py", '"refused'),
    ("services/wall/live/live_state.py", '["heard"]'),
    ("services/wall/metrics.py", "_refused"),
    ("services/wall/static/*", ".cure"),
    ("services/wall/static/*", "cure: ''"),
    ("services/wall/static/*", ".refused"),
    ("services/wall/static/*", "refused_hour"),
    ("services/wall/static/*", "current.heard"),
    ("services/wall/static/words.js", "no-state-heard"),
    ("services/query/states/current_state.py", "no-state-heard"),
    ("services/store/influx/events.py", "told"),
    ("docs/how-to/use-your-influxdb.md", "`told`"),
    ("docs/reference/metrics.md", "_refused_total"),
    ("docs/reference/http.md", "`refusals`"),
    ("services/wall/live/stream.py", '"refusals"'),
    ("services/wall/static/live.js", "sent.refusals"),
    ("CHANGELOG.md", "`cure`, `refused`"),
    ("tests/cli/test_store.py", '"refused"'),
    ("tests/wall/*", '["cure"]'),
    ("tests/wall/*", '["refusals"]'),
    ("tests/wall/*", '"refused_hour"'),
    ("tests/wall/test_api.py", "_refused_total"),
    # The language of others: Python, CSS, HTTP, TCP, Grafana, SQLite.
    ("*.py", "ConnectionRefusedError"),
    ("*.py", "file.tell()"),
    ("*.py", "log.tell()"),
    ("services/wall/static/style.css", "stretch"),
    ("docs/how-to/trouble-shooting.md", "refused*"),
    ("docker-compose.yml", "GF_NEWS"),
    ("*write_connection.py", "kept-alive"),
    ("CHANGELOG.md", "kept-alive"),
    ("pyproject.toml", "is kept: "),
    # The trade of composites cures its resin.
    ("edge/simulation/*", "cure"),
    ("tests/edge/simulation/*", "cure"),
    ("docs/reference/machine-kinds.md", "cure"),
    ("docs/explanation/simulated-machines.md", "cure"),
)
"""Where such a word is right: the files, and what stands in the line."""


NAMES_INSTEAD: Final = {
    "settled": "steady, quiet, resolved: what it does",
    "settle": "pause, warm up, resolve: what it does",
    "span": "time_range",
    "spoken": "reported, sent, in the dialect",
    "wishes": "publications, settings: what they are",
}
"""Words that are plain English in a sentence, and no name of a thing in code."""


ANY_OF_THEM: Final = re.compile(rf"(?<![a-z])(?:{'|'.join(INSTEAD)})(?![a-z])")


def listed() -> list[str]:
    """Return the names of the repository's files."""
    if not (ROOT / ".git").exists():
        pytest.skip("this is a checkout without its history")
    return subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()


def files() -> list[Path]:
    """Return the files of the repository that people wrote and read; of tests the code alone."""
    return [
        ROOT / name
        for name in listed()
        if name.endswith(TEXTS)
        and (name.endswith(".py") or not name.startswith("tests/"))
        and not any(fnmatch(name, each) for each in NO_WORDS_OF_OURS)
    ]


def found(name: str, text: str) -> list[str]:
    """Return where a text has one of the old words, with what to write instead."""
    wrong = []
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])|[_-]", " ", text).lower()  # a search that ignores case takes far longer
    if not ANY_OF_THEM.search(apart):
        return []
    for number, (line, words) in enumerate(zip(text.splitlines(), apart.splitlines(), strict=True), 1):
        if not ANY_OF_THEM.search(words):
            continue
        for old, new in INSTEAD.items():
            if (match := re.search(rf"(?<![a-z])(?:{old})(?![a-z])", words)) and not any(
                fnmatch(name, pattern) and part in line for pattern, part in EXEMPT
            ):
                wrong.append(f"{name}:{number}: {match[0]}; write {new}")
    return wrong


def test_no_file_has_a_word_of_the_old_language() -> None:
    assert [
        each
        for file in files()
        if file.is_file()
        for each in found(file.relative_to(ROOT).as_posix(), file.read_text("utf-8"))
    ] == []


def names(code: str) -> list[tuple[int, str]]:
    """Return the names that a program gives: of functions, classes, parameters, variables and attributes."""
    found_names = []
    for node in ast.walk(ast.parse(code)):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                found_names.append((node.lineno, name))
            case ast.arg(arg=name) | ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                found_names.append((node.lineno, name))
            case _:
                pass
    return found_names


def of_old_names(code: str) -> list[str]:
    """Return the names of a program that have a word of `NAMES_INSTEAD`, with what to write instead."""
    small = code.lower()
    if not any(word in small for word in NAMES_INSTEAD):
        return []
    return [
        f"{line}: {name}; write {NAMES_INSTEAD[word]}"
        for line, name in names(code)
        for word in re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower().split("_")
        if word in NAMES_INSTEAD
    ]


def test_no_name_in_code_is_a_word_of_the_old_language() -> None:
    assert [
        f"{file.relative_to(ROOT).as_posix()}:{each}"
        for file in files()
        if file.suffix == ".py" and file.is_file() and not file.is_relative_to(ROOT / "tests")
        for each in of_old_names(file.read_text("utf-8"))
    ] == []


@pytest.mark.parametrize(
    "code",
    [
        "span = 1",
        "class TimeSpan: ...",
        "def f(settled_s): ...",
        "self._wishes = []",
        "SETTLE: int = 1",
        "for span in []: ...",
    ],
)
def test_an_old_name_is_found_wherever_it_is_given(code: str) -> None:
    assert len(of_old_names(code)) == 1


@pytest.mark.parametrize("code", ["# it has settled", "lifespan = 1", "print(span_of_others)", "document.span.text"])
def test_other_names_and_sentences_are_not(code: str) -> None:
    assert of_old_names(code) == []


@pytest.mark.parametrize(
    "line", ["class KeptRows:", "def until_heard():", "MOST_REFUSED = 3", "# what a machine told", "it is made anew"]
)
def test_an_old_word_is_found_within_a_name_too(line: str) -> None:
    assert len(found("broker/some.py", line)) == 1


@pytest.mark.parametrize("line", ["keep_alive_s = 20", "a secure tunnel", "an untoldness", "file.tell()"])
def test_other_words_are_not(line: str) -> None:
    assert found("broker/some.py", line) == []
