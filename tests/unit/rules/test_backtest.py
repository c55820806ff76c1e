"""Backtests: what a rule would have rung on a past, beside the active wording, held to the truth and to the live loop."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.rule_trial import START_US, UNIT, point, site_of
from tests.support.rule_world import World
from tests.support.until import until

from cityhall_bms.domain.alarms import AlarmRaised, AlarmReturned
from cityhall_bms.domain.errors import RefusedError
from cityhall_bms.domain.events import canonical
from cityhall_bms.ports.history import Window
from cityhall_bms.ports.rule_history import PastSamples
from cityhall_bms.rules.backtest import Backtester, Question, Report, checked, digest, summary, to_json
from cityhall_bms.rules.model import RULE_ADAPTER, Rule
from cityhall_bms.rules.truth import Fault

MINUTE = 60_000_000
HOUR = 60 * MINUTE
T0 = START_US
SITE = site_of({"U1": "Unit", "U2": "Unit"}, [point(unit, "T", scan_s=60.0) for unit in ("U1", "U2")])
IDS = {"U1.T": 1, "U2.T": 2}


def hot(limit: float = 25.0, **changed: object) -> Rule:
    table = {
        "id": "HOT", "equipment_class": "Unit", "condition": f"T > {limit} °C", "priority": 3, "source": "test",
        "text_zh": "過熱", "text_en": "Hot", "detects": ["H13"],
    }  # fmt: skip
    found: Rule = RULE_ADAPTER.validate_python({**table, **changed})
    return found


@dataclass
class Past:
    """A history in memory."""

    samples: PastSamples

    @classmethod
    def of(cls, columns: dict[int, Sequence[float]], step_us: int = MINUTE, first: int = T0) -> "Past":
        """One series per point, a value each step."""
        parts = [
            (np.full(len(values), number), first + step_us * np.arange(len(values)), np.array(values, np.float64))
            for number, values in sorted(columns.items())
        ]
        point_, at, value = (np.concatenate(column) for column in zip(*parts, strict=True))
        return cls(PastSamples(point_, at, value, np.zeros(len(at), np.uint8)))

    async def samples_of(self, points: Sequence[int], window: Window) -> PastSamples:
        found = self.samples
        chosen = np.isin(found.point, points) & (found.at >= window.start) & (found.at < window.end)
        return PastSamples(found.point[chosen], found.at[chosen], found.value[chosen], found.quality[chosen])


def question(rule: Rule, active: Rule | None = None, hours: float = 4, first: int = T0) -> Question:
    return Question(rule, active, Window(first, first + round(hours * HOUR)), MINUTE)


async def played(asked: Question, past: Past, faults: Sequence[Fault] | None = None) -> Report:
    return await Backtester(SITE, IDS, past).run(asked, faults)


def series(*parts: tuple[int, float]) -> list[float]:
    """So many minutes of a value, one part after the other."""
    return [value for minutes, value in parts for _ in range(minutes)]


async def test_episodes_have_beginning_end_and_peak() -> None:
    past = Past.of({1: series((60, 20), (10, 30), (5, 34), (165, 20)), 2: series((240, 20))})
    report = await played(question(hot(on_delay_s=300)), past)
    (episode,) = report.outcome.episodes
    assert episode.subject == "U1"
    assert ((episode.began - T0) // MINUTE, ((episode.ended or 0) - T0) // MINUTE) == (65, 75)
    assert (episode.value, episode.limit, episode.peak) == (30.0, 25.0, 34.0)
    assert (report.outcome.standing_s, report.outcome.standing_max) == (600.0, 1)
    assert report.outcome.subjects == 2


async def test_what_stood_before_the_window_is_known_and_what_stands_at_its_end_has_no_end() -> None:
    past = Past.of({1: series((300, 30)), 2: series((300, 20))}, first=T0 - HOUR)
    report = await played(question(hot(on_delay_s=300), hours=2), past)
    (episode,) = report.outcome.episodes
    assert episode.began < T0
    assert episode.ended is None
    assert report.outcome.standing_s == 7200.0


async def test_pain_35_a_draft_is_compared_with_the_active_rule() -> None:
    past = Past.of({1: series((30, 20), (10, 27), (30, 20), (10, 40), (160, 20)), 2: series((240, 20))})
    report = await played(question(hot(35, version=2), hot(25)), past)
    assert report.difference is not None
    assert (report.difference.both, report.difference.only_new) == (1, ())
    (gone,) = report.difference.only_old
    assert (gone.began - T0) // MINUTE == 30
    assert summary(report)["only_old"] == 1


async def test_operator_load_is_figured_as_it_is_for_the_record() -> None:
    past = Past.of({1: series(*[(1, 30.0), (1, 20.0)] * 60), 2: series((240, 20))})
    report = await played(question(hot(), hours=2), past)
    figures = report.outcome.figures
    assert (figures.annunciations, figures.peak_10_min) == (60, 5)
    assert figures.per_hour == 30.0
    assert summary(report)["episodes"] == 60


async def test_bad_and_missing_samples_decide_nothing() -> None:
    past = Past.of({1: series((60, 30), (180, 30)), 2: series((240, 20))})
    quality = past.samples.quality.copy()
    quality[(past.samples.point == 1) & (past.samples.at < T0 + HOUR)] = 0x80
    bad = Past(replace(past.samples, quality=quality))
    (episode,) = (await played(question(hot()), bad)).outcome.episodes
    assert (episode.began - T0) // MINUTE == 60
    gap = (past.samples.point == 1) & (past.samples.at >= T0 + HOUR) & (past.samples.at < T0 + 2 * HOUR)
    kept = Past(
        PastSamples(*(column[~gap] for column in (past.samples.point, past.samples.at, past.samples.value)),
                    past.samples.quality[~gap])
    )  # fmt: skip
    (held,) = (await played(question(hot()), kept)).outcome.episodes
    assert held.ended is None, "a gap is no good news"


async def test_precision_and_recall_where_the_truth_is_known() -> None:
    past = Past.of({1: series((60, 20), (60, 30), (120, 20)), 2: series((200, 20), (10, 30), (30, 20))})
    faults = [
        Fault("stuck", "U1", T0 + HOUR, T0 + 2 * HOUR, frozenset({"H13"})),
        Fault("stuck", "U2", T0, T0 + 3 * HOUR - 40 * MINUTE, frozenset({"H13"})),
        Fault("other", "U2", T0 + 190 * MINUTE, None, frozenset({"E01"})),
    ]
    report = await played(question(hot()), past, faults)
    assert report.score is not None
    assert (report.score.faults, report.score.recall, report.score.precision) == (2, 0.5, 0.5)
    assert [fault.where for fault in report.score.missed] == ["U2"]
    assert [episode.subject for episode in report.score.wrong] == ["U2"]
    assert to_json(report)["score"]["missed"][0]["provokes"] == ["H13"]


async def test_coarse_history_is_judged_by_its_own_step() -> None:
    past = Past.of({1: series((20, 20), (20, 30)), 2: series((40, 20))}, step_us=15 * MINUTE)
    asked = Question(hot(on_delay_s=1800), None, Window(T0, T0 + 10 * HOUR), 15 * MINUTE)
    (episode,) = (await played(asked, past)).outcome.episodes
    assert (episode.began - T0) // MINUTE == 20 * 15 + 30


async def test_a_result_has_a_digest_that_anybody_can_make_again() -> None:
    past = Past.of({1: series((240, 30)), 2: series((240, 20))})
    one, other = [to_json(await played(question(hot()), past)) for _ in range(2)]
    assert digest(one) == digest(other)
    assert canonical(one) == canonical(other)
    changed = to_json(await played(question(hot(31)), past))
    assert digest(changed) != digest(one)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (Question(hot(), None, Window(T0, T0), MINUTE), "ends after it begins"),
        (Question(hot(), None, Window(T0, T0 + HOUR), 1000), "a step lasts"),
        (Question(hot(), None, Window(T0, T0 + 400 * 24 * HOUR), 1_000_000), "more than"),
    ],
)
def test_what_makes_no_sense_or_takes_too_long_is_refused(asked: Question, words: str) -> None:
    with pytest.raises(RefusedError, match=words):
        checked(asked)


async def test_progress_is_told_from_nothing_to_all() -> None:
    past = Past.of({1: series((240, 30)), 2: series((240, 20))})
    shares: list[float] = []
    await Backtester(SITE, IDS, past).run(question(hot(), hot(30)), None, shares.append)
    assert shares == sorted(shares)
    assert 0.9 < shares[-1] <= 1.0


RULES = (
    hot(limit=25.0, on_delay_s=20, off_delay_s=10, deadband="2 K"),
    hot(limit=25.0, step=[{"priority": 1, "condition": "T > 35 °C", "on_delay_s": 10}]),
    hot(condition="avg(T, 1 min) > 25 °C and since(T > 40 °C) > 20 s", on_delay_s=5),
)


@pytest.mark.parametrize("rule", RULES)
@settings(max_examples=8)
@given(seed=st.integers(0, 10**6))
def test_pain_35_a_backtest_finds_what_the_live_loop_rang(rule: Rule, seed: int) -> None:
    asyncio.run(_backtested_as_live(rule, seed))


async def _backtested_as_live(rule: Rule, seed: int) -> None:
    chance = random.Random(seed)
    values = [25.0]
    for _ in range(150):
        values.append(min(max(values[-1] + chance.gauss(0, 4), 5), 50))
    world = World()
    for number, value in enumerate(values):
        await world.publish(5.0 * number, value, trip=None)
    runner = world.runner([rule])
    end = await world.telemetry.end()
    async with world.running(runner):
        await until(lambda: runner.position == end)
    live: list[list[int | None]] = []
    for entry in await world.alarm_events():
        event = entry.event()
        if isinstance(event, AlarmRaised):
            live.append([event.observed_at, None])
        elif isinstance(event, AlarmReturned):
            live[-1][1] = event.observed_at
    site = site_of({UNIT: "Unit"}, [point(UNIT, role) for role in ("T", "Trip")])
    past = Past.of({1: values}, step_us=5_000_000)
    asked = Question(rule, None, Window(T0, T0 + len(values) * 5_000_000), 5_000_000)
    report = await Backtester(site, {f"{UNIT}.T": 1, f"{UNIT}.Trip": 2}, past).run(asked)
    assert [[item.began, item.ended] for item in report.outcome.episodes] == live
