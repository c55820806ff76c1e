"""Every car is counted once on its way in and once on its way out, and stands in one zone in between."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from tests.support.plant_rig import PlantRig

from cityhall_simulators.plants import parking
from cityhall_simulators.plants.parking.traffic import _spread

TAIPEI = ZoneInfo("Asia/Taipei")
WEDNESDAY = datetime(2026, 7, 1, 0, 0, tzinfo=TAIPEI)
NORTH, SOUTH = 0, 1
BAYS = 300  # of one car park: half of the building's 600


def settled(local: datetime, dt_s: float = 300.0) -> PlantRig:
    """Car parks that have run since the midnight before yesterday."""
    rig = PlantRig(parking.PLANTS, local - timedelta(days=2))
    rig.run_until(local, dt_s)
    return rig


@pytest.fixture
def morning() -> PlantRig:
    return settled(WEDNESDAY.replace(hour=10))


def test_entries_less_exits_are_the_cars_inside_at_every_step(morning: PlantRig) -> None:
    before = morning.column("PMS", "EntryCnt") - morning.column("PMS", "ExitCnt") - morning.column("PMS", "Occ")
    for dt_s in (0.5, 1.0, 30.0, 600.0, 3600.0) * 8:
        morning.step(dt_s)
        cars = morning.column("PMS", "Occ")
        counted = morning.column("PMS", "EntryCnt") - morning.column("PMS", "ExitCnt")
        np.testing.assert_array_equal(counted - cars, before)
        np.testing.assert_array_equal(cars + morning.column("PMS", "Free"), [BAYS, BAYS])
        assert (cars >= 0).all()
        np.testing.assert_array_equal(cars, np.floor(cars))


def test_the_zones_of_a_car_park_hold_its_cars_together(morning: PlantRig) -> None:
    assert morning.column("PKZ", "Bays").sum() == 2 * BAYS
    for _ in range(24):
        morning.step(3600.0)
        for site, zone in ((NORTH, "N"), (SOUTH, "S")):
            there = morning.column("PKZ", "Occ")[morning.site.where("PKZ", zone=zone)]
            assert there.sum() == morning.value("PMS", "Occ", site)
            assert there.min() >= 0
            assert there.max() <= morning.value("PKZ", "Bays")


def test_any_number_of_cars_fits_into_the_zones() -> None:
    for cars in range(BAYS + 1):
        zones = _spread(np.array([float(cars)]), np.array([float(BAYS)]), 6)[0]
        assert zones.sum() == cars
        assert zones.min() >= 0
        assert zones.max() <= BAYS / 6


def test_a_working_day_fills_the_car_park_and_the_night_leaves_a_few() -> None:
    rig = settled(WEDNESDAY + timedelta(hours=4))
    assert (rig.column("PMS", "Occ") < 0.2 * BAYS).all()
    assert (rig.column("PMS", "Occ") > 0).all()
    rig.run_until(WEDNESDAY + timedelta(hours=11), 60.0)
    assert (rig.column("PMS", "Occ") > 0.6 * BAYS).all()
    assert (rig.column("PMS", "Occ") < BAYS).all()
    rig.run_until(WEDNESDAY + timedelta(hours=23, minutes=30), 60.0)
    assert (rig.column("PMS", "Occ") < 0.2 * BAYS).all()


def test_most_come_around_eight_and_most_leave_around_half_past_five() -> None:
    rig = settled(WEDNESDAY)
    entries, exits = [], []
    for _ in range(24):
        before = rig.column("PMS", "EntryCnt").sum(), rig.column("PMS", "ExitCnt").sum()
        rig.run(3600.0, dt_s=60.0)
        entries.append(rig.column("PMS", "EntryCnt").sum() - before[0])
        exits.append(rig.column("PMS", "ExitCnt").sum() - before[1])
    assert np.argmax(entries) in {7, 8}
    assert np.argmax(exits) == 17
    assert sum(entries) > 500


def test_a_day_off_brings_few_cars() -> None:
    saturday = datetime(2026, 7, 4, tzinfo=TAIPEI)
    rig = settled(saturday)
    before = rig.column("PMS", "EntryCnt").sum()
    rig.run(86_400.0, dt_s=60.0)
    assert rig.column("PMS", "EntryCnt").sum() - before < 200


def test_as_many_cars_come_and_the_air_is_as_bad_whether_time_passes_in_minutes_or_in_hours() -> None:
    counts, ppm = [], []
    for dt_s in (60.0, 1800.0, 3600.0):
        rig = settled(WEDNESDAY, 1800.0)
        before = rig.column("PMS", "EntryCnt").sum()
        air = []
        for _ in range(round(3 * 86_400.0 / dt_s)):
            rig.step(dt_s)
            air.append(rig.column("PKG", "CO"))
        counts.append(rig.column("PMS", "EntryCnt").sum() - before)
        ppm.append((np.mean(air), np.max(air)))
    # some 1,800 cars by chance: their spread is 2 %
    assert counts[1:] == pytest.approx([counts[0]] * 2, rel=0.06)
    assert [mean for mean, _ in ppm[1:]] == pytest.approx([ppm[0][0]] * 2, rel=0.05)
    assert max(worst for _, worst in ppm) < 30.0


def test_a_gate_opens_for_a_car_and_closes_behind_it() -> None:
    rig = settled(WEDNESDAY.replace(hour=7))
    rig.run_until(WEDNESDAY.replace(hour=8), 60.0)
    states = set()
    for _ in range(300):
        rig.step(0.5)
        states |= set(rig.column("PMS", "GateIn").tolist())
    assert states == {0, 1, 2}


def test_the_full_sign_turns_cars_away_until_it_is_released(morning: PlantRig) -> None:
    morning.command("PMS", NORTH, "FullSign", 1.0)
    morning.step(1.0)
    entries = morning.column("PMS", "EntryCnt")
    morning.run(3600.0, dt_s=60.0)
    came = morning.column("PMS", "EntryCnt") - entries
    assert morning.column("PMS", "FullSign").tolist() == [1, 0]
    assert came[NORTH] == 0
    assert came[SOUTH] > 5
    morning.command("PMS", NORTH, "FullSign", None)
    morning.run(3600.0, dt_s=60.0)
    assert morning.value("PMS", "FullSign", NORTH) == 0
    assert morning.value("PMS", "EntryCnt", NORTH) > entries[NORTH]


def test_a_full_car_park_lights_its_sign_by_itself(morning: PlantRig) -> None:
    full = morning.columns["PMS"] | {"_bays": morning.column("PMS", "Occ").copy()}
    morning.columns["PMS"] = full
    morning.step(0.1)
    assert morning.column("PMS", "FullSign").tolist() == (morning.column("PMS", "Free") < 1).tolist()
    assert morning.column("PMS", "FullSign").any()


@pytest.mark.parametrize(("hour", "left"), [(7, 90), (10, 1)])
def test_no_more_cars_enter_than_there_are_bays(hour: int, left: int) -> None:
    rig = settled(WEDNESDAY.replace(hour=hour))
    rig.columns["PMS"] = rig.columns["PMS"] | {"_bays": rig.column("PMS", "Occ") + left}
    least = float(left)
    for _ in range(12):
        rig.step(600.0)
        least = min(least, rig.column("PMS", "Free").min())
    assert 0 <= least <= 1


def test_a_broken_entry_gate_lets_nobody_in_and_is_reported(morning: PlantRig) -> None:
    morning.fault("PMS", SOUTH, "gate")
    morning.step(1.0)
    entries = morning.column("PMS", "EntryCnt")
    morning.run(1800.0, dt_s=30.0)
    assert morning.column("PMS", "GateAlm").tolist() == [0, 1]
    assert morning.value("PMS", "GateIn", SOUTH) == 3
    assert morning.value("PMS", "EntryCnt", SOUTH) == entries[SOUTH]
    assert morning.value("PMS", "EntryCnt", NORTH) > entries[NORTH]


def test_a_fault_at_one_car_park_leaves_the_chance_of_the_other_alone() -> None:
    rigs = [settled(WEDNESDAY.replace(hour=7)) for _ in range(2)]
    rigs[0].fault("PMS", SOUTH, "gate")
    for rig in rigs:
        rig.run(7200.0, dt_s=60.0)
    for role in ("EntryCnt", "ExitCnt", "Occ"):
        assert rigs[0].value("PMS", role, NORTH) == rigs[1].value("PMS", role, NORTH)
    assert rigs[0].value("PMS", "EntryCnt", SOUTH) < rigs[1].value("PMS", "EntryCnt", SOUTH)


def test_free_charging_bays_are_those_without_a_car(morning: PlantRig) -> None:
    for site, zone in ((NORTH, "N"), (SOUTH, "S")):
        stations = morning.site.where("EVSE", zone=zone)
        assert morning.value("PMS", "EvFree", site) == 9 - morning.column("EVSE", "_plugged")[stations].sum()
