"""Machines that come and go: recordings of it, with answers worked out by hand."""

import json

import pytest

from broker.contract.message import Message
from broker.contract.payloads import KpiWarning
from broker.contract.topics import PREFIX
from broker.plant.plant import NO_PLANT
from broker.plant.plant_file import parse
from services.kpi.recompute import recompute
from services.query.answers import answer
from services.store.interface import Store
from tests.readings.cases import Case, replay


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["offline-flap-inside-a-stop", "stale-will-after-reconnect", "clock-ahead-and-will", "device-dies-silently"]
)
async def test_the_answer_is_that_worked_out_by_hand(name: str, store: Store) -> None:
    case = Case.read(name)
    await replay(case.messages, store)
    case.check(await case.ask(store))


MILL = "fab/shop/line-1/m1"
BEGIN = 1_795_500_000_000  # 06:00 UTC
MINUTE = 60_000


def message(kind: str, minute: float, ahead_s: float = 0, **fields: object) -> Message:
    """Return a message as received at a minute, with the time of a clock that is ahead by so much."""
    at = BEGIN + round(minute * MINUTE)
    payload = json.dumps({"ts": at + round(ahead_s * 1_000), **fields}).encode()
    return Message(f"{PREFIX}/{MILL}/{kind}", payload, 1, retained=False, received_at=at * 1_000_000)


async def warnings(messages: list[Message], store: Store, hours: int = 2) -> dict[str, KpiWarning]:
    await replay(messages, store)
    start, end = BEGIN * 1_000_000, (BEGIN + hours * 60 * MINUTE) * 1_000_000
    found = (await answer(store, NO_PLANT, MILL, start, end, now=end)).warnings
    return {
        warning.code: warning for warning in found if warning.code in {"machine-silent", "clock-off", "message-late"}
    }


RUNNING = message("state", 0, state="running")


@pytest.mark.slow
async def test_a_machine_that_fell_silent_is_named_with_the_time_since_when(store: Store) -> None:
    counts = [message("count", minute, produced=minute) for minute in range(60)]
    found = await warnings([RUNNING, *counts], store)
    assert found.keys() == {"machine-silent"}
    assert found["machine-silent"].amount == 61 * 60
    assert found["machine-silent"].text.startswith(f"{MILL}: no message since 06:59 UTC on 2026-11-24")


@pytest.mark.slow
@pytest.mark.parametrize(
    "messages",
    [
        [message("count", minute, produced=minute) for minute in range(112)],  # less than ten minutes
        [message("count", minute, produced=minute) for minute in range(0, 100, 15)],  # it seldom sends
        [*(message("count", minute, produced=minute) for minute in range(60)), message("state", 60, state="off")],
        [*(message("count", minute, produced=minute) for minute in range(60)), message("status", 60, status="offline")],
        [*(message("telemetry/load", minute, value=minute) for minute in range(115)), message("count", 9, produced=1)],
        [],  # it never used to speak
    ],
)
async def test_a_machine_of_which_nothing_was_to_be_expected_is_not_called_silent(
    messages: list[Message], store: Store
) -> None:
    assert "machine-silent" not in await warnings([RUNNING, *messages], store)


@pytest.mark.slow
async def test_a_clock_that_is_off_is_named_and_one_that_was_set_is_not(store: Store) -> None:
    counts = [message("count", minute, 95 + minute % 3, produced=minute) for minute in range(119)]
    found = await warnings(counts, store)
    assert (found["clock-off"].amount, found["clock-off"].text.partition(": set")[0]) == (
        96,
        f"{MILL}: its clock is 96 s ahead of ours",
    )
    await replay([message("status", 119, status="online"), message("count", 119, produced=119)], store)
    now = BEGIN * 1_000_000 + 2 * 60 * MINUTE * 1_000_000
    found_then = (await answer(store, NO_PLANT, MILL, BEGIN * 1_000_000, now, now=now)).warnings
    assert "clock-off" not in {warning.code for warning in found_then}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("messages", "is_named"),
    [
        ([message("state", 90, -5_400, state="down")], True),
        ([message("state", 90 + each, -5_400 + 60 * each, state="down") for each in range(8)], False),  # catching up
        ([message("state", 90, -600, state="down")], False),
    ],
)
async def test_a_message_that_comes_hours_late_alone_is_named_with_both_times(
    messages: list[Message], is_named: bool, store: Store
) -> None:
    gap = {message.received_at for message in messages} if len(messages) > 1 else set()
    counts = [message("count", minute, produced=minute) for minute in range(119)]
    on_time = [each for each in counts if not gap or not min(gap) <= each.received_at <= max(gap)]
    found = await warnings([RUNNING, *on_time, *messages], store)
    assert ("message-late" in found) == is_named
    if is_named:
        assert "2026-11-24T06:00:00Z was received at 2026-11-24T07:30:00Z" in found["message-late"].text


SILENT_AFTER = parse('[asset."fab/shop"]\nsilent-after = "10m"\n', "plant.toml")


async def unknown_min(messages: list[Message], store: Store) -> float:
    await replay(messages, store, SILENT_AFTER)
    end = BEGIN * 1_000_000 + 120 * MINUTE * 1_000_000
    found = await answer(store, SILENT_AFTER, MILL, BEGIN * 1_000_000, end, now=end)
    done = await recompute(store, SILENT_AFTER, "", 0, 2**62, now=end)
    assert done.changed == 0
    assert found.ledger.get("unknown_s", 0) + found.ledger.get("running_s", 0) == 7_200
    return found.ledger.get("unknown_s", 0) / 60


@pytest.mark.slow
@pytest.mark.parametrize(
    ("messages", "minutes"),
    [
        ([message("count", minute, produced=minute) for minute in range(60)], 51),  # from 59 + 10 on
        ([message("count", minute, produced=minute) for minute in (0, 30, 31, 110)], 20 + 69),
        ([message("count", minute, produced=minute) for minute in range(0, 120, 10)], 0),
        ([message("telemetry/load", minute, value=1.0) for minute in range(119)], 0),
        (
            [
                message("count", 10, produced=0),
                message("status", 20, status="offline"),
                message("count", 90, produced=1),
            ],
            90,
        ),
    ],
)
async def test_a_machine_is_unknown_after_the_silence_that_the_plant_allows(
    messages: list[Message], minutes: float, store: Store
) -> None:
    assert await unknown_min([RUNNING, *messages], store) == minutes
