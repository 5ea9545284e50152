"""TOML tables whose mistakes are reported with file, line, key and hint, all of them at once.

A mistake finds its line by its key (`broker.plant.toml_places`). A reader takes the values it knows, each validated by
its type, and then closes the table: a key that is left over is unknown, most often misspelt.
"""

import ast
import contextlib
import datetime as dt
import difflib
import re
import tomllib
from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec

from broker.contract import durations
from broker.contract.errors import ContractError
from broker.contract.names import is_name
from broker.plant.toml_places import Path, dotted, line_of

_BARE_PATH: Final = re.compile(r"\s*\[(\w+)\.([\w-]+(?:/[\w-]+)+)\]", re.ASCII)
_TWICE: Final = re.compile(r"Cannot declare (\(.*\)) twice")
_PLACE: Final = re.compile(r"\(at (?:line (\d+), column \d+|end of document)\)\Z")
_PLAIN: Final = re.compile(r"\d{1,14}(?:\.\d{1,9})?\Z", re.ASCII)
_YEARS: Final = range(1900, 2200)


class Mistake(msgspec.Struct, frozen=True):
    """One mistake in a file.

    Attributes:
        source: the file.
        line: the line that it stands in, counted from 1.
        key: the key, dotted as TOML writes it; '' for the file itself.
        problem: what is wrong.
        hint: what is allowed, or what to do.
    """

    source: str
    line: int
    key: str
    problem: str
    hint: str

    def __str__(self) -> str:
        key = f"{self.key}: " if self.key else ""
        return f"{self.source}:{self.line}: {key}{self.problem}; {self.hint}"


class Document:
    """A TOML text and the mistakes found in it so far.

    Args:
        text: the text; one that is not TOML is read as empty, with that as its mistake.
        source: its name in mistakes, most often the file's path.
    """

    def __init__(self, text: str, source: str) -> None:
        self.text: Final = text
        self.source: Final = source
        self.mistakes: Final[list[Mistake]] = []
        values: dict[str, Any] = {}
        try:
            values = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            self.mistakes.append(self._not_toml(str(error)))
        self.root: Final = Table(self, (), values)

    def wrong(self, path: Path, problem: str, hint: str) -> None:
        """Add a mistake at a key."""
        self.mistakes.append(Mistake(self.source, line_of(self.text, path), dotted(path), problem, hint))

    def _not_toml(self, message: str) -> Mistake:
        found = _PLACE.search(message)
        line = int(found[1]) if found and found[1] else max(len(self.text.splitlines()), 1)
        problem = message[: found.start()].strip() if found else message
        hint = "fix this line, or the end of the one before: texts stand in quotation marks, each bracket is closed"
        if twice := _TWICE.search(problem):
            problem = f"{dotted(ast.literal_eval(twice[1]))} has a table already"
            hint = "leave one of the two out, or give it a name of its own"
        elif "overwrite" in problem:
            problem, hint = "this key stands here for the second time", "leave one of the two out"
        if header := _BARE_PATH.match("".join(self.text.splitlines()[line - 1 : line])):
            hint = f'write the path in quotation marks, [{header[1]}."{header[2]}"]'
        return Mistake(self.source, line, "", f"this is not TOML: {problem}", hint)


