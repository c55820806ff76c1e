"""The engine's promises about time, doubt and failure."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.rule_trial import START_US, UNIT, Trial, point, rule, site_of

from cityhall_bms.domain.quality import Quality
from cityhall_bms.rules.binding import bind
from cityhall_bms.rules.engine import Answer, Columns, Engine

LIMIT = {"each": ["T"], "condition": "POINT > 30 °C"}
HIGH = rule(**LIMIT, deadband="2 K", on_delay_s=10, off_delay_s=5)
STATES = {"Run": "", "Cmd": "", "A": "", "B": ""}
"""Units of roles that are states."""


def hot() -> Trial:
    trial = Trial(HIGH, values={"T": 25.0})
    trial.run(3)
    return trial


def test_the_limit_itself_is_beyond_it_only_if_the_rule_says_so() -> None:
    assert Trial(rule(**LIMIT), values={"T": 30.0}).run(5) == []
    assert Trial(rule(condition="T >= 30 °C"), values={"T": 30.0}).run(5) == [(1.0, "R", "raised")]


def test_a_condition_that_breaks_off_before_its_delay_starts_again() -> None:
    trial = hot()
    trial.set(T=31).run(10)
    trial.set(T=29).run(1)
    assert trial.heard == []
    assert trial.set(T=31).run(11) == [(11.0, "R", "raised")]


def test_an_alarm_in_its_deadband_neither_returns_nor_runs_its_off_delay() -> None:
    trial = hot()
    trial.set(T=31).run(11)
    trial.set(T=27).run(5)
    trial.set(T=29).run(100)
    assert trial.set(T=28).run(5) == []
    assert trial.run(1) == [(1.0, "R", "returned")]


def test_a_value_in_the_deadband_does_not_ring() -> None:
    assert hot().set(T=29.9).run(100) == []


@pytest.mark.parametrize("quality", [Quality.UNCERTAIN, Quality.UNCERTAIN_FLATLINE, Quality.BAD_RANGE, Quality.BAD])
def test_a_sample_that_is_not_good_decides_nothing_and_stops_the_timer_where_it_is(quality: Quality) -> None:
    trial = hot()
    trial.set(T=31).run(6)  # seen to last for 5 s
    trial.spoil(quality, "T").run(1000)
    assert trial.heard == []
    assert trial.state.answer.tolist() == [Answer.UNKNOWN]
    # From the first good sample on 5 s are missing; the doubtful stretch before it does not count.
    assert trial.set(T=31).run(6) == [(6.0, "R", "raised")]


def test_an_active_alarm_stays_while_its_sample_is_not_good() -> None:
    trial = hot()
    trial.set(T=31).run(11)
    trial.set(T=20).spoil(Quality.BAD_TIMEOUT, "T").run(1000)
    assert trial.heard == [(11.0, "R", "raised")]
    assert trial.set(T=20).run(6) == [(6.0, "R", "returned")]


def test_not_a_number_is_unknown_even_when_it_calls_itself_good() -> None:
    trial = hot()
    trial.set(T=float("nan")).run(20)
    assert trial.state.answer.tolist() == [Answer.UNKNOWN]
    assert trial.heard == []


def test_an_old_sample_decides_nothing() -> None:
    trial = hot()
    trial.set(T=31).run(2)
    trial.freeze("T")
    # Good for max(3 scans, 60 s): the delay of 10 s runs out before.
    assert trial.run(9) == [(9.0, "R", "raised")]
    quick = Trial(rule(**LIMIT, on_delay_s=120), values={"T": 31.0})
    quick.run(2)
    quick.freeze("T")
    assert quick.run(1000) == []
    assert quick.state.answer.tolist() == [Answer.UNKNOWN]


def test_a_point_reported_by_exception_may_stay_quiet() -> None:
    late = rule(**LIMIT, on_delay_s=120)
    trial = Trial(late, values={"T": 31.0}, mode="subscribe")
    trial.run(2)
    trial.freeze("T")
    assert trial.run(200) == [(119.0, "R", "raised")]
    assert trial.state.answer.tolist() == [Answer.UNKNOWN]  # three safety polls of 60 s missed


GATED = rule(**LIMIT, on_delay_s=10, when="for(Run == 1, 20 s)")


def test_a_rule_does_not_apply_while_its_prerequisite_is_known_not_to_hold() -> None:
    trial = Trial(GATED, values={"T": 31.0, "Run": 0.0}, units=STATES)
    assert trial.run(100) == []
    assert trial.state.answer.tolist() == [Answer.NOT_APPLICABLE]


def test_a_prerequisite_must_hold_without_a_break() -> None:
    trial = Trial(GATED, values={"T": 31.0, "Run": 1.0}, units=STATES)
    trial.run(15)
    trial.set(Run=0).run(1)
    assert trial.set(Run=1).run(31) == [(31.0, "R", "raised")]


def test_an_alarm_ends_when_its_prerequisite_does() -> None:
    trial = Trial(GATED, values={"T": 31.0, "Run": 1.0}, units=STATES)
    assert trial.run(31) == [(31.0, "R", "raised")]
    trial.freeze("T").run(5)
    assert trial.set(Run=0).run(1) == [(1.0, "R", "returned")]
    # It was the prerequisite's sample that decided, not the older one of the value.
    assert trial.proposals[-1].observed_at == trial.now_us


def test_a_prerequisite_that_is_not_good_holds_the_alarm_and_its_timer() -> None:
    trial = Trial(GATED, values={"T": 31.0, "Run": 1.0}, units=STATES)
    trial.run(26)  # 20 s of blanking and 5 s of delay
    trial.spoil(Quality.BAD_TIMEOUT, "Run").run(500)
    assert trial.heard == []
    assert trial.state.answer.tolist() == [Answer.UNKNOWN]
    assert trial.set(Run=1).run(6) == [(6.0, "R", "raised")]
    trial.spoil(Quality.BAD_TIMEOUT, "Run").run(500)
    assert trial.heard[-1][2] == "raised"


def test_one_prerequisite_that_fails_decides_over_one_that_nobody_knows() -> None:
    both = rule(**LIMIT, when="A == 1 and B in (1, 2)")
    trial = Trial(both, values={"T": 31.0, "A": 1.0, "B": 2.0}, units=STATES)
    assert trial.run(1) == [(1.0, "R", "raised")]
    trial.spoil(Quality.BAD, "A")
    assert trial.set(B=0).run(1) == [(1.0, "R", "returned")]


def test_a_limit_that_is_another_point_needs_that_point_good() -> None:
    over = rule(condition="T > SP + 1.5 K or T < SP - 1.5 K")
    trial = Trial(over, values={"T": 22.0, "SP": 20.0})
    trial.spoil(Quality.BAD, "SP")
    assert trial.run(5) == []
    assert trial.set(SP=20).run(1) == [(1.0, "R", "raised")]
    assert (trial.proposals[-1].value, trial.proposals[-1].limit) == (22.0, 21.5)
    trial.set(SP=22.0).run(1)
    trial.set(T=20.0).run(1)
    assert trial.proposals[-1].limit == 20.5


def test_status_and_command_are_compared_only_when_both_are_good() -> None:
    trial = Trial(rule(condition="Run != Cmd", on_delay_s=5), values={"Run": 0.0, "Cmd": 1.0}, units=STATES)
    trial.spoil(Quality.UNCERTAIN, "Cmd").run(60)
    assert trial.heard == []
    assert trial.set(Cmd=1).run(6) == [(6.0, "R", "raised")]
    assert trial.set(Run=1).run(1) == [(1.0, "R", "returned")]


def test_equipment_is_stale_only_when_all_its_points_are() -> None:
    trial = Trial(rule(kind="stale"), values={"A": 1.0, "B": 2.0})
    trial.run(10)
    trial.freeze("A").run(300)
    assert trial.heard == []
    assert trial.freeze("B").run(62) == [(61.0, "R", "raised")]
    assert trial.proposals[-1].subject.name == UNIT
    assert trial.set(B=2.0).run(1) == [(1.0, "R", "returned")]


def test_a_point_that_never_reported_is_stale_a_minute_after_the_start() -> None:
    trial = Trial(rule(kind="stale"), values={"A": 1.0})
    trial.spoil(Quality.BAD_NO_DATA, "A")
    assert trial.run(100) == [(62.0, "R", "raised")]


def test_a_quiet_subscribed_device_is_not_lost_and_one_that_says_so_is() -> None:
    lost = rule(kind="device")
    trial = Trial(lost, values={"A": 1.0}, mode="subscribe")
    trial.run(1)
    trial.freeze("A")
    assert trial.run(170) == []
    assert trial.spoil(Quality.BAD_DEVICE_LOST, "A").run(100) == [(61.0, "R", "raised")]


def test_time_that_nobody_watched_counts_for_ten_seconds_at_most() -> None:
    trial = Trial(rule(**LIMIT, on_delay_s=60), rule(id="S", kind="stale"), values={"T": 31.0})
    trial.run(2)
    trial.now_us += 8 * 3_600_000_000  # the service was down over night
    assert [item.rule.id for item in trial.tick()] == []
    assert trial.run(49) == [(49.0, "R", "raised")]


def test_silence_while_nobody_listened_is_not_held_against_a_point() -> None:
    trial = Trial(rule(kind="stale"), values={"T": 31.0})
    trial.run(2)
    trial.freeze("T")
    trial.now_us += 8 * 3_600_000_000
    assert trial.tick() == ()
    # Ten seconds of the night counted: fifty more until the point has been silent for a minute.
    assert trial.run(60) == [(51.0, "R", "raised")]


def test_a_clock_that_is_set_back_stops_the_timers_and_nothing_else() -> None:
    trial = hot()
    trial.set(T=31).run(5)
    trial.now_us -= 4_000_000
    trial.run(4)
    assert trial.heard == []
    assert trial.run(7) == [(6.0, "R", "raised")]


class _Broken:
    def step(self, tick: object, memory: object) -> Any:
        msg = "no such thing"
        raise ZeroDivisionError(msg)


def test_a_rule_that_raises_is_parked_alone_and_keeps_its_alarms_as_they_are() -> None:
    fine, broken = rule(**LIMIT), rule(id="BAD", condition="T > 29 °C")
    trial = Trial(broken, fine, values={"T": 31.0})
    assert len(trial.run(1)) == 2
    first, second = trial.binding.rules
    trial.engine = Engine(replace(trial.binding, rules=(replace(first, condition=_Broken()), second)))
    assert [item.rule.id for item in trial.set(T=20).tick()] == ["R"]
    assert [(item.rule, item.reason) for item in trial.failures] == [("BAD", "ZeroDivisionError: no such thing")]
    assert dict(trial.state.parked) == {"BAD": 1}
    assert trial.state.active.tolist() == [True, False]
    assert trial.tick() == ()
    assert trial.failures == ()


def test_a_rule_is_evaluated_over_all_its_equipment_at_once() -> None:
    names = [f"TCH.01.E.AHU{number:02d}" for number in range(24)]
    site = site_of(dict.fromkeys(names, "Unit"), [point(name, "T", device=name) for name in names])
    ids = {name: number + 1 for number, name in enumerate(site.points)}
    binding = bind([rule(**LIMIT)], site, ids)
    assert len(binding.rules) == 1
    value = np.full(24, 25.0)
    value[[3, 17]] = 35.0
    columns = Columns(value, np.zeros(24, np.uint8), np.full(24, START_US))
    step = Engine(binding).step(Engine(binding).start(), START_US, columns)
    assert [item.subject.equipment for item in step.proposals] == [names[3], names[17]]


def test_the_moment_of_an_alarm_is_that_of_its_sample_plus_the_delay_and_never_in_the_future() -> None:
    instant_at = START_US - 300_000
    instant = Trial(rule(**LIMIT), values={"T": 31.0})
    instant.freeze("T")
    instant._read_at["T"] = instant_at
    instant.run(1)
    assert instant.proposals[0].observed_at == instant_at
    delayed = hot()
    delayed.set(T=31).run(11)
    assert delayed.proposals[0].observed_at == delayed.now_us


WALK = st.lists(
    st.tuples(
        st.sampled_from([20.0, 27.0, 29.0, 31.0, 40.0]),
        st.sampled_from([Quality.GOOD, Quality.GOOD, Quality.UNCERTAIN, Quality.BAD_TIMEOUT]),
        st.sampled_from([0.0, 1.0, 1.0]),
        st.integers(1, 12),
    ),
    max_size=40,
)


@given(walk=WALK, on_delay=st.integers(0, 20), off_delay=st.integers(0, 20), deadband=st.sampled_from([0.0, 2.0]))
@settings(max_examples=150, deadline=None)
def test_it_agrees_with_a_slow_reading_of_the_definition(
    walk: list[tuple[float, Quality, float, int]], on_delay: int, off_delay: int, deadband: float
) -> None:
    tried = rule(**LIMIT, deadband=f"{deadband} K", on_delay_s=on_delay, off_delay_s=off_delay, when="Run == 1")
    trial = Trial(tried, values={"T": 20.0, "Run": 1.0}, units=STATES)
    active, seen_for, leaned, expected, now = False, 0, False, [], 0
    for value, quality, running, seconds in walk:
        trial.set(T=value, Run=running).spoil(quality, "T")
        for _ in range(seconds):
            now += 1
            trial.run(1)
            if running == 0.0:
                leans: bool | None = active
            elif quality != Quality.GOOD:
                leans = None
            else:
                leans = value <= 30.0 - deadband if active else value > 30.0
            if leans is False:
                seen_for = 0
            elif leans and leaned:
                seen_for += 1
            leaned = bool(leans)
            if leans and seen_for >= (off_delay if active else on_delay):
                active, seen_for, leaned = not active, 0, False
                expected.append((now, active))
    heard = [((item_at - START_US) // 1_000_000, raised) for item_at, raised in trial.flips]
    assert heard == expected


def test_the_same_samples_give_the_same_bytes() -> None:
    def play() -> tuple[object, ...]:
        trial = hot()
        trial.set(T=31).run(30)
        trial.spoil(Quality.BAD, "T").run(3)
        trial.set(T=20).run(30)
        state = trial.state
        return (*trial.proposals, state.held.tobytes(), state.good_at.tobytes(), state.answer.tobytes())

    assert play() == play()


def test_a_step_leaves_the_state_it_came_from_untouched() -> None:
    trial = hot()
    before = trial.state
    held, active = before.held.copy(), before.active.copy()
    trial.set(T=31).run(20)
    assert (before.held == held).all()
    assert (before.active == active).all()


def test_a_state_may_be_one_of_many() -> None:
    for value, expected in ((2.0, True), (5.0, True), (3.0, False)):
        trial = Trial(rule(condition="A in (2, 5)"), values={"A": value}, units=STATES)
        assert bool(trial.run(1)) is expected
