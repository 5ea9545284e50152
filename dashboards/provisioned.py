"""The generated files as they lie there, for who puts them into Grafana without the SDK that made them."""

import json
from pathlib import Path
from typing import Any, Final

import yaml

from dashboards.names import FOLDER

ROOT: Final = Path(__file__).parent
RULES: Final = Path("provisioning") / "alerting" / "rules.yaml"

Object = dict[str, Any]


def pages(root: Path = ROOT) -> list[Object]:
    """Return the dashboards."""
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted((root / "json").glob("corridor-*.json"))]


def playlist(root: Path = ROOT) -> Object:
    """Return the playlist."""
    found: Object = json.loads((root / "playlist.json").read_text(encoding="utf-8"))
    return found


def rule_groups(root: Path = ROOT) -> list[Object]:
    """Return the groups of alert rules in the form of Grafana's interface, made of that of the file."""
    groups = yaml.safe_load((root / RULES).read_text(encoding="utf-8"))["groups"]
    return [
        {
            "title": group["name"],
            "folderUid": FOLDER,
            "interval": int(group["interval"].removesuffix("s")),
            "rules": [
                {**rule, "folderUID": FOLDER, "ruleGroup": group["name"], "orgID": 1}
                for rule in _unescaped(group["rules"])
            ],
        }
        for group in groups
    ]


def _unescaped(value: Any) -> Any:
    match value:
        case str():
            return value.replace("$$", "$")
        case dict():
            return {key: _unescaped(part) for key, part in value.items()}
        case list():
            return [_unescaped(part) for part in value]
        case _:
            return value
