"""Running the announcements to Home Assistant: a session to the plant's broker and one to Home Assistant's."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec
import typer

from broker.contract.topics import line_of
from broker.mqtt import address
from broker.mqtt.session import Session
from broker.plant.plant import Plant, readable
from cli.running.alone import alone
from cli.running.watching import Watch
from edge.gateways.homeassistant import announcer
from edge.gateways.homeassistant.announcement import BASE, Titles
from edge.gateways.homeassistant.board import FILTERS, Board
from services.health.vitals import Vitals

SERVICE: Final = "gateway-homeassistant-announce"


class Announced(msgspec.Struct, frozen=True):
    """What is announced where.

    Attributes:
        home: Home Assistant's broker.
        plant_at: the plant's.
        folder: of the gateways.
        place: names the gateway, among those that announce to one Home Assistant.
        topics: of the plant, of which machines are announced; none for all.
        base: Home Assistant's prefix.
        plant: has the titles of machines; None where their paths are read.
    """

    home: str
    plant_at: str
    folder: Path
    place: str
    topics: Sequence[str] = ()
    base: str = BASE
    plant: Plant | None = None

    @property
    def client(self) -> str:
        """The client's identifier, at both brokers."""
        return "-".join(("corridor", SERVICE, *self.place.split("/")))

    def titles(self, asset: str) -> Titles:
        """Return the titles of a machine and of its line."""
        line = line_of(asset)
        if self.plant is None:
            return Titles(readable(asset.rpartition("/")[2]), readable(line.rpartition("/")[2]))
        return Titles(self.plant.title(asset), self.plant.title(line))


async def run(announced: Announced, watch: Watch) -> None:
    """Announce the machines until cancelled.

    Raises:
        CommandError: another gateway announces for this place.
        SessionError: a broker cannot be reached at the start; later it is waited for.
    """
    board = Board(announced.client, announced.titles, announced.base)
    offline = board.availability(online=False)
    with _alone(announced):
        async with (
            Session(announced.plant_at, client_id=announced.client, filters=announced.topics or FILTERS) as plant,
            Session(
                announced.home,
                client_id=f"{announced.client}-out",
                filters=announcer.found_at(announced.base),
                will=offline,
                greeting=board.all,
                farewell=lambda: [offline],
            ) as home,
        ):
            vitals = [Vitals(SERVICE, plant), Vitals(f"{SERVICE}-out", home)]
            watch.known.extend(vitals)
            ends = address.parse(announced.plant_at), address.parse(announced.home)
            typer.echo(f"Machines are announced to Home Assistant: {ends[0]} to {ends[1]}", err=True)
            try:
                await announcer.announce(board, plant, home)
            finally:
                for each in vitals:
                    watch.known.remove(each)


async def remove(announced: Announced) -> None:
    """Clear what this gateway announced.

    Raises:
        CommandError: the gateway runs.
        SessionError: the broker cannot be reached.
    """
    board = Board(announced.client, announced.titles, announced.base)
    filters = (*announcer.found_at(announced.base), board.gateway_at)
    with _alone(announced):
        async with Session(announced.home, client_id=f"{announced.client}-out", filters=filters) as home:
            count = await announcer.remove(board, home)
    typer.echo(f"{count} announcements are cleared", err=True)


@contextmanager
def _alone(announced: Announced) -> Iterator[None]:
    problem = "a gateway announces to Home Assistant for this place"
    with alone(announced.folder / announced.client / "lock", problem, "stop it, or choose another --place"):
        yield
