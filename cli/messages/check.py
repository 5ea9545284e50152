"""`corridor check`: validates one message offline."""

import json
import time
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from broker.contract import retained as of_unknown_age
from broker.contract.lenient.leniency import never_text
from broker.contract.message import Message
from broker.contract.topics import RETAINED
from broker.plant.plant_file import load
from cli.invocation import options
from cli.invocation.plain import plain
from cli.messages.arguments import PayloadArgument, TopicArgument, full_topic, payload_bytes
from cli.messages.meaning import Meaning, as_json, remarked


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
        topic=full_topic(topic), payload=payload_bytes(payload), retained=retained, received_at=time.time_ns()
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
