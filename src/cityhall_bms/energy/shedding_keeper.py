"""Sheds loads when demand comes near the contract, and gives them back: by proposals, or by itself.

Every decision is an event before anything is asked of the plant, so that whoever takes over goes on where this one
was. The plant is reached through the command desk alone: interlocks, limits and operators have the last word.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

import structlog

from cityhall_bms.domain.energy.demand import WINDOW_US
from cityhall_bms.domain.energy.shedding import (
    Move,
    Phase,
    Shed,
    SheddingMode,
    SheddingState,
    ShedStep,
    Sight,
    UnderWay,
    due,
    lapsed,
    turn_due,
)
from cityhall_bms.domain.energy.shedding_events import (
    SheddingBegun,
    SheddingEvent,
    SheddingProposed,
    SheddingSettled,
    SheddingTurned,
)
from cityhall_bms.domain.errors import ConcurrencyError, EventLogUnavailableError
from cityhall_bms.domain.live import LiveTable
from cityhall_bms.domain.quality import UNCERTAIN_FROM
from cityhall_bms.domain.site import Site
from cityhall_bms.energy.demand_watch import DemandSight, PresentValues
from cityhall_bms.energy.ordering import Ordering
from cityhall_bms.energy.shedding_desk import SheddingRecord, points_of
from cityhall_bms.energy.shedding_orders import before_of, orders_of
from cityhall_bms.ports.clock import Clock

ACTOR: Final = "demand"
AUTOMATIC: Final = "automatic"
WINDOWS_KEPT: Final = 16

log = structlog.get_logger(__name__)


class SheddingKeeper:
    """One per site, in whoever leads; :meth:`look` is called with every tick of the demand."""

    def __init__(
        self,
        site: Site,
        numbers: Mapping[str, int],
        record: SheddingRecord,
        orders: Ordering,
        turns: Ordering,
        clock: Clock,
    ) -> None:
        self._site = site
        self._plan = site.shedding
        self._numbers = numbers
        self._record = record
        self._orders = orders
        self._turns = turns
        self._clock = clock
        self._here = [step for step in self._plan.steps if points_of(site, step)]
        self._closed: deque[tuple[int, float]] = deque(maxlen=WINDOWS_KEPT)
        self._limit_kw = float("nan")
        self._following: tuple[str, bool, int] | None = None
        """The step whose orders are under way here."""
        self._turned: dict[str, int] = {}
        """Of steps in turns: the turn that was carried out last."""

    async def look(self, sight: DemandSight, source: PresentValues) -> None:
        """Take one step; what the event log does not take now is decided anew at the next look."""
        self._note_window(sight)
        try:
            await self._look(sight, source.table)
        except (ConcurrencyError, EventLogUnavailableError) as error:
            log.info("load shedding looks again", reason=str(error))

    async def _look(self, sight: DemandSight, table: LiveTable) -> None:
        state = await self._record.state()
        open_ = state.under_way
        if open_ is not None and open_.phase is Phase.BEGUN:
            await self._go_on(open_)
        elif open_ is not None and open_.phase is Phase.ACCEPTED:
            await self._begin(Move(open_.step, open_.restore), state, open_.by, table)
        else:
            await self._decide(state, Sight(sight.now.at, sight.share(0), list(self._closed)), sight, table)

    async def _decide(self, state: SheddingState, seen: Sight, sight: DemandSight, table: LiveTable) -> None:
        withdrawn = lapsed(self._plan, state, seen)
        if withdrawn is not None:
            await self._append(withdrawn)
            return
        # A step whose points hold what it asks for already would only cost the time until the next one.
        near = seen.share >= self._plan.shed_at
        usable = [step.name for step in self._here if near and self._orders_of(step, table)]
        move = due(self._plan, state, seen, usable)
        if move is None:
            await self._take_turns(state, table)
        elif self._plan.mode is SheddingMode.PROPOSE:
            assert sight.limit is not None  # noqa: S101 - nothing is due without a known share
            forecast = round(float(sight.now.forecast_kw[0]), 1)
            await self._append(
                SheddingProposed(
                    step=move.step,
                    restore=move.restore,
                    at=seen.at,
                    forecast_kw=forecast,
                    limit_kw=sight.limit.limit_kw,
                )
            )
        else:
            await self._begin(move, state, AUTOMATIC, table)

    async def _begin(self, move: Move, state: SheddingState, by: str, table: LiveTable) -> None:
        shed, step = state.shed(move.step), self._plan.step(move.step)
        if move.restore:
            held = [] if shed is None else [name for name in shed.done if await self._orders.holds(name)]
            orders: dict[str, float | None] = dict.fromkeys(held)
            before = {} if shed is None else {name: shed.before.get(name) for name in held}
        else:
            orders = {} if step is None else self._orders_of(step, table)
            before = before_of(orders, partial(self._value, table))
        await self._append(
            SheddingBegun(
                step=move.step, restore=move.restore, at=self._clock.now(), by=by, orders=orders, before=before
            )
        )

    async def _go_on(self, open_: UnderWay) -> None:
        if self._following != (open_.step, open_.restore, open_.at):
            self._following = (open_.step, open_.restore, open_.at)
            self._orders.begin()
        what = "restored" if open_.restore else "shed"
        outcome = await self._orders.go_on(open_.orders, open_.before, f"需量卸載 load shedding: {open_.step} {what}")
        if not outcome.waiting:
            failed = outcome.failed if open_.orders or open_.restore else {"-": "沒有可調整的點位 / nothing to adjust"}
            await self._append(
                SheddingSettled(
                    step=open_.step, restore=open_.restore, at=self._clock.now(), done=outcome.done, failed=failed
                )
            )

    async def _take_turns(self, state: SheddingState, table: LiveTable) -> None:
        """Let the next group rest where a step goes in turns, and give back the group before it."""
        for shed in state.taken:
            if turn_due(self._plan, shed, self._clock.now()):
                await self._turn(shed, table)
            elif shed.turned_at and self._turned.get(shed.step) != shed.turned_at:
                await self._follow_turn(shed)

    async def _turn(self, shed: Shed, table: LiveTable) -> None:
        step = self._plan.step(shed.step)
        if step is None:
            return

        rested: dict[str, float | None] = {name: None for name in shed.orders if shed.orders[name] is not None}
        orders = self._orders_of(step, table, shed.turn + 1)
        before = before_of(orders, partial(self._value, table))
        await self._append(
            SheddingTurned(
                step=shed.step,
                restore=False,
                at=self._clock.now(),
                turn=shed.turn + 1,
                orders=rested | orders,
                before=before,
            )
        )
        self._turns.begin()

    async def _follow_turn(self, shed: Shed) -> None:
        outcome = await self._turns.go_on(shed.orders, shed.before, f"需量卸載輪停 load shedding in turns: {shed.step}")
        if not outcome.waiting:
            self._turned[shed.step] = shed.turned_at
            for name, why in outcome.failed.items():
                log.warning("a turn is not followed", point=name, reason=why)

    def _note_window(self, sight: DemandSight) -> None:
        """Remember how windows ended, against the limit that held in them."""
        begin = sight.now.begin - WINDOW_US
        if not self._closed or self._closed[-1][0] < begin:
            share = float(sight.now.last_kw[0]) / self._limit_kw if self._limit_kw > 0.0 else float("nan")
            self._closed.append((begin, share))
        self._limit_kw = float("nan") if sight.limit is None else sight.limit.limit_kw

    def _orders_of(self, step: ShedStep, table: LiveTable, turn: int = 0) -> dict[str, float | None]:
        return orders_of(self._site, step, partial(self._value, table), turn)

    def _value(self, table: LiveTable, name: str) -> float | None:
        number = self._numbers[name]
        value, quality, _ = table.present(number, self._clock.now())
        return value if quality < UNCERTAIN_FROM else None

    async def _append(self, *events: SheddingEvent) -> None:
        await self._record.append(events, ACTOR)
        for event in events:
            log.info("load shedding", event_type=type(event).__name__, step=event.step, restore=event.restore)


def shed_limits(taken: Sequence[Shed]) -> dict[str, float]:
    """What the points of the steps that are taken may hold at most."""
    return {name: value for shed in taken for name, value in shed.orders.items() if value is not None}
