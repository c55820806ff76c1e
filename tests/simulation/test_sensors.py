"""What instruments show of the truth, sound and faulty."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from numpy.typing import NDArray

from cityhall_simulators.description import load_building
from cityhall_simulators.fault_desk import FaultDesk
from cityhall_simulators.runtime import City

BUILDING = load_building("small")
TAIPEI = ZoneInfo("Asia/Taipei")
WORKING_MORNING = datetime(2026, 7, 1, 10, 0, tzinfo=TAIPEI)


@pytest.fixture
def city() -> City:
    return City(BUILDING, seed=5, local=WORKING_MORNING)


def index_of(name: str) -> int:
    return next(p.index for p in BUILDING.points if p.name.endswith(f".{name}"))


def watch(city: City, name: str, minutes: int, step_s: float = 60.0) -> NDArray[np.float64]:
    """What a point shows from now on, one value per step."""
    shown = []
    for _ in range(round(minutes * 60.0 / step_s)):
        city.advance(city.local + timedelta(seconds=step_s), step_s)
        shown.append(city.shown[index_of(name)])
    return np.array(shown)


def test_an_instrument_shows_whole_decimal_steps_within_its_accuracy(city: City) -> None:
    city.advance(city.local + timedelta(seconds=1), 1.0)
    at = index_of("CHC01.CHWS_T")
    assert BUILDING.points[at].role.resolution == 0.02
    assert city.shown[at] * 100.0 == pytest.approx(round(city.shown[at] * 100.0))
    assert abs(city.shown[at] - city.truth[at]) <= 0.02


def test_a_drifting_sensor_leaves_the_truth_by_a_tenth_of_its_range_in_an_hour_and_no_further_than_a_quarter(
    city: City,
) -> None:
    at = index_of("AHU01.RAT")
    city.fault_on("sensor_drift", "AHU01.RAT", "now")
    # -10..60 degC: seven kelvins an hour, towards the farther end.
    watch(city, "AHU01.RAT", 60)
    assert abs(city.shown[at] - city.truth[at]) == pytest.approx(7.0, abs=0.2)
    watch(city, "AHU01.RAT", 180)
    assert abs(city.shown[at] - city.truth[at]) == pytest.approx(17.5, abs=0.2)
    city.fault_off("sensor_drift")
    watch(city, "AHU01.RAT", 1)
    assert abs(city.shown[at] - city.truth[at]) < 0.1


def test_an_offset_sensor_is_a_tenth_of_its_range_away_at_once(city: City) -> None:
    city.fault_on("sensor_offset", "AHU01.MAT", "now")
    watch(city, "AHU01.MAT", 1)
    at = index_of("AHU01.MAT")
    assert abs(city.shown[at] - city.truth[at]) == pytest.approx(7.0, abs=0.2)


def test_a_glitching_counter_shows_zero_one_minute_in_seven_and_counts_on(city: City) -> None:
    before = city.shown[index_of("EM01.kWh")]
    city.fault_on("counter_glitch", "EM01.kWh", "now")
    shown = watch(city, "EM01.kWh", 70)
    assert 8 <= (shown == 0.0).sum() <= 12
    counted = shown[shown > 0.0]
    assert (np.diff(np.concatenate([[before], counted])) >= 0.0).all()


def test_a_slow_counter_counts_three_fifths_and_what_it_missed_stays_missing(city: City) -> None:
    at = index_of("EM01.kWh")
    before = float(city.shown[at]), float(city.truth[at])
    city.fault_on("counter_slow", "EM01.kWh", "now")
    watch(city, "EM01.kWh", 60)
    counted, used = float(city.shown[at]) - before[0], float(city.truth[at]) - before[1]
    assert counted == pytest.approx(0.6 * used, abs=1.0)
    city.fault_off("counter_slow")
    repaired = float(city.shown[at])
    watch(city, "EM01.kWh", 60)
    assert float(city.shown[at]) - before[0] == pytest.approx(float(city.truth[at]) - before[1] - 0.4 * used, abs=1.0)
    assert repaired <= float(city.shown[at])


@pytest.mark.parametrize(("name", "first"), [("meter_reset", 0.0), ("meter_exchange", 17.3)])
def test_a_register_that_is_set_back_counts_on_from_there_and_stays_there(city: City, name: str, first: float) -> None:
    truth_before = city.truth[index_of("EM03.kWh")]
    city.fault_on(name, "EM03.kWh", "now")
    shown = watch(city, "EM03.kWh", 30)
    used = city.truth[index_of("EM03.kWh")] - truth_before
    assert shown[-1] == pytest.approx(first + used, abs=0.01)
    assert (np.diff(shown) >= 0.0).all()
    city.fault_off(name)
    after = watch(city, "EM03.kWh", 5)
    assert after[0] >= shown[-1]
    assert after[-1] < 1000.0, "nobody gets the old register back"


def test_a_register_that_rolls_over_loses_what_it_had_counted_in_whole_units(city: City) -> None:
    last = city.shown[index_of("EM02.kWh")]
    city.fault_on("meter_rollover", "EM02.kWh", "now")
    shown = watch(city, "EM02.kWh", 1)
    assert last > 1000.0
    assert shown[0] < 10.0
    assert shown[0] >= last % 1.0


def test_a_meter_that_is_reset_while_it_glitches_loses_its_register_all_the_same(city: City, tmp_path: Path) -> None:
    at, desk = index_of("EM01.kWh"), FaultDesk(city, lambda: city.local, tmp_path / "truth.jsonl")
    register = city.shown[at]
    desk.on("counter_glitch", "EM01.kWh")
    assert city.shown[at] == 0.0
    desk.on("meter_exchange", "EM01.kWh")
    desk.off("counter_glitch", None)
    assert city.shown[at] == pytest.approx(17.3)
    line = json.loads((tmp_path / "truth.jsonl").read_text().splitlines()[1])
    assert line["shown"] == register, "without it nobody could put the meter right"


def test_meters_may_be_reset_and_exchanged_in_one_moment(city: City) -> None:
    city.fault_on("meter_reset", "EM01.kWh", "now")
    city.fault_on("meter_exchange", "EM01.kWh", "now")
    assert city.shown[index_of("EM01.kWh")] == pytest.approx(17.3)


@pytest.mark.parametrize("order", [("sensor_stuck", "sensor_offset"), ("sensor_offset", "sensor_stuck")])
def test_a_stuck_sensor_shows_nothing_of_what_else_is_wrong_with_it(city: City, order: tuple[str, str]) -> None:
    last = city.shown[index_of("AHU01.SAT")]
    for name in order:
        city.fault_on(name, "AHU01.SAT", "now")
    assert set(watch(city, "AHU01.SAT", 5)) == {last}


def test_a_fault_of_an_instrument_is_seen_from_the_moment_in_which_it_begins_to_that_in_which_it_ends(
    city: City,
) -> None:
    at, sound = index_of("AHU01.MAT"), city.shown
    city.fault_on("sensor_offset", "AHU01.MAT", "now")
    # -10..60 degC: a tenth of it.
    assert abs(city.shown[at] - sound[at]) == pytest.approx(7.0)
    city.fault_off("sensor_offset")
    assert (city.shown == sound).all()


def test_a_flapping_contact_changes_at_least_three_times_a_minute(city: City) -> None:
    city.fault_on("flapping_contact", "TNK01.HiAlm", "now")
    shown = watch(city, "TNK01.HiAlm", 5, step_s=1.0)
    changes = np.abs(np.diff(shown)).reshape(-1)[:240].reshape(4, 60).sum(axis=1)
    assert (changes >= 3).all()
    city.fault_off("flapping_contact")
    assert (watch(city, "TNK01.HiAlm", 2, step_s=1.0) == 0.0).all()


def test_points_of_a_silent_device_are_unheard(city: City) -> None:
    assert not city.unheard.any()
    city.fault_on("device_silent", "ahu01", "now")
    unheard = {BUILDING.points[i].device for i in np.flatnonzero(city.unheard)}
    assert unheard == {"ahu01"}
    assert city.unheard.sum() == 26
    city.fault_off("device_silent")
    assert not city.unheard.any()
