"""How much is stored of rejected messages: a few of each kind as they were, and the count of all others like them.

A device that sends rubbish sends it without end, and every message differs a little. So messages are grouped by what
is wrong (`reason_class`: the reason without the values in it) and whose they are (`pattern_of`: the first four levels
of their topic). Of each group a few are stored in an hour, and one row in five minutes says how many more there were.
Groups are bounded as well: where topics vary without end, they are counted together, under ever wider patterns. What
is wrong for the first time in an hour is stored with its payload even when everything else is used up.

A count belongs to a row, and the row is written with the batch; so the counts of all rows add up to the messages.
"""

import re
import time
from collections.abc import Callable, Iterable
from typing import Final, Self

import msgspec

from broker.contract.topics import PREFIX
from services.store.interface import Rejected

FEW: Final = 5
"""So many messages of a group are stored in an hour."""
HOUR_ROWS: Final = 200
"""So many in all, but for the first of each reason."""
SITE_ROWS: Final = 60
"""So many with the same first level."""
DAY_ROWS: Final = 1_000
"""So many in all in a day, but for the first of each reason in an hour."""

MOST_GROUPS: Final = 64
"""So many groups are counted for themselves."""
MOST_OF_A_SITE: Final = 32
MOST_OF_A_REASON: Final = 16
MOST_REASONS: Final = 64
"""So many reasons are counted separately, in an hour and in a `Tally`."""

LONGEST_TOPIC: Final = 256
LONGEST_REASON: Final = 512
LONGEST_CLASS: Final = 96

PERIOD_S: Final = 300.0
"""For so long one row counts what is not stored."""
HOUR_S: Final = 3_600.0
DAY_S: Final = 86_400.0

OTHER: Final = "other reasons"

_ASSET_LEVELS: Final = 4
_LONGEST_LEVEL: Final = 32
_QUOTED: Final = re.compile(r"""'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|(?<=unknown field )`[^`]*`""")
_NUMBER: Final = re.compile(r"0x[0-9A-F]+|[-+]?\d+(?:[.,:]\d+)*")


class Tally:
    """Counts by reason class, of bounded size: reasons beyond `MOST_REASONS` are counted together."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}

    def add(self, reason: str, n: int = 1) -> None:
        """Count messages that were rejected for this reason."""
        name = reason_class(reason)
        if name not in self.counts and len(self.counts) >= MOST_REASONS:
            name = OTHER
        self.counts[name] = self.counts.get(name, 0) + n


class _Group(msgspec.Struct):
    """Messages that count together.

    Attributes:
        stored: of this hour, those that are stored as they were, by time, topic and payload.
        first: when the first came that is only counted, in this period.
        count: how many are only counted, in this period.
        size: their bytes.
    """

    stored: tuple[tuple[int, str, bytes], ...] = ()
    first: int = 0
    count: int = 0
    size: int = 0


class _State(msgspec.Struct):
    """What was stored and counted in this hour, by the clock of `Rejections`.

    Attributes:
        groups: by reason class and pattern.
        narrow: how many groups have a pattern of their own, by reason class and, with a `/` before it, by site.
        reasons: those of which a message is stored.
        sites: how many messages are stored, by site.
    """

    period: float
    hour: float
    day: float
    groups: dict[tuple[str, str], _Group] = {}
    narrow: dict[str, int] = {}
    reasons: frozenset[str] = frozenset()
    sites: dict[str, int] = {}
    hour_rows: int = 0
    day_rows: int = 0

    def copy(self) -> "_State":
        """Return a state that can be changed without this one."""
        groups = {key: msgspec.structs.replace(group) for key, group in self.groups.items()}
        return msgspec.structs.replace(self, groups=groups, narrow=dict(self.narrow), sites=dict(self.sites))

    def roll(self, now: float) -> None:
        """Reset what belongs to a day, hour or period that is over."""
        if now - self.day >= DAY_S:
            self.day, self.day_rows = now, 0
        if now - self.hour >= HOUR_S:
            self.hour, self.hour_rows, self.reasons = now, 0, frozenset()
            self.groups.clear()
            self.narrow.clear()
            self.sites.clear()
        if now - self.period >= PERIOD_S:
            self.period = now
            for group in self.groups.values():
                group.first = group.count = group.size = 0

    def group(self, reason: str, pattern: str) -> tuple[str, str]:
        """Return the key of the group that a message counts in, made if it is new: as narrow as there is room for."""
        wide, widest = (reason, "#"), (OTHER, "#")
        if (reason, pattern) in self.groups:
            return reason, pattern
        site = f"/{_site(pattern)}"
        of_reason, of_site = self.narrow.get(reason, 0), self.narrow.get(site, 0)
        if len(self.groups) < MOST_GROUPS and of_reason < MOST_OF_A_REASON and of_site < MOST_OF_A_SITE:
            key = (reason, pattern)
            self.narrow |= {reason: of_reason + 1, site: of_site + 1}
        elif wide in self.groups or len(self.groups) < MOST_GROUPS + MOST_REASONS:
            key = wide
        else:
            key = widest
        self.groups.setdefault(key, _Group())
        return key

    def may_store(self, reason: str, group: _Group, site: str) -> bool:
        """Return whether a message may be stored as it is."""
        if reason not in self.reasons and len(self.reasons) < MOST_REASONS:
            return True
        return (
            len(group.stored) < FEW
            and self.hour_rows < HOUR_ROWS
            and self.day_rows < DAY_ROWS
            and (site in self.sites or len(self.sites) < HOUR_ROWS)
            and self.sites.get(site, 0) < SITE_ROWS
        )

    def store(self, reason: str, group: _Group, site: str, key: tuple[int, str, bytes]) -> None:
        """Note that a message is stored as it is."""
        group.stored = (*group.stored[: FEW - 1], key)
        if len(self.reasons) < MOST_REASONS:
            self.reasons |= {reason}
        if site in self.sites or len(self.sites) < HOUR_ROWS:
            self.sites[site] = self.sites.get(site, 0) + 1
        self.hour_rows += 1
        self.day_rows += 1


class Rejections:
    """Decides what is stored of rejected messages, in bounded memory.

    Args:
        clock: monotonic seconds; not the time of messages, because a recording of a year is read in an hour.
        sparse: return the row of a count only when the count has one more digit than before, for rows that are
            published each time rather than overwritten.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, *, sparse: bool = False) -> None:
        now = clock()
        self._clock = clock
        self._sparse = sparse
        self._state = _State(period=now, hour=now, day=now)

    def draft(self) -> "Draft":
        """Return a decision about a batch that is about to be written; it counts once it is committed."""
        return Draft(self, self._state.copy(), self._clock(), sparse=self._sparse)

    def commit(self, state: _State) -> None:
        """Go on from the state of a draft."""
        self._state = state

    @property
    def size(self) -> int:
        """How many groups are counted."""
        return len(self._state.groups)


