"""Converts the tables of `[simulate]`, one key at a time, and collects every mistake with its place and a hint."""

import re
from typing import Any, Final, NamedTuple, TypeVar, get_args

import msgspec

from broker.contract.errors import ContractError
from broker.plant.toml_places import Path, dotted
from broker.plant.toml_tables import nearest, shown

_T = TypeVar("_T", bound=msgspec.Struct)

_STEP: Final = re.compile(r"\.([a-z0-9-]+)|\[(\d+)\]")
_EXPECTED: Final = re.compile(r"Expected `(\w+)")
_KINDS: Final = {
    "int": ("a whole number", "write it without quotation marks, as in 8"),
    "float": ("a number", "write it without quotation marks, as in 0.5"),
    "str": ("a text", 'write it in quotation marks, as in "mill-1"'),
    "bool": ("true or false", "write it without quotation marks"),
    "array": ("an array", "write it in brackets, as in [ … , … ]"),
    "object": ("a table", "write { key = value, … }"),
}
"""What TOML calls each type that a key may need, and how it is written."""


class Fault(NamedTuple):
    """One mistake: the keys that lead to it, what is wrong there, and what to do."""

    path: Path
    problem: str
    hint: str


class PlanError(ContractError):
    """The plant file's `[simulate]` part has mistakes; the text has a line for each.

    Attributes:
        faults: all of them.
    """

    def __init__(self, source: str, faults: tuple[Fault, ...]) -> None:
        super().__init__("\n".join(f"{source}: {dotted(one.path)}: {one.problem}; {one.hint}" for one in faults))
        self.faults = faults


class Place(NamedTuple):
    """A place in the file, and the mistakes found so far."""

    path: Path
    faults: list[Fault]

    def below(self, *keys: str | int) -> "Place":
        """Return the place below this one."""
        return Place((*self.path, *keys), self.faults)

    def wrong(self, problem: str, hint: str, *keys: str | int) -> None:
        """Add a mistake here, or at the keys below."""
        self.faults.append(Fault((*self.path, *keys), problem, hint))

    def tables(self, key: str, tables: dict[str, Any]) -> dict[str, Any]:
        """Take the tables under a key out of those around them; nothing where there are none."""
        found = tables.pop(key, {})
        if isinstance(found, dict):
            return found
        self.wrong(f"{shown(found)} is not a table", f'write [simulate.{key}."…"] and its keys below', key)
        return {}

    def convert(self, table: object, into: type[_T]) -> _T | None:
        """Convert a table; add its mistakes and return None if it has any."""
        if not isinstance(table, dict):
            self.wrong(f"{shown(table)} is not a table", f"write [{dotted(self.path)}] and its keys below")
            return None
        before = len(self.faults)
        fields = {field.encode_name: field for field in msgspec.structs.fields(into)}
        for key in table.keys() - fields.keys():
            self.wrong("this key is not known here", nearest(key, fields, "the keys here are"), key)
        for key, field in fields.items():
            if key in table:
                self._check_value(key, table[key], field.type)
            elif field.required:
                self.wrong(f"{key} is missing", f"write {key} = …")
        return msgspec.convert(table, into) if len(self.faults) == before else None

    def _check_value(self, key: str, value: Any, kind: Any) -> None:
        inner = next((one for one in get_args(kind) if isinstance(one, type) and issubclass(one, msgspec.Struct)), None)
        if inner is not None and isinstance(value, list):
            for place, one in enumerate(value):
                self.below(key, place).convert(one, inner)
            return
        try:
            msgspec.convert(value, kind)
        except msgspec.ValidationError as error:
            problem, _, where = str(error).partition(" - at `$")
            steps = [name or int(place) for name, place in _STEP.findall(where)]
            for step in steps:
                value = value[step]
            self._wrong_value(problem, value, kind, (key, *steps))

    def _wrong_value(self, problem: str, value: Any, kind: Any, keys: Path) -> None:
        """Add what msgspec finds wrong with a value, in the words of the other mistakes."""
        expected = _EXPECTED.match(problem)
        if expected and expected[1] in _KINDS:
            needed, hint = _KINDS[expected[1]]
            self.wrong(f"{shown(value)} is not {needed}", hint, *keys)
        else:
            self.wrong(f"{shown(value)} is not allowed here", nearest(str(value), get_args(kind), "use one of"), *keys)
