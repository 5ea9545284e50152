"""`corridor record` and `corridor replay`: recordings from a broker, and back to one or straight into a store."""

import asyncio
import gzip
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, Annotated, Any, Final

import typer

from broker.contract.codec import decode
from broker.contract.errors import ContractError
from broker.contract.events import NS_PER_S, AnyEvent
from broker.contract.message import Message
from broker.contract.recordings.recording import Recording, RecordingError, to_line
from broker.contract.topics import PREFIX, RETAINED, is_our_own, parse
from broker.mqtt.packets import check_topic
from broker.mqtt.session import Publication, Session
from broker.plant.plant import Plant
from cli.invocation import options, times
from cli.invocation.errors import CommandError
from cli.invocation.plain import plain
from cli.messages.adapter_lines import AdapterLines, FileDialect, is_machine
from cli.messages.arguments import For, full_topic
from cli.running import loop
from cli.running.client_ids import client_id
from services.intake.arrival import with_receipt
from services.intake.steps import steps, write_step
from services.kpi.ledger_writer import LedgerWriter
from services.store.interface import Batch, Store

CHUNK: Final = 5_000
"""Messages that are read at once, at most."""

CHUNK_BYTES: Final = 2 * 1024 * 1024
"""Bytes of their payloads after which no more are read at once."""

BURST: Final = 500
"""Messages that are published at once, at most."""

ADVANCE_NS: Final = 15 * 60 * NS_PER_S
"""How far the recording's time goes on before the ledger writer drops what is long past from memory."""


def record(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What to write; packed if its name ends in .gz.")],
    *,
    broker: options.Broker = options.BROKER,
    filter_: Annotated[
        str, typer.Option("--filter", metavar="FILTER", help=f"A topic filter; {PREFIX}/ may be left out.")
    ] = "#",
    for_: For = None,
) -> None:
    """Write messages to a recording as they come over the wire, until Ctrl-C. An existing file is left as it is."""
    loop.log_to_stderr()
    tally = Tally()
    try:
        loop.run(_record(file, broker, full_topic(filter_), tally), seconds=for_)
    except KeyboardInterrupt:
        pass  # the usual way to end it
    except FileExistsError as error:
        raise CommandError(f"{file} exists", "choose another name, or remove it") from error
    typer.echo(f"{tally.messages} messages in {tally.seconds():.1f} s, written to {file}", err=True)


def replay(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The recording; it may be packed with gzip.")],
    *,
    broker: Annotated[str | None, typer.Option("--broker", metavar="URL", help="Play it to this broker.")] = None,
    speed: Annotated[
        float,
        typer.Option(
            metavar="N",
            min=0,
            callback=times.finite,
            help="To a broker: N recorded seconds in one; 0: as fast as it goes.",
        ),
    ] = 1.0,
    store: Annotated[str | None, typer.Option("--store", metavar="URL", help="Write it straight into a store.")] = None,
    plant: Annotated[
        Path | None, typer.Option("--plant", metavar="FILE", help="The plant description; left out, the store's.")
    ] = None,
    dialect: Annotated[
        FileDialect | None, typer.Option(help="Into a store: the file has the lines of an MTConnect adapter.")
    ] = None,
    asset: Annotated[str, typer.Option(metavar="PATH", help="The machine that such lines are of.")] = "",
) -> None:
    """Play a recording to a broker, in order of time, or write it straight into a store.

    A store gets what it would have got live: events, ledger, rejected messages. A broker gets each message at its time,
    retained where it was or where the contract has it so; indicators and rejections of Corridor's own are left out.
    """
    loop.log_to_stderr()
    tally = Tally()
    match _destination(context, broker=broker, store=store):
        case _, url if dialect is not None:
            if store != url:
                raise typer.BadParameter("lines of a dialect are written to a store: add --store URL")
            if not is_machine(asset):
                raise typer.BadParameter("name the machine of these lines: --asset site/area/line/machine")
            loop.run(_lines_to_store(file, asset, url, plant, tally))
        case "broker", url:
            loop.run(_to_broker(file, url, speed, tally))
        case _, url:
            loop.run(_to_store(file, url, plant, tally))
    for line in tally.lines():
        typer.echo(plain(line), err=True)


