"""Blocks of ticks: to the event, and to the bit of the state, what stepping through them gives."""

import tomllib
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.rule_trial import START_US, point, site_of

from cityhall_bms.adapters.site_files.calendars import shipped_schedules
from cityhall_bms.domain.calendars import Schedules
from cityhall_bms.domain.site import PointKind
from cityhall_bms.rules.binding import bind
from cityhall_bms.rules.blocks import run_block, step_through
from cityhall_bms.rules.engine import Engine, EngineState, Proposal
from cityhall_bms.rules.files import RuleFile, read_rules
from cityhall_bms.rules.grid import Block

MINUTE = 60_000_000
UNITS = ("U1", "U2", "U3")
POINTS = [
    *(point(unit, "T") for unit in UNITS),
    *(point(unit, "SP", deadband=0.5) for unit in UNITS),
    *(point(unit, "Run", unit="", kind=PointKind.DI) for unit in UNITS),
    *(point(unit, "Cnt", unit="kWh", kind=PointKind.CI) for unit in UNITS[:2]),
    *(point(box, "Flow", unit="m³/h") for box in ("B1", "B2", "B3")),
]
SITE = replace(
    site_of({**dict.fromkeys(UNITS, "Unit"), **dict.fromkeys(("B1", "B2", "B3"), "Box")}, POINTS),
    schedules=Schedules("Asia/Taipei", (), shipped_schedules()),
)
IDS = {item.name: number for number, item in enumerate(POINTS, start=11)}

FILE = """
[[mode]]
id = "MODE"
equipment_class = "Unit"
hold_s = 120
[[mode.state]]
name = "OFF"
when = "Run == 0"
[[mode.state]]
name = "COLD"
from = ["OFF"]
when = "T < SP"
[[mode.state]]
name = "WARM"
when = "T >= SP"
"""

EXPRESSIONS = {
    "PLAIN": {"condition": "T > SP"},
    "EASED": {"condition": "abs(T - SP) > warm", "parameters": {"warm": "2 K"}, "deadband": "1 K", "on_delay_s": 240},
    "DELAYS": {"condition": "T > 21 °C", "on_delay_s": 180, "off_delay_s": 120, "deadband": "1 K"},
    "WHEN": {"condition": "T > 20 °C", "when": "for(Run == 1, 3 min) and within(occupied)", "on_delay_s": 60},
    "CALENDAR": {"condition": "T > 21 °C and (holiday() or not within(occupied))"},
    "STEPS": {
        "condition": "T > 20 °C", "on_delay_s": 120,
        "step": [{"priority": 2, "condition": "T > 22 °C", "on_delay_s": 60}, {"priority": 1, "condition": "T > 24 °C"}],
    },
    "EACH": {"each": ["T", "SP"], "condition": "POINT > 22 °C"},
    "KLEENE": {"condition": "not (T > SP or Run == 1) and Cnt > 5 kWh"},
    "SINCE": {"condition": "since(Run == 1) > 4 min or previous(T) > 23 °C"},
    "QUALITY": {"condition": "bad(T) or age(SP) > 3 min", "on_delay_s": 60},
    "RELATED": {"condition": "any(site.Box.Flow > 10 m³/h) and mean(site.Box.Flow) < 14 m³/h"},
    "MODES": {"condition": "mode(MODE) == COLD and T < 18 °C"},
    "WINDOWS": {"condition": "avg(T, 10 min) > 20.5 °C and stddev(T, 20 min) > 1 K", "on_delay_s": 60},
    "RATES": {"condition": "rate(T, 15 min) > 3 K/h or delta(Cnt, 30 min) > 4 kWh"},
    "EXTREMES": {"condition": "max(T, 10 min) - min(T, 10 min) > 4 K and changes(Run, 30 min) >= 2"},
    "SHARES": {"condition": "share(T > SP, 20 min) > 0.5 and count(Run == 1, 30 min) >= 1"},
    "HUNTING": {"condition": "reversals(T, 2 K, 30 min) > 3 or median(T, 20 min) > 21 °C or ago(T, 10 min) > 23 °C"},
    "FAST": {"condition": "avg(T, 2 min) > 22 °C or max(SP, 90 s) > 25 °C"},
    "SILENT": {"kind": "stale", "role": ["T", "SP"], "on_delay_s": 60},
    "DEVICE": {"kind": "device"},
}  # fmt: skip


def engine_of(*names: str, rule: dict[str, Any] | None = None, counted_max_s: float = 300.0) -> Engine:
    common = {"equipment_class": "Unit", "priority": 3, "text_zh": "警報", "text_en": "Alarm", "source": "test"}
    tables: list[dict[str, Any]] = []
    for name in names:
        table = {**common, **(rule or EXPRESSIONS[name]), "id": name}
        if table.get("kind") == "device":
            del table["equipment_class"]
        tables.append(table)
    rules = read_rules([RuleFile("test", {**tomllib.loads(FILE), "rule": tables})])
    binding = bind(rules, SITE, IDS)
    assert binding.row_count, binding.unbound
    return Engine(binding, counted_max_s=counted_max_s)


