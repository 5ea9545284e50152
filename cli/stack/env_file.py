"""The file `.env` that Compose reads: unchanged line by line, but for what is set."""

import os
from pathlib import Path

from cli.invocation.errors import CommandError


class EnvFile:
    """A file of `NAME=value` lines.

    Args:
        path: where it is; it need not be there.

    Raises:
        CommandError: it cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._lines = path.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            self._lines = []
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(
                f"{path} cannot be read: {error}", "make it readable, or name another --folder"
            ) from error

    def values(self) -> dict[str, str]:
        """Return what is set, by name."""
        lines = (line.partition("=") for line in self._lines if "=" in line and not line.lstrip().startswith("#"))
        return {name.strip(): value.strip() for name, _, value in lines}

    def set(self, name: str, value: str, about: str = "") -> None:
        """Set a value where it stands, or at the end under a line about it."""
        line = f"{name}={value}"
        for place, old in enumerate(self._lines):
            if old.partition("=")[0].strip() == name:
                self._lines[place] = line
                return
        self._lines += [f"# {about}", line] if about else [line]

    def write(self) -> None:
        """Write the file whole or not at all; only its owner can read it, at no time anyone else.

        Raises:
            CommandError: it cannot be written.
        """
        new = self.path.with_name(f"{self.path.name}.new")
        try:
            new.unlink(missing_ok=True)
            with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as stream:
                stream.write("".join(f"{line}\n" for line in self._lines))
            new.replace(self.path)
        except OSError as error:
            raise CommandError(f"{self.path} cannot be written: {error.strerror}", "name another --folder") from error
