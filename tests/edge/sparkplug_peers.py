"""Sparkplug's independent peers: programs of other people's libraries that tests talk to.

`sparkplug_peer/` holds the programs for Node.js; `npm ci --ignore-scripts` in it installs the libraries.
"""

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from tests.edge import peers
from tests.edge.peers import Program

FOLDER: Final = Path(__file__).parent / "sparkplug_peer"


def require_node_peers() -> None:
    """Skip a test where the peers are not installed; fail it where nothing may be missing."""
    peers.require(FOLDER, "sparkplug-client")


def codec(asked: Sequence[dict[str, Any]]) -> list[Any]:
    """Return what the package `sparkplug-payload` makes of payloads, those to encode and those to decode."""
    done = subprocess.run(
        ["node", str(FOLDER / "codec.mjs")],
        input="".join(json.dumps(each) + "\n" for each in asked),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def edge(url: str, group: str, node: str, device: str, metrics: Sequence[dict[str, Any]]) -> Program:
    """Return an edge node of `sparkplug-client` with one device."""
    return Program("node", str(FOLDER / "edge.mjs"), url, group, node, device, json.dumps(metrics))
