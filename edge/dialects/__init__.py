"""Dialects: what devices send that do not speak the contract, translated to its events.

A dialect is one file, or a small folder, which implements `dialect.Dialect`, in `home` (what hangs in homes and
offices), `shopfloor` (the standards of machines), `namespaces` (whole systems) or `mapping` (all the rest, by a user's
file); a line in `DIALECTS`; and a folder of cases in `tests/edge/dialects/`. It is pure: messages come in; events,
rejections and requests go out. It stores only what it needs to understand later messages. Sockets, clocks and the
contract's topics never come in: `edge.gateways` runs the dialects. `guard.translate` is how they are called, whatever a
payload does to one.
"""

from typing import Final

from edge.dialects.dialect import Entry
from edge.dialects.home import homeassistant, shelly, tasmota, zigbee2mqtt
from edge.dialects.mapping import mapped
from edge.dialects.namespaces import aas, factory_plus_uns, umh
from edge.dialects.opcua import translator as opcua
from edge.dialects.shopfloor import iolink, modbus, mtconnect, opcua_json, packml, shdr, umati
from edge.dialects.sparkplug import translator as sparkplug

DIALECTS: Final[dict[str, Entry]] = {
    entry.name: entry
    for entry in (
        sparkplug.DIALECT,
        factory_plus_uns.DIALECT,
        shelly.DIALECT,
        tasmota.DIALECT,
        homeassistant.DIALECT,
        zigbee2mqtt.DIALECT,
        mapped.DIALECT,
        umh.DIALECT,
        packml.DIALECT,
        modbus.DIALECT,
        mtconnect.DIALECT,
        opcua.DIALECT,
        opcua_json.DIALECT,
        umati.DIALECT,
        iolink.DIALECT,
        aas.DIALECT,
        shdr.DIALECT,
    )
}
"""The dialects by the name that a user types."""
