"""The report on a soak, in Markdown."""

import platform
import subprocess
from collections.abc import Iterator, Sequence
from typing import Final

from broker.server import mosquitto, nats
from cli.develop.version import number
from cli.soak import influxd
from cli.soak.outcome import Outcome
from cli.soak.watch import Usage

_POINTS: Final = 8
_MIB: Final = 1024 * 1024

NOTES: Final = {
    "mosquitto": (
        "Mosquitto writes what it holds when it is stopped, and every ten seconds; killed, it loses what came"
        " since (docs/decisions/0004). So it is restarted by SIGTERM, and killed only while nothing is under way."
    ),
    "nats": (
        "NATS server writes down a moment later what a session has not acknowledged; stopped within that moment,"
        " or killed, it may lose it (docs/decisions/0004). So it is restarted half a second after its clients have"
        " gone, and killed only while nothing is under way."
    ),
    "sqlite": (
        "The full disk is a limit on the file size of the writing processes (RLIMIT_FSIZE): every write fails. The"
        " store is away while another process holds its write lock."
    ),
    "influxdb": "The store is away while influxd is stopped, killed or paused. A full disk is tried with SQLite only.",
    "": (
        "Every message has its time, so each is known by it: one without a time that is delivered again after a crash"
        " has another time of receipt, and would be another event."
    ),
}
"""What a soak does not do, and why."""


def markdown(outcome: Outcome) -> str:
    """Return the report."""
    return "\n".join(_lines(outcome)) + "\n"


def summary(outcome: Outcome) -> str:
    """Return the verdict in one line."""
    found = outcome.verdict
    if found is None:
        return "no verdict: it did not come to that"
    word = "good" if outcome.is_good else "NOT DRAINED" if found.undrained and found.is_good else "NOT GOOD"
    others = "".join(f", {each}" for each in _other_faults(outcome))
    return (
        f"{word}: {found.acknowledged:,} messages acknowledged, {found.lost} lost,"
        f" {found.doubled} doubled, {found.changed + found.strange} otherwise than sent, {found.differing} of"
        f" {found.rows:,} ledger rows different, {sum(outcome.faults.values())} faults,"
        f" longest catch-up {outcome.longest_catch_up_s:.1f} s{others}"
    )


def _other_faults(outcome: Outcome) -> Iterator[str]:
    """Yield why a soak is not good whose messages and ledger are."""
    if outcome.verdict is not None and outcome.verdict.undrained:
        yield f"{outcome.verdict.undrained:,} not stored yet: this computer is too slow for the rate"
    elif outcome.drained_s is None:
        yield "what was sent last was never stored"
    if outcome.wall_knows != outcome.settings.devices:
        yield f"the wall shows {outcome.wall_knows} of {outcome.settings.devices} devices"
    yield from (f"{each.name} grows" for each in outcome.growth if each.flat is False)


def _lines(outcome: Outcome) -> Iterator[str]:
    asked = outcome.settings
    yield f"# Soak: {asked.broker} and {asked.store}, seed {asked.seed}"
    yield ""
    yield f"**{summary(outcome)}**"
    yield ""
    ended = " It was ended before its time." if outcome.interrupted else ""
    yield (
        f"{asked.devices} devices, {asked.rate:g} messages a second asked for, {outcome.took_s:.0f} of"
        f" {asked.length_s:.0f} s.{ended}"
    )
    yield ""
    yield from _table(("", ""), _figures(outcome))
    yield from _table(("what went wrong", "times"), [(what, f"{n:,}") for what, n in sorted(outcome.faults.items())])
    if outcome.own_ends:
        yield "Processes that ended by themselves, and were started again as a service manager would:"
        yield ""
        yield from _table(("process", "times"), [(name, str(n)) for name, n in outcome.own_ends.items()])
    if outcome.verdict is not None and outcome.verdict.shown:
        yield "The first of what was found:"
        yield ""
        yield from (f"- `{line}`" for line in outcome.verdict.shown)
        yield ""
    if outcome.usage is not None:
        yield from _memory(outcome, outcome.usage)
    for about in (asked.broker, asked.store, ""):
        yield f"- {NOTES[about]}"
    yield ""
    yield from _table(("", "version"), _versions(outcome))


def _figures(outcome: Outcome) -> list[tuple[str, str]]:
    found = outcome.verdict
    drained = "never" if outcome.drained_s is None else f"{outcome.drained_s:.1f} s"
    figures = [
        ("longest catch-up after a fault", f"{outcome.longest_catch_up_s:.1f} s"),
        ("until all was stored, after the last message", drained),
        ("devices that the wall shows in the end", f"{outcome.wall_knows} of {outcome.settings.devices}"),
    ]
    if found is None:
        return figures
    return [
        ("messages sent", f"{found.sent:,}"),
        ("acknowledged by the broker", f"{found.acknowledged:,}"),
        ("events stored", f"{found.stored:,}"),
        ("acknowledged messages lost", f"{found.lost:,}"),
        ("acknowledged messages that were not stored yet when the services were stopped", f"{found.undrained:,}"),
        ("events doubled", f"{found.doubled:,}"),
        ("events stored otherwise than sent", f"{found.changed:,}"),
        ("events stored that nobody sent", f"{found.strange:,}"),
        ("ledger rows compared with those recomputed", f"{found.rows:,}"),
        ("ledger rows that differ", f"{found.differing:,}"),
        *figures,
    ]


def _memory(outcome: Outcome, usage: Usage) -> Iterator[str]:
    yield f"Memory (MiB, resident) in {_POINTS} parts of the soak, and descriptors at first and in the end:"
    yield ""
    rows = []
    for grown in outcome.growth:
        curve = [f"{each.memory / _MIB:.0f}" if each else "–" for each in usage.curve(grown.name, _POINTS)]
        descriptors = "–" if grown.flat is None else f"{grown.descriptors[0]:.0f} → {grown.descriptors[1]:.0f}"
        flat = {True: "yes", False: "**no**", None: "too short"}[grown.flat]
        rows.append((grown.name, *curve, descriptors, flat))
    yield from _table(("process", *map(str, range(1, _POINTS + 1)), "descriptors", "flat"), rows)


def _table(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |"
    yield f"|{' --- |' * len(heads)}"
    yield from (f"| {' | '.join(row)} |" for row in rows)
    yield ""


def _versions(outcome: Outcome) -> list[tuple[str, str]]:
    program = mosquitto.find() if outcome.settings.broker == "mosquitto" else nats.find()
    found = [
        ("corridor", number()),
        ("Python", platform.python_version()),
        ("system", f"{platform.system()} {platform.release()} {platform.machine()}"),
        (
            outcome.settings.broker,
            _reported_state([str(program), "-h" if outcome.settings.broker == "mosquitto" else "--version"]),
        ),
    ]
    if outcome.settings.store == "influxdb":
        found.append(("influxd", _reported_state([str(influxd.find()), "version"])))
    else:
        import sqlite3  # noqa: PLC0415  (for its version alone)

        found.append(("SQLite", sqlite3.sqlite_version))
    return found


def _reported_state(command: list[str]) -> str:
    """Return the first line that a program says of itself."""
    finished = subprocess.run(command, capture_output=True, text=True, check=False, timeout=10)  # noqa: S603  (as above)
    return next(iter((finished.stdout or finished.stderr).splitlines()), "?")
