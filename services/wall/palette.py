"""The one table from a machine's state to how it looks: state → category → colour.

Normal is grey: colour means *look here*. Red is down, orange waits or is behind plan, blue means that someone is
acting, yellow asks for attention. Every category has a shape and a word beside its colour, and two colours: one for
areas and a darker (in the dark, lighter) one for text on the ground and on cards, with a contrast of at least 4.5 : 1.
The hues stay apart for the colour-blind: red is much darker than orange, and blue is neither.

Theme `calm` is for desks; `andon` has the colours of a tower light, for the screen overhead. The wall's style sheet
and its scripts are made from this table; a dashboard that colours states uses it too.
"""

import json
from typing import Final, Literal

from broker.contract.events import STATES, State

Category = Literal["run", "wait", "act", "down", "idle", "off", "unknown"]
Scheme = Literal["light", "dark"]

CATEGORY: Final[dict[State, Category]] = {
    "running": "run",
    "setup": "act",
    "starved": "wait",
    "blocked": "wait",
    "idle": "idle",
    "down": "down",
    "maintenance": "act",
    "off": "off",
    "unknown": "unknown",
}

Tokens = dict[str, str]

_CALM: Final[dict[Scheme, Tokens]] = {
    "light": {
        "ground": "#e8eaec",
        "card": "#f8f9f9",
        "line": "#d2d6da",
        "ink": "#1d2125",
        "dim": "#555d65",
        "faint": "#8b939a",
        "track": "#e1e4e7",
        "productive": "#77818a",
        "run": "#aab2b8",
        "idle": "#d3d7db",
        "off": "#eceef0",
        "down": "#b3261e",
        "down-text": "#a32019",
        "wait": "#dd8500",
        "wait-text": "#864d00",
        "act": "#0b6fae",
        "act-text": "#085b90",
        "attention": "#c9a400",
        "attention-text": "#6b5600",
        "unknown": "#8b939a",
        "focus": "#0b6fae",
    },
    "dark": {
        "ground": "#14171a",
        "card": "#1d2125",
        "line": "#32383e",
        "ink": "#e6e9ec",
        "dim": "#a3abb3",
        "faint": "#737c85",
        "track": "#2a3036",
        "productive": "#a3acb4",
        "run": "#69727b",
        "idle": "#3c434a",
        "off": "#23282d",
        "down": "#f0584d",
        "down-text": "#ff7b70",
        "wait": "#f0a030",
        "wait-text": "#f2a93f",
        "act": "#4aa8e0",
        "act-text": "#62b5e8",
        "attention": "#e3c64c",
        "attention-text": "#e3c64c",
        "unknown": "#737c85",
        "focus": "#62b5e8",
    },
}

_ANDON: Final[dict[Scheme, Tokens]] = {
    "light": {"run": "#3f9d62", "productive": "#2b7a48", "idle": "#cfd6c2", "down": "#cc1f16"},
    "dark": {"run": "#24946f", "productive": "#45bd72", "idle": "#4a5a3e", "down": "#ff4a3d"},
}

THEMES: Final[dict[str, dict[Scheme, Tokens]]] = {
    "calm": _CALM,
    "andon": {scheme: _CALM[scheme] | _ANDON[scheme] for scheme in ("light", "dark")},
}


def style_sheet() -> str:
    """Return the colours as CSS custom properties: by the system's scheme, or by `data-scheme` and `data-theme`."""
    rules = []
    for theme, schemes in THEMES.items():
        root = ":root" if theme == "calm" else f':root[data-theme="{theme}"]'
        light, dark = _properties(schemes["light"]), _properties(schemes["dark"])
        rules += [
            f"{root}{{color-scheme:light;{light}}}",
            f'@media (prefers-color-scheme:dark){{{root}:not([data-scheme="light"]){{color-scheme:dark;{dark}}}}}',
            f'{root}[data-scheme="dark"]{{color-scheme:dark;{dark}}}',
            # On paper it is always light.
            f"@media print{{{root}:not([data-print]){{color-scheme:light;{light}}}}}",
        ]
    return "\n".join(rules) + "\n"


def script() -> str:
    """Return the table of states as an ES module."""
    return f"export const CATEGORY = {json.dumps({state: CATEGORY[state] for state in STATES})};\n"


def _properties(tokens: Tokens) -> str:
    return "".join(f"--{name}:{value};" for name, value in tokens.items())
