"""Windows of rules that begin to run are filled from history, by the replay that backtests use.

Without it a rule that was just promoted would know nothing of its last 28 days.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, TypeVar

import numpy as np
import structlog
from numpy.typing import NDArray

from cityhall_bms.domain.errors import HistoryUnavailableError
from cityhall_bms.domain.site import Site
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.history import Window
from cityhall_bms.ports.rule_history import RuleHistory
from cityhall_bms.rules.binding import BoundRule, bind
from cityhall_bms.rules.engine import Engine, EngineState
from cityhall_bms.rules.language.moment import Memory
from cityhall_bms.rules.memory import memory_us
from cityhall_bms.rules.replay import Replay

STEPS: Final = 4_000
STEP_MIN_US: Final = 10_000_000
STEP_MAX_US: Final = 600_000_000

ScalarT = TypeVar("ScalarT", bound=np.generic)

log = structlog.get_logger(__name__)


class Warmth:
    """Warms engines of one site."""

    def __init__(self, site: Site, ids: Mapping[str, int], history: RuleHistory, clock: Clock) -> None:
        self._site = site
        self._ids = ids
        self._history = history
        self._clock = clock

    async def warm(self, engine: Engine, state: EngineState) -> EngineState:
        """State in which rules that remember something have what they would remember; those that do already are left.

        What is active is not touched: the event log knows. Without history the windows fill by themselves.
        """
        at = state.at or self._clock.now()
        try:
            for bound in engine.binding.rules:
                if _is_cold(bound, state):
                    state = await self._warmed(bound, state, at)
        except HistoryUnavailableError as error:
            log.warning("windows of rules are not warmed", reason=str(error))
        return state

    async def _warmed(self, bound: BoundRule, state: EngineState, at: int) -> EngineState:
        binding = bind([bound.rule], self._site, self._ids)
        reach_us = memory_us(bound.rule)
        step = min(max(reach_us // STEPS, STEP_MIN_US), STEP_MAX_US)
        replay = Replay(binding, self._history, step)
        async for _ in replay.run(Window(at - reach_us // step * step, at)):
            pass
        past = replay.state
        same = past.active == state.active[bound.rows]
        log.info("windows warmed from history", rule=bound.rule.id, hours=round(reach_us / 3.6e9, 1))
        return replace(
            state,
            held=_placed(state.held, bound, np.where(same, past.held, 0)),
            leaning=_placed(state.leaning, bound, past.leaning & same),
            memory={**state.memory, bound.rule.id: past.memory[bound.rule.id]},
        )


def _placed(column: NDArray[ScalarT], bound: BoundRule, rows: NDArray[Any]) -> NDArray[ScalarT]:
    placed = column.copy()
    placed[bound.rows] = rows
    return placed


def _is_cold(bound: BoundRule, state: EngineState) -> bool:
    """Whether a rule remembers nothing yet that it could."""
    fresh, present = bound.condition.begin(), state.memory[bound.rule.id]
    return bool(fresh) and all(map(_equal, present, fresh))


def _equal(one: Memory, other: Memory) -> bool:
    columns = zip(one.columns, other.columns, strict=True)
    return one.numbers == other.numbers and all(
        np.array_equal(mine, theirs, equal_nan=mine.dtype.kind == "f") for mine, theirs in columns
    )
