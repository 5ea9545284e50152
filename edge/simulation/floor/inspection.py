"""What happens to the pieces of a load at the end of its cycle: each is inspected, counted, and uses material.

A piece is scrap, rework or good by measurement where the machine measures, else by the shares of its cell. It is
counted by its first inspection.
"""

from collections.abc import Callable, Sequence

from broker.contract.events import NS_PER_MS, NS_PER_S
from edge.simulation.emitter import EventEmitter
from edge.simulation.floor.cells import Cell
from edge.simulation.floor.machine_state import WorkUnitCheckpoint
from edge.simulation.floor.pieces import Fate, Piece
from edge.simulation.floor.random_stream import RandomStream
from edge.simulation.floor.timeline import Steps, Timeline
from edge.simulation.floor.work import Work
from edge.simulation.machines.model import Condition, Finding, Model


class Inspection:
    """See the module.

    Args:
        timeline: the simulated time.
        state: the machine's counters, load and material.
        cell: its shares of scrap and rework.
        model: its process.
        work: where its pieces go.
        emitter: reports what was counted and measured.
        chance: decides by the cell's shares.
    """

    def __init__(
        self,
        timeline: Timeline,
        *,
        state: WorkUnitCheckpoint,
        cell: Cell,
        model: Model,
        work: Work,
        emitter: EventEmitter,
        chance: RandomStream,
    ) -> None:
        self._time, self._m, self._cell, self._model = timeline, state, cell, model
        self._work, self._emitter, self._chance = work, emitter, chance

    def was_set_up(self) -> None:
        """Draw how many pieces will be scrap because of it: a whole number, of the cell's mean."""
        mean = self._cell.startup_scrap
        self._m.bad_starts = int(mean) + self._chance.happens(mean % 1)

    def finish_load(self, stand: Callable[[], Condition]) -> Steps:
        """Inspect and count the load, a piece a millisecond: two events of one series at one instant would be one."""
        m = self._m
        if not self._work.is_counted:
            m.load[0].fate = "good"
            return
        spoiled = self._model.spoiled(stand())
        if spoiled:
            self._emitter.notice("load-scrapped", "alarm", spoiled, active=True)
        for piece in [piece for piece in m.load if not piece.fate]:
            if piece is not m.load[0]:
                yield self._time.timeout(NS_PER_MS)
            self._finish(piece, stand(), is_spoiled=bool(spoiled))
        if spoiled:
            self._emitter.notice("load-scrapped", "alarm", spoiled, active=False)

    def emit_material(self) -> None:
        """Report what was used of the material, and what is left."""
        if self._model.material:
            name, unit, _, _ = self._model.material
            self._emitter.material(name, consumed=self._m.consumed, stock=self._m.stock, unit=unit)

    def _finish(self, piece: Piece, now: Condition, *, is_spoiled: bool) -> None:
        m, cell = self._m, self._cell
        findings = self._model.rework(piece, now) if piece.is_back else self._model.finish(piece, now)
        piece.is_back = False
        for finding in findings:
            self._emitter.finding(finding, piece.serial)
        is_startup = m.bad_starts > 0
        m.bad_starts -= is_startup
        fate = self._fate(findings, is_spoiled=is_spoiled or is_startup)
        if fate == "rework" and piece.passes and not self._work.may_rework(piece):
            fate = "scrap"
        counts = m.counts
        counts["produced"] += 1
        counts["inspected"] += 1
        counts[fate] += 1
        counts["first_pass"] += fate == "good" and not piece.passes
        counts["startup_scrap"] += is_startup
        counts["planned_scrap"] = round(counts["planned_scrap"] + cell.scrap, 6)
        self._emitter.count(counts)
        order = self._work.order_of(piece)
        product = order.product if order else ""
        self._emitter.piece(product, fate, startup=is_startup)
        if passage := self._work.passage(piece, fate):
            seconds = (self._time.now - m.begun_at) / NS_PER_S
            self._emitter.part(piece, fate, passage, product=product, seconds=seconds)
        self._use_material()
        piece.fate = fate

    def _fate(self, findings: Sequence[Finding], *, is_spoiled: bool) -> Fate:
        """Return what a piece is found to be; spoiled, it is scrap whatever it measures."""
        cell, chance, by_shares = self._cell, self._chance, not self._model.decides_alone
        beyond = [one for one in findings if not one.lower <= one.value <= one.upper] if self._model.inspects else []
        if is_spoiled or (by_shares and chance.happens(cell.scrap)) or not all(map(_can_be_reworked, beyond)):
            return "scrap"
        return "rework" if beyond or (by_shares and chance.happens(cell.rework)) else "good"

    def _use_material(self) -> None:
        if self._model.material:
            _, _, a_piece, delivery = self._model.material
            m = self._m
            m.consumed = round(m.consumed + a_piece, 6)
            m.stock = round(m.stock - a_piece, 6)
            if m.stock < 2 * a_piece:
                m.stock += delivery
            self.emit_material()


def _can_be_reworked(one: Finding) -> bool:
    return (one.rework == "above" and one.value > one.upper) or (one.rework == "below" and one.value < one.lower)
