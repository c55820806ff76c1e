"""Cars that people can watch: they stop at landings, open their doors there, and fail as real ones do."""

from datetime import datetime

import numpy as np
import pytest
from tests.support.plant_rig import PlantRig

from cityhall_simulators.plants import transport
from cityhall_simulators.plants.common import Around, Columns, Plant

MORNING = datetime(2026, 7, 1, 9)  # noqa: DTZ001


def _panel(units: int) -> Columns:
    return {"Alarm": np.zeros(units), "_fault_fire": np.zeros(units)}


def _alarmed(own: Columns, around: Around, dt_s: float, rng: np.random.Generator) -> Columns:  # noqa: ARG001
    return own | {"Alarm": own["_fault_fire"]}


@pytest.fixture
def rig() -> PlantRig:
    rig = PlantRig({"FACP": Plant(_panel, _alarmed), **transport.PLANTS}, MORNING)
    rig.run(120.0, 1.0)
    return rig


@pytest.mark.parametrize("dt_s", [0.1, 0.25, 1.0, 5.0])
def test_cars_move_at_most_half_a_floor_a_second_and_open_their_doors_at_landings_only(
    rig: PlantRig, dt_s: float
) -> None:
    travelled = 0.0
    for _ in range(round(200.0 / dt_s)):
        before = rig.column("ELV", "CarPos")
        rig.step(dt_s)
        position = rig.column("ELV", "CarPos")
        moved = np.abs(position - before)
        travelled += float(moved.sum())
        opened = np.isin(rig.column("ELV", "DoorSts"), (1.0, 6.0, 7.0))
        assert (moved <= 0.5 * dt_s + 1e-9).all()
        assert (position[opened] == np.round(position[opened])).all()
        assert ((position >= -1.0) & (position <= 12.0)).all()
    assert travelled > 500.0


def test_a_trip_shows_acceleration_rated_speed_braking_and_a_door_that_opens_and_closes(rig: PlantRig) -> None:
    drives, doors = set(), set()
    for _ in range(1_200):
        rig.step(0.25)
        drives |= set(rig.column("ELV", "DriveSts"))
        doors |= set(rig.column("ELV", "DoorSts"))
    # domain.md section 10: stationary, accelerating, decelerating, rated; closed, opened, closing, opening
    assert drives == {1.0, 3.0, 4.0, 5.0}
    assert doors == {0.0, 1.0, 6.0, 7.0}


def test_the_direction_is_that_of_the_motion(rig: PlantRig) -> None:
    for _ in range(300):
        before = rig.column("ELV", "CarPos")
        rig.step(0.5)
        moved = rig.column("ELV", "CarPos") - before
        direction = rig.column("ELV", "Dir")
        assert (moved[direction == 3.0] > 0.0).all()
        assert (moved[direction == 4.0] < 0.0).all()


@pytest.mark.parametrize("dt_s", [0.5, 60.0, 1800.0])
@pytest.mark.parametrize("car", [0, 20])
def test_a_trapped_passenger_stands_between_floors_behind_closed_doors_and_rings(
    rig: PlantRig, car: int, dt_s: float
) -> None:
    rig.fault("ELV", car, "entrapment")
    for _ in range(20):
        rig.step(dt_s)
        shown = {role: rig.value("ELV", role, car) for role in ("AlmBell", "FaultSig", "DoorSts", "DriveSts")}
        assert shown == {"AlmBell": 1.0, "FaultSig": 8.0, "DoorSts": 0.0, "DriveSts": 1.0}
        assert rig.value("ELV", "LoadPct", car) > 0.0
        assert rig.value("ELV", "CarPos", car) % 1.0 != 0.0
    assert rig.column("ELV", "AlmBell").sum() == 1.0
    rig.fault("ELV", car, "entrapment", active=False)
    before = rig.value("ELV", "Trips", car)
    rig.run(max(120.0, dt_s), dt_s)
    assert (rig.value("ELV", "AlmBell", car), rig.value("ELV", "FaultSig", car)) == (0.0, 255.0)
    assert rig.value("ELV", "Trips", car) > before


