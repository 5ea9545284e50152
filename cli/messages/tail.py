"""`corridor tail`: prints the messages of a broker as they arrive, and what they mean."""

import json
import os
import sys
from datetime import datetime
from typing import Annotated

import typer

from broker.contract.message import Message
from broker.contract.topics import PREFIX
from broker.mqtt.session import Session
from cli.invocation import options
from cli.invocation.plain import plain
from cli.messages.arguments import For, full_topic
from cli.messages.meaning import Meaning, as_json, read
from cli.running import loop
from cli.running.client_ids import client_id

_COLOURS = {
    "refused": "red",
    "rejected": "red",
    "state": "cyan",
    "event": "yellow",
    "job": "magenta",
    "status": "blue",
    "kpi": "green",
}


def tail(
    topic_filter: Annotated[
        str, typer.Argument(metavar="[FILTER]", help=f"A topic filter with + and #; {PREFIX}/ may be left out.")
    ] = "#",
    *,
    broker: options.Broker = options.BROKER,
    for_: For = None,
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON document a message, and nothing else.")] = False,
) -> None:
    """Print messages as they arrive, decoded: time, asset, kind, meaning; rejected ones with the reason."""
    loop.log_to_stderr()
    try:
        loop.run(_tail(broker, full_topic(topic_filter), json_=json_), seconds=for_)
    except BrokenPipeError:  # whoever read the lines has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


async def _tail(broker: str, topic_filter: str, *, json_: bool) -> None:
    async with Session(broker, client_id=client_id("tail"), filters=[topic_filter]) as session:
        async for batch in session.batches():
            for message in batch.messages:
                meaning = read(message)
                typer.echo(json.dumps(as_json(message, meaning)) if json_ else _line(message, meaning))
            batch.acknowledge()


def _line(message: Message, meaning: Meaning) -> str:
    moment = datetime.fromtimestamp(meaning.at / 1e9).astimezone().strftime("%H:%M:%S.%f")[:-3]
    shown = "rejected" if meaning.problem else meaning.kind  # the JSON document has `refused` for these
    kind = typer.style(f"{shown:<9}", fg=_COLOURS.get(shown.partition("/")[0]))
    old = " (retained)" if message.retained else ""
    return f"{moment}  {plain(meaning.asset):<42}  {kind}  {meaning.words}{old}"
