"""What somebody who plugs in a device copies: lines of a shell, programs, a flow; or the steps on the device's form."""

import json
import shlex
from typing import Final

import msgspec

from broker.contract.topics import PREFIX
from edge.dialects import DIALECTS

HOST: Final = "HOST"
PASSWORD: Final = "PASSWORD"  # noqa: S105  (what stands for one)
LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
FORMS: Final = {
    "shelly": "shelly",
    "tasmota": "tasmota",
    "esphome": "homeassistant",
    "homeassistant": "homeassistant",
    "zigbee2mqtt": "zigbee2mqtt",
}
"""The names of devices with a form of their own, and the dialect that each speaks."""


class Login(msgspec.Struct, frozen=True):
    """Where a device connects, and as whom.

    Attributes:
        host: of the broker, as this computer reaches it.
        port: of the broker.
        user: '' where the broker asks for none.
        password: of the user; '' where there is none.
    """

    host: str
    port: int
    user: str = ""
    password: str = ""

    @property
    def seen_from_afar(self) -> str:
        """The host as a device on the network reaches it; `HOST` where that is not known."""
        return HOST if self.host in LOOPBACK else self.host


def of_the_contract(asset: str, login: Login) -> dict[str, str]:
    """Return by title the lines for a device that publishes messages of the contract."""
    return {
        "mosquitto_pub": _mosquitto_pub(asset, login),
        "Python (pip install paho-mqtt)": _python(asset, login),
        "Arduino, ESP32 (library PubSubClient)": _arduino(asset, login),
        "Node-RED (menu, Import)": _node_red(asset, login),
    }


def of_a_form(form: str, asset: str, login: Login, gateway: str) -> dict[str, str]:
    """Return by title what to set on the form of a device that speaks a dialect, and the gateway that translates."""
    entry = DIALECTS[FORMS[form]]
    steps = entry.device.replace("HOST", login.seen_from_afar).replace("PORT", str(login.port)).rstrip()
    who = f"\nUser `{login.user}`, password `{login.password}`." if login.user else ""
    name = asset.rpartition("/")[2]
    named = f"Call it `{name}` there, as topic, prefix or name: by that name it is {asset}."
    return {f"On the device ({entry.title})": f"{named}\n{steps}{who}", "The gateway": gateway}


def gateway_of(form: str, asset: str, url: str) -> str:
    """Return the command that translates what the device publishes on a broker, to the same broker."""
    broker = shlex.quote(url)
    place = asset.rpartition("/")[0]
    return f"./corridor gateway {FORMS[form]} --from {broker} --to {broker} --place {place}"


def gateway_of_the_stack(form: str, asset: str) -> str:
    """Return what to write into the stack's `.env`, so that its gateway translates from the devices' own broker."""
    return "\n".join(
        (
            "In .env, beside the profile that is there already; then `docker compose up -d`:",
            "COMPOSE_PROFILES=…,gateway",
            f"CORRIDOR_GATEWAY_SOURCE=mqtt://{HOST}",
            f"CORRIDOR_GATEWAY_DIALECT={FORMS[form]}",
            f"CORRIDOR_GATEWAY_PLACE={asset.rpartition('/')[0]}",
        )
    )


def _mosquitto_pub(asset: str, login: Login) -> str:
    who = f" -u {shlex.quote(login.user)} -P {shlex.quote(login.password)}" if login.user else ""
    begin = f"mosquitto_pub -h {login.host} -p {login.port}{who} -q 1"
    return "\n".join(
        (
            f"{begin} -r -t {PREFIX}/{asset}/state -m running",
            f'{begin} -t {PREFIX}/{asset}/telemetry/temperature -m \'{{"value":21.5,"unit":"Cel"}}\'',
        )
    )


def _python(asset: str, login: Login) -> str:
    who = [f"client.username_pw_set({login.user!r}, {login.password!r})"] if login.user else []
    return "\n".join(
        (
            "import json, time",
            "import paho.mqtt.client as mqtt",
            "client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)",
            *who,
            f"client.will_set({f'{PREFIX}/{asset}/status'!r}, 'offline', qos=1, retain=True)",
            f"client.connect({login.host!r}, {login.port})",
            "client.loop_start()",
            f"client.publish({f'{PREFIX}/{asset}/status'!r}, 'online', qos=1, retain=True)",
            "while True:",
            "    message = {'ts': time.time_ns() // 1_000_000, 'value': 21.5, 'unit': 'Cel'}",
            f"    client.publish({f'{PREFIX}/{asset}/telemetry/temperature'!r}, json.dumps(message), qos=1)",
            "    time.sleep(1)",
        )
    )


def _arduino(asset: str, login: Login) -> str:
    user, password = (json.dumps(login.user), json.dumps(login.password)) if login.user else ("NULL", "NULL")
    client = asset.replace("/", "-")
    payload = json.dumps('{"value":21.5,"unit":"Cel"}')
    return "\n".join(
        (
            "#include <WiFi.h>",
            "#include <PubSubClient.h>",
            f'#define ASSET "{PREFIX}/{asset}"',
            "WiFiClient network;",
            "PubSubClient mqtt(network);",
            "void setup() {",
            '  WiFi.begin("NETWORK", "WIFI-PASSWORD");',
            "  while (WiFi.status() != WL_CONNECTED) delay(200);",
            f'  mqtt.setServer("{login.seen_from_afar}", {login.port});',
            "}",
            "void loop() {",
            "  if (!mqtt.connected() &&",
            f'      mqtt.connect("{client}", {user}, {password}, ASSET "/status", 1, true, "offline"))',
            '    mqtt.publish(ASSET "/status", "online", true);',
            "  mqtt.loop();",
            f'  mqtt.publish(ASSET "/telemetry/temperature", {payload});',
            "  delay(1000);",
            "}",
        )
    )


def _node_red(asset: str, login: Login) -> str:
    """Return a flow; a password is not part of what Node-RED imports, so it is typed into the broker's node."""
    topic = f"{PREFIX}/{asset}"
    broker = {
        "id": "c0rr1d0r0add0004",
        "type": "mqtt-broker",
        "name": "Corridor",
        "broker": login.host,
        "port": str(login.port),
        "clientid": "",
        "autoConnect": True,
        "protocolVersion": "4",
        "keepalive": "60",
        "cleansession": True,
        **_announced(topic, "birth", "online"),
        **_announced(topic, "will", "offline"),
    }
    nodes = [
        {"id": "c0rr1d0r0add0001", "type": "tab", "label": asset},
        {
            "id": "c0rr1d0r0add0002",
            "type": "inject",
            "z": "c0rr1d0r0add0001",
            "repeat": "1",
            "props": [{"p": "payload"}],
            "payload": '{"value":21.5,"unit":"Cel"}',
            "payloadType": "json",
            "x": 130,
            "y": 80,
            "wires": [["c0rr1d0r0add0003"]],
        },
        {
            "id": "c0rr1d0r0add0003",
            "type": "mqtt out",
            "z": "c0rr1d0r0add0001",
            "topic": f"{topic}/telemetry/temperature",
            "qos": "1",
            "retain": "false",
            "broker": broker["id"],
            "x": 330,
            "y": 80,
            "wires": [],
        },
        broker,
    ]
    return json.dumps(nodes)


def _announced(topic: str, when: str, payload: str) -> dict[str, str]:
    return {f"{when}Topic": f"{topic}/status", f"{when}Payload": payload, f"{when}Qos": "1", f"{when}Retain": "true"}
