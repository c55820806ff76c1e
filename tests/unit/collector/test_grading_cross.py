"""Sensors that contradict each other, and what is remembered of that when a site folder is applied."""

from dataclasses import replace

import numpy as np
import pytest
from tests.support.fake_driver import EQUIPMENT, TEXT, fake_device, fake_point, fake_site

from cityhall_bms.collector.grading_behaviour import Behaviour
from cityhall_bms.domain.batch import Readings
from cityhall_bms.domain.quality import Quality
from cityhall_bms.domain.site import Equipment, Site, System

T0 = 1_782_864_000_000_000
MINUTE = 60_000_000
OUTDOOR, STATION, WET = 1, 2, 3


def site() -> tuple[Site, dict[str, int]]:
    """An air handler with an outdoor sensor, and a weather station with a dew point."""
    roles = {OUTDOOR: (EQUIPMENT, "OAT"), STATION: ("WS", "OAT"), WET: ("WS", "DewPt")}
    points = [fake_point(number, "D1", equipment=equipment, role=role) for number, (equipment, role) in roles.items()]
    plain, ids = fake_site([fake_device("D1")], points)
    station = Equipment("WS", "Weather_Station", System.HVAC, TEXT)
    return replace(plain, equipment={**plain.equipment, "WS": station}), ids


def told(behaviour: Behaviour, minute: int, *values: float) -> list[int]:
    now = T0 + minute * MINUTE
    count = len(values)
    point = np.arange(1, count + 1, dtype=np.uint32)
    readings = Readings(point, np.full(count, now), np.array(values), np.zeros(count, np.uint8))
    return behaviour.judge(readings, now).quality.tolist()


def test_an_outdoor_sensor_that_differs_from_the_station_is_doubted_after_an_hour() -> None:
    behaviour = Behaviour(*site(), T0)
    doubted = [minute for minute in range(90) if told(behaviour, minute, 30.0, 25.0, 10.0)[0]]
    assert doubted == list(range(60, 90))
    assert told(behaviour, 90, 27.0, 25.0, 10.0) == [0, 0, 0]
    assert told(behaviour, 91, 30.0, 25.0, 10.0) == [0, 0, 0]


@pytest.mark.parametrize(("wet", "quality"), [(25.4, Quality.GOOD), (25.6, Quality.UNCERTAIN_CROSS)])
def test_a_dew_point_above_the_dry_bulb_is_doubted_at_once(wet: float, quality: int) -> None:
    assert told(Behaviour(*site(), T0), 0, 25.0, 25.0, wet)[2] == quality


def test_applying_a_site_folder_does_not_make_a_doubted_sensor_good_for_another_hour() -> None:
    before = Behaviour(*site(), T0)
    for minute in range(62):
        told(before, minute, 30.0, 25.0, 10.0)
    after = Behaviour(*site(), T0 + 62 * MINUTE)
    after.adopt(before)
    assert told(after, 62, 30.0, 25.0, 10.0)[0] == Quality.UNCERTAIN_CROSS
