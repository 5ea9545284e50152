"""Modbus: registers that a gateway has read, by the device's register map (`edge.dialects.shopfloor.modbus_map`).

The gateway polls the devices itself, and hands over what it read: `modbus/<device>` with `{"holding:100":[2715,0]}`,
the registers of each block from its first, or `{"online":false}` where the device does not answer. A signal is
reported each time that it is read; a state, counters and meters when they change. Counters are sent as they stand:
where they begin again at 2¹⁶ or 2³² the ledger counts on, and with a scale `counter-max` in the plant file says where.
"""

from collections.abc import Sequence
from typing import Any, Final

from broker.contract.errors import ContractError
from broker.contract.events import AnyEvent, Count, Meter, StateChange, Status
from broker.contract.message import Message
from edge.dialects import values
from edge.dialects.dialect import NOTHING, Dialect, Entry, Setup, Translation
from edge.dialects.naming import Machines, Names
from edge.dialects.repeats import Changes
from edge.dialects.shopfloor import modbus_map
from edge.dialects.shopfloor.modbus_map import Device, Value
from edge.dialects.values import Stamp

TOPIC: Final = "modbus/"
ONLINE: Final = "online"


class Modbus(Dialect):
    """The devices of a register map."""

    def __init__(self, setup: Setup) -> None:
        self._devices = modbus_map.parse(setup.mapping) if setup.mapping else {}
        self._machines = Machines(setup, Names())
        self._changes = Changes()

    def translate(self, message: Message) -> Translation:
        """Translate what was read of a device at once."""
        name = message.topic.removeprefix(TOPIC)
        device = self._devices.get(name)
        if device is None or not message.topic.startswith(TOPIC):
            return NOTHING
        try:
            document = values.json_object(message.payload)
            stamp = Stamp.of(message, device.asset or self._machines.asset(name))
            if ONLINE in document:
                return Translation(events=self._presence(stamp, values.flag(document[ONLINE]) is True))
            return self._registers(device, stamp, modbus_map.describe(document))
        except ContractError as error:
            return Translation(rejections=[error])

    def _presence(self, stamp: Stamp, online: bool) -> list[AnyEvent]:
        return [Status(**stamp.shared(), online=online)] if self._changes.is_new(stamp.asset, ONLINE, online) else []

    def _registers(self, device: Device, stamp: Stamp, blocks: dict[tuple[str, int], Sequence[int]]) -> Translation:
        events: list[AnyEvent] = self._presence(stamp, online=True)
        rejections: list[ContractError] = []
        for value in device.value:
            words = _words(value, blocks)
            if words is None:
                continue
            try:
                events += self._event(device, value, words, stamp)
            except ContractError as error:
                rejections.append(ContractError(f"{value.name}: {error.problem}", error.hint))
        return Translation(events=events, rejections=rejections)

    def _event(self, device: Device, value: Value, words: Sequence[int], stamp: Stamp) -> list[AnyEvent]:
        found = modbus_map.number(value, words, device.word_order)
        if value.state:
            code = values.number(found)
            state: Any = "unknown" if code is None else value.state.get(f"{code:.0f}", "unknown")
            return (
                [StateChange(**stamp.shared(), state=state)]
                if self._changes.is_new(stamp.asset, "state", state)
                else []
            )
        if value.signal:
            return stamp.sample(value.signal, found, value.unit)
        total = values.number(found)
        if total is None or not self._changes.is_new(stamp.asset, value.name, total):
            return []
        if total < 0:
            raise ContractError("a cumulative value is negative", "see its type and word-order")
        if value.meter:
            return [Meter(**stamp.shared(), name=value.meter, total=total, unit=values.unit_code(value.unit))]
        counted: dict[str, Any] = {**stamp.shared(), value.count: total}
        return [Count(**counted)]


def _words(value: Value, blocks: dict[tuple[str, int], Sequence[int]]) -> Sequence[int] | None:
    """Return the registers of a value; None where they were not read."""
    for (table, first), words in blocks.items():
        if table == value.table and first <= value.register and value.register + value.length <= first + len(words):
            found = words[value.register - first :][: value.length]
            return found if all(0 <= word <= 0xFFFF for word in found) else None
    return None


DIALECT: Final = Entry(
    "modbus",
    "Modbus TCP, by a register map",
    Modbus,
    loses=("Writing: a gateway reads only.", "Modbus RTU; a converter to TCP is understood."),
    seen=("npm's modbus-serial 8.0.25",),
    details=modbus_map.__doc__ or "",
    device="""\
1. Switch Modbus TCP on, and note address, port and unit identifier of the device.
2. Write a register map by the device's manual, `press.toml`; the reference shows one. Registers count from 0: where a
   manual counts 40001 and on, subtract 40001.
3. Name it with `--mapping press.toml`; the gateway needs no `--from`, for it polls the device itself.
""",
)