class Tally:
    """What has been recorded or played so far.

    Attributes:
        events: that were written to a store.
        rejected: messages by the reason why they were rejected.
        left_out: Corridor's own messages, which are not played to a broker.
    """

    def __init__(self) -> None:
        self.messages = self.events = self.left_out = 0
        self.rejected: Counter[str] = Counter()
        self._begun_s = time.monotonic()

    def seconds(self) -> float:
        """Return how long it has taken, seconds."""
        return time.monotonic() - self._begun_s

    def lines(self) -> Iterator[str]:
        """Yield the rejections by reason, and a last line."""
        for reason, count in self.rejected.most_common(10):
            yield f"rejected {count} ×: {reason}"
        if self.left_out:
            yield f"left out {self.left_out} messages of Corridor's own"
        parts = [f"{self.messages} messages"]
        if self.events or self.rejected:
            parts += [f"{self.events} events", f"{self.rejected.total()} rejected"]
        yield f"{', '.join(parts)} in {self.seconds():.1f} s"


async def store_messages(
    messages: Iterable[Message],
    store: Store,
    plant: Plant,
    tally: Tally,
    *,
    read_message: Callable[[Message], Sequence[AnyEvent]] | None = None,
) -> None:
    """Write messages into a store with their ledger, as the services would have done when they came.

    Args:
        messages: in any order; the present is the newest time of receipt so far.
        store: where to.
        plant: what the ledger is made with.
        tally: is counted up.
        read_message: returns the events that a message means, or rejects it; left out, as the contract has it.
    """
    now = advanced = 0
    decoded = read_message or partial(decode, is_text=plant.is_text)
    writer = LedgerWriter(store, plant, lambda: now)

    def read(message: Message) -> Sequence[AnyEvent]:
        return with_receipt(decoded(message), message)

    def read_next(message: Message) -> Sequence[AnyEvent]:
        nonlocal now
        now = max(now, message.received_at)
        tally.messages += 1
        return read(message)

    async def write(batch: Batch) -> None:
        await writer.store_events(batch.events, batch.rejected)
        tally.events += len(batch.events)

    for chunk in _chunks(messages):
        for step in steps(chunk, read_next):
            for one in await write_step(step, read, write, store):
                tally.rejected[one.reason] += 1
        if now - advanced > ADVANCE_NS:
            advanced = now
            await writer.advance()
    await writer.advance()
    await writer.note_silences(max(now, time.time_ns()))
    await writer.finish()


async def play(messages: Iterable[Message], session: Session, speed: float, tally: Tally) -> None:
    """Publish messages at their times.

    Args:
        messages: in order of time.
        session: where to.
        speed: recorded seconds in one; 0: as fast as the broker takes them.
        tally: is counted up.
    """
    clock = asyncio.get_running_loop()
    begun_s, first_ns = clock.time(), None
    burst: list[Publication] = []

    async def send() -> None:
        await session.publish(*burst)
        tally.messages += len(burst)
        burst.clear()

    for message in messages:
        if is_our_own(message.topic):
            tally.left_out += 1
            continue
        if first_ns is None:
            first_ns = message.received_at
        due_s = begun_s + (message.received_at - first_ns) / NS_PER_S / speed if speed else begun_s
        if due_s > clock.time() or len(burst) >= BURST:
            await send()
            await asyncio.sleep(due_s - clock.time())
        retain = message.retained or _is_stored(message)
        burst.append(Publication(message.topic, message.payload, min(message.qos, 1), retain))
    await send()


def _is_stored(message: Message) -> bool:
    """Return whether the contract has it published retained; a live message no longer shows that it was."""
    try:
        return parse(message.topic).kind in RETAINED
    except ContractError:
        return False


def _destination(context: typer.Context, **urls: str | None) -> tuple[str, str]:
    """Return where to play to: what is on the command line goes before settings."""
    given = [(name, url) for name, url in urls.items() if url is not None]
    typed = [(name, url) for name, url in given if _is_typed(context, name)] or given
    if len(typed) != 1:
        raise typer.BadParameter("add the destination: either --broker URL or --store URL")
    return typed[0]


