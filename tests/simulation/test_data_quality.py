"""The checks of behaviour on the whole simulated building: they leave a sound one alone, and find broken sensors."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from tests.support.graded_building import GradedBuilding

from cityhall_bms.domain.quality import Quality
from cityhall_simulators.description import load_building
from cityhall_simulators.faults import FAULTS, resolve_target
from cityhall_simulators.runtime import City

TAIPEI = ZoneInfo("Asia/Taipei")
BUILDING = load_building("full")
FOUND = {
    "sensor_stuck": Quality.UNCERTAIN_FLATLINE,
    "sensor_spike": Quality.UNCERTAIN_SPIKE,
}


@pytest.mark.parametrize(
    "day",
    [datetime(2026, 7, 1, tzinfo=TAIPEI), datetime(2026, 1, 11, tzinfo=TAIPEI)],
    ids=["working day in summer", "Sunday in winter"],
)
def test_of_a_sound_building_not_one_value_in_a_hundred_thousand_is_doubted(day: datetime) -> None:
    graded = GradedBuilding(City(BUILDING, 6, day))
    graded.advance(24 * 60)
    judged = 24 * 60 * len(BUILDING.points)
    assert sum(graded.doubts.values()) < judged / 100_000, graded.doubts.most_common(10)
    assert graded.behaviour.counter_resets == 0


@pytest.mark.parametrize("name", FOUND)
def test_a_broken_sensor_is_found_and_no_other_is_blamed(name: str) -> None:
    city = City(BUILDING, 6, datetime(2026, 7, 1, 9, 30, tzinfo=TAIPEI))
    graded = GradedBuilding(city)
    graded.advance(90)
    graded.doubts.clear()
    target = resolve_target(BUILDING, FAULTS[name], None)
    city.fault_on(name, target, "2026-07-01T11:00:00+08:00")
    graded.advance(120)
    assert graded.doubts[target, FOUND[name]] >= 5
    blamed = {point for (point, quality), count in graded.doubts.items() if quality is FOUND[name] and count >= 5}
    assert blamed == {target}
