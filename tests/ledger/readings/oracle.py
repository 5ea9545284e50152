"""What each cumulative reading is, as specified: slow and obvious, from all readings at once.

Nothing but the names of the kinds is shared with `services.ledger.readings`. Totals are exact, in 10⁻⁹ of the unit.
"""

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import NamedTuple

NANO = 1_000_000_000
SECOND = NANO
MINUTE = 60 * SECOND
PIECES = ("produced", "good", "scrap", "rework", "inspected", "first_pass", "planned_scrap", "startup_scrap")
RECOUNTED = ("good", "scrap", "rework", "inspected", "first_pass")
BINARY_ENDS = [Fraction(2**bits) * NANO for bits in (15, 16, 31, 32)]
ENDS = BINARY_ENDS + [Fraction(10**digits) * NANO for digits in range(4, 16)]

Reading = tuple[int, Fraction]
Possible = Callable[[str, int, int], Fraction | None]


class Is(NamedTuple):
    """What a reading is, and what it added; '' is production, `left out` what follows in a dip or spike."""

    kind: str
    added: Fraction


def classified(
    series: Mapping[str, Sequence[Reading]], possible: Possible, ends: Sequence[Fraction] = ()
) -> dict[str, list[Is]]:
    """Classify the readings of one group, in order of time by field."""
    return _Walk({field: list(readings) for field, readings in series.items()}, possible, [*ends, *ENDS]).walk()


