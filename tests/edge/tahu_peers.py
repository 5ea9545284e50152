"""Eclipse Tahu, the reference of Sparkplug, as an edge node and as a host application that tests talk to.

`tahu_peer/` holds the programs in Java; `mvn compile` in it brings the library and compiles them.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from tests.edge import peers
from tests.edge.peers import Program

FOLDER: Final = Path(__file__).parent / "tahu_peer"
_CLASSES: Final = FOLDER / "target" / "classes"
_JAVA: Final = (
    "java",
    "-XX:TieredStopAtLevel=1",
    "-XX:+UseSerialGC",
    "-cp",
    f"{_CLASSES}:{FOLDER}/target/dependency/*",
)


def require() -> None:
    """Skip a test where the programs are not compiled as they are; fail it where nothing may be missing."""
    for source in (FOLDER / "src" / "main" / "java").glob("*.java"):
        compiled = _CLASSES / f"{source.stem}.class"
        if not compiled.exists() or compiled.stat().st_mtime < source.stat().st_mtime:
            peers.missing(f"{source.name} is not compiled: (cd {FOLDER} && mvn --batch-mode --quiet compile)")


def edge(
    url: str, group: str, node: str, device: str, metrics: Sequence[dict[str, Any]], *, primary: str = ""
) -> Program:
    """Return an edge node with one device, which waits for its primary host, if it has one."""
    return Program(*_JAVA, "Edge", _tcp(url), group, node, device, primary, json.dumps(metrics))


def host(url: str, name: str) -> Program:
    """Return a host application."""
    return Program(*_JAVA, "Host", _tcp(url), name)


def _tcp(url: str) -> str:
    return url.replace("mqtt://", "tcp://")
