"""The table of all commands, and what happens around each of them.

How to add a command:

1. Write a plain function with typer annotations in `cli/<subject>/<group>.py`. Its docstring is the command's help. It
   may import what it likes at the top of its file: the file is loaded only when one of its commands is called, so that
   `corridor version` does not pay for what the wall needs.

       def publish(topic: str, payload: str, *, broker: options.Broker = options.BROKER) -> None:
           \"\"\"Publish one message.\"\"\"

2. Add a line to the table `COMMANDS`: name as typed (`"publish"`, or two words, `"kpi show"`), the section of the help
   that it stands in, `"cli.messages.messages:publish"`, and one line of help.

What every command can rely on:

- An option `--mqtt-port` that is not on the command line is looked up in `CORRIDOR_MQTT_PORT`, then in the file that
  `CORRIDOR_MQTT_PORT_FILE` names, then in `corridor.toml` of the data folder (`cli/invocation/settings.py`); only then
  its default is taken. Options that several commands share are spelt once, in `cli/invocation/options.py`.
- A mistake of the user's, or of the world around, is raised as `cli.invocation.errors.CommandError(problem, hint)`: the
  user sees one line on standard error, and the exit status is 1. `OSError` and every error class of our own packages
  are shown in the same way, alone or in a group; anything else is a bug and shows its traceback (with
  `CORRIDOR_DEBUG=1`, all do). Wrong use (`typer.BadParameter`) ends with 2, Ctrl-C with 130. To answer "no", raise
  `typer.Exit(1)`.
- Data goes to standard output (with `--json`: one document and nothing else), messages to standard error.
"""

import importlib
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import typer
from typer.core import TyperGroup

from cli.invocation.errors import CommandError
from cli.invocation.plain import plain_lines
from cli.invocation.settings import Command


@dataclass(frozen=True)
class Entry:
    """One line of the table.

    Attributes:
        name: the command as typed, one word or two.
        section: the heading of `corridor --help` that it stands under.
        target: the function, `module:attribute`.
        summary: one line of help.
        passes_on: arguments that the command does not know are handed to it rather than rejected.
    """

    name: str
    section: str
    target: str
    summary: str
    passes_on: bool = False


