"""What a peer reports while it carries out a command is still read."""

import sys

from tests.edge.peers import Program

ANSWERS_FIRST = """
import json, sys
for number, line in enumerate(sys.stdin):
    for report in ({"answer": number}, {"done": line}, {"after": number}):
        print(json.dumps(report), flush=True)
"""


async def test_an_answer_that_comes_before_its_command_is_done_is_read() -> None:
    async with Program(sys.executable, "-c", ANSWERS_FIRST) as peer:
        await peer.ask(first=True)
        await peer.ask(second=True)
        assert [await peer.report() for _ in range(4)] == [{"answer": 0}, {"after": 0}, {"answer": 1}, {"after": 1}]
