"""Where an option's value comes from when it is not on the command line.

An option `--mqtt-port` of the command `demo` is looked up, in this order, in

1. the command line,
2. the environment variable `CORRIDOR_MQTT_PORT`,
3. the file that `CORRIDOR_MQTT_PORT_FILE` names, whole and stripped: the way containers hand over credentials,
4. `corridor.toml` in the data folder: in the command's own table, else at the top of the file, where it holds for every
   command that has such an option.

       broker = "mqtt://plant.example:1883"

       [demo]
       mqtt-port = 1884

       [kpi.show]
       last = "8h"

The data folder itself is that of `--data` or `CORRIDOR_DATA`, else `cli.invocation.options.data_folder()`.
"""

import os
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperCommand, TyperOption

from cli.invocation import options
from cli.invocation.errors import CommandError

FILE_NAME = "corridor.toml"


class Command(TyperCommand):
    """A command whose options are also read from the environment and from `corridor.toml`."""

    # The context is Typer's own, which its public name `typer.Context` inherits from; so are the extra arguments.
    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """Parse `args`; what they leave out comes from the environment, from files, and from `corridor.toml`."""
        spelt = {_spelling(param): param for param in self.params if isinstance(param, TyperOption)}
        for spelling, option in spelt.items():
            option.envvar = option.envvar or _variable(spelling)
        # The root's name is how the program was called, not a part of the command's path.
        words = [*parent.command_path.split()[1:], info_name or ""] if parent is not None else []
        file = data_folder(args, os.environ) / FILE_NAME
        settings = read(file, words, known=list(spelt)) | from_files(os.environ, list(spelt))
        extra["default_map"] = {spelt[spelling].name: value for spelling, value in settings.items()}
        try:
            return super().make_context(info_name, args, parent, **extra)
        except typer.BadParameter as error:
            spelling = _spelling(error.param) if isinstance(error.param, TyperOption) else ""
            source = error.ctx.get_parameter_source(error.param.name) if error.ctx and error.param else None
            if spelling in settings and source is not None and source.name == "DEFAULT_MAP":
                variable = f"{_variable(spelling)}_FILE"
                error.message += f" (from {variable if variable in os.environ else file})"
            raise


def data_folder(arguments: Sequence[str], environment: Mapping[str, str]) -> Path:
    """Return the data folder that the command line or the environment names, else the usual one."""
    chosen = environment.get("CORRIDOR_DATA")
    for position, argument in enumerate(arguments):
        if argument == "--data" and position + 1 < len(arguments):
            chosen = arguments[position + 1]
        elif argument.startswith("--data="):
            chosen = argument.removeprefix("--data=")
    return Path(chosen) if chosen else options.data_folder()


def read(file: Path, words: Sequence[str], *, known: Sequence[str]) -> dict[str, Any]:
    """Return the settings of one command in a `corridor.toml`.

    Args:
        file: the file; without one there are no settings.
        words: the command, as in `["kpi", "show"]`.
        known: the options that the command has, as in `["mqtt-port", "host"]`.

    Raises:
        CommandError: the file cannot be read, is not TOML, or names an option that the command does not have.
    """
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise CommandError(
            f"{file} cannot be read: {error.strerror}", "make it readable, or choose another --data"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CommandError(f"{file} is not TOML: {error}", "fix that place, or remove the file") from error
    shared = {_dashed(key): value for key, value in document.items() if not isinstance(value, dict)}
    own: Any = document
    for word in words:
        own = own.get(word, {}) if isinstance(own, dict) else {}
    mine = (
        {_dashed(key): value for key, value in own.items() if not isinstance(value, dict)}
        if own is not document
        else {}
    )
    unknown = sorted(mine.keys() - set(known))
    if unknown:
        raise CommandError(
            f"{file} sets {unknown[0]} in [{'.'.join(words)}], which has no such option",
            f"its options are {', '.join(sorted(known))}",
        )
    return {key: value for key, value in (shared | mine).items() if key in known}


def from_files(environment: Mapping[str, str], known: Sequence[str]) -> dict[str, Callable[[], str]]:
    """Return, for each option whose `CORRIDOR_…_FILE` is set, what reads that file when the value is wanted."""
    named = {spelling: environment.get(f"{_variable(spelling)}_FILE") for spelling in known}
    return {spelling: _reader(spelling, file) for spelling, file in named.items() if file}


def _reader(spelling: str, file: str) -> Callable[[], str]:
    def read_file() -> str:
        try:
            return Path(file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(
                f"{_variable(spelling)}_FILE names {file}, which cannot be read: {error}",
                f"make it readable, or set {_variable(spelling)}",
            ) from error

    return read_file


def _spelling(option: TyperOption) -> str:
    return next((name for name in option.opts if name.startswith("--")), option.opts[0]).lstrip("-")


def _variable(spelling: str) -> str:
    return "CORRIDOR_" + spelling.upper().replace("-", "_")


def _dashed(key: str) -> str:
    return key.replace("_", "-")