@pytest.mark.parametrize(("fault", "signal"), [("door", 6.0), ("drive", 1.0)])
def test_a_broken_car_goes_on_to_a_landing_and_stays_there(rig: PlantRig, fault: str, signal: float) -> None:
    rig.fault("ELV", 3, fault)
    rig.run(60.0, 0.5)
    place, trips = rig.value("ELV", "CarPos", 3), rig.value("ELV", "Trips", 3)
    assert place % 1.0 == 0.0
    assert rig.value("ELV", "FaultSig", 3) == signal
    assert (rig.value("ELV", "DoorSts", 3) == 3.0) == (fault == "door")
    rig.run(600.0, 5.0)
    assert (rig.value("ELV", "CarPos", 3), rig.value("ELV", "Trips", 3)) == (place, trips)
    rig.fault("ELV", 3, fault, active=False)
    rig.run(300.0, 1.0)
    assert rig.value("ELV", "FaultSig", 3) == 255.0
    assert rig.value("ELV", "Trips", 3) > trips


def test_a_car_out_of_service_waits_at_the_ground_floor(rig: PlantRig) -> None:
    rig.fault("ELV", 7, "out_of_service")
    rig.run(90.0, 1.0)
    assert (rig.value("ELV", "CarMode", 7), rig.value("ELV", "CarPos", 7)) == (12.0, 1.0)
    rig.run(600.0, 5.0)
    assert rig.value("ELV", "CarPos", 7) == 1.0


@pytest.mark.parametrize("dt_s", [0.5, 60.0])
def test_fire_recalls_all_cars_to_the_ground_floor_with_open_doors_and_stops_the_escalators(
    rig: PlantRig, dt_s: float
) -> None:
    rig.fault("FACP", 0, "fire")
    rig.run(120.0, dt_s)
    assert (rig.column("ELV", "CarMode") == 11.0).all()
    assert (rig.column("ELV", "CarPos") == 1.0).all()
    assert np.isin(rig.column("ELV", "DoorSts"), (1.0, 6.0)).all()
    assert (rig.column("ESC", "Mode") == 1.0).all()
    rig.fault("FACP", 0, "fire", active=False)
    rig.run(2.0, 1.0)
    assert (rig.column("ELV", "CarMode") == 1.0).all()
    assert np.isin(rig.column("ESC", "Mode"), (2.0, 3.0)).all()


def test_a_car_whose_drive_no_longer_feeds_back_uses_as_much_and_regenerates_nothing(rig: PlantRig) -> None:
    rig.fault("ELV", 2, "no_regen")
    first = {role: rig.column("ELV", role) for role in ("kWh", "kWhRegen")}
    rig.run(7_200.0, 300.0)
    used, back = (rig.column("ELV", role) - first[role] for role in ("kWh", "kWhRegen"))
    assert back[2] == 0.0
    assert (back[[0, 1, *range(3, 9)]] > 0.0).all()
    assert used[2] == pytest.approx(used[:9].mean(), rel=0.25)


@pytest.mark.parametrize(("fault", "signal"), [("overspeed", 3.0), ("drive", 1.0), ("button", 255.0)])
def test_an_escalator_stops_for_its_button_and_its_faults(rig: PlantRig, fault: str, signal: float) -> None:
    rig.fault("ESC", 1, fault)
    rig.step(0.5)
    assert (rig.value("ESC", "Mode", 1), rig.value("ESC", "Dir", 1), rig.value("ESC", "FaultSig", 1)) == (1, 2, signal)
    assert rig.value("ESC", "StopBtn", 1) == (fault == "button")
    assert (rig.column("ESC", "Mode") == 1.0).sum() == 1
    rig.fault("ESC", 1, fault, active=False)
    rig.step(0.5)
    assert rig.value("ESC", "Mode", 1) == 3.0
