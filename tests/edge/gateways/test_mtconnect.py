"""The client of MTConnect agents against a real HTTP server: what an agent has is neither lost nor counted twice."""

import asyncio
import base64
import contextlib
import itertools
import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import msgspec
import pytest

from broker.contract.errors import ContractError
from broker.contract.message import Publication
from edge.dialects import DIALECTS
from edge.dialects.dialect import Setup
from edge.dialects.shopfloor import mtconnect_xml
from edge.gateways.gateway import Gateway
from edge.gateways.mtconnect import agent as agents
from edge.gateways.mtconnect.position import Header
from edge.gateways.mtconnect.source import MTConnectSource
from tests.edge.gateways.mtconnect_agent import FakeAgent

Until = Callable[[Callable[[], object]], Awaitable[None]]

MILL = "corridor/v1/plant/floor/gateway/mill-2/"


class Plant:
    """Takes the gateway's publications."""

    def __init__(self) -> None:
        self.taken: list[Publication] = []
        self.rejections: list[ContractError] = []

    async def publish(self, *publications: Publication) -> None:
        self.taken += publications

    def of(self, what: str, field: str) -> list[object]:
        """Return a field of all messages on one of the machine's topics."""
        sent = [one.payload for one in self.taken if one.topic == MILL + what]
        return [msgspec.json.decode(payload)[field] for payload in sent]


@contextlib.asynccontextmanager
async def gateway(folder: Path, plant: Plant, *urls: str) -> AsyncIterator[MTConnectSource]:
    known = [agents.parse(url) for url in urls]
    async with MTConnectSource(known, folder, every_s=0.02) as source:
        dialect = DIALECTS["mtconnect"].make(Setup())
        running = Gateway(source, dialect, plant, answering=plant, on_rejected=plant.rejections.append).run()
        task = asyncio.create_task(running)
        try:
            yield source
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize("streams", [True, False], ids=["by a stream", "document by document"])
async def test_what_an_agent_observes_is_what_the_machine_reports(tmp_path: Path, until: Until, streams: bool) -> None:
    agent, plant = FakeAgent(streams=streams), Plant()
    agent.observe("avail", "AVAILABLE")
    agent.observe("exec", "ACTIVE")
    agent.observe("pc", "17")
    async with asyncio.timeout(60), agent, gateway(tmp_path, plant, agent.url):
        await until(lambda: plant.of("count", "produced") == [17])
        assert (plant.of("status", "status"), plant.of("state", "state")) == (["online"], ["running"])
        await until(lambda: len([one for one in agent.asked if one.startswith("/sample")]) >= 1)
        agent.observe("x1", "12.5")
        agent.observe("path", "1.5 2.5 3.5")
        agent.observe("servo", "FAULT servo X overload")
        agent.observe("exec", "READY")
        agent.observe("pc", "UNAVAILABLE")
        agent.observe("x1", "UNAVAILABLE")
        agent.observe("pc", "18")
        await until(lambda: plant.of("count", "produced") == [17, 18])
        assert plant.of("state", "state") == ["running", "down"]
        assert plant.of("event", "text") == ["servo X overload"]
        assert (plant.of("telemetry/x1", "value"), plant.of("telemetry/x1", "unit")) == ([12.5], ["mm"])
        assert [plant.of(f"telemetry/path-{axis}", "value") for axis in "xyz"] == [[1.5], [2.5], [3.5]]
        assert plant.of("telemetry/path-z", "unit") == ["mm"]
        assert {one.topic.split("/")[5] for one in plant.taken} == {"mill-2"}  # the agent itself is no machine
        assert plant.rejections == []


