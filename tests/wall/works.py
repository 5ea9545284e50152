"""A small plant with an hour of history, and the wall over it: as parts, and as a server with a broker."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import msgspec

from broker.contract.events import NS_PER_S, AnyEvent, Count, Job, Notice, Sample, StateChange, Status
from broker.mqtt.session import Session
from broker.plant.plant import Plant
from broker.plant.plant_file import parse
from broker.server.credentials.password_files import PasswordFiles
from broker.server.embedded import EmbeddedBroker
from cli.onboarding.wall import JoiningLines
from services.store.interface import Store
from services.wall.addresses import Parts
from services.wall.answers.answering import Answers
from services.wall.live.live_state import LiveState
from services.wall.live.plant_sheet import sheet
from services.wall.live.stream import Stream
from services.wall.onboarding import Onboarding
from services.wall.server import serve

PLANT = parse(
    """
name = "Test works"
[calendar.days]
time-zone = "Europe/London"
shifts = [{ name = "day", start = "06:00", end = "14:00" }]
[asset."leeds"]
title = "Leeds"
calendar = "days"
targets = { oee = 0.5 }
[asset."leeds/shop/line-1"]
title = "Line one"
ideal-cycle = 60
[asset."leeds/shop/line-1".signals]
spindle-temp = { unit = "Cel", title = "Spindle temperature", low = 20, high = 55, alarm-high = 65 }
[asset."leeds/shop/line-1/mill-1"]
title = "Mill one"
[asset."leeds/shop/line-1/cmm-1"]
[product.bracket-7]
title = "Bracket seven"
[reason.spindle]
title = "Spindle overheat"
[simulate.line."leeds/shop/line-1"]
stages = [["mill-1"], ["cmm-1"]]
buffers = [8]
""",
    "test.toml",
)
MILL = "leeds/shop/line-1/mill-1"
CMM = "leeds/shop/line-1/cmm-1"
LINE = "leeds/shop/line-1"
EIGHT = 1_795_593_600 * NS_PER_S  # 2026-11-25T08:00:00Z
NOW = EIGHT + 3_600 * NS_PER_S
MINUTE = 60 * NS_PER_S


def worked_example() -> list[AnyEvent]:
    """The hour of kpi's worked example on the mill, and a quiet one on the measuring machine."""
    minutes = {0: "running", 30: "down", 42: "running", 50: "setup", 55: "running"}
    events: list[AnyEvent] = [
        Job(asset=MILL, at=EIGHT, phase="start", order="wo-1", product="bracket-7", ideal_cycle=60.0, planned=60.0),
        Count(asset=MILL, at=EIGHT, produced=0, good=0, scrap=0),
        Count(asset=MILL, at=EIGHT + 30 * MINUTE, produced=25, good=24, scrap=1),
        Count(asset=MILL, at=EIGHT + 50 * MINUTE, produced=32, good=30, scrap=2),
        Count(asset=MILL, at=EIGHT + 58 * MINUTE, produced=35, good=33, scrap=2),
        Status(asset=MILL, at=EIGHT, online=True),
        Notice(asset=MILL, at=EIGHT + 30 * MINUTE, code="e-204", severity="alarm", text="Spindle too hot"),
        StateChange(asset=CMM, at=EIGHT, state="idle"),
    ]
    for minute, state in minutes.items():
        reason = "spindle" if state == "down" else ""
        events.append(StateChange(asset=MILL, at=EIGHT + minute * MINUTE, state=state, reason=reason))  # type: ignore[arg-type]
    events += [
        Sample(asset=MILL, at=EIGHT + second * NS_PER_S, signal="spindle-temp", value=20 + second / 100, unit="Cel")
        for second in range(0, 3_600, 10)
    ]
    return events


class Clock:
    """A clock that a test sets."""

    def __init__(self, now: int) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now


def make_parts(store: Store, plant: Plant, now: Callable[[], int]) -> Parts:
    live_state = LiveState()
    for machine in plant.machines():
        live_state.declare(machine)
    stream = Stream(live_state, now, lambda scope: sheet(plant, live_state, scope, ("127.0.0.1", 1883)))
    return Parts(live_state, stream, store, Answers(store, plant, now), plant, now)


class Wall(msgspec.Struct):
    """A wall that runs: its address, its broker's, its store and its clock."""

    url: str
    broker: str
    store: Store
    stop: Callable[[], Awaitable[None]]


@asynccontextmanager
async def running_wall(
    folder: Path,
    store: Store,
    now: Callable[[], int],
    *,
    password: str | None = None,
    guarded: bool = False,
    plant: Plant = PLANT,
    port: int = 0,
) -> AsyncIterator[Wall]:
    """Run a wall on a free port, over a real broker."""
    port = port or free_port()
    account = {"user": "corridor", "password": "word"} if guarded else {}
    ready = asyncio.Event()
    async with (
        EmbeddedBroker(folder / "broker", port=0, kind="mosquitto", **account) as broker,
        Session(broker.url, client_id="wall", filters=["corridor/v1/#"], now=now) as session,
    ):
        task = asyncio.create_task(
            serve(
                session=session,
                store=store,
                plant=plant,
                now=now,
                host="127.0.0.1",
                port=port,
                password=password,
                ready=ready,
                broker=("127.0.0.1", broker.port),
                grafana="https://grafana.example",
                onboarding=Onboarding(
                    JoiningLines("127.0.0.1", broker.port, "192.0.2.7", is_stack=False),
                    PasswordFiles(folder / "broker") if guarded else None,
                    is_guarded=password is not None,
                    asks=guarded,
                ),
            )
        )
        waiter = asyncio.create_task(ready.wait())
        await asyncio.wait({task, waiter}, return_when=asyncio.FIRST_COMPLETED, timeout=20)
        waiter.cancel()

        async def stop() -> None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

        try:
            if not task.done():
                yield Wall(f"http://127.0.0.1:{port}", broker.url, store, stop)
            else:
                task.result()
        finally:
            await stop()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