class Draft:
    """What would be stored of a batch: made by `Rejections.draft`, and dropped unless it is committed."""

    def __init__(self, owner: Rejections, state: _State, now: float, *, sparse: bool) -> None:
        self._owner, self._state, self._sparse = owner, state, sparse
        self._seen: set[tuple[int, str, bytes]] = set()
        state.roll(now)

    def rows(self, rejected: Iterable[Rejected]) -> list[Rejected]:
        """Return the rows to store: some messages as they are (their texts cut), and counts of the others."""
        rows: list[Rejected] = []
        before: dict[tuple[str, str], int] = {}
        state = self._state
        for one in rejected:
            if one.is_count:
                rows.append(one)
                continue
            reason, pattern = reason_class(one.reason), pattern_of(one.topic)
            key = state.group(reason, pattern)
            group = state.groups[key]
            row = _cut(one)
            identity = (row.at, row.topic, row.payload)
            if identity in group.stored and identity not in self._seen:
                rows.append(row)  # the same batch once more
            elif identity not in self._seen and state.may_store(reason, group, _site(pattern)):
                state.store(reason, group, _site(pattern), identity)
                rows.append(row)
            else:
                before.setdefault(key, group.count)
                group.first = group.first if group.count else one.at
                group.count += 1
                group.size += one.size
            self._seen.add(identity)
        rows += [
            _count_of(key, state.groups[key])
            for key, count in before.items()
            if not self._sparse or len(str(state.groups[key].count)) > len(str(count or ""))
        ]
        return rows

    def commit(self) -> None:
        """Make the decision count, now that the batch is written."""
        self._owner.commit(self._state)

    def __enter__(self) -> Self:
        """Begin a batch."""
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Commit, unless the batch failed."""
        if kind is None:
            self.commit()


def reason_class(reason: str) -> str:
    """Return a reason without the values that it quotes and without its hint: one of few texts."""
    text = reason[: 2 * LONGEST_REASON]
    if text.startswith("InfluxDB: "):  # it quotes lines as they are, with quotes in them
        return re.split("['\"`]", text)[0][:LONGEST_CLASS].rstrip(" :") or OTHER
    text = _QUOTED.sub("…", text).partition("; ")[0]
    return _NUMBER.sub("N", text)[:LONGEST_CLASS] or OTHER


def pattern_of(topic: str) -> str:
    """Return the topic filter of a topic's asset: its first four levels, and `#`."""
    beginning = f"{PREFIX}/" if topic.startswith(f"{PREFIX}/") else ""
    levels = topic[len(beginning) : len(beginning) + 4 * LONGEST_TOPIC].split("/")[:_ASSET_LEVELS]
    return f"{beginning}{'/'.join(level[:_LONGEST_LEVEL] for level in levels)}/#"


def _site(pattern: str) -> str:
    return pattern.removeprefix(f"{PREFIX}/").partition("/")[0]


def _cut(one: Rejected) -> Rejected:
    if len(one.topic) <= LONGEST_TOPIC and len(one.reason) <= LONGEST_REASON:
        return one
    return msgspec.structs.replace(
        one, topic=_shortened(one.topic, LONGEST_TOPIC), reason=_shortened(one.reason, LONGEST_REASON)
    )


def _shortened(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _count_of(key: tuple[str, str], group: _Group) -> Rejected:
    reason, pattern = key
    # The key of a row is time, topic and payload.
    return Rejected(
        group.first, pattern, f"{group.count:,} more like it: {reason}", reason.encode(), group.size, group.count
    )
