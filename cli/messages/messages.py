"""`corridor publish`, `tail`, `check`, `contract`: publish to a broker, watch its messages, validate them."""

import json
import os
import secrets
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from broker.contract import retained as of_unknown_age
from broker.contract.documents import asyncapi as described
from broker.contract.documents import schema
from broker.contract.errors import ContractError
from broker.contract.lenient.leniency import never_text
from broker.contract.message import Message
from broker.contract.topics import PREFIX, RETAINED, parse
from broker.mqtt.packets import check_topic
from broker.mqtt.session import Publication, Session
from broker.plant.plant_file import load
from cli.invocation import options, times
from cli.invocation.errors import CommandError
from cli.invocation.plain import plain
from cli.messages.meaning import Meaning, as_json, read, remarked
from cli.running import loop

TopicArgument = Annotated[
    str, typer.Argument(metavar="TOPIC", help=f"The topic; {PREFIX}/ may be left out, as in sheffield/…/mill-1/state.")
]
PayloadArgument = Annotated[str, typer.Argument(metavar="PAYLOAD", help="The payload; '' clears the retained message.")]
For = Annotated[
    float | None, typer.Option("--for", metavar="D", parser=times.duration_s, help="End after this time, as in 30s.")
]

_COLOURS = {
    "refused": "red",
    "rejected": "red",
    "state": "cyan",
    "event": "yellow",
    "job": "magenta",
    "status": "blue",
    "kpi": "green",
}


def publish(
    topic: TopicArgument,
    payload: PayloadArgument,
    *,
    broker: options.Broker = options.BROKER,
    retain: Annotated[
        bool | None,
        typer.Option(
            "--retain/--no-retain",
            help="Publish it retained; left out, as the contract has it for its kind.",
        ),
    ] = None,
    qos: Annotated[int, typer.Option(min=0, max=1, help="0: at most once; 1: at least once.")] = 1,
    force: Annotated[
        bool, typer.Option("--force", help="Publish it without validation, on exactly this topic.")
    ] = False,
) -> None:
    """Publish one message. A message that does not conform to the contract is rejected, with the reason.

    The payload is published as it is; a note says what of it is read leniently, and what seems wrong.
    """
    full = topic if force else full_topic(topic)
    message = Message(topic=full, payload=_payload_bytes(payload), received_at=time.time_ns())
    if not force:
        meaning = remarked(message)
        if meaning.problem:
            raise CommandError(meaning.problem, f"{meaning.hint} (--force publishes it anyway)")
        for remark in (*meaning.understood, *meaning.warnings):
            typer.echo(f"note: {remark}", err=True)
    try:
        check_topic(full)
    except ValueError as error:
        raise CommandError(str(error)) from error
    stored = _is_retained(full) if retain is None else retain
    loop.log_to_stderr()
    loop.run(_publish(broker, Publication(full, message.payload, qos, stored)))
    typer.echo(f"published to {plain(full)}{', retained' if stored else ''}", err=True)


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


def check(
    topic: TopicArgument,
    payload: PayloadArgument,
    *,
    retained: Annotated[bool, typer.Option("--retained", help="Validate it as a retained message.")] = False,
    plant: Annotated[
        Path | None, typer.Option("--plant", metavar="FILE", help="The plant file, which may declare signals as text.")
    ] = None,
    json_: options.Json = False,
) -> None:
    """Validate one message offline: print what it means, or what is wrong and how to fix it (exit status 1).

    It shows too what was understood leniently, such as a unit's name or a number sent as text, and what seems wrong.
    """
    message = Message(
        topic=full_topic(topic), payload=_payload_bytes(payload), retained=retained, received_at=time.time_ns()
    )
    meaning = remarked(message, load(plant).is_text if plant else never_text)
    if json_:
        typer.echo(json.dumps(as_json(message, meaning)))
    elif meaning.problem:
        typer.echo(f"rejected: {plain(meaning.problem)}", err=True)
        typer.echo(f"hint: {plain(meaning.hint)}", err=True)
    else:
        typer.echo(f"{meaning.asset}  {meaning.kind}  {meaning.words}")
        for note in _notes(meaning):
            typer.echo(f"  {note}")
        for note in meaning.understood:
            typer.echo(f"  understood: {note}")
        for note in meaning.warnings:
            typer.echo(f"  warning: {note}")
    if meaning.problem:
        raise typer.Exit(1)


def contract(
    *,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Write a file for each kind into this folder.")
    ] = None,
    asyncapi: Annotated[
        bool, typer.Option("--asyncapi", help="An AsyncAPI 3.0 document instead: channels, messages, operations.")
    ] = False,
) -> None:
    """Print the contract as one JSON document, or write the JSON Schema of each kind to a file of its own."""
    if asyncapi and out is not None:
        raise CommandError("--asyncapi is one document, --out writes a file for each kind", "leave out one of them")
    if asyncapi:
        typer.echo(json.dumps(described.document(), indent=2, ensure_ascii=False))
        return
    if out is None:
        typer.echo(json.dumps(schema.document(), indent=2, ensure_ascii=False))
        return
    out.mkdir(parents=True, exist_ok=True)
    for kind, made in schema.document()["kinds"].items():
        file = out / f"{kind}.schema.json"
        file.write_text(json.dumps(made, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        typer.echo(str(file), err=True)


def full_topic(topic: str) -> str:
    """Return a topic or filter with the prefix that may be left out."""
    return topic if topic == PREFIX or topic.startswith(f"{PREFIX}/") else f"{PREFIX}/{topic}"


def client_id(command: str) -> str:
    """Return a client id of its own for each run of a command, for two clients must not share one."""
    return f"corridor-{command}-{secrets.token_hex(4)}"


def _payload_bytes(payload: str) -> bytes:
    return payload.encode("utf-8", "surrogateescape")  # the very bytes of the command line


def _is_retained(topic: str) -> bool:
    try:
        return parse(topic).kind in RETAINED
    except ContractError:
        return False


async def _publish(broker: str, publication: Publication) -> None:
    async with Session(broker, client_id=client_id("publish")) as session:
        await session.publish(publication)


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


def _notes(meaning: Meaning) -> list[str]:
    """Return what a device's author may not expect of a valid message."""
    first = meaning.events[0] if meaning.events else None
    if first is None:
        return []
    notes = {
        "device": "",
        "receipt": "no ts: the time of receipt counts",
        "retained": of_unknown_age.note(first),
    }
    when = datetime.fromtimestamp(first.at / 1e9).astimezone().isoformat(sep=" ", timespec="milliseconds")
    lines = [notes[first.time_source] or f"at {when}"]
    if first.kind in RETAINED:
        lines.append("publish it retained, so that later subscribers get the current value")
    if first.simulated:
        lines.append("it is marked as simulated")
    return lines
