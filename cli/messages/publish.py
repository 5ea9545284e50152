"""`corridor publish`: publishes one message, if it conforms to the contract."""

import time
from typing import Annotated

import typer

from broker.contract.errors import ContractError
from broker.contract.message import Message
from broker.contract.topics import RETAINED, parse
from broker.mqtt.packets import check_topic
from broker.mqtt.session import Publication, Session
from cli.invocation import options
from cli.invocation.errors import CommandError
from cli.invocation.plain import plain
from cli.messages.arguments import PayloadArgument, TopicArgument, full_topic, payload_bytes
from cli.messages.meaning import remarked
from cli.running import loop
from cli.running.client_ids import client_id


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
    message = Message(topic=full, payload=payload_bytes(payload), received_at=time.time_ns())
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


async def _publish(broker: str, publication: Publication) -> None:
    async with Session(broker, client_id=client_id("publish")) as session:
        await session.publish(publication)


def _is_retained(topic: str) -> bool:
    try:
        return parse(topic).kind in RETAINED
    except ContractError:
        return False
