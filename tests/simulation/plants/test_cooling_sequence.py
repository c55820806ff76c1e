"""How many chillers run, and which: by load with hysteresis, with minimum times, in turn."""

from dataclasses import replace

import numpy as np

from cityhall_simulators.plants.cooling.lines import Chillers
from cityhall_simulators.plants.cooling.sequence import STAGE_KW, STAGES, Memory, called, manual, staged

RT = 3.517
MINUTE_S = 60.0
# domain.md section 11: minimum on and off times of a chiller
MINIMUM_ON_S, MINIMUM_OFF_S = 20 * MINUTE_S, 30 * MINUTE_S

RESTING = Chillers(
    running=np.zeros(5, dtype=np.bool_),
    called=np.zeros(5, dtype=np.bool_),
    enabled=np.zeros(5, dtype=np.bool_),
    remote=np.ones(5, dtype=np.bool_),
    healthy=np.ones(5, dtype=np.bool_),
    insistent=np.zeros(5, dtype=np.bool_),
    commanded=np.full(5, np.nan),
    state_s=np.full(5, 1e5),
    hours=np.array([100.0, 90.0, 110.0, 50.0, 40.0]),
    supplied=True,
)


def mask(*lines: int) -> np.ndarray:
    found = np.zeros(5, dtype=np.bool_)
    found[list(lines)] = True
    return found


def running(*lines: int, state_s: float = 1e5) -> Chillers:
    return replace(
        RESTING, running=mask(*lines), called=mask(*lines), enabled=mask(*lines), state_s=np.full(5, state_s)
    )


def chosen(chillers: Chillers, large: int, small: int, since_start_s: float = 3600.0) -> list[int]:
    return np.flatnonzero(called(chillers, large, small, since_start_s, on_duty=True)).tolist()


def minutes_until_change(memory: Memory, demand_kw: float) -> int:
    before = memory.stage
    for minute in range(1, 200):
        memory = staged(memory, demand_kw, on_duty=True, warm=False, dt_s=MINUTE_S)
        if memory.stage != before:
            return minute
    return 0


def test_stages_rise_with_capacity_up_to_all_five() -> None:
    assert list(STAGE_KW) == sorted(STAGE_KW)
    assert STAGES[-1] == (3, 2)
    assert STAGE_KW[-1] == (3 * 600 + 2 * 200) * RT


def test_a_rising_load_is_followed_within_minutes_and_a_falling_one_later() -> None:
    two_large = Memory(STAGES.index((2, 0)))
    assert minutes_until_change(two_large, 0.97 * 1200 * RT) == 10
    assert minutes_until_change(two_large, 1.2 * 1200 * RT) == 2
    assert minutes_until_change(two_large, 0.5 * 1200 * RT) == 40


def test_between_the_limits_nothing_changes() -> None:
    """A load that called a stage does not drop it when it falls a little."""
    up = staged(Memory(STAGES.index((1, 1)), rising_s=1e4), 0.96 * 800 * RT, on_duty=True, warm=False, dt_s=60.0)
    assert STAGES[up.stage] == (2, 0)
    assert minutes_until_change(up, 0.85 * 800 * RT) == 0


def test_warm_water_calls_one_more_whatever_the_load_says() -> None:
    memory = Memory(STAGES.index((1, 0)))
    for _ in range(10):
        memory = staged(memory, 1000.0, on_duty=True, warm=True, dt_s=MINUTE_S)
    assert STAGES[memory.stage] == (1, 1)


def test_a_load_not_worth_a_chiller_starts_none() -> None:
    """Even the small one would cool its water by less than 2.2 K, which is the fault LOW-DT."""
    memory = staged(Memory(), 270.0, on_duty=True, warm=False, dt_s=3600.0)
    assert memory.stage == 0
    assert 270.0 / (1.163 * 108.0) < 2.2


def test_after_hours_at_most_one_small_chiller_serves() -> None:
    for demand_kw, stage in ((100.0, (0, 0)), (500.0, (0, 1)), (5000.0, (0, 1))):
        memory = staged(Memory(STAGES.index((3, 0))), demand_kw, on_duty=False, warm=False, dt_s=60.0)
        assert STAGES[memory.stage] == stage


def test_the_one_that_has_run_least_leads() -> None:
    assert chosen(RESTING, 1, 1) == [1, 4]
    assert chosen(RESTING, 2, 0) == [0, 1]


def test_those_that_run_go_on_and_the_one_with_most_hours_stops_first() -> None:
    assert chosen(running(2), 1, 0) == [2]
    assert chosen(running(0, 2), 1, 0) == [0]


def test_a_chiller_keeps_its_minimum_times() -> None:
    assert chosen(running(1, state_s=MINIMUM_ON_S - 1.0), 0, 0) == [1]
    assert chosen(running(1, state_s=MINIMUM_ON_S), 0, 0) == []
    assert chosen(replace(RESTING, state_s=np.full(5, MINIMUM_OFF_S - 1.0)), 3, 2) == []
    assert chosen(replace(RESTING, state_s=np.full(5, MINIMUM_OFF_S)), 3, 2) == [0, 1, 2, 3, 4]


def test_motors_start_a_minute_apart() -> None:
    assert chosen(RESTING, 3, 0, since_start_s=0.0) == []
    assert chosen(RESTING, 3, 0, since_start_s=60.0) == [1]


def test_one_that_tripped_stays_called_and_another_takes_its_place() -> None:
    tripped = replace(running(1), running=mask(), healthy=~mask(1))
    assert chosen(tripped, 1, 0) == [0, 1]


def test_one_that_an_operator_or_a_local_switch_keeps_running_counts() -> None:
    forced = replace(running(2), commanded=np.array([np.nan, np.nan, 1.0, np.nan, np.nan]))
    assert chosen(forced, 1, 0) == []
    local = replace(running(2), remote=~mask(2))
    assert chosen(local, 2, 0) == [1]


def test_one_that_an_operator_started_gives_way_to_the_leader_once_it_is_released() -> None:
    released = replace(running(2), called=mask())
    assert chosen(released, 1, 0) == [1]


def test_nothing_is_called_without_supply() -> None:
    assert chosen(replace(running(0, 1), supplied=False), 3, 2) == []


def test_a_plain_number_means_the_large_ones_first() -> None:
    assert [manual(count) for count in (0.0, 2.0, 3.0, 4.4, 9.0)] == [(0, 0), (2, 0), (3, 0), (3, 1), (3, 2)]
