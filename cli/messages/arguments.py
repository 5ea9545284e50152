"""Arguments that several commands about messages have: a topic, a payload, how long to run."""

from typing import Annotated

import typer

from broker.contract.topics import PREFIX
from cli.invocation import times

TopicArgument = Annotated[
    str, typer.Argument(metavar="TOPIC", help=f"The topic; {PREFIX}/ may be left out, as in sheffield/…/mill-1/state.")
]
PayloadArgument = Annotated[str, typer.Argument(metavar="PAYLOAD", help="The payload; '' clears the retained message.")]
For = Annotated[
    float | None, typer.Option("--for", metavar="D", parser=times.duration_s, help="End after this time, as in 30s.")
]


def full_topic(topic: str) -> str:
    """Return a topic or filter with the prefix that may be left out."""
    return topic if topic == PREFIX or topic.startswith(f"{PREFIX}/") else f"{PREFIX}/{topic}"


def payload_bytes(payload: str) -> bytes:
    """Return the very bytes of the command line."""
    return payload.encode("utf-8", "surrogateescape")