async def test_all_that_an_agent_has_is_read_however_often_it_and_the_gateway_are_lost(
    tmp_path: Path, until: Until
) -> None:
    agent, plant = FakeAgent(), Plant()
    numbers = itertools.count()
    sent: list[int] = []

    def count(pieces: int) -> None:
        for number in itertools.islice(numbers, pieces):
            sent.append(number)
            agent.observe("pc", str(number))

    count(1)
    async with asyncio.timeout(120), agent:
        for _ in range(3):
            async with gateway(tmp_path, plant, agent.url):
                await until(lambda: sent[-1] in plant.of("count", "produced"))
                count(1_200)
                await until(lambda: len(plant.of("count", "produced")) > len(sent) - 500)
            count(50)  # while no gateway is there
        async with gateway(tmp_path, plant, agent.url) as source:
            await until(lambda: sent[-1] in plant.of("count", "produced"))
            assert (source.lost, source.gaps) == (0, 0)
    events = {(one.topic, one.payload) for one in plant.taken}  # what is published again is the same event
    counted = [msgspec.json.decode(payload)["produced"] for topic, payload in events if topic == f"{MILL}count"]
    assert sorted(counted) == sent


@pytest.mark.slow
async def test_an_agent_that_is_killed_twenty_times_is_read_on(tmp_path: Path, until: Until) -> None:
    agent, plant = FakeAgent(), Plant()
    numbers = itertools.count()
    sent: list[int] = []
    async with agent:
        pass  # it has a port now
    async with asyncio.timeout(120), gateway(tmp_path, plant, agent.url) as source:
        for life in range(20):
            async with agent:
                if not life:
                    await until(lambda: any(one.startswith("/sample") for one in agent.asked))
                for number in itertools.islice(numbers, 30):
                    sent.append(number)
                    agent.observe("pc", str(number))
                await until(lambda: source.connected and sent[-1] in plant.of("count", "produced"))
            await until(lambda: not source.connected)
            if life % 2:
                agent.drop_all()
        assert (source.lost, source.gaps, plant.rejections) == (0, 0, [])
    assert plant.of("count", "produced") == sent
    assert plant.of("status", "status")[-1] == "offline"


async def test_what_an_agent_has_no_more_is_a_gap_that_is_counted(
    tmp_path: Path, until: Until, capsys: pytest.CaptureFixture[str]
) -> None:
    agent, plant = FakeAgent(size=10), Plant()
    async with asyncio.timeout(60), agent:
        async with gateway(tmp_path, plant, agent.url):
            agent.observe("pc", "1")
            await until(lambda: plant.of("count", "produced") == [1])
        for number in range(2, 32):
            agent.observe("pc", str(number))
        async with gateway(tmp_path, plant, agent.url) as source:
            await until(lambda: plant.of("count", "produced")[-1] == 31)
            assert (source.lost, source.gaps) == (20, 1)
            agent.observe("pc", "32")
            await until(lambda: plant.of("count", "produced")[-1] == 32)
    assert plant.of("count", "produced") == [1, 31, 32]
    assert "lost=20" in capsys.readouterr().out