COMMANDS = (
    Entry("demo", "Start", "cli.demo:demo", "A live shop floor in your browser: broker, machines, ledger and wall."),
    Entry(
        "kpi show",
        "Query",
        "cli.ledger.kpi:show",
        "OEE and its factors of a machine, line or site, over any time range.",
    ),
    Entry("kpi explain", "Query", "cli.ledger.kpi:explain", "How a number is made, down to its source events."),
    Entry("part", "Query", "cli.ledger.part:part", "The genealogy of a part; the parts that a batch affects."),
    Entry("score", "Query", "cli.ledger.score:score", "Compare the ledger with the simulator's ground truth."),
    Entry("device this-computer", "Devices", "cli.device:this_computer", "Publish this computer as a machine."),
    Entry(
        "device add", "Devices", "cli.onboarding.command:add", "What to set on a device; wait for its first message."
    ),
    Entry("device list", "Devices", "cli.onboarding.managing:list_", "The devices that have a credential."),
    Entry("device remove", "Devices", "cli.onboarding.managing:remove", "Remove a device's credential."),
    Entry("device rotate", "Devices", "cli.onboarding.managing:rotate", "Give a device a new password."),
    Entry("gateway", "Devices", "cli.gateways:gateway", "Translate what a device publishes in its own dialect."),
    Entry("map try", "Devices", "cli.messages.mapping:try_", "Show what a foreign message means by a mapping file."),
    Entry("map browse", "Devices", "cli.messages.mapping:browse", "Write a first mapping file of an OPC UA server."),
    Entry(
        "map suggest", "Devices", "cli.messages.mapping:suggest", "Listen to a broker, and write a first mapping file."
    ),
    Entry("publish", "Messages", "cli.messages.publish:publish", "Publish one message."),
    Entry("tail", "Messages", "cli.messages.tail:tail", "Print messages as they arrive, decoded."),
    Entry(
        "check",
        "Messages",
        "cli.messages.check:check",
        "Validate one message offline: what it means, or what is wrong.",
    ),
    Entry("record", "Messages", "cli.messages.recordings:record", "Write messages to a recording."),
    Entry(
        "replay", "Messages", "cli.messages.recordings:replay", "Play a recording to a broker or straight into a store."
    ),
    Entry("contract", "Messages", "cli.messages.contract:contract", "The JSON Schema of every message."),
    Entry("plant new", "Plant", "cli.plants.plant_new:new", "Write a first plant file, with comments, for a trade."),
    Entry(
        "plant check", "Plant", "cli.plants.plant:check", "Validate a plant file: what it describes, or every mistake."
    ),
    Entry(
        "plant draw", "Plant", "cli.plants.plant_draw:draw", "Draw a plant: sites, lines, machines, buffers and flows."
    ),
    Entry("asset list", "Plant", "cli.plants.assets:list_", "The machines that a store knows, and which are retired."),
    Entry(
        "asset retire",
        "Plant",
        "cli.plants.assets:retire",
        "Retire machines that no longer exist; their history stays.",
    ),
    Entry("adjust", "Data", "cli.ledger.adjust:adjust", "Book pieces by hand, on top of what a machine counts."),
    Entry("store init", "Data", "cli.store:init", "Set up a store."),
    Entry("store status", "Data", "cli.store:status", "Show what a store holds."),
    Entry("store backup", "Data", "cli.store:backup", "Copy a SQLite store while it is in use."),
    Entry(
        "recompute",
        "Data",
        "cli.ledger.recompute:recompute",
        "Recompute the ledger of a time range from stored events.",
    ),
    Entry("export", "Data", "cli.ledger.export:export", "Events, ledger or indicators as a CSV or Parquet file."),
    Entry("simulate", "Services", "cli.services:simulate", "Simulated machines, publishing to a broker."),
    Entry("ingest", "Services", "cli.ingest:ingest", "Store telemetry, events and commands."),
    Entry("kpi serve", "Services", "cli.ledger.kpi:serve", "Store states and counts; build the productivity ledger."),
    Entry("wall", "Services", "cli.services:wall", "The live wall and its HTTP API."),
    Entry("dashboards build", "Grafana", "cli.dashboards:build", "Generate Grafana's dashboards and alert rules."),
    Entry("dashboards check", "Grafana", "cli.dashboards:check", "Validate Grafana's dashboards and alert rules."),
    Entry("dashboards push", "Grafana", "cli.dashboards:push", "Write them into a running Grafana."),
    Entry("dashboards pull", "Grafana", "cli.dashboards:pull", "Show where a running Grafana differs from them."),
    Entry("stack init", "Stack", "cli.stack.stack:init", "Generate the secrets of the compose stack; add devices."),
    Entry("stack check", "Stack", "cli.stack.check:check", "Test each part of the stack, with hints for what fails."),
    Entry(
        "stack broker-files", "Stack", "cli.stack.stack:broker_files", "Write Mosquitto's files (the stack runs this)."
    ),
    Entry("stack tls", "Stack", "cli.stack.tls:tls", "Accept devices by TLS (the stack runs this)."),
    Entry(
        "test", "Develop", "cli.develop.checks:run", "Check everything: style, types, layers, tests.", passes_on=True
    ),
    Entry("bench", "Develop", "cli.develop.bench:bench", "Run a benchmark by its name, or list them.", passes_on=True),
    Entry("docs", "Develop", "cli.site.command:docs", "Build the documents as a web site, or serve them."),
    Entry("soak", "Develop", "cli.soak.command:soak", "Test durability: inject faults and count what is stored."),
    Entry("sbom", "Develop", "cli.sbom.command:sbom", "The software bill of materials: a CycloneDX document."),
    Entry("version", "Develop", "cli.develop.version:version", "Print the version."),
)

GROUPS = {
    "kpi": "OEE and the other indicators: show and explain them, or run the service that makes them.",
    "device": "Connect devices: what to set on one, and its credential.",
    "map": "Mapping files: what messages of another form mean.",
    "plant": "Plant files: begin one, validate it, draw it.",
    "asset": "The machines of a store.",
    "store": "The store, SQLite or InfluxDB: set it up, show what it holds, copy it.",
    "dashboards": "Grafana's dashboards and alert rules: generate, validate and compare them.",
    "stack": "The compose stack: secrets, devices, and a test of all its parts.",
}
"""What commands whose names begin with the same word are about."""

