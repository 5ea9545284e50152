"""The page of all settings, made from the commands' options and the files of the stack.

    PYTHONPATH=. python -m cli.site.settings_table > docs/reference/settings.md

writes it again after an option or a variable has changed.
"""

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from cli import main
from cli.invocation import checkout
from cli.stack.stack import PORTS, SECRETS, SETTINGS

PAGE: Final = Path("docs") / "reference" / "settings.md"

_HEAD: Final = """\
# All settings

An option is looked up on the command line, then in the environment, then in the file that its variable with `_FILE`
names, then in `corridor.toml` in the data folder; only then it has its default. So `--mqtt-port 1884`,
`CORRIDOR_MQTT_PORT=1884`, `CORRIDOR_MQTT_PORT_FILE=/run/secrets/port` and, in `corridor.toml`,

    [demo]
    mqtt-port = 1884

mean the same. At the top of the file, above every table, a setting holds for all commands that have it. A flag
is `true` or `false` there.

| option, also in `corridor.toml` | variable | default | commands | meaning |
|---|---|---|---|---|
"""

_PROGRAM: Final = {
    "CORRIDOR_DATA": "the data folder of every command that has `--data`; not in `corridor.toml`, which lies there",
    "CORRIDOR_DEBUG": "`1`: an error shows where in the program it was raised",
    "XDG_DATA_HOME": "installed program, not Windows: the data folder is `corridor` in it; or `~/.local/share`",
    "LOCALAPPDATA": "Windows, installed program: the data folder is `corridor` in it",
    "CI": "`true`: `test` runs the slow tests, too, and a missing program is a failure",
    "PATH": "where `mosquitto` is searched",
}
"""What the program reads from the environment beside its options."""

_STACK_HEAD: Final = """
## The stack's `.env`

`./corridor stack init` writes it ([run the stack](../how-to/run-the-stack.md)); after a change, `docker compose up -d`.

| variable | default | meaning |
|---|---|---|
"""
_STACK: Final = {
    **{name: what for name, (_, what) in SETTINGS.items()},
    "CORRIDOR_MQTT_PORT": "the port of the broker",
    "CORRIDOR_MQTTS_PORT": "the port of the broker by TLS",
    "CORRIDOR_WALL_PORT": "the port of the wall",
    "CORRIDOR_GRAFANA_PORT": "the port of Grafana",
    "CORRIDOR_INFLUXDB_PORT": "the port of InfluxDB, on this computer alone",
    **SECRETS,
    "CORRIDOR_MQTT_DEVICES": "devices with the hashes of their passwords, as `stack init --device` writes them",
    "CORRIDOR_TLS_CERTIFICATE": "the broker's certificate: PEM with its chain, in base64 on one line",
    "CORRIDOR_TLS_KEY": "its key: PEM in base64 on one line",
    "CORRIDOR_PLANTS": "the folder of plant files and mapping files, `/plants` in the containers",
    "CORRIDOR_PLANT": "the plant file, as the containers see it; empty: none",
    "CORRIDOR_PAGES": "the folder of Grafana's pages and alert rules that `dashboards build --out` made",
    "CORRIDOR_PAST": "how much of the past the simulated machines have at the first start",
    "CORRIDOR_GATEWAY_SOURCE": "the address of the devices' broker, for the profile `gateway`",
    "CORRIDOR_GATEWAY_DIALECT": "the dialects that the gateway reads, with spaces between",
    "CORRIDOR_GATEWAY_PLACE": "site, area and line of devices that do not send where they are",
    "CORRIDOR_GATEWAY_MAPPING": "a mapping file, as the container sees it",
    "CORRIDOR_GATEWAY_MACHINE": "paths of single devices, `DEVICE=site/area/line/machine`, with spaces between",
    "CORRIDOR_GATEWAY_SET": "settings of a dialect, `NAME=VALUE`, with spaces between",
    "CORRIDOR_GATEWAY_AGENT": "MTConnect agents to ask, `http://HOST:5000`, with spaces between; for `mtconnect`",
    "CORRIDOR_GATEWAY_ANNOUNCE": "`true`: announces the machines to Home Assistant; for `homeassistant`",
    "CORRIDOR_ALERT_TYPE": "how Grafana notifies: `email`, `webhook` or another type of its contact points",
    "CORRIDOR_ALERT_TO": "whom Grafana notifies: an e-mail address, or the webhook's",
    "COMPOSE_PROFILES": "what runs: `simulator`, `no-simulator`, `tls`, `no-simulator-tls`; with `,gateway` a gateway",
}
"""What `.env` of the stack may have."""


