"""InfluxDB 1 as a process of a soak or a test: its configuration."""

import shutil
from pathlib import Path
from typing import Final

_CONFIGURATION: Final = """
reporting-disabled = true
bind-address = "127.0.0.1:{rpc_port}"
[meta]
dir = "{folder}/meta"
logging-enabled = false
[data]
dir = "{folder}/data"
wal-dir = "{folder}/wal"
query-log-enabled = false
[http]
bind-address = "127.0.0.1:{port}"
log-enabled = false
auth-enabled = {auth}
[monitor]
store-enabled = false
[continuous_queries]
enabled = false
[subscriber]
enabled = false
"""


def configure(folder: Path, port: int, rpc_port: int, *, auth: bool = False) -> Path:
    """Write the configuration of a server with its data in a folder; return the file."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "influxdb.conf"
    text = _CONFIGURATION.format(folder=folder, port=port, rpc_port=rpc_port, auth=str(auth).lower())
    file.write_text(text, encoding="utf-8")
    return file


def find() -> Path | None:
    """Return the program, if it is installed."""
    found = shutil.which("influxd")
    return Path(found) if found else None
