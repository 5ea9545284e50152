"""The pages of the dialects, generated from their modules, their entries and their cases.

`python -m tests.docs.reference.dialect_pages` writes them: `docs/reference/dialects.md`, a page each in
`docs/reference/dialects/`, and how to connect such a device in `docs/how-to/connect/`.
"""

import json
import sys
from collections.abc import Iterator
from inspect import cleandoc
from pathlib import Path
from typing import Any, Final

from cli.running.gateways import POLLED
from edge.dialects import DIALECTS
from edge.dialects.dialect import Entry
from edge.dialects.speakers import SPEAKERS
from tests.edge.dialects.cases import Case, cases

ROOT: Final = Path(__file__).resolve().parents[3]
OWN_PAGES: Final = {"shdr": "shdr.md", "sparkplug": "sparkplug.md"}
"""Dialects that have a page written by hand."""
MAPPINGS: Final = {"mapped": "first.toml", "modbus": "press.toml", "opcua": "mill.toml"}
"""Dialects that a file describes, and what it is called here."""
ONE_MACHINE: Final = {"shdr": ("adapters/mill-1", "my-site/hall/line-1/mill-1")}
"""Dialects whose messages are of one machine: on which topic, and which."""
REJECTED: Final = "what-cannot-be-read"
_LONGEST: Final = 118
_MOST_LINES: Final = 6


def pages() -> Iterator[tuple[Path, str]]:
    """Yield each generated page: its file and its text."""
    reference = ROOT / "docs" / "reference"
    yield reference / "dialects.md", _index()
    for entry in DIALECTS.values():
        if entry.name not in OWN_PAGES:
            yield reference / "dialects" / f"{entry.name}.md", _reference(entry)
        yield ROOT / "docs" / "how-to" / "connect" / f"{entry.name}.md", _how_to(entry)


def _index() -> str:
    rows = [
        f"| `{entry.name}` | [{entry.title}]({_page(entry)}) |" + f" [connect](../how-to/connect/{entry.name}.md) |"
        for entry in DIALECTS.values()
    ]
    return "\n".join(
        [
            "# Dialects",
            "",
            "What devices send that do not speak the [contract](contract.md). `./corridor gateway DIALECT …`",
            "translates it; source and target may be two brokers. Units are normalised: energy to kW·h, °F to °C.",
            "What was retained without a time is `stale`: shown as last known, and in no sum. Two names that",
            "become one in our alphabet are rejected, with both. Generated: do not edit.",
            "",
            "| name | dialect | |",
            "|---|---|---|",
            *rows,
            "",
            "## Simulated devices",
            "",
            '`dialect = "NAME"` in the [plant file](plant-file.md) makes the simulated machines below that asset',
            "publish in a dialect; `gateway NAME` beside the same broker reads them back. Each dialect's page lists",
            "what does not come back: what it has no word for is not sent. There are `sparkplug` and:",
            "",
            *(f"- [`{name}`](dialects/{name}.md#simulated-machines)" for name in SPEAKERS),
            "",
            "A Shelly has the path of its machine as its prefix, an MTConnect device as its uuid:",
            "`corridor:a:b:c:mill` is `a/b/c/mill`. No setting is needed. None of the three reports that it is",
            "simulated.",
            "",
        ]
    )


def _reference(entry: Entry) -> str:
    own = [case for case in cases() if case.dialect == entry.name]
    lines = [
        f"# {entry.title}",
        "",
        f"`./corridor gateway {entry.name}`. Generated from the code and its cases: do not edit.",
        "",
    ]
    lines += [*_docstring(entry).splitlines(), ""]
    if entry.details:
        lines += [*cleandoc(entry.details).splitlines(), ""]
    lines += ["## Examples", ""]
    lines.append(
        "Topics of the contract are without `corridor/v1/`; a time that a message has not is that of its receipt."
    )
    for case in own:
        if case.name != REJECTED:
            lines += ["", f"### {case.name.replace('-', ' ').capitalize()}", "", *_example(case)]
    lines += ["", "## What is rejected", "", *_rejections(own), "", "## What is lost", ""]
    lines += [f"- {one}" for one in entry.loses]
    if entry.name in SPEAKERS:
        lines += ["", "## Simulated machines", "", *_spoken(entry.name)]
    lines += ["", "## Seen", "", *(f"- {one}" for one in entry.seen), ""]
    return "\n".join(lines)