def random_block(engine: Engine, seed: int, ticks: int) -> Block:
    """A history with noise, gaps, bad samples and irregular ticks."""
    chance = np.random.default_rng(seed)
    count = len(engine.binding.point_ids)
    at = START_US + np.cumsum(chance.choice([1, 1, 1, 1, 1, 1, 1, 2, 7], ticks)) * MINUTE
    by_id = {number: name for name, number in IDS.items()}
    value = np.empty((ticks, count))
    for column, number in enumerate(engine.binding.point_ids.tolist()):
        role = by_id[number].rpartition(".")[2]
        match role:
            case "Run":
                value[:, column] = np.repeat(chance.integers(0, 2, ticks), 1 + chance.integers(0, 9))[:ticks]
            case "Cnt":
                value[:, column] = np.cumsum(chance.integers(0, 2, ticks)) % 40
            case _:
                value[:, column] = 21 + np.cumsum(chance.normal(0, 0.8, ticks)) * 0.7 + chance.normal(0, 1, ticks)
    quality = chance.choice([0] * 30 + [0x40, 0x80], (ticks, count)).astype(np.uint8)
    lost = int(chance.integers(0, ticks))
    quality[lost : lost + 12] = 0x80
    value[chance.random((ticks, count)) < 0.01] = np.nan
    observed_at = at[:, np.newaxis] - chance.choice([0] * 12 + [1, 4], (ticks, count)) * MINUTE
    return Block(at, value, quality, observed_at)


def same(one: EngineState, other: EngineState) -> None:
    for item in fields(EngineState):
        left, right = getattr(one, item.name), getattr(other, item.name)
        if isinstance(left, np.ndarray):
            np.testing.assert_array_equal(left, right, err_msg=item.name)
        elif item.name == "memory":
            assert left.keys() == right.keys()
            for rule in left:
                for mine, theirs in zip(left[rule], right[rule], strict=True):
                    assert mine.numbers == theirs.numbers
                    for column, again in zip(mine.columns, theirs.columns, strict=True):
                        np.testing.assert_array_equal(column, again, err_msg=rule)
        else:
            assert left == right, item.name


def in_blocks(engine: Engine, block: Block, sizes: list[int]) -> tuple[list[Proposal], EngineState]:
    state, proposals, start = engine.start(), [], 0
    for size in [*sizes, len(block)]:
        part = block.part(slice(start, start + size))
        if len(part):
            step = run_block(engine, state, part)
            state = step.state
            proposals += step.proposals
            assert step.failures == ()
        start += size
    return proposals, state


@pytest.mark.parametrize("name", EXPRESSIONS)
@settings(max_examples=6)
@given(seed=st.integers(0, 2**32 - 1), sizes=st.lists(st.integers(1, 120), max_size=4))
def test_any_blocks_give_what_single_steps_give(name: str, seed: int, sizes: list[int]) -> None:
    engine = engine_of(name)
    block = random_block(engine, seed, 120)
    stepped = step_through(engine, engine.start(), block)
    proposals, state = in_blocks(engine, block, sizes)
    assert proposals == list(stepped.proposals)
    same(state, stepped.state)


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_the_histories_of_these_tests_make_rules_ring(name: str) -> None:
    engine = engine_of(name)
    rang = [step_through(engine, engine.start(), random_block(engine, seed, 400)).proposals for seed in range(3)]
    assert any(rang), "a comparison of silence with silence proves nothing"


@pytest.mark.parametrize("seed", range(3))
def test_a_baseline_of_days_is_the_same_in_blocks(seed: int) -> None:
    rule = {"condition": "baseline(T, 8 d) < avg(T, 1 h) - 1 K and median(SP, 1 d) > 20 °C"}
    engine = engine_of("USUAL", rule=rule, counted_max_s=4000.0)
    block = random_block(engine, seed, 500)
    at = START_US + np.arange(1, 501) * 30 * MINUTE
    days = Block(at, block.value, block.quality, block.observed_at - block.at[:, np.newaxis] + at[:, np.newaxis])
    stepped = step_through(engine, engine.start(), days)
    proposals, state = in_blocks(engine, days, [130, 7, 200])
    assert proposals == list(stepped.proposals)
    assert proposals
    same(state, stepped.state)


def test_all_rules_together_give_what_single_steps_give() -> None:
    engine = engine_of(*EXPRESSIONS)
    block = random_block(engine, 7, 600)
    stepped = step_through(engine, engine.start(), block)
    proposals, state = in_blocks(engine, block, [250, 100])
    assert proposals == list(stepped.proposals)
    assert len(proposals) > 50
    same(state, stepped.state)


def test_a_rule_that_fails_is_parked_at_its_tick(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = engine_of("PLAIN", "DELAYS")
    block = random_block(engine, 3, 100)
    condition = engine.binding.rules[0].condition
    real = type(condition).step

    def failing(self: Any, tick: Any, memory: Any) -> Any:
        if self is condition and tick.at >= block.at[40]:
            msg = "no more"
            raise ValueError(msg)
        return real(self, tick, memory)

    def refusing(*_: Any) -> Any:
        raise ValueError

    monkeypatch.setattr(type(condition), "step", failing)
    monkeypatch.setattr(type(condition), "through", refusing)
    step = run_block(engine, engine.start(), block)
    assert [item.rule for item in step.failures] == ["PLAIN"]
    assert step.state.parked == {"PLAIN": 1}
    again = run_block(engine, step.state, Block(block.at + 10**12, block.value, block.quality, block.observed_at))
    assert again.failures == ()


def test_a_clock_that_stands_is_stepped_through() -> None:
    engine = engine_of("DELAYS")
    block = random_block(engine, 5, 50)
    at = block.at.copy()
    at[20:30] = at[20]
    standing = Block(at, block.value, block.quality, block.observed_at)
    step = run_block(engine, engine.start(), standing)
    stepped = step_through(engine, engine.start(), standing)
    assert step.proposals == stepped.proposals
    same(step.state, stepped.state)