async def test_an_agent_demands_its_user_and_another_gets_the_reason(tmp_path: Path, until: Until) -> None:
    agent, plant = FakeAgent(authorization=f"Basic {base64.b64encode(b'mill:p@ss').decode()}"), Plant()
    agent.observe("pc", "7")
    async with asyncio.timeout(60), agent:
        url = agent.url.replace("//", "//mill:p%40ss@")
        async with gateway(tmp_path, plant, url):
            await until(lambda: plant.of("count", "produced") == [7])
        async with agents.Agent(agents.parse(agent.url), 0.1) as asked:
            with pytest.raises(agents.AgentError, match="demands a user"):
                await asked.document("current")
        assert "p%40ss" not in f"{agents.parse(url)} {agents.parse(url)!r}"
        assert "p@ss" not in f"{agents.parse(url)} {agents.parse(url)!r}"


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Return a folder with a certificate of this computer that is its own authority."""
    subject = ("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1")
    made = ("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", *subject)
    subprocess.run([*made, "-keyout", "key.pem", "-out", "ca.pem"], cwd=tmp_path, check=True, capture_output=True)
    return tmp_path


async def test_an_agent_by_https_whose_authority_is_of_our_own(certificate: Path, until: Until) -> None:
    agent, plant = FakeAgent(authorization=f"Basic {base64.b64encode(b'mill:p').decode()}"), Plant()
    agent.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    agent.tls.load_cert_chain(certificate / "ca.pem", certificate / "key.pem")
    agent.observe("pc", "7")
    async with asyncio.timeout(60), agent:
        url = agent.url.replace("//", "//mill:p@")
        async with agents.Agent(agents.parse(url), 0.1) as asked:
            with pytest.raises(agents.AgentError, match="certificate verify failed"):
                await asked.document("current")
        async with gateway(certificate / "data", plant, f"{url}?ca={certificate / 'ca.pem'}"):
            await until(lambda: plant.of("count", "produced") == [7])


async def test_an_agent_whose_instance_is_0_is_read_on(tmp_path: Path, until: Until) -> None:
    agent, plant = FakeAgent(), Plant()
    agent.instance = 0
    async with asyncio.timeout(60), agent:
        async with gateway(tmp_path, plant, agent.url):
            await until(lambda: any(one.startswith("/sample") for one in agent.asked))
            agent.observe("x1", "1.5")
            await until(lambda: plant.of("telemetry/x1", "unit") == ["mm"])
        for number in (1, 2, 3):
            agent.observe("pc", str(number))
        async with gateway(tmp_path, plant, agent.url):
            await until(lambda: plant.of("count", "produced") == [1, 2, 3])


BOMB = b"<!DOCTYPE x [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;'>]><MTConnectStreams>&b;</MTConnectStreams>"
HOSTILE = {
    "an entity bomb": BOMB,
    "an external entity": b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><MTConnectStreams>&a;</MTConnectStreams>',
    "an external document type": b'<!DOCTYPE x SYSTEM "http://127.0.0.1:1/x.dtd"><MTConnectStreams/>',
    "levels without end": b"<MTConnectStreams>" + b"<a>" * 100_000,
    "elements without end": b"<MTConnectStreams>" + b"<a/>" * 150_000 + b"</MTConnectStreams>",
    "cut off": b"<MTConnectStreams><Header",
    "another document": b"<html><body>login</body></html>",
    "no header": b"<MTConnectStreams/>",
    "not text": b"\x00\xff\xfe<<<",
    "an unknown encoding": b'<?xml version="1.0" encoding="klingon"?><MTConnectStreams/>',
}


@pytest.mark.slow
@pytest.mark.parametrize("document", HOSTILE.values(), ids=HOSTILE)
async def test_a_hostile_document_is_rejected_and_reading_goes_on(
    tmp_path: Path, until: Until, document: bytes
) -> None:
    with pytest.raises(ContractError):
        Header.of(mtconnect_xml.read(document))
    agent, plant = FakeAgent(), Plant()
    async with asyncio.timeout(60), agent, gateway(tmp_path, plant, agent.url) as source:
        await until(lambda: any(one.startswith("/sample") for one in agent.asked))
        agent.spoilt["sample"] = document
        agent.observe("pc", "1")
        await until(lambda: not source.connected or source.lost)
        agent.spoilt.clear()
        await until(lambda: plant.of("count", "produced") == [1])  # by what is current
        agent.observe("pc", "2")
        await until(lambda: plant.of("count", "produced") == [1, 2])


async def test_a_document_that_is_too_long_is_no_answer(tmp_path: Path) -> None:
    agent = FakeAgent()
    agent.spoilt["probe"] = b" " * (mtconnect_xml.LONGEST + 1)
    async with asyncio.timeout(60), agent, agents.Agent(agents.parse(agent.url), 0.1) as asked:
        with pytest.raises(agents.AgentError, match="answers more than 8,388,608 bytes"):
            await asked.document("probe")
    with pytest.raises(ContractError, match="the limit is"):
        mtconnect_xml.read(agent.spoilt["probe"])


@pytest.mark.parametrize(
    "url",
    ["mqtt://host", "http://", "http://host:port", "http://host?ca=x", "https://host?ca=missing", "host:5000", ""],
)
def test_an_address_that_is_none_is_an_error_without_it(url: str) -> None:
    with pytest.raises(agents.AgentError, match="address"):
        agents.parse(url)
