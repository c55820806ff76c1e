"""Water is neither made nor lost: inlets, sub-meters and tanks agree; nights are calm, years are those of the reports."""

from datetime import datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.plant_rig import PlantRig
from tests.support.water_rig import ROOF_AND_BASEMENT_M3, SUBS, water_rig

from cityhall_simulators.plants.water.cycle import part_within, two_point

MONDAY = datetime(2015, 6, 8)  # noqa: DTZ001


def content_m3(rig: PlantRig) -> float:
    return float((rig.column("TNK", "Lvl")[:8] / 100.0 * ROOF_AND_BASEMENT_M3).sum())


def from_the_utility(volumes: np.ndarray) -> float:
    """All sub-meters but that of the rain water."""
    return float(volumes[2:].sum() - volumes[list(SUBS["rain"])].sum())


@pytest.mark.parametrize(("dt_s", "days"), [(60.0, 1), (1800.0, 60), (3600.0, 45)])
def test_the_inlets_deliver_what_the_sub_meters_count_and_the_tanks_keep(dt_s: float, days: int) -> None:
    rig = water_rig(MONDAY)
    before, kept = rig.column("WM", "Vol"), content_m3(rig)
    rig.run(days * 86_400.0, dt_s)
    risen = rig.column("WM", "Vol") - before
    delivered_m3 = float(risen[:2].sum())
    assert delivered_m3 > 250.0 * days
    # What fills tanks is shown a step late; an hour of it is far below the tolerance of two months.
    tolerance = 0.001 if days > 1 else 0.003
    assert abs(delivered_m3 - from_the_utility(risen) - (content_m3(rig) - kept)) < tolerance * delivered_m3


def test_each_kind_of_use_counts_the_same_in_long_steps_as_in_short_ones() -> None:
    counted = {}
    for dt_s in (60.0, 1800.0):
        rig = water_rig(MONDAY)
        before = rig.column("WM", "Vol")
        rig.run(86_400.0, dt_s)
        risen = rig.column("WM", "Vol") - before
        counted[dt_s] = np.array([risen[list(units)].sum() for units in SUBS.values()])
    kinds = np.array(list(SUBS)) != "fire"
    assert counted[1800.0][kinds] == pytest.approx(counted[60.0][kinds], rel=0.02)
    assert counted[1800.0].sum() == pytest.approx(counted[60.0].sum(), rel=0.003)


def test_by_night_three_to_five_cubic_metres_per_hour_flow() -> None:
    # domain.md 3.2
    rig = water_rig(MONDAY)
    for _ in range(14):
        rig.run(2 * 3600.0, 600.0)
        hourly = []
        for _ in range(2):
            before = rig.column("WM", "Vol")[:2].sum()
            rig.run(3600.0, 600.0)
            hourly.append(rig.column("WM", "Vol")[:2].sum() - before)
        assert 3.0 < min(hourly) < 5.0
        rig.run(20 * 3600.0, 1200.0)


def test_circuits_that_should_rest_do_so_by_night() -> None:
    rig = water_rig(MONDAY)
    rig.run(2 * 3600.0, 600.0)
    before = rig.column("WM", "Vol")
    rig.run(2 * 3600.0, 60.0)
    resting = [*SUBS["wash"], *SUBS["irrigation"], *SUBS["fire"], *SUBS["rain"]]
    assert (rig.column("WM", "Vol") - before)[resting].max() == 0.0


def test_sprinklers_run_early_on_dry_days_and_never_after_rain() -> None:
    rig, ran, wet = water_rig(datetime(2015, 5, 1)), [], []  # noqa: DTZ001
    for _ in range(31 * 24):
        rig.step(3600.0)
        flow = rig.column("WM", "Flow")[list(SUBS["irrigation"])].sum()
        if flow > 0.0:
            ran.append(rig.local.hour)
            wet.append(rig.value("WM", "_wet_mm"))
    assert set(ran) <= {6, 7}
    assert len(set(ran)) * len(ran) > 5
    assert max(wet) < 6.0


def test_a_leak_shows_at_its_own_meter_and_at_the_inlets_and_ends_with_the_repair() -> None:
    rig = water_rig(MONDAY)
    rig.run(2 * 3600.0, 60.0)
    calm = rig.column("WM", "Flow")
    rig.fault("WM", 5, "night_leak")
    rig.run(4 * 3600.0, 60.0)
    leaking = rig.column("WM", "Flow")
    assert leaking[5] - calm[5] == pytest.approx(3.0, abs=0.1)
    assert leaking[:2].sum() - calm[:2].sum() > 2.0
    rig.fault("WM", 5, "night_leak", active=False)
    rig.step(60.0)
    assert rig.value("WM", "Flow", 5) < 1.0


def test_tanks_stay_between_their_alarm_limits_through_a_summer_month() -> None:
    # domain.md W01: 30 and 90 %, fire tanks never below 90 %
    rig = water_rig(datetime(2015, 7, 1))  # noqa: DTZ001
    for _ in range(30 * 24):
        rig.step(3600.0)
        level = rig.column("TNK", "Lvl")
        assert ((level[:12] > 30.0) & (level[:12] < 90.0)).all()
        assert ((level[12:] > 90.0) & (level[12:] < 95.0)).all()
        assert rig.column("TNK", "HiAlm").max() == rig.column("TNK", "LoAlm").max() == 0.0


def test_batteries_of_meters_empty_slowly_and_are_replaced_before_they_fail() -> None:
    rig = water_rig(MONDAY)
    first = rig.column("WM", "BattPct")
    rig.run(30 * 86_400.0, 3600.0)
    fallen = first - rig.column("WM", "BattPct")
    assert first.min() > 10.0
    assert fallen == pytest.approx(0.7, abs=0.1)


@given(
    gathered=st.floats(-1.0, 4.0), on=st.booleans(), gathering=st.floats(0.1, 8.0), removing=st.floats(0.0, 20.0),
    minutes=st.integers(1, 180),
)  # fmt: skip
@settings(max_examples=150, deadline=None)
def test_a_cycle_ends_at_the_same_place_in_one_step_as_in_many(
    gathered: float, on: bool, gathering: float, removing: float, minutes: int
) -> None:
    def after(parts: int) -> tuple[float, bool]:
        level, running = np.array([gathered]), np.array([on])
        for _ in range(parts):
            step_h = minutes / 60.0 / parts
            level, running = two_point(level, running, np.array([gathering]), np.array([removing]), 2.0, step_h)
        return float(level[0]), bool(running[0])

    once, many = after(1), after(60)
    turning = min(abs(many[0]), abs(many[0] - 2.0)) < 1e-6
    assert once[0] == pytest.approx(many[0], abs=1e-6)
    assert turning or once[1] == many[1]


@pytest.mark.parametrize(("hour", "dt_s", "part"), [
    (6.0, 3600.0, 1.0), (7.0, 3600.0, 0.5), (5.0, 60.0, 0.0), (6.5, 1800.0, 1.0), (8.0, 3600.0, 0.0), (0.5, 3600.0, 0.0),
])  # fmt: skip
def test_a_part_of_a_step_lies_within_hours(hour: float, dt_s: float, part: float) -> None:
    assert part_within(hour, dt_s, 5.0, 6.5) == pytest.approx(part)