class _Walk:
    def __init__(self, series: dict[str, list[Reading]], possible: Possible, ends: list[Fraction]) -> None:
        self.series, self.possible, self.ends = series, possible, ends
        self.found: dict[str, dict[int, Is]] = {field: {} for field in series}
        self.base: dict[str, int] = {}
        self.increments: dict[str, list[Fraction]] = {field: [] for field in series}

    def walk(self) -> dict[str, list[Is]]:
        for at in sorted({at for readings in self.series.values() for at, _ in readings}):
            places = {
                field: place
                for field, readings in self.series.items()
                for place, (time, _) in enumerate(readings)
                if time == at and place not in self.found[field]
            }
            self.message(places)
        return {field: [found[place] for place in range(len(found))] for field, found in self.found.items()}

    def message(self, places: dict[str, int]) -> None:
        risen: dict[str, tuple[Is, int]] = {}
        fallen: dict[str, tuple[Is, int]] = {}
        for field, place in places.items():
            if field not in self.base:
                self.found[field][place] = Is("", Fraction(0))
                self.base[field] = place
            elif self.total(field, place) >= self.total(field, self.base[field]):
                risen[field] = self.risen(field, place)
        for field, place in places.items():
            if field not in risen and self.base[field] != place:
                fallen[field] = self.fallen(field, place, "produced" in risen)
        self.together(places, risen, fallen)
        for field, (kind, back) in {**risen, **fallen}.items():
            self.put(field, places[field], kind, back)

    def together(
        self, places: dict[str, int], risen: dict[str, tuple[Is, int]], fallen: dict[str, tuple[Is, int]]
    ) -> None:
        if fallen:
            leader = max(
                sorted(fallen, key=lambda field: PIECES.index(field) if field in PIECES else 0),
                key=lambda field: self.total(field, self.base[field]),
            )
            if fallen[leader][0].kind == "dips":
                returned = self.series[leader][fallen[leader][1]][0]
                for field, (kind, _) in list(fallen.items()):
                    back = self.first_rise(field, places[field])
                    if kind.kind != "dips" and back is not None and self.series[field][back][0] == returned:
                        fallen[field] = Is("dips", Fraction(0)), back
            left = [field for field in fallen if fallen[leader][0].kind != "dips" or fallen[field][0].kind != "dips"]
            if any(fallen[field][0].kind == "resets" for field in left):
                for field in left:
                    fallen[field] = Is("resets", self.total(field, places[field])), 0
        if any(kind.kind == "new_bases" for kind, _ in risen.values()):
            for field, (kind, _) in list(risen.items()):
                rise = self.total(field, places[field]) - self.total(field, self.base[field])
                most = self.most(field, self.base[field], places[field])
                if kind.kind == "" and most is not None and rise > most:
                    risen[field] = Is("new_bases", Fraction(0)), 0
            for field, (kind, _) in list(fallen.items()):
                if kind.kind != "dips":
                    fallen[field] = Is("new_bases", Fraction(0)), 0

    def put(self, field: str, place: int, kind: Is, back: int) -> None:
        self.found[field][place] = kind
        if kind.kind in {"dips", "spikes"}:
            for between in range(place + 1, back):
                self.found[field][between] = Is("left out", Fraction(0))
            return
        self.base[field] = place
        if kind.kind != "new_bases":
            self.increments[field].append(kind.added)

    def risen(self, field: str, place: int) -> tuple[Is, int]:
        readings = self.series[field]
        base = self.total(field, self.base[field])
        rise = self.total(field, place) - base
        most = self.most(field, self.base[field], place)
        before = self.increments[field][-10:]
        leaps = rise > most if most is not None else base > 0 and bool(before) and rise > 10 * max(before)
        following = [other for other in range(place + 1, len(readings)) if readings[other][1] != readings[place][1]][:1]
        for other in following:
            is_next = other == place + 1 or readings[other][0] - readings[place][0] <= 15 * MINUTE
            end: int | None = other
            if readings[other][1] < base:
                end = self.dipped_until(field, other, base)
            is_back = end is not None and base <= readings[end][1] <= base + rise / 10
            if rise and leaps and is_next and is_back and readings[other][1] < readings[place][1]:
                return Is("spikes", Fraction(0)), other
        if most is not None and rise > 4 * most and rise > 100 * NANO:
            return Is("new_bases", Fraction(0)), 0
        return Is("", rise), 0

    def fallen(self, field: str, place: int, produced_did_not: bool) -> tuple[Is, int]:
        base, total = self.total(field, self.base[field]), self.total(field, place)
        rises = self.total(field, place - 1) < total  # back from a dip together with others, but to less
        back = None if rises else self.dipped_until(field, place, base)
        if back is not None:
            return Is("dips", Fraction(0)), back
        fall = base - total
        if (
            fall <= abs(base) / 10
            or (field in PIECES and fall <= NANO)
            or total < 0
            or (field in RECOUNTED and produced_did_not)
        ):
            noise = fall <= abs(base) / 2**22 and not (field in PIECES and fall >= NANO)
            return Is("" if noise else "corrections", -fall), 0
        in_watt_hours = [end / 1_000 for end in BINARY_ENDS] if field == "electricity_kwh" else []
        for end in [*self.ends, *in_watt_hours]:
            if end - end // 100 <= base < end and 0 <= total <= end // 100:
                return Is("roll_overs", end - base + total), 0
        return Is("resets", total), 0

    def dipped_until(self, field: str, place: int, base: Fraction) -> int | None:
        readings = self.series[field]
        back = self.first_rise(field, place)
        if back is None or readings[back][1] < base:
            return None
        length = readings[back][0] - readings[place][0]
        most = self.most(field, back - 1, back)
        if most is None:
            return back if length <= 15 * MINUTE else None
        return back if length <= MINUTE or readings[back][1] - readings[back - 1][1] > most else None

    def first_rise(self, field: str, place: int) -> int | None:
        readings = self.series[field]
        rises = [other for other in range(place + 1, len(readings)) if readings[other][1] > readings[other - 1][1]]
        return rises[0] if rises else None

    def most(self, field: str, first: int, last: int) -> Fraction | None:
        return self.possible(field, self.series[field][first][0], self.series[field][last][0])

    def total(self, field: str, place: int) -> Fraction:
        return self.series[field][place][1]