def _is_typed(context: typer.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


async def _record(file: Path, broker: str, topic_filter: str, tally: Tally) -> None:
    async with Session(broker, client_id=client_id("record"), filters=[topic_filter]) as session:
        with _new_file(file) as out:
            typer.echo(f"recording {topic_filter} to {file}; Ctrl-C ends it", err=True)
            async for batch in session.batches():
                out.writelines(map(to_line, batch.messages))
                out.flush()
                tally.messages += len(batch)
                batch.acknowledge()


@contextmanager
def _new_file(file: Path) -> Iterator[IO[bytes]]:
    with file.open("xb") as raw:
        if file.suffix != ".gz":
            yield raw
            return
        with gzip.GzipFile(fileobj=raw, mode="wb", compresslevel=6) as packed:
            yield packed  # type: ignore[misc]  # a GzipFile does all that is asked of it


async def _to_store(file: Path, url: str, plant_file: Path | None, tally: Tally) -> None:
    from cli.running.stores import opened, plant_to_store  # noqa: PLC0415  (playing to a broker needs none of it)

    with Recording(file) as recording, _progress(recording) as messages:
        async with opened(url) as store:
            await store_messages(messages, store, await plant_to_store(store, plant_file), tally)


async def _lines_to_store(file: Path, asset: str, url: str, plant_file: Path | None, tally: Tally) -> None:
    from cli.running.stores import opened, plant_to_store  # noqa: PLC0415  (as above)

    with AdapterLines(file, asset) as lines, _progress(lines) as messages:
        async with opened(url) as store:
            await store_messages(
                messages, store, await plant_to_store(store, plant_file), tally, read_message=lines.read_message
            )


async def _to_broker(file: Path, url: str, speed: float, tally: Tally) -> None:
    messages = _in_order(file)
    async with Session(url, client_id=client_id("replay")) as session:
        if messages is None:
            with Recording(file) as recording, _progress(recording) as in_file:
                await play(in_file, session, speed, tally)
        else:
            await play(messages, session, speed, tally)


def _in_order(file: Path) -> list[Message] | None:
    """Read a recording once to see that it can be played; return its messages sorted, or None if the file is."""
    latest, number = -sys.maxsize, 0
    sorted_already = True
    with Recording(file) as recording:
        for number, message in enumerate(recording, start=1):
            try:
                check_topic(message.topic)
            except ValueError as error:
                raise RecordingError(f"{file}: message {number}: {error}") from error
            sorted_already = sorted_already and message.received_at >= latest
            latest = message.received_at
    if sorted_already:
        return None
    with Recording(file) as recording:
        return sorted(recording, key=lambda message: message.received_at)


def _chunks(messages: Iterable[Message]) -> Iterator[list[Message]]:
    """Yield the messages by thousands, large ones by fewer; before a line that cannot be read, what came before it."""
    chunk: list[Message] = []
    size = 0
    try:
        for message in messages:
            chunk.append(message)
            size += len(message.payload)
            if len(chunk) == CHUNK or size >= CHUNK_BYTES:
                yield chunk
                chunk, size = [], 0
    except RecordingError:
        yield chunk
        raise
    yield chunk


@contextmanager
def _progress(recording: Recording | AdapterLines) -> Iterator[Iterable[Message]]:
    """Yield the recording's messages; as they are taken, a bar moves, if there is a terminal to show it on."""
    if not sys.stderr.isatty():
        yield recording
        return
    from rich.console import Console  # noqa: PLC0415  (it takes a while to load)
    from rich.markup import escape  # noqa: PLC0415
    from rich.progress import Progress  # noqa: PLC0415

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task: Any = bar.add_task(escape(plain(recording.path.name)), total=recording.size)

        def watched() -> Iterator[Message]:
            for number, message in enumerate(recording):
                if number % 200 == 0:
                    bar.update(task, completed=recording.position)
                yield message

        yield watched()
