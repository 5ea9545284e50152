"""Sparkplug's independent peers: programs of other people's libraries that tests talk to.

`sparkplug_peer/` holds the programs for Node.js; `npm ci --ignore-scripts` in it installs the libraries.
"""

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pytest

FOLDER: Final = Path(__file__).parent / "sparkplug_peer"
INSTALL: Final = f"Sparkplug's peers are not installed: (cd {FOLDER} && npm ci --ignore-scripts)"


def require_node_peers() -> None:
    """Skip a test where the peers are not installed; fail it where nothing may be missing."""
    if not (FOLDER / "node_modules" / "sparkplug-client").exists():
        if os.environ.get("CI") == "true":
            pytest.fail(INSTALL, pytrace=False)
        pytest.skip(INSTALL)


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
