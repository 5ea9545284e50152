"""Cases of the dialects: a folder each, with what comes in and what a gateway makes of it.

    tests/edge/dialects/<dialect>/<case>/in.jsonl         a recording, as `corridor record` writes it
                                         expected.jsonl   native messages, rejections, requests, in order
                                         setup.toml       place, asset, machines, options; where they differ
                                         mapping.toml     of dialects that take one

A line of `in.jsonl` on the topic `$tick` lets time pass. `python -m tests.edge.dialects.cases DIALECT CASE …` prints
what comes out, to be read before it is saved as `expected.jsonl`.
"""

import json
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from broker.contract.message import Message, Publication
from broker.contract.recordings.recording import Recording
from broker.contract.topics import PREFIX
from edge.dialects import DIALECTS, guard
from edge.dialects.dialect import Dialect, Setup, Translation
from edge.gateways.native import publication

FOLDER = Path(__file__).resolve().parent


class Case(NamedTuple):
    """A folder of one."""

    dialect: str
    name: str

    @property
    def folder(self) -> Path:
        return FOLDER / self.dialect / self.name

    def setup(self) -> Setup:
        """Return what the user has configured in this case."""
        file, mapping = self.folder / "setup.toml", self.folder / "mapping.toml"
        own = tomllib.loads(file.read_text("utf-8")) if file.exists() else {}
        return Setup(mapping=mapping.read_text("utf-8") if mapping.exists() else "", **own)

    def make(self) -> Dialect:
        """Return a new translator for this case."""
        return DIALECTS[self.dialect].make(self.setup())

    def messages(self) -> list[Message]:
        """Return what comes in."""
        with Recording(self.folder / "in.jsonl") as recording:
            return list(recording)

    def expected(self) -> list[dict[str, Any]]:
        """Return what is to come out."""
        return [json.loads(line) for line in (self.folder / "expected.jsonl").read_text("utf-8").splitlines()]

    def found(self) -> list[dict[str, Any]]:
        """Return what comes out."""
        dialect = self.make()
        return [line for message in self.messages() for line in lines(answer(dialect, message))]


def cases() -> list[Case]:
    """Return all cases."""
    return [Case(file.parent.parent.name, file.parent.name) for file in sorted(FOLDER.glob("*/*/in.jsonl"))]


def answer(dialect: Dialect, message: Message) -> Translation:
    """Return what a message means, or the passing of time until then."""
    if message.topic == "$tick":
        return guard.tick(dialect, message.received_at)
    return guard.translate(dialect, message)


def lines(translation: Translation) -> Iterator[dict[str, Any]]:
    """Yield what comes out, as in `expected.jsonl`; topics of the contract without their prefix."""
    for event in translation.events:
        sent = publication(event)
        yield {"topic": sent.topic.removeprefix(f"{PREFIX}/"), "payload": json.loads(sent.payload)}
    for rejection in translation.rejections:
        yield {"rejected": rejection.problem}
    for request in translation.requests:
        yield {"request": request.topic, "payload": _shown(request), "qos": request.qos, "retain": request.retain}


def _shown(request: Publication) -> str:
    try:
        return request.payload.decode("utf-8")
    except UnicodeDecodeError:
        return f"hex:{request.payload.hex()}"


if __name__ == "__main__":
    for case in cases():
        if case.dialect == sys.argv[1] and case.name in (sys.argv[2:] or [case.name]):
            sys.stdout.write(f"# {case.name}\n")
            for line in case.found():
                sys.stdout.write(f"{json.dumps(line, ensure_ascii=False)}\n")
