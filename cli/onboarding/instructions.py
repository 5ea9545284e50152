"""What somebody who plugs in a device copies: lines of a shell, programs, a flow; or the steps on the device's form."""

import re
import shlex
from importlib import resources
from typing import Final
from urllib.parse import quote

import msgspec

from cli.onboarding import snippets
from edge.dialects import DIALECTS

HOST: Final = "HOST"
PASSWORD: Final = "PASSWORD"  # noqa: S105  (what stands for one)
LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
SHELL, PYTHON, MICROPYTHON = "mosquitto_pub.txt", "python.txt", "micropython.txt"
ARDUINO, NODE_RED = "arduino.txt", "node_red.json"
TITLES: Final = {
    SHELL: "mosquitto_pub",
    PYTHON: "Python (pip install paho-mqtt)",
    MICROPYTHON: "MicroPython (ESP32, Raspberry Pi Pico W)",
    ARDUINO: "Arduino, ESP32 (library PubSubClient)",
    NODE_RED: "Node-RED (menu, Import)",
}
"""The snippets, and how each is titled."""
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
        outside: how devices on the network reach the host, where `host` is this computer; '' where that is not known.
    """

    host: str
    port: int
    user: str = ""
    password: str = ""
    outside: str = ""

    @property
    def seen_from_afar(self) -> str:
        """The host as a device on the network reaches it; `HOST` where that is not known."""
        return (self.outside or HOST) if self.host in LOOPBACK else self.host

    @property
    def url(self) -> str:
        """The broker with this user and password; '' where the password is not known."""
        if self.password == PASSWORD:
            return ""
        who = f"{quote(self.user, safe='')}:{quote(self.password, safe='')}@" if self.user else ""
        return f"mqtt://{who}{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"


DEVICES: Final = Login(HOST, 1883)
"""A broker of the devices' own, beside one that accepts topics of the contract alone; only its user knows where."""


def of_the_contract(asset: str, login: Login) -> dict[str, str]:
    """Return by title the lines for a device that publishes messages of the contract.

    What runs on a board has the address of this computer on the network, where it is known; the rest that of `login`.
    """
    boards = (MICROPYTHON, ARDUINO)
    return {
        title: _filled(name, asset, login, login.seen_from_afar if name in boards else login.host)
        for name, title in TITLES.items()
    }


def of_a_form(form: str, asset: str, login: Login, gateway: str) -> dict[str, str]:
    """Return by title what to set on the form of a device that speaks a dialect, and the gateway that translates."""
    entry = DIALECTS[FORMS[form]]
    steps = entry.device.replace("HOST", login.seen_from_afar).replace("PORT", str(login.port)).rstrip()
    who = f"\nUser `{login.user}`, password `{login.password}`." if login.user else ""
    name = asset.rpartition("/")[2]
    named = f"Call it `{name}` there, as topic, prefix or name: by that name it is {asset}."
    return {f"On the device ({entry.title})": f"{named}\n{steps}{who}", "The gateway": gateway}


def gateway_of(form: str, asset: str, source: str, target: str) -> str:
    """Return the command that translates what the device publishes on a broker.

    Args:
        form: a name of `FORMS`.
        asset: the device's path.
        source: the URL of the devices' broker.
        target: that of the plant's, as a word of a shell.
    """
    place = asset.rpartition("/")[0]
    return f"./corridor gateway {FORMS[form]} --from {shlex.quote(source)} --to {target} --place {place}"


def gateway_of_the_stack(form: str, asset: str) -> str:
    """Return what to write into the stack's `.env`, so that its gateway translates from the devices' own broker."""
    return "\n".join(
        (
            "In .env, beside the profile that is there already; then `docker compose up -d`:",
            "COMPOSE_PROFILES=…,gateway",
            f"CORRIDOR_GATEWAY_SOURCE={DEVICES.url}",
            f"CORRIDOR_GATEWAY_DIALECT={FORMS[form]}",
            f"CORRIDOR_GATEWAY_PLACE={asset.rpartition('/')[0]}",
        )
    )


def _filled(name: str, asset: str, login: Login, host: str) -> str:
    """Return a snippet for a device; without a user, without what names one."""
    text = (resources.files(snippets) / name).read_text(encoding="utf-8")
    if not login.user:
        for without, instead in _WITHOUT_USER:
            text = text.replace(without, instead)
    quoted = shlex.quote if name == SHELL else str
    values = {
        "ASSET": asset,
        "CLIENT": asset.replace("/", "-"),
        "HOST": host,
        "PORT": str(login.port),
        "USER": quoted(login.user),
        "PASSWORD": quoted(login.password),
    }
    return re.sub("@([A-Z]+)@", lambda found: values[found[1]], text).rstrip()


_WITHOUT_USER: Final = (
    (" -u @USER@ -P @PASSWORD@", ""),
    ('client.username_pw_set("@USER@", "@PASSWORD@")\n', ""),
    ('{"user": "@USER@", "password": "@PASSWORD@"}\nclient', "{}  # this broker asks for none\nclient"),
    ('"@USER@";', "nullptr;  // this broker asks for none"),
    ('"@PASSWORD@";', "nullptr;"),
    (',\n   "credentials": {"user": "@USER@", "password": "@PASSWORD@"}}', "}"),
)
"""What names a user and a password, and what stands there where there are none."""
