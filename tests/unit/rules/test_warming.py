"""Windows filled from history: a rule that begins to run answers as one that has always run."""

from collections.abc import Sequence

import numpy as np
import pytest
from tests.support.manual_clock import ManualClock
from tests.support.rule_trial import START_US, point, site_of

from cityhall_bms.domain.errors import HistoryUnavailableError
from cityhall_bms.domain.quality import Quality
from cityhall_bms.ports.history import Window
from cityhall_bms.ports.rule_history import PastSamples
from cityhall_bms.rules.binding import bind
from cityhall_bms.rules.engine import Answer, Columns, Engine, EngineState
from cityhall_bms.rules.model import RULE_ADAPTER, Rule
from cityhall_bms.rules.warming import Warmth

MINUTE = 60_000_000
SITE = site_of({"U1": "Unit", "U2": "Unit"}, [point(unit, "T", scan_s=10.0) for unit in ("U1", "U2")])
IDS = {"U1.T": 1, "U2.T": 2}


def rule(identity: str, condition: str, **keys: object) -> Rule:
    table = {
        "id": identity, "equipment_class": "Unit", "condition": condition, "priority": 3, "source": "test",
        "text_zh": "警報", "text_en": "Alarm",
    }  # fmt: skip
    found: Rule = RULE_ADAPTER.validate_python({**table, **keys})
    return found


class TenSeconds:
    """A history with a sample of every point every ten seconds: of the first 30 °C, of the other 10 °C."""

    def __init__(self) -> None:
        self.asked: list[Sequence[int]] = []
        self.available = True

    async def samples_of(self, points: Sequence[int], window: Window) -> PastSamples:
        if not self.available:
            msg = "away"
            raise HistoryUnavailableError(msg)
        self.asked.append(points)
        at = np.arange(-(-window.start // 10_000_000), -(-window.end // 10_000_000), dtype=np.int64) * 10_000_000
        number = np.repeat(np.array(points, np.int64), len(at))
        return PastSamples(
            number, np.tile(at, len(points)), np.where(number == 1, 30.0, 10.0), np.zeros(len(number), np.uint8)
        )


def warmth(history: TenSeconds) -> Warmth:
    return Warmth(SITE, IDS, history, ManualClock(START_US))


def after_one_step(engine: Engine, state: EngineState, at: int) -> list[Answer]:
    count = len(engine.binding.point_ids)
    values = np.where(engine.binding.point_ids == 1, 30.0, 10.0)
    step = engine.step(state, at, Columns(values, np.full(count, Quality.GOOD, np.uint8), np.full(count, at)))
    return [Answer(value) for value in step.state.answer]


@pytest.mark.parametrize("condition", ["avg(T, 30 min) > 25 °C", "for(T > 25 °C, 30 min)", "min(T, 2 h) > 25 °C"])
async def test_a_warmed_rule_knows_at_its_first_step_what_a_cold_one_does_not(condition: str) -> None:
    engine, history = Engine(bind([rule("R", condition)], SITE, IDS)), TenSeconds()
    state = await warmth(history).warm(engine, engine.start())
    assert after_one_step(engine, state, START_US + 5_000_000) == [Answer.TRUE, Answer.FALSE]
    assert after_one_step(engine, engine.start(), START_US + 5_000_000)[0] is not Answer.TRUE


async def test_a_delay_goes_on_from_history() -> None:
    engine = Engine(bind([rule("R", "for(T > 25 °C, 1 min)", on_delay_s=600)], SITE, IDS))
    state = await warmth(TenSeconds()).warm(engine, engine.start())
    assert state.held[0] == 0, "it would have rung: the alarm itself is for the event log to say"
    assert not state.active.any()


async def test_only_rules_without_memory_of_their_own_are_warmed() -> None:
    rules = [rule("OLD", "avg(T, 10 min) > 25 °C"), rule("PLAIN", "T > 25 °C")]
    engine, history = Engine(bind(rules, SITE, IDS)), TenSeconds()
    state = await warmth(history).warm(engine, engine.start())
    asked = len(history.asked)
    assert asked
    again = await warmth(history).warm(engine, state)
    assert again is state
    assert len(history.asked) == asked


async def test_without_history_the_windows_fill_by_themselves() -> None:
    engine, history = Engine(bind([rule("R", "avg(T, 30 min) > 25 °C")], SITE, IDS)), TenSeconds()
    history.available = False
    state = engine.start()
    assert await warmth(history).warm(engine, state) is state
