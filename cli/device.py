"""`corridor device this-computer`: real devices that run from the command line."""

import contextlib
from typing import Annotated

import typer

from broker.contract.topics import LEVELS, check_asset
from cli.invocation import options
from cli.messages.arguments import For
from cli.running import loop
from edge.devices.this_computer import own_name, publish_this_computer

HOME = "office/it/desk"
"""Site, area and line of a computer without --asset."""


def this_computer(
    *,
    broker: options.Broker = options.BROKER,
    name: Annotated[
        str, typer.Option(metavar="NAME", help=f"Its name as a machine of {HOME}; left out, the host's.")
    ] = "",
    asset: Annotated[
        str, typer.Option(metavar="PATH", help="Its whole asset path: site/area/line/machine, instead of a name.")
    ] = "",
    for_: For = None,
) -> None:
    """Publish this computer as a machine: load, memory, temperature, power, and a state from its load.

    It publishes what can be read, each second, until Ctrl-C.
    """
    path = check_asset(asset or f"{HOME}/{name or own_name()}")
    if path.count("/") != len(LEVELS) - 1:
        raise typer.BadParameter(f"{path} is not a machine's path; write {'/'.join(LEVELS)}")

    def announce(line: str) -> None:
        typer.echo(line, err=True)

    with contextlib.suppress(KeyboardInterrupt):  # the usual way to end it
        loop.run(publish_this_computer(broker, path, announce), seconds=for_)
    announce(f"{path} is offline")