def _how_to(entry: Entry) -> str:
    steps = entry.device.replace("PORT", "1883")
    mapping = MAPPINGS.get(entry.name, "")
    option = f" --mapping {mapping}" if mapping else ""
    topic, asset = ONE_MACHINE.get(entry.name, ("", ""))
    source = "" if entry.name in POLLED else " --from mqtt://HOST"
    return "\n".join(
        [
            f"# Connect: {entry.title}",
            "",
            "`HOST` is the computer on which the broker runs. What is understood:",
            f"[reference](../../reference/{_page(entry)}). Generated: do not edit.",
            "",
            "## On the device",
            "",
            *steps.rstrip().splitlines(),
            "",
            "## The gateway",
            "",
            f"    ./corridor gateway {entry.name}{source} --to mqtt://127.0.0.1{option} \\",
            *([f"        --topic {topic} --asset {asset}"] if topic else ["        --place my-site/hall/line-1"]),
            "",
            "In the demo, `corridor.toml` in the data folder:",
            "",
            "    [gateway]",
            f'    dialect = ["{entry.name}"]',
            *([f'    topic = "{topic}"', f'    asset = "{asset}"'] if topic else ['    place = "my-site/hall/line-1"']),
            *([f'    mapping = "{mapping}"'] if mapping else []),
            "",
            *(
                ["Each machine has a topic and a gateway of its own."]
                if topic
                else [
                    "Each device is a machine at that place, by the name that it has;",
                    "`--machine DEVICE=site/area/line/machine` gives it another path.",
                ]
            ),
            "",
        ]
    )


def _page(entry: Entry) -> str:
    return OWN_PAGES.get(entry.name, f"dialects/{entry.name}.md")


def _docstring(entry: Entry) -> str:
    module = sys.modules[entry.make.__module__]
    return cleandoc(module.__doc__ or "")


def _spoken(name: str) -> Iterator[str]:
    speaker = SPEAKERS[name]
    _, _, rest = cleandoc(sys.modules[speaker.__module__].__doc__ or "").partition("\n\n")
    yield from rest.splitlines()
    yield ""
    yield "What does not come back:"
    yield ""
    yield from (f"- {one}" for one in speaker.loses)


def _example(case: Case) -> Iterator[str]:
    mapping = case.folder / "mapping.toml"
    if mapping.exists():
        yield from (f"    {line}".rstrip() for line in mapping.read_text("utf-8").splitlines())
        yield ""
    for message in case.messages()[:_MOST_LINES]:
        mark = "  (retained)" if message.retained else ""
        try:
            payload = message.payload.decode("utf-8")
        except UnicodeDecodeError:
            payload = f"({len(message.payload)} bytes)"
        shown = "(time passes)" if message.topic == "$tick" else f"{message.topic} {payload}"
        yield f"    {_short(shown)}{mark}"
    found = case.expected()
    if found:
        yield ""
    for one in found[:_MOST_LINES]:
        yield f"    → {_short(_shown(one))}"
    if len(found) > _MOST_LINES:
        yield "    → …"


def _rejections(own: list[Case]) -> Iterator[str]:
    for case in own:
        if case.name == REJECTED:
            texts = dict.fromkeys(one["rejected"] for one in case.expected() if "rejected" in one)
            yield from (f"- {text}" for text in texts)


def _shown(one: dict[str, Any]) -> str:
    if "rejected" in one:
        return f"rejected: {one['rejected']}"
    return f"{one.get('topic', one.get('request'))} {json.dumps(one['payload'], ensure_ascii=False)}"


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


if __name__ == "__main__":
    for file, text in pages():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
