"""Lifts carry the traffic of an office building, and use and regenerate the energy that the city reported."""

from datetime import datetime, timedelta

import numpy as np
import pytest
from tests.support.plant_rig import PlantRig

from cityhall_simulators.plants import transport
from cityhall_simulators.plants.common import Around, Columns, Plant, Supply
from cityhall_simulators.plants.moment import moment_at
from cityhall_simulators.plants.site import whole_site
from cityhall_simulators.plants.transport.traffic import STOPS, mean_floors, next_stops

WEDNESDAY = datetime(2026, 7, 1)  # noqa: DTZ001
SUNDAY = datetime(2026, 7, 5)  # noqa: DTZ001
REGENERATIVE = slice(0, 9)
"""Nine cars in N, NE and NW (domain.md 3.1)."""


def _as_it_was(own: Columns, around: Around, dt_s: float, rng: np.random.Generator) -> Columns:  # noqa: ARG001
    return own


QUIET_PANEL = Plant(lambda units: {"Alarm": np.zeros(units)}, _as_it_was)


def lift_rig(local: datetime, seed: int = 5) -> PlantRig:
    return PlantRig({"FACP": QUIET_PANEL, **transport.PLANTS}, local, seed)


def risen(rig: PlantRig, role: str, seconds: float, dt_s: float) -> np.ndarray:
    before = rig.column("ELV", role)
    rig.run(seconds, dt_s)
    return rig.column("ELV", role) - before


def test_in_2015_a_car_uses_3660_kwh_a_month_and_nine_cars_give_back_10992_kwh_each() -> None:
    # domain.md section 2 and 3.1
    rig = lift_rig(datetime(2015, 1, 1), seed=1)  # noqa: DTZ001
    first = dict(rig.columns["ELV"])
    rig.run_until(datetime(2016, 1, 1), 3600.0)  # noqa: DTZ001
    used, back = (rig.column("ELV", role) - first[role] for role in ("kWh", "kWhRegen"))
    assert float((used - back).mean()) / 12.0 == pytest.approx(3_660.0, rel=0.02)
    assert back[REGENERATIVE] == pytest.approx(10_992.0, rel=0.02)
    assert back[9:].max() == rig.column("ELV", "kWhRegen")[9:].max() == 0.0


@pytest.mark.parametrize("dt_s", [60.0, 1800.0])
def test_on_a_working_day_each_car_makes_400_to_900_trips_and_on_a_sunday_few(dt_s: float) -> None:
    # domain.md 3.2
    trips = risen(lift_rig(WEDNESDAY), "Trips", 86_400.0, dt_s)
    assert trips.min() >= 400.0
    assert trips.max() <= 900.0
    assert risen(lift_rig(SUNDAY), "Trips", 86_400.0, dt_s).mean() < 40.0


def test_by_night_only_four_cars_serve_and_all_others_are_parked_at_the_ground_floor() -> None:
    # domain.md section 1: emergency, accessible, one odd and one even car
    rig = lift_rig(WEDNESDAY - timedelta(hours=3))
    rig.run(3600.0, 10.0)
    trips = risen(rig, "Trips", 6 * 3600.0, 60.0)
    assert (trips > 0.0).sum() == 4
    parked = rig.column("ELV", "CarMode") == 4.0
    assert parked.sum() == 31
    assert (rig.column("ELV", "CarPos")[parked] == 1.0).all()


def test_each_trip_leads_to_another_served_floor_and_none_to_the_second_or_third() -> None:
    # domain.md section 1: lifts skip 2F and 3F
    dice = np.random.default_rng(1).random((400, len(STOPS)))
    for ground in (1.0, 3.0, 12.0):
        found = np.array([next_stops(STOPS, ground, row) for row in dice])
        assert (found != STOPS).all()
        assert set(np.unique(found)) == set(range(-1, 13)) - {2, 3}


@pytest.mark.parametrize("ground", [1.0, 3.0, 12.0])
def test_the_mean_length_of_a_trip_is_that_of_many_trips(ground: float) -> None:
    chance, position = np.random.default_rng(2), np.full(2_000, 1.0)
    lengths = []
    for _ in range(60):
        after = next_stops(position, ground, chance.random(2_000))
        lengths.append(np.abs(after - position).mean())
        position = after
    assert mean_floors(ground) == pytest.approx(np.mean(lengths[5:]), rel=0.01)


@pytest.mark.parametrize(("hour", "fuller"), [(8.3, 3.0), (17.5, 4.0)])
def test_in_the_morning_people_go_up_and_in_the_evening_down(hour: float, fuller: float) -> None:
    rig = lift_rig(WEDNESDAY + timedelta(hours=hour))
    loads: dict[float, list[float]] = {3.0: [], 4.0: []}
    for _ in range(400):
        rig.step(2.0)
        for direction, found in loads.items():
            found.extend(rig.column("ELV", "LoadPct")[rig.column("ELV", "Dir") == direction])
    assert np.mean(loads[fuller]) > 1.5 * np.mean(loads[7.0 - fuller])