def page(root: Path) -> str:
    """Return the page of a checkout."""
    defaults = dict(re.findall(r"\$\{([A-Z_]+)(?::?-)([^}]*)\}", _compose(root)))
    stack = [(name, _stack_default(name, defaults), what) for name, what in _STACK.items()]
    return "".join(
        (
            _HEAD,
            "".join(f"| {' | '.join(cells)} |\n" for cells in _options()),
            "\n## What else is read from the environment\n\n| variable | meaning |\n|---|---|\n",
            "".join(f"| `{name}` | {what} |\n" for name, what in _PROGRAM.items()),
            _STACK_HEAD,
            "".join(f"| `{name}` | {default} | {what} |\n" for name, default, what in stack),
        )
    )


def compose_variables(root: Path) -> set[str]:
    """Return the variables that the compose file takes from `.env`."""
    return set(re.findall(r"\$\{([A-Z_]+)", _compose(root)))


def documented() -> tuple[set[str], set[str]]:
    """Return the variables of the program and those of the stack that the page explains beside options."""
    return set(_PROGRAM), set(_STACK)


def _compose(root: Path) -> str:
    return (root / "docker-compose.yml").read_text(encoding="utf-8")


def _stack_default(name: str, defaults: dict[str, str]) -> str:
    """Return what `.env` or the compose file has for a variable; a secret has no default."""
    if name in SECRETS:
        return "generated"
    value = SETTINGS[name][0] if name in SETTINGS else str(PORTS.get(name, defaults.get(name, "")))
    return f"`{value}`" if value else "–"


def _options() -> Iterator[tuple[str, ...]]:
    """Return a row for each option; commands in which it has one meaning and default share a row."""
    found: dict[tuple[str, str, str], list[str]] = {}
    for entry in main.COMMANDS:
        command: Any = main.LazyGroup(entries=main.COMMANDS)
        for word in entry.name.split():
            command = command.get_command(None, word)
        for option in command.params:
            if option.opts[0].startswith("--"):
                key = ("/".join((*option.opts, *option.secondary_opts)), _default(option), _text(option.help or ""))
                found.setdefault(key, []).append(entry.name)
    for (names, default, meaning), commands in sorted(found.items()):
        setting = names.partition("/")[0].lstrip("-")
        variable = f"CORRIDOR_{setting.upper().replace('-', '_')}"
        shown = ", ".join(f"`{name}`" for name in names.split("/"))
        yield shown, f"`{variable}`", default, ", ".join(f"`{name}`" for name in commands), meaning


def _default(option: Any) -> str:
    if callable(option.default):
        return "the data folder" if "--data" in option.opts else "–"
    if option.default in (None, "", ()) or option.default == []:
        return "–"
    if isinstance(option.default, bool):
        return "on" if option.default else "off"
    return f"`{option.default:g}`" if isinstance(option.default, float) else f"`{option.default}`"


def _text(meaning: str) -> str:
    return " ".join(meaning.split()).replace("|", "&#124;").replace("<", "&lt;")


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]  # it is a text file
    for name in [name for name in os.environ if name.startswith("CORRIDOR_")]:
        del os.environ[name]
    sys.stdout.write(page(checkout.require("docs")))
