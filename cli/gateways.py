"""`corridor gateway`: what a device that speaks a dialect publishes on a broker, as messages of the contract."""

import logging
from enum import StrEnum
from typing import Annotated

import typer

from broker.mqtt.session import Session
from cli.adapter_lines import is_machine
from cli.invocation import options
from cli.running import loop
from edge.dialects import DIALECTS
from edge.gateways.gateway import Gateway

DialectName = StrEnum("DialectName", {name.upper(): name for name in DIALECTS})  # type: ignore[misc]  # of a table


def gateway(
    dialect: Annotated[DialectName, typer.Argument(help="What the device speaks.")],
    *,
    topic: Annotated[str, typer.Option(metavar="FILTER", help="The topics on which the device publishes.")],
    asset: Annotated[str, typer.Option(metavar="PATH", help="The machine that it is: site/area/line/machine.")],
    source: Annotated[str, typer.Option(metavar="URL", help="The device's broker; left out, --broker.")] = "",
    broker: options.Broker = options.BROKER,
) -> None:
    """Translate what a device publishes in its own dialect to messages of the contract, until stopped.

    A message is acknowledged to the device's broker when --broker has what it means.
    """
    if not is_machine(asset):
        raise typer.BadParameter("add the machine: --asset site/area/line/machine")
    loop.log_to_stderr(logging.INFO)
    loop.run(_run(dialect, asset, topic, source or broker, broker))


async def _run(dialect: str, asset: str, topic: str, source: str, broker: str) -> None:
    name = f"corridor-gateway-{dialect}-{asset.replace('/', '-')}"
    async with (
        Session(source, client_id=name, filters=[topic], persistent=True) as incoming,
        Session(broker, client_id=f"{name}-out") as outgoing,
    ):
        await Gateway(incoming, DIALECTS[dialect](asset), outgoing, answering=incoming).run()