class Table:
    """One table of a document. A value that is taken and has the wrong type is a mistake, and reads as missing."""

    def __init__(self, document: Document, path: Path, values: dict[str, Any]) -> None:
        self.document: Final = document
        self.path: Final = path
        self.values: Final = values
        self._taken: Final[set[str]] = set()

    def __contains__(self, key: str) -> bool:
        return key in self.values

    def __iter__(self) -> Iterator[str]:
        return iter(self.values)

    def wrong(self, key: str | int | Path, problem: str, hint: str) -> None:
        """Add a mistake at one of the table's keys; `()` is the table itself."""
        self.document.wrong(self.path + (key if isinstance(key, tuple) else (key,)), problem, hint)

    def close(self) -> None:
        """Add a mistake for each key that was not taken."""
        for key in self.values:
            if key not in self._taken:
                self.wrong(key, "this key is not known here", nearest(key, self._taken, "the keys here are"))

    def names(self) -> Iterator[str]:
        """Yield the keys, and add a mistake for each that is not a name."""
        for key in self.values:
            if not is_name(key):
                hint = "use 1 to 32 of a-z, 0-9 and -, beginning with a letter or digit"
                self.wrong(key, f"{shown(key)} is not a name", hint)
            yield key

    def value(self, key: str) -> Any:
        """Take a value as it is; None if it is missing."""
        self._taken.add(key)
        return self.values.get(key)

    def text(self, key: str) -> str | None:
        """Take a text."""
        value = self.value(key)
        if value is None or (isinstance(value, str) and value):
            return value
        self.wrong(key, f"{shown(value)} is not a text", 'write a text in quotation marks, as in "mill"')
        return None

    def texts(self, key: str) -> tuple[str, ...]:
        """Take a text or an array of texts."""
        value = self.value(key)
        values = [value] if isinstance(value, str) else value
        if value is None or (isinstance(values, list) and all(isinstance(one, str) for one in values)):
            return tuple(values or ())
        self.wrong(key, f"{shown(value)} is not a text or an array of texts", 'write "a" or ["a", "b"]')
        return ()

    def number(self, key: str) -> float | None:
        """Take a finite number."""
        value = self.value(key)
        if value is None or _is_number(value):
            return None if value is None else float(value)
        self.wrong(key, f"{shown(value)} is not a number", "write a number without quotation marks, as in 20 or 0.5")
        return None

    def duration_s(self, key: str) -> float | None:
        """Take a time above zero: a number of seconds, or a text such as `5min`; return its seconds."""
        value = self.value(key)
        seconds: float | None = None
        if _is_number(value):
            seconds = float(value)
        elif isinstance(value, str):
            with contextlib.suppress(ContractError):
                seconds = float(value) if _PLAIN.match(value) else durations.parse(value)
        if value is None or (seconds is not None and 0 < seconds < 1e9):
            return seconds
        self.wrong(
            key, f"{shown(value)} is not a time above zero", 'write seconds as a number, or "5min", "1.5h", "90s"'
        )
        return None

    def choice(self, key: str, allowed: Iterable[str]) -> str | None:
        """Take one of some texts."""
        choices = list(allowed)
        value = self.value(key)
        if value is None or (isinstance(value, str) and value in choices):
            return value
        self.wrong(key, f"{shown(value)} is not allowed here", nearest(str(value), choices, "use one of"))
        return None

    def flag(self, key: str) -> bool | None:
        """Take a truth value."""
        value = self.value(key)
        if value is None or isinstance(value, bool):
            return value
        self.wrong(key, f"{shown(value)} is neither true nor false", "write true or false without quotation marks")
        return None

    def date(self, key: str) -> dt.date | None:
        """Take a local date, with or without quotation marks."""
        value = self.value(key)
        day: dt.date | None = value
        if isinstance(value, str):
            try:
                day = dt.date.fromisoformat(value)
            except ValueError:
                day = None
        if value is None or (type(day) is dt.date and day.year in _YEARS):
            return day
        self.wrong(key, f"{shown(value)} is not a date", "write year, month and day, as in 2026-12-24")
        return None

    def table(self, key: str) -> "Table":
        """Take a table; an empty one if it is missing."""
        value = self.value(key)
        if value is None or isinstance(value, dict):
            return Table(self.document, (*self.path, key), value or {})
        self.wrong(key, f"{shown(value)} is not a table", f"write [{dotted((*self.path, key))}] and its keys below")
        return Table(self.document, (*self.path, key), {})

    def array(self, key: str) -> list[Any]:
        """Take an array."""
        value = self.value(key)
        if value is None or isinstance(value, list):
            return value or []
        self.wrong(key, f"{shown(value)} is not an array", "write it in brackets, as in [ … , … ]")
        return []

    def tables(self, key: str) -> list["Table"]:
        """Take an array of tables."""
        found = []
        for place, value in enumerate(self.array(key)):
            if isinstance(value, dict):
                found.append(Table(self.document, (*self.path, key, place), value))
            else:
                self.wrong((key, place), f"{shown(value)} is not a table", "write { key = value, … }")
        return found


def nearest(word: str, allowed: Iterable[str], lead: str) -> str:
    """Return a hint for a word that is not allowed: the allowed words that resemble it, or all of them."""
    known = sorted(allowed)
    near = difflib.get_close_matches(word, known, n=3, cutoff=0.6)
    if near:
        return "did you mean " + " or ".join(near) + "?"
    return f"{lead} {', '.join(known)}" if known else "there is none yet"


def shown(value: object) -> str:
    """Write a wrong value for a message, shortened."""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value) if isinstance(value, dt.date | dt.time) else repr(value)
    return text if len(text) <= 48 else text[:45] + "…"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < float("inf")
