"""Pumps take turns, help and stand in for each other; sumps stay dry on the generator."""

from datetime import datetime

import numpy as np
import pytest
from tests.support.plant_rig import PlantRig
from tests.support.water_rig import water_rig

from cityhall_simulators.plants.common import Supply

MORNING = datetime(2026, 7, 1, 10)  # noqa: DTZ001


@pytest.fixture
def rig() -> PlantRig:
    return water_rig(MORNING)


def starts(rig: PlantRig, code: str, hours: float) -> np.ndarray:
    counted, before = np.zeros(len(rig.column(code, "RunSts"))), rig.column(code, "RunSts")
    for _ in range(round(hours * 360)):
        rig.step(10.0)
        now = rig.column(code, "RunSts")
        counted += now > before
        before = now
    return counted


def test_the_pumps_of_a_pair_run_alike_and_every_start_is_the_others_turn(rig: PlantRig) -> None:
    first = rig.column("WPP", "RunHr")
    counted = starts(rig, "WPP", 6.0).reshape(4, 2)
    run = (rig.column("WPP", "RunHr") - first).reshape(4, 2)
    assert counted.min() >= 2
    assert np.abs(np.diff(counted, axis=1)).max() <= 1
    assert np.abs(np.diff(run, axis=1)).max() < 0.6


def test_no_sound_pump_starts_more_than_twelve_times_an_hour(rig: PlantRig) -> None:
    # domain.md W02, CYCLING
    for code in ("SMP", "WPP"):
        assert starts(rig, code, 1.0).max() <= 12


def test_a_pump_shows_its_pressure_and_power_only_while_it_runs(rig: PlantRig) -> None:
    seen = {0.0: set(), 1.0: set()}
    for _ in range(600):
        rig.step(5.0)
        seen[rig.value("WPP", "RunSts")].add((rig.value("WPP", "OutP") > 600.0, rig.value("WPP", "StartCmd")))
    assert seen == {0.0: {(False, 0.0)}, 1.0: {(True, 1.0)}}


@pytest.mark.parametrize("how", ["trip", "command"])
def test_when_one_pump_cannot_run_the_other_does_it_all(rig: PlantRig, how: str) -> None:
    if how == "trip":
        rig.fault("WPP", 0, "trip")
    else:
        rig.command("WPP", 0, "StartCmd", 0.0)
    rig.step(1.0)
    first = rig.column("WPP", "RunHr")
    rig.run(4 * 3600.0, 30.0)
    run = rig.column("WPP", "RunHr") - first
    assert run[0] == 0.0
    assert run[1] > 1.5
    assert rig.value("TNK", "Lvl", 4) > 60.0
    assert rig.value("WPP", "TripAlm") == (how == "trip")


def test_a_commanded_pump_runs_at_once_until_the_float_of_the_roof_tank_ends_it(rig: PlantRig) -> None:
    rig.command("WPP", 2, "StartCmd", 1.0)
    rig.step(1.0)
    assert rig.value("WPP", "RunSts", 2) == 1.0
    rig.run(3 * 3600.0, 60.0)
    assert 80.0 < rig.value("TNK", "Lvl", 5) < 90.0
    rig.command("WPP", 2, "StartCmd", None)
    rig.run(3600.0, 10.0)
    assert rig.value("TNK", "Lvl", 5) < 79.0


def test_a_pump_in_local_does_all_and_hears_no_command(rig: PlantRig) -> None:
    rig.fault("WPP", 0, "local")
    rig.command("WPP", 0, "StartCmd", 0.0)
    first = rig.column("WPP", "RunHr")
    rig.run(6 * 3600.0, 30.0)
    run = rig.column("WPP", "RunHr") - first
    assert rig.value("WPP", "LocRem") == 0.0
    assert run[0] > 10 * run[1]


def test_the_second_pump_helps_when_the_roof_tank_falls_on(rig: PlantRig) -> None:
    rig.fault("WM", 5, "burst")
    rig.run(1800.0, 10.0)
    assert rig.column("WPP", "RunSts").reshape(4, 2).sum(axis=1).max() == 2.0


