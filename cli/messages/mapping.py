"""`corridor map`: a mapping for foreign messages, tried on one of them, or suggested from what a broker has."""

import asyncio
import contextlib
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from broker.contract.errors import ContractError
from broker.contract.message import Message, Publication
from broker.contract.topics import PREFIX
from broker.mqtt.session import Session
from cli.gateways import read_mapping
from cli.invocation import options, times
from cli.invocation.errors import CommandError
from cli.running import loop
from cli.running.client_ids import client_id
from cli.running.gateways import needs_asyncua
from edge.dialects import guard
from edge.dialects.dialect import Setup
from edge.dialects.mapping.mapped import Mapped
from edge.dialects.mapping.mapping_suggestion import Seen
from edge.gateways.native import publication

_LISTEN_S: Final = 60.0

Out = Annotated[Path | None, typer.Option(metavar="FILE", help="Write it there; left out, to the terminal.")]


def try_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The mapping file.")],
    topic: Annotated[str, typer.Argument(metavar="TOPIC", help="The topic of a message.")],
    payload: Annotated[str, typer.Argument(metavar="PAYLOAD", help="Its content; - reads it from standard input.")],
    *,
    retained: Annotated[bool, typer.Option("--retained", help="Treat it as a retained message.")] = False,
    json_: options.Json = False,
) -> None:
    """Show what a message means by a mapping file: the messages that a gateway would publish."""
    dialect = Mapped(Setup(mapping=read_mapping(file)))
    content = typer.get_binary_stream("stdin").read() if payload == "-" else payload.encode()
    found = guard.translate(dialect, Message(topic, content, retained=retained, received_at=time.time_ns()))
    published = [publication(event) for event in found.events]
    if json_:
        typer.echo(json.dumps({"messages": [_shown(one) for one in published], "rejected": _texts(found.rejections)}))
    else:
        for one in published:
            typer.echo(f"{one.topic} {one.payload.decode()}")
        for text in _texts(found.rejections):
            typer.echo(f"rejected: {text}", err=True)
        if not published and not found.rejections:
            typer.echo(f"no [[message]] of {file} has this topic, or a value in this message", err=True)
    if found.rejections or not published:
        raise typer.Exit(1)


def suggest(
    *,
    broker: options.Broker = options.BROKER,
    topic: Annotated[str, typer.Option(metavar="FILTER", help="What to listen to.")] = "#",
    for_: Annotated[
        float, typer.Option("--for", metavar="D", parser=times.duration_s, help="How long to listen: 30s, 5m …")
    ] = _LISTEN_S,
    out: Out = None,
) -> None:
    """Listen to a broker for a while, and write a first mapping file for what was there, to be corrected by you."""
    seen = Seen()
    loop.log_to_stderr()
    loop.run(_listen(broker, topic, for_, seen))
    text = seen.suggestion()
    if not text:
        raise CommandError(f"nothing that can be read came on {topic}", "listen longer, with --for 10m")
    _write(text, out, f"corridor map try {out} TOPIC PAYLOAD")


def browse(
    url: Annotated[str, typer.Argument(metavar="URL", help="The server: opc.tcp://host:4840.")],
    *,
    out: Out = None,
    data: options.Data,
) -> None:
    """Browse an OPC UA server, and write a first mapping file of its variables, to be corrected by you."""
    needs_asyncua()
    from edge.gateways.opcua import browsing  # noqa: PLC0415  (an extra)

    loop.log_to_stderr()
    try:
        text = asyncio.run(browsing.browse(url, data / "gateways" / "browsed"))
    except OSError as error:
        raise CommandError(str(error), "name a server that is there: opc.tcp://host:4840") from error
    _write(text, out, f"corridor gateway opcua --mapping {out}")


def _write(text: str, out: Path | None, then: str) -> None:
    if out is None:
        typer.echo(text, nl=False)
    else:
        out.write_text(text, encoding="utf-8")
        typer.echo(f"wrote {out}; try it: {then}", err=True)


async def _listen(broker: str, topic: str, seconds: float, seen: Seen) -> None:
    client = client_id("map")
    async with Session(broker, client_id=client, filters=[topic]) as session:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                async for batch in session.batches():
                    for message in batch.messages:
                        if not message.topic.startswith((f"{PREFIX}/", "$")):
                            seen.add(message)
                    batch.acknowledge()


def _shown(one: Publication) -> dict[str, Any]:
    return {"topic": one.topic, "payload": json.loads(one.payload), "retain": one.retain}


def _texts(rejections: Sequence[ContractError]) -> list[str]:
    return [str(rejection) for rejection in rejections]
