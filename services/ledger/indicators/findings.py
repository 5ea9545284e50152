"""What is missing or seems wrong, as data: each finding has a code; text and hint come from one table of sentences.

A finding is made by `found`, where it is found; it becomes a `KpiWarning` of an answer once it is known of which
machine or indicator it is. Nobody has to take a sentence apart: what it is of stands in fields of its own.
"""

from typing import Final, NamedTuple

import msgspec

from broker.contract.payloads import KpiWarning

_COUNT: Final = "send produced with the count"
_GOOD: Final = "send good with the count"
_IDEAL: Final = "send ideal_cycle with the job, or set ideal-cycle in the plant file"


class Sentence(NamedTuple):
    """How a finding reads.

    Attributes:
        text: what is found; `{hint}` where it ends in the hint.
        hint: what to do.
    """

    text: str
    hint: str


SENTENCES: Final[dict[str, Sentence]] = {
    # ---- Why an indicator is not defined ----
    "produced-not-reported": Sentence("produced pieces are not reported: {hint}", _COUNT),
    "never-counted": Sentence("no count of produced pieces was received: {hint}", _COUNT),
    "no-ideal-cycle": Sentence("{pieces} no ideal cycle: {hint}", _IDEAL),
    "good-not-reported": Sentence("good pieces are not reported: {hint}", _GOOD),
    "no-energy-meter": Sentence("no electricity was metered: {hint}", "send meter/electricity"),
    "state-never-known": Sentence("the state was never known", "send its state"),
    "term-not-reported": Sentence("{term} is not reported: {hint}", "send {field}"),
    "output-not-reported": Sentence(
        "good pieces of the line's last operation were never reported: {hint}",
        "send good, or leave the operation out of the stages",
    ),
    "no-line": Sentence(
        "it is of a line of which the operations are known", "ask about a line that has stages in the plant file"
    ),
    "no-bottleneck": Sentence(
        "it is of a line of which the bottleneck is known",
        "ask about a line that has stages in the plant file, over at most 31 days",
    ),
    "no-plan": Sentence("no planned quantity is known: {hint}", "give the orders a planned quantity"),
    "nothing-produced": Sentence("nothing was produced", "choose a range in which pieces were produced"),
    "nothing-inspected": Sentence(
        "no operation of a line is known to have inspected anything", "send inspected and first_pass with the count"
    ),
    "no-stock": Sentence("no stock was reported: {hint}", "send stock with the material"),
    "several-stocks": Sentence(
        "several materials have a stock, and turns are of one", "ask about a machine that stores one material"
    ),
    "not-measured": Sentence(
        "no characteristic with its limits was measured often enough",
        "send quality with lower and upper, of at least two parts that differ",
    ),
    "zero-denominator": Sentence("{terms} zero", "choose a range in which there is some"),
    "too-large": Sentence("its terms are too large to compute with: {hint}", "check what is sent"),
    "beyond-bounds": Sentence(
        "{term} is beyond all bounds: an older version counted an invalid number; {hint}",
        "./corridor recompute leaves it out",
    ),
    # ---- What seems wrong in the data of a machine ----
    "bad-or-good-but-not-produced": Sentence("pieces are counted as good or bad, but {why}", _COUNT),
    "ran-uncounted": Sentence(
        "it ran for {duration}, but {why}; until then there is no effectiveness and no OEE", _COUNT
    ),
    "produced-but-not-good": Sentence("{produced} pieces were produced, but {why}", _GOOD),
    "not-rated": Sentence("{why}; until then there is no effectiveness and no OEE", _IDEAL),
    "more-good-and-scrap-than-produced": Sentence(
        "good and scrap pieces ({counted}) are more than were produced ({produced}): {hint}",
        "check that all counters count the same pieces, that none was reset alone, and whether pieces are inspected "
        "long after they were made",
    ),
    "more-with-rework-than-produced": Sentence(
        "good, scrap and rework pieces ({counted}) are more than were produced ({produced}): {hint}",
        "check whether a reworked piece is counted again, as good or as scrap",
    ),
    "quality-above-one": Sentence(
        "the good pieces are more than were produced ({good} of ideal time to {produced}): {hint}",
        "check that good and produced are counted by the same order and product, and whether pieces are inspected "
        "long after they were made",
    ),
    "more-passed-than-inspected": Sentence(
        "more parts passed at first ({passed}) than were inspected ({inspected}): {hint}",
        "check that both are counted at the same place",
    ),
    "counted-while-not-running": Sentence(
        "{produced} pieces were counted while it did not run: {hint}",
        "check the state that it reports, and the time of its counts",
    ),
    "piece-begun-before": Sentence(
        "effectiveness is above 1 by less than {piece} ({ideal} of ideal time in {running} of running): {piece} that "
        "was begun before the range counts whole in it; {hint}",
        "if a longer range is above 1 as well, check the ideal cycle",
    ),
    "effectiveness-above-one": Sentence(
        "effectiveness is above 1 ({ideal} of ideal time in {running} of running): {hint}",
        "check the ideal cycle, which is {cycle} s a piece where the data suggests at most {suggested} s; whether "
        "pieces are counted twice, or made while it reports that it does not run; if it counts many pieces at once, "
        "set load-size in the plant file",
    ),
    "counted-while-off": Sentence(
        "{produced} pieces were counted while it reported that it was off: {hint}", "check its state, or its counter"
    ),
    "counter-stood-still": Sentence(
        "it ran for {duration} and its counter stood still: {hint}",
        "check the counter (if a piece takes longer, nothing is wrong)",
    ),
    "counter-dipped": Sentence(
        "a counter or meter dipped {times}: it fell and was back, so the fall was not counted; {hint}",
        "check its connection, and whether several senders report the same counter",
    ),
    "counter-corrected": Sentence(
        "a counter or meter was corrected {times}: it went back a little, or pieces were recounted as good or scrap, "
        "so the difference was taken off; {hint}",
        "corridor kpi explain lists each",
    ),
    "counter-rolled-over": Sentence(
        "a counter or meter rolled over {times}: it passed its greatest value and began again at zero, so it was "
        "counted on; {hint}",
        "if it was reset, set counter-max in the plant file to another value",
    ),
    "counter-reset": Sentence(
        "a counter or meter was reset {times}: it fell and did not come back, so it was counted from zero; {hint}",
        "if it rolls over, set counter-max in the plant file",
    ),
    "counter-reset-often": Sentence(
        "a counter or meter was reset {times}, several times an hour: is it a running total? {hint}",
        "send running totals, not the pieces of each message",
    ),
    "counter-spiked": Sentence(
        "a counter or meter spiked {times}: it jumped by more than can be and was back, so the jump was not counted; "
        "{hint}",
        "check its connection, and where its decimal point is put",
    ),
    "counter-new-base": Sentence(
        "a counter or meter jumped {times} by far more than can be, and stayed there, so the jump was not counted: "
        "taken as a new counter; {hint}",
        "if the pieces are real, book them",
    ),
    "more-working-than-present": Sentence("more people work than are present: {hint}", "check the numbers in labour"),
    "state-unknown": Sentence(
        "its state is unknown for {duration} ({share} of the time): was it connected?", "check that it was connected"
    ),
    "state-unchanged": Sentence(
        "it has been {state} for {days} days on end: does it still send its state?",
        "check that it still sends its state",
    ),
    "machine-silent": Sentence(
        "no message since {since}, for {duration}, usually one each {usual}; its last state is assumed to last: {hint}",
        "check its power and its connection; a will, or silent-after in the plant file, makes such time unknown",
    ),
    "clock-off": Sentence(
        "its clock is {duration} {way} of ours: {hint}", "set the clock of the device (NTP), or leave ts out"
    ),
    "message-late": Sentence(
        "its {kind} of {sent} was received at {came}{more}, though its other messages came on time: {hint}",
        "check the time that it sends",
    ),
    "stored-late": Sentence(
        "its state is unknown for {duration} from {since} on: messages without a time waited in the broker while the "
        "service was away; their pieces are counted at its end; {hint}",
        "send ts, so that such messages have their own time",
    ),
    # ---- What an answer leaves out, or is not sure of ----
    "rated-without": Sentence("rated gives oee and its factors without {machines}", "send what these machines lack"),
    "ledger-stands-still": Sentence("the ledger of {machine} stands still ({failure}): {hint}", "report it"),
    "ledger-recomputed": Sentence(
        "{machines}: the ledger is being recomputed after late events, so this may be wrong for a while",
        "wait until it is done",
    ),
}
"""By code. A code is relied on from outside: it is added, never changed."""