ABOUT = "Corridor: a shop floor live in your browser, simulated or real, over MQTT. Start with `corridor demo`."
OUR_PACKAGES = ("broker", "edge", "services", "dashboards", "cli")
ADVICE = (
    "`corridor COMMAND --help` lists the options of a command. --some-name can also be given as CORRIDOR_SOME_NAME,"
    " or as some-name in corridor.toml in the data folder."
)


class LazyGroup(TyperGroup):
    """A group of the table's commands that imports a command's file when it is called.

    Attributes:
        entries: the commands of this group.
        words: how many words of a command's name have been read when this group is reached.
    """

    def __init__(self, *, entries: tuple[Entry, ...] = COMMANDS, words: int = 0, **attrs: Any) -> None:
        super().__init__(**attrs)
        self.entries = entries
        self.words = words

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002  (the signature is Typer's)
        """Return the next word of every command, in the order of the table."""
        return list(dict.fromkeys(entry.name.split()[self.words] for entry in self.entries))

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002
        """Import and return one command, or the group of commands that begin with a word."""
        found = tuple(entry for entry in self.entries if entry.name.split()[self.words] == cmd_name)
        if not found:
            return None
        if len(found[0].name.split()) > self.words + 1:
            return LazyGroup(
                name=cmd_name,
                entries=found,
                words=self.words + 1,
                help=GROUPS.get(cmd_name),
                no_args_is_help=True,
                rich_markup_mode=None,
            )
        return _command(cmd_name, found[0])

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command; one that is misspelt is answered with those that are near."""
        self.commands = dict.fromkeys(self.list_commands(ctx))  # type: ignore[assignment]  # only the names are used
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002
        """Write a line for each command under the heading of its section, importing none of them."""
        for section in dict.fromkeys(entry.section for entry in self.entries):
            with formatter.section(section):
                formatter.write_dl([(entry.name, entry.summary) for entry in self.entries if entry.section == section])


def run(arguments: Sequence[str] | None = None, entries: tuple[Entry, ...] = COMMANDS) -> NoReturn:
    """Run the command that `sys.argv` (or `arguments`) names, and end with its exit status."""
    if arguments is None and sys.argv[1:] == ["--version"]:
        arguments = ["version"]
    root = LazyGroup(
        name="corridor", entries=entries, help=ABOUT, epilog=ADVICE, no_args_is_help=True, rich_markup_mode=None
    )
    try:
        sys.exit(root.main(arguments, prog_name="corridor"))
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        leaves = _leaves(error)
        if os.environ.get("CORRIDOR_DEBUG") or not all(map(_is_meant_for_the_user, leaves)):
            raise
        for line in dict.fromkeys(map(_line, leaves)):
            typer.echo(f"corridor: {plain_lines(line)}", err=True)
        sys.exit(1)


def _leaves(error: Exception) -> list[Exception]:
    if isinstance(error, ExceptionGroup):
        return [leaf for inner in error.exceptions for leaf in _leaves(inner)]
    return [error]


def _is_meant_for_the_user(error: Exception) -> bool:
    """Return whether an error explains what is wrong outside the program: all of our own do, and the system's."""
    return isinstance(error, OSError) or type(error).__module__.partition(".")[0] in OUR_PACKAGES


def _line(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return str(error)


def _command(name: str, entry: Entry) -> Any:
    """Import an entry's function, and make a command of it."""
    module_name, _, attribute = entry.target.partition(":")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name != module_name:
            raise
        raise CommandError(f"`{entry.name}` is not in this version of Corridor", f"{module_name} is missing") from error
    function = getattr(module, attribute)
    holder = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    passing = {"allow_extra_args": True, "ignore_unknown_options": True} if entry.passes_on else None
    holder.command(name, cls=Command, short_help=entry.summary, context_settings=passing)(function)
    return typer.main.get_command(holder)


if __name__ == "__main__":
    run()