@pytest.mark.parametrize("begin", [WEDNESDAY + timedelta(hours=10), WEDNESDAY + timedelta(hours=14)])
def test_an_hour_in_steps_of_a_second_costs_what_long_steps_say(begin: datetime) -> None:
    watched, counted = (sum(an_hour(begin, seed, dt_s) for seed in range(3)) for dt_s in (1.0, 900.0))
    called, trips = watched[0] + watched[3], watched[0]
    assert trips > 1_000.0
    # Chance alone moves the number of calls by its root, and the energy of a trip by its own spread.
    assert counted[0] + counted[3] == pytest.approx(called, rel=0.06)
    for energy in (1, 2):
        assert watched[energy] / trips == pytest.approx(counted[energy] / counted[0], rel=0.06)


def an_hour(begin: datetime, seed: int, dt_s: float) -> np.ndarray:
    """Trips, energy used and regenerated of the regenerative cars, and calls that still wait."""
    rig = lift_rig(begin, seed)
    rig.run(120.0, 2.0)
    roles = ("Trips", "kWh", "kWhRegen", "_calls")
    first = [rig.column("ELV", role) for role in roles]
    rig.run(3600.0, dt_s)
    risen = [rig.column("ELV", role) - before for role, before in zip(roles, first, strict=True)]
    return np.array([float(each[REGENERATIVE].sum()) for each in risen])


def test_the_power_of_a_car_is_what_its_counters_count() -> None:
    rig = lift_rig(WEDNESDAY + timedelta(hours=9))
    for dt_s in (0.5, 2.0, 60.0, 900.0):
        before = rig.column("ELV", "kWh") - rig.column("ELV", "kWhRegen")
        rig.step(dt_s)
        net_kwh = rig.column("ELV", "kWh") - rig.column("ELV", "kWhRegen") - before
        assert net_kwh * 3600.0 / dt_s == pytest.approx(rig.column("ELV", "_kw"), abs=0.2)


def test_regenerative_cars_feed_back_while_they_slow_down_and_others_never_do() -> None:
    rig, least = lift_rig(WEDNESDAY + timedelta(hours=9)), np.zeros(35)
    for _ in range(600):
        rig.step(1.0)
        least = np.minimum(least, rig.column("ELV", "_kw"))
    assert (least[REGENERATIVE] < -5.0).all()
    assert least[9:].min() >= 0.0


def test_a_fault_of_one_car_leaves_the_chance_of_all_others_alone() -> None:
    sound, struck = (lift_rig(WEDNESDAY + timedelta(hours=9)) for _ in range(2))
    struck.fault("ELV", 4, "entrapment")
    for rig in (sound, struck):
        rig.run(300.0, 1.0)
        rig.run(3600.0, 300.0)
    for role in ("CarPos", "Trips", "kWh"):
        same = sound.column("ELV", role) == struck.column("ELV", role)
        assert np.flatnonzero(~same).tolist() == [4], role


def test_the_generator_moves_one_car_of_each_bank_and_lands_all_others() -> None:
    rig = lift_rig(WEDNESDAY + timedelta(hours=9))
    rig.run(300.0, 1.0)
    rig.supply = Supply(normal=0.0, essential=1.0)
    rig.run(30.0, 1.0)
    assert (rig.column("ELV", "CarMode") == 7.0).all()
    trips = risen(rig, "Trips", 1_200.0, 1.0)
    banks = whole_site().zones["ELV"]
    assert sorted(banks[unit] for unit in np.flatnonzero(trips)) == sorted(set(banks))
    standing = rig.column("ELV", "CarPos")[trips == 0.0]
    assert (standing == np.round(standing)).all()
    assert (rig.column("ELV", "_kw")[trips == 0.0] == 0.0).all()
    rig.supply = Supply()
    rig.step(1.0)
    assert (rig.column("ELV", "CarMode") == 1.0).all()


def test_typhoon_days_and_holidays_are_as_quiet_as_sundays() -> None:
    new_year = lift_rig(datetime(2026, 2, 17))  # noqa: DTZ001
    assert not moment_at(datetime(2026, 2, 17, 10), 5).workday  # noqa: DTZ001
    assert risen(new_year, "Trips", 86_400.0, 900.0).mean() < 40.0


def test_escalators_run_by_the_hours_of_the_building_one_up_and_one_down() -> None:
    rig = lift_rig(WEDNESDAY)
    seen = {}
    for hour in range(1, 24):
        rig.run_until(WEDNESDAY + timedelta(hours=hour), 1800.0)
        seen[hour] = (rig.column("ESC", "Mode").tolist(), rig.column("ESC", "Dir").tolist())
    assert seen[12] == ([2.0, 3.0] * 4, [3.0, 4.0] * 4)
    assert seen[3] == seen[22] == ([1.0] * 8, [2.0] * 8)
    assert rig.column("ESC", "_kw").max() < 0.5


def test_an_escalator_counts_the_hours_that_it_runs_whatever_the_step() -> None:
    run = []
    for dt_s in (60.0, 1800.0, 3600.0):
        rig = lift_rig(WEDNESDAY)
        before = rig.column("ESC", "RunHr")
        rig.run(86_400.0, dt_s)
        run.append(rig.column("ESC", "RunHr") - before)
    assert run[0] == pytest.approx(11.5)
    assert run[1] == pytest.approx(run[0])
    assert run[2] == pytest.approx(run[0])
