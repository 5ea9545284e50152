"""`corridor adjust`: pieces of a machine booked by hand, or a booking taken back."""

import json
import secrets
import time
from typing import Annotated

import msgspec
import typer

from broker.contract import codec
from broker.contract.errors import ContractError
from broker.contract.events import Adjust
from broker.contract.instants import format_rfc3339
from broker.mqtt.session import Publication, Session
from cli.invocation import options, times
from cli.invocation.asset_paths import asset_path
from cli.invocation.errors import CommandError
from cli.invocation.plain import plain
from cli.running import loop
from cli.running.client_ids import client_id
from services.ledger import bookings

_Pieces = float | None


def adjust(
    asset: Annotated[
        str, typer.Argument(metavar="ASSET", parser=asset_path, help="The machine: site/area/line/machine.")
    ],
    *,
    produced: Annotated[_Pieces, typer.Option(metavar="N", help="Pieces made; negative: fewer.")] = None,
    good: Annotated[_Pieces, typer.Option(metavar="N", help="Of those, good ones.")] = None,
    scrap: Annotated[_Pieces, typer.Option(metavar="N", help="Of those, scrap.")] = None,
    rework: Annotated[_Pieces, typer.Option(metavar="N", help="Of those, to be reworked.")] = None,
    inspected: Annotated[_Pieces, typer.Option(metavar="N", help="Pieces inspected.")] = None,
    first_pass: Annotated[_Pieces, typer.Option(metavar="N", help="Of those, good at the first pass.")] = None,
    planned_scrap: Annotated[_Pieces, typer.Option(metavar="N", help="Scrap that was planned.")] = None,
    startup_scrap: Annotated[_Pieces, typer.Option(metavar="N", help="Scrap from starting up.")] = None,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why; needed unless --void.")] = "",
    at: Annotated[
        int | None,
        typer.Option(metavar="T", parser=times.instant_ns, help="For when (RFC 3339, ms or now-8h); now if left out."),
    ] = None,
    id_: Annotated[
        str, typer.Option("--id", metavar="ID", help="Replace the booking of this id; left out, a new id.")
    ] = "",
    by: Annotated[str, typer.Option(metavar="NAME", help="Who books it.")] = "",
    void: Annotated[bool, typer.Option("--void", help="Take back the booking of --id.")] = False,
    broker: options.Broker = options.BROKER,
    json_: options.Json = False,
) -> None:
    """Book pieces of a machine by hand, on top of what it counts; prints the booking's id.

    --good -5 --scrap 5 makes five good pieces scrap. They count in the minute, shift and order of --at.
    """
    counters = {
        "produced": produced,
        "good": good,
        "scrap": scrap,
        "rework": rework,
        "inspected": inspected,
        "first_pass": first_pass,
        "planned_scrap": planned_scrap,
        "startup_scrap": startup_scrap,
    }
    if void and not id_:
        raise typer.BadParameter("--void needs --id, the booking that is taken back")
    if not void and not reason:
        raise typer.BadParameter("give a --reason, for those who look at the number later")
    now = time.time_ns()
    booked = Adjust(
        asset=asset,
        at=now if at is None else at,
        id=id_ or secrets.token_hex(5),
        reason=reason,
        by=by,
        void=void,
        booked=format_rfc3339(now),
    )
    booking = msgspec.structs.replace(booked, **counters)
    publication = _publication(booking, now)
    loop.log_to_stderr()
    loop.run(_publish(broker, publication))
    words = f"{asset} at {format_rfc3339(booking.at)}: {bookings.in_words(booking)}"
    if json_:
        document = {"id": booking.id, "topic": publication.topic, "payload": json.loads(publication.payload)}
        typer.echo(json.dumps(document | {"words": words}, ensure_ascii=False))
        return
    typer.echo(plain(booking.id))
    typer.echo(plain(words), err=True)
    if not void:
        typer.echo(f"--id {plain(booking.id)} books it again, and with --void takes it back", err=True)


def _publication(booking: Adjust, now: int) -> Publication:
    """Return the message of a booking.

    Raises:
        CommandError: it does not conform to the contract.
    """
    try:
        message = codec.encode(booking)
        codec.decode(msgspec.structs.replace(message, received_at=now))
    except ContractError as error:
        raise CommandError(error.problem, error.hint) from error
    return Publication(message.topic, message.payload, 1, retain=False)


async def _publish(broker: str, publication: Publication) -> None:
    async with Session(broker, client_id=client_id("adjust")) as session:
        await session.publish(publication)
