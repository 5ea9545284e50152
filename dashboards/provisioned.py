"""The generated files as Grafana reads them, for who puts them into Grafana without the SDK that made them.

In files of alerting, Grafana replaces `$NAME` by a variable of the environment and `$$` by a dollar sign, but in the
fields of `AS_WRITTEN`: its documentation of file provisioning lists them, *Template variable interpolation*.
"""

import json
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from dashboards.names import FOLDER

ROOT: Final = Path(__file__).parent
RULES: Final = Path("provisioning") / "alerting" / "rules.yaml"
AS_WRITTEN: Final = frozenset({"model", "annotations", "relativeTimeRange"})
"""The fields of an alert rule in which Grafana interpolates nothing."""
_DOLLAR: Final = re.compile(r"\$(?:\$|\{(\w+)\}|(\w+))")

Object = dict[str, Any]


def pages(root: Path = ROOT) -> list[Object]:
    """Return the dashboards."""
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted((root / "json").glob("corridor-*.json"))]


def playlist(root: Path = ROOT) -> Object:
    """Return the playlist."""
    found: Object = json.loads((root / "playlist.json").read_text(encoding="utf-8"))
    return found


def rule_groups(root: Path = ROOT) -> list[Object]:
    """Return the groups of alert rules in the form of Grafana's interface, made of that of the file.

    Without contact point: there, alerts follow the notification policies.
    """
    groups = yaml.safe_load((root / RULES).read_text(encoding="utf-8"))["groups"]
    return [
        {
            "title": group["name"],
            "folderUid": FOLDER,
            "interval": int(group["interval"].removesuffix("s")),
            "rules": [
                {
                    **{name: value for name, value in rule.items() if name != "notification_settings"},
                    "folderUID": FOLDER,
                    "ruleGroup": group["name"],
                    "orgID": 1,
                }
                for rule in interpolated(group["rules"], filled_in)
            ],
        }
        for group in groups
    ]


def interpolated(value: Any, change: Callable[[str], str]) -> Any:
    """Return a file's value with `change` applied to each text in it, but in the fields that are taken as written."""
    match value:
        case str():
            return change(value)
        case dict():
            return {key: part if key in AS_WRITTEN else interpolated(part, change) for key, part in value.items()}
        case list():
            return [interpolated(part, change) for part in value]
        case _:
            return value


def filled_in(text: str, environment: Mapping[str, str] = os.environ) -> str:
    """Return a text as Grafana interpolates it: `$$` is a dollar sign, a variable that is not set is empty."""
    return _DOLLAR.sub(lambda found: environment.get(name, "") if (name := found[1] or found[2]) else "$", text)