def test_pumps_stop_before_an_empty_basement_tank_and_start_again(rig: PlantRig) -> None:
    rig.fault("TNK", 0, "empty")
    rig.run(3600.0, 10.0)
    assert rig.value("TNK", "Lvl") < 8.0
    assert rig.column("WPP", "RunSts")[:2].max() == 0.0
    rig.fault("TNK", 0, "empty", active=False)
    rig.run(3 * 3600.0, 30.0)
    assert rig.value("TNK", "Lvl", 4) > 60.0


@pytest.mark.parametrize("pump", range(0, 12, 3))
def test_a_sump_whose_pumps_all_fail_rises_to_its_high_level_and_is_emptied_afterwards(
    rig: PlantRig, pump: int
) -> None:
    rig.fault("SMP", pump, "fail")
    rig.run(2 * 3600.0, 60.0)
    pit = slice(pump, pump + 3)
    assert rig.column("SMP", "HiLvlAlm")[pit].min() == 1.0
    assert rig.column("SMP", "HiLvlAlm").sum() == 3.0
    assert rig.column("SMP", "RunSts")[pit].max() == 0.0
    assert rig.column("SMP", "StartCmd")[pit].max() == 1.0
    rig.fault("SMP", pump, "fail", active=False)
    rig.run(1800.0, 60.0)
    assert rig.column("SMP", "HiLvlAlm").max() == 0.0


def test_a_sump_pump_with_wrong_floats_starts_more_than_twelve_times_an_hour(rig: PlantRig) -> None:
    rig.fault("SMP", 0, "cycling")
    starts(rig, "SMP", 0.5)
    counted = starts(rig, "SMP", 1.0)
    assert counted[0] > 12
    assert counted[1:].max() <= 12


def test_without_the_utility_the_sumps_run_on_the_generator_and_the_roof_tanks_run_empty(rig: PlantRig) -> None:
    rig.supply = Supply(normal=0.0, essential=1.0)
    rig.step(1.0)
    assert (
        rig.column("WPP", "RunSts").max() == rig.column("HWD", "PwrSts").max() == rig.column("WPP", "_kw").max() == 0.0
    )
    before = rig.column("SMP", "_run_h")
    rig.run(3 * 3600.0, 60.0)
    assert (rig.column("SMP", "_run_h") - before).reshape(4, 3).sum(axis=1).min() > 0.3
    assert rig.column("TNK", "Lvl")[4:8].max() < 30.0
    rig.supply = Supply()
    rig.run(2 * 3600.0, 60.0)
    assert rig.column("TNK", "Lvl")[4:8].min() > 60.0


@pytest.mark.parametrize("tank", [0, 3, 5, 9, 13])
def test_any_tank_can_flood_and_finds_back(rig: PlantRig, tank: int) -> None:
    rig.fault("TNK", tank, "overflow")
    rig.run(3600.0, 30.0)
    assert rig.value("TNK", "Lvl", tank) > 95.0
    assert rig.column("TNK", "HiAlm").sum() == 1.0
    rig.fault("TNK", tank, "overflow", active=False)
    rig.run(1500.0, 30.0)
    assert rig.column("TNK", "HiAlm").max() == 0.0


def test_a_fire_tank_that_leaked_is_filled_again_through_its_meter(rig: PlantRig) -> None:
    before = rig.value("WM", "Vol", 27)
    rig.fault("TNK", 12, "fire_low")
    rig.run(3600.0, 60.0)
    assert rig.value("TNK", "Lvl", 12) < 90.0
    assert rig.value("TNK", "LoAlm", 12) == 1.0
    rig.fault("TNK", 12, "fire_low", active=False)
    rig.run(3 * 3600.0, 60.0)
    assert rig.value("TNK", "Lvl", 12) > 93.0
    assert rig.value("WM", "Vol", 27) > before + 5.0
