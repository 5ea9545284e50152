"""Client ids of commands that any number may run of at a time."""

import secrets


def client_id(command: str) -> str:
    """Return a client id of its own for each run of a command, for two clients must not share one."""
    return f"corridor-{command}-{secrets.token_hex(4)}"
