"""Register maps of Modbus devices: a file that says what the registers of a device mean.

[device.press-4]
address = "192.168.0.17:502"          # port 502 if left out
unit = 1                              # the unit identifier
every = "1s"                          # how often it is read
word-order = "high-first"             # of values of several registers; or "low-first"

[[device.press-4.value]]
signal = "oil-temperature"            # or count = "good", meter = "electricity", state = { 0 = "idle", 1 = "running" }
table = "holding"                     # or input, coil, discrete
register = 100                        # as the protocol counts, from 0
type = "int16"                        # int16 uint16 int32 uint32 int64 uint64 float32 float64 bit
scale = 0.1                           # the value is raw × scale + offset
unit = "Cel"
no-value = 32767                      # what the device sends for "no value"
"""

import struct
import tomllib
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

import msgspec

from broker.contract import durations
from broker.contract.errors import ContractError, shown
from broker.contract.events import STATES
from broker.contract.names import is_name

Table = Literal["holding", "input", "coil", "discrete"]
Counter = Literal["produced", "good", "scrap", "rework", "inspected", "first_pass", "planned_scrap", "startup_scrap"]
Type = Literal["int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64", "bit"]

BITS: Final = frozenset({"coil", "discrete"})
"""Tables whose values are single bits."""
MOST_AT_ONCE: Final = {"holding": 125, "input": 125, "coil": 2_000, "discrete": 2_000}
"""What one request may ask for."""
_GAP: Final = 16
"""Registers that nobody asked for, and are read nevertheless where that saves a request."""
_FORMATS: Final[dict[str, tuple[str, int]]] = {
    "int16": ("h", 1),
    "uint16": ("H", 1),
    "int32": ("i", 2),
    "uint32": ("I", 2),
    "float32": ("f", 2),
    "int64": ("q", 4),
    "uint64": ("Q", 4),
    "float64": ("d", 4),
}
"""Of each type what `struct` calls it, and how many registers it has."""


class Value(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """One value of a device; see the module."""

    register: int
    table: Table = "holding"
    type: Type = "uint16"
    bit: int | None = None
    signal: str = ""
    count: Counter | Literal[""] = ""
    meter: str = ""
    state: Mapping[str, str] = {}
    scale: float = 1.0
    offset: float = 0.0
    unit: str = ""
    no_value: float | None = None

    @property
    def length(self) -> int:
        """How many registers or bits it has."""
        return 1 if self.table in BITS or self.type == "bit" else _FORMATS[self.type][1]

    @property
    def name(self) -> str:
        """What it is called in an error text."""
        return self.signal or self.count or self.meter or "state"


class Device(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """One device; see the module."""

    address: str
    value: tuple[Value, ...]
    unit: int = 1
    every: str = "1s"
    asset: str = ""
    word_order: Literal["high-first", "low-first"] = "high-first"

    @property
    def every_s(self) -> float:
        """How often it is read, seconds."""
        return durations.parse(self.every)

    @property
    def endpoint(self) -> tuple[str, int]:
        """Host and port."""
        host, _, port = self.address.rpartition(":") if ":" in self.address else (self.address, "", "502")
        return host, int(port)

    @property
    def is_reachable(self) -> bool:
        """Whether address, unit identifier and interval are in their ranges."""
        try:
            return 0 < self.endpoint[1] < 65_536 and self.every_s > 0 and 0 <= self.unit <= 255
        except ValueError:
            return False

    def blocks(self) -> list[tuple[Table, int, int]]:
        """Return what to ask for: table, first register and how many; neighbours are asked for at once."""
        found: list[tuple[Table, int, int]] = []
        for value in sorted(self.value, key=lambda one: (one.table, one.register)):
            end = value.register + value.length
            if found:
                table, first, count = found[-1]
                is_near = table == value.table and value.register <= first + count + _GAP
                if is_near and max(end, first + count) - first <= MOST_AT_ONCE[table]:
                    found[-1] = (table, first, max(end, first + count) - first)
                    continue
            found.append((value.table, value.register, value.length))
        return found


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    device: dict[str, Device]


def parse(text: str) -> dict[str, Device]:
    """Return the devices of a register map by their names.

    Raises:
        ContractError: it is not one; the text says where.
    """
    try:
        devices = msgspec.convert(tomllib.loads(text), _File, strict=True).device
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ContractError(f"the register map cannot be read: {error}", "see the page of the dialect") from error
    for name, device in devices.items():
        for place, value in enumerate(device.value, start=1):
            if problem := _problem(value):
                raise ContractError(f"device {shown(name)}, value {place}: {problem}", "see the page of the dialect")
        if not device.is_reachable:
            problem = f"device {shown(name)}: address, unit or every is out of range"
            raise ContractError(problem, 'write address = "host:502", unit = 1, every = "1s"')
    return devices


def number(value: Value, registers: Sequence[int], word_order: str) -> float | bool | None:
    """Return what the registers of a value hold, scaled; None where that stands for no value.

    Args:
        value: its description.
        registers: its own, as read, of 16 bits each; or bits.
        word_order: that of its device.
    """
    if value.table in BITS:
        return bool(registers[0])
    if value.bit is not None:
        return bool(registers[0] >> value.bit & 1)
    words = registers if word_order == "high-first" else registers[::-1]
    packed = b"".join(word.to_bytes(2, "big") for word in words)
    [raw] = struct.unpack(">" + _FORMATS[value.type][0], packed)
    if raw == value.no_value:
        return None
    if value.scale == 1 and not value.offset:
        return float(raw)
    return float(f"{raw * value.scale + value.offset:.12g}")  # 3 × 0.1 is 0.3


def _problem(value: Value) -> str:
    roles = [bool(value.signal), bool(value.count), bool(value.meter), bool(value.state)]
    if sum(roles) != 1:
        return "give it one of signal, count, meter and state"
    for name in (value.signal, value.meter):
        if name and not is_name(name):
            return f"{shown(name)} is not a name"
    if not 0 <= value.register <= 65_535 or value.register + value.length > 65_536:
        return f"register {value.register} is not one of 0 to 65535"
    if (value.type == "bit") != (value.bit is not None) and value.table not in BITS:
        return "a bit has its place, bit = 0 to 15, and type bit"
    if value.bit is not None and not 0 <= value.bit < 16:
        return f"bit {value.bit} is not one of 0 to 15"
    unknown = [word for word in value.state.values() if word not in STATES]
    return f"state {shown(unknown[0])} is none of {', '.join(STATES)}" if unknown else ""


def describe(document: Any) -> dict[tuple[str, int], Sequence[int]]:
    """Return the blocks of a message by table and first register.

    Raises:
        ContractError: the document has none.
    """
    try:
        blocks = msgspec.convert(document, dict[str, list[int]])
        return {(name.partition(":")[0], int(name.partition(":")[2])): words for name, words in blocks.items()}
    except (msgspec.ValidationError, ValueError) as error:
        raise ContractError(f"the registers cannot be read: {error}", 'send {"holding:100":[1,2]}') from error