class Finding(msgspec.Struct, frozen=True):
    """What is found, of no matter which asset.

    Attributes:
        code: of its sentence.
        amount: the pieces, seconds or whatever its sentence is about first; None where it names no number.
        gaps: what its sentence is filled with, by name.
    """

    code: str
    amount: float | None
    gaps: dict[str, str]

    @property
    def hint(self) -> str:
        """What to do."""
        return SENTENCES[self.code].hint.format_map(self.gaps)

    @property
    def why(self) -> str:
        """The sentence, without what it is of."""
        return SENTENCES[self.code].text.format_map({**self.gaps, "hint": self.hint})

    def of_machine(self, machine: str) -> KpiWarning:
        """Return the warning that it is of a machine."""
        return self._warning(f"{machine}: {self.why}", machine)

    def of_indicator(self, asset: str, indicator: str) -> KpiWarning:
        """Return the warning that an indicator of an asset is not defined."""
        return self._warning(f"{indicator} is not defined: {self.why}", asset, indicator)

    def of_answer(self, asset: str) -> KpiWarning:
        """Return the warning that it is of an answer as a whole; its sentence names what it is about."""
        return self._warning(self.why, asset)

    def _warning(self, text: str, asset: str, indicator: str | None = None) -> KpiWarning:
        return KpiWarning(
            code=self.code,
            asset=asset,
            indicator=indicator,
            amount=self.amount,
            text=text,
            hint=self.hint,
            why=self.why,
        )


def found(code: str, amount: float | None = None, **gaps: str) -> Finding:
    """Return a finding of a code of the table."""
    return Finding(code, amount, gaps)
