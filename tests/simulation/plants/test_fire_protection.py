"""Fire protection acts by itself: panels hear their own zones, a fire drives what it must, water starts pumps."""

from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from tests.support.plant_rig import PlantRig

from cityhall_simulators.plants import safety
from cityhall_simulators.plants.common import Around, Supply
from cityhall_simulators.plants.moment import moment_at
from cityhall_simulators.plants.safety.fire import burning

WORKING_MORNING = datetime(2026, 7, 1, 10, 0, tzinfo=ZoneInfo("Asia/Taipei"))
ALARM = 2
OPEN, CLOSED, MID = 0, 1, 2
MAIN, STANDBY, FOAM, JOCKEY = range(4)
STANDING_KPA = 700.0  # domain.md section 3.2: fire main


@pytest.fixture
def rig() -> PlantRig:
    quiet = PlantRig(safety.PLANTS, WORKING_MORNING)
    quiet.run(600.0, dt_s=10.0)
    return quiet


def unit_at(rig: PlantRig, code: str, floor: str, zone: str = "") -> int:
    return int(rig.site.where(code, floor, zone)[0])


def running_smoke_fans(rig: PlantRig) -> set[str]:
    return {zone for zone, on in zip(rig.site.zones["SMK"], rig.column("SMK", "RunSts"), strict=True) if on}


def test_each_panel_hears_its_own_zones_and_counts_them(rig: PlantRig) -> None:
    # domain.md section 3.1: 3 zones on each of 12 floors, 8 on each of two basements
    for floor, zone in (("03", "E"), ("03", "W"), ("B2", "N")):
        rig.fault("FZN", unit_at(rig, "FZN", floor, zone), "fire")
    rig.step(1.0)
    assert rig.column("FACP", "Alarm").tolist() == [1, 1]
    assert rig.column("FACP", "ZonesInAlm").tolist() == [2, 1]
    rig.fault("FZN", unit_at(rig, "FZN", "B2", "N"), "fire", active=False)
    rig.step(1.0)
    assert rig.column("FACP", "Alarm").tolist() == [1, 0]


@pytest.mark.parametrize(("fault", "state", "signal"), [
    # states of the BACnet life-safety zone, domain.md section 10
    ("prealarm", 1, "Prealm"), ("fire", 2, "Alarm"), ("loop", 3, "Trouble"), ("supervisory", 22, "Supv"),
])  # fmt: skip
def test_a_zone_reports_its_state_and_its_panel_the_kind_of_it(
    rig: PlantRig, fault: str, state: int, signal: str
) -> None:
    rig.fault("FZN", 4, fault)
    rig.step(1.0)
    assert rig.value("FZN", "State", 4) == state
    assert {role: rig.value("FACP", role) for role in ("Alarm", "Prealm", "Supv", "Trouble")} == {
        role: float(role == signal) for role in ("Alarm", "Prealm", "Supv", "Trouble")
    }
    assert rig.value("FACP", signal, 1) == 0


def test_an_isolated_zone_stays_quiet_even_in_a_fire(rig: PlantRig) -> None:
    rig.fault("FZN", 4, "isolated")
    rig.fault("FZN", 4, "fire")
    rig.step(1.0)
    assert (rig.value("FZN", "Isolated", 4), rig.value("FZN", "State", 4)) == (1, 0)
    assert rig.value("FACP", "Alarm") == 0


def test_a_fire_closes_the_shutters_and_warns_the_people_of_its_level_only(rig: PlantRig) -> None:
    rig.fault("FZN", unit_at(rig, "FZN", "05", "E"), "fire")
    rig.step(1.0)
    here = rig.site.where("FSH", "05")
    assert (rig.column("FSH", "Pos")[here] == MID).all(), "they travel"
    rig.run(40.0)
    assert np.flatnonzero(rig.column("FSH", "Pos") == CLOSED).tolist() == here.tolist()
    assert (np.delete(rig.column("FSH", "Pos"), here) == OPEN).all()
    assert np.flatnonzero(rig.column("PAA", "EmgMode")).tolist() == rig.site.where("PAA", "05").tolist()
    rig.fault("FZN", unit_at(rig, "FZN", "05", "E"), "fire", active=False)
    rig.run(40.0)
    assert (rig.column("FSH", "Pos") == OPEN).all()
    assert rig.column("PAA", "EmgMode").sum() == 0


def test_shutters_never_stay_on_their_way_for_a_minute(rig: PlantRig) -> None:
    # domain.md section 4, F04: mid-travel for more than 60 s is a fault
    rig.fault("FZN", unit_at(rig, "FZN", "05", "E"), "fire")
    on_the_way = 0
    for _ in range(120):
        rig.step(1.0)
        on_the_way += int((rig.column("FSH", "Pos") == MID).any())
    assert 0 < on_the_way < 60


@pytest.mark.parametrize(("zone", "fans"), [("E", {"E", "NE", "SE"}), ("W", {"W", "NW", "SW"}), ("CN", {"CN", "CS"})])
def test_smoke_fans_run_above_the_burning_zone(rig: PlantRig, zone: str, fans: set[str]) -> None:
    assert running_smoke_fans(rig) == set()
    rig.fault("FZN", unit_at(rig, "FZN", "08", zone), "fire")
    rig.step(1.0)
    assert running_smoke_fans(rig) == fans
    assert rig.column("SMK", "_kw").sum() > 10.0 * len(fans)


@pytest.mark.parametrize("fault", ["manual", "trip"])
def test_a_smoke_fan_in_manual_or_tripped_does_not_answer_a_fire(rig: PlantRig, fault: str) -> None:
    rig.fault("SMK", rig.site.zones["SMK"].index("E"), fault)
    rig.fault("FZN", unit_at(rig, "FZN", "08", "E"), "fire")
    rig.step(1.0)
    assert running_smoke_fans(rig) == {"NE", "SE"}


def test_no_pump_runs_while_the_main_stands_at_its_pressure(rig: PlantRig) -> None:
    for _ in range(100):
        rig.step(30.0)
        assert rig.column("FPP", "RunSts").sum() == 0
        assert np.abs(rig.column("FPP", "OutP") / STANDING_KPA - 1.0).max() < 0.05


def test_sprinkler_water_rings_starts_the_main_pump_and_lowers_the_pressure_behind_the_valve(rig: PlantRig) -> None:
    valve = unit_at(rig, "ACV", "04")
    rig.fault("ACV", valve, "flow")
    rig.run(60.0)
    assert rig.column("FACP", "Alarm").tolist() == [1, 0]
    assert (rig.column("FSH", "Pos")[rig.site.where("FSH", "04")] == CLOSED).all()
    assert np.flatnonzero(rig.column("PAA", "EmgMode")).tolist() == rig.site.where("PAA", "04").tolist()
    assert rig.column("FPP", "RunSts").tolist() == [1, 0, 0, 1]
    assert rig.column("FPP", "OutP")[MAIN] > STANDING_KPA
    assert rig.column("FPP", "_kw").sum() > 50.0
    assert rig.value("ACV", "Pdn", valve) < rig.value("ACV", "Pup", valve) - 100.0
    assert (np.delete(rig.column("ACV", "FlowSw"), valve) == 0).all()
    rig.fault("ACV", valve, "flow", active=False)
    rig.run(60.0)
    assert rig.column("FPP", "RunSts").sum() == 0
    assert rig.column("ACV", "Pdn") == pytest.approx(690.0, abs=15.0)


def test_a_valve_that_somebody_closed_is_a_supervisory_signal_and_no_alarm(rig: PlantRig) -> None:
    rig.fault("ACV", unit_at(rig, "ACV", "B1"), "tamper")
    rig.step(1.0)
    assert rig.value("ACV", "SupvVlv", unit_at(rig, "ACV", "B1")) == 0
    assert rig.column("FACP", "Supv").tolist() == [0, 1]
    assert rig.column("FACP", "Alarm").sum() == 0


def test_the_standby_pump_takes_over_from_a_main_pump_that_cannot_run(rig: PlantRig) -> None:
    rig.fault("FPP", MAIN, "trip")
    rig.fault("ACV", 6, "flow")
    rig.run(60.0)
    assert rig.column("FPP", "RunSts")[[MAIN, STANDBY]].tolist() == [0, 1]
    rig.fault("FPP", STANDBY, "power")
    rig.run(60.0)
    assert rig.column("FPP", "RunSts")[[MAIN, STANDBY]].tolist() == [0, 0]
    assert rig.value("FPP", "OutP", STANDBY) < 0.9 * STANDING_KPA, "nothing holds the pressure"


def test_foam_flows_from_its_tank_by_its_own_pump(rig: PlantRig) -> None:
    zone = unit_at(rig, "FOM", "B2", "S")
    rig.fault("FOM", zone, "flow")
    rig.run(600.0, dt_s=5.0)
    assert rig.column("FPP", "RunSts")[FOAM] == 1
    assert rig.column("FACP", "Alarm").tolist() == [0, 1]
    used = 96.0 - rig.value("FOM", "ConcLvl", zone)
    assert used > 5.0
    rig.fault("FOM", zone, "flow", active=False)
    rig.run(36_000.0, dt_s=600.0)
    assert rig.value("FOM", "ConcLvl", zone) == pytest.approx(96.0, abs=1.0)


def test_the_end_of_line_pressures_lie_in_their_range_and_fall_with_the_height(rig: PlantRig) -> None:
    # domain.md section 3.2: end of line 250 to 500 kPa
    pressures = rig.column("EOL", "P")
    assert pressures.min() > 245.0
    assert pressures.max() < 505.0
    assert rig.value("EOL", "P", unit_at(rig, "EOL", "12")) < rig.value("EOL", "P", unit_at(rig, "EOL", "B2")) - 150.0


def test_every_end_is_tested_once_a_month_and_its_stamp_is_never_in_the_future() -> None:
    rig = PlantRig(safety.PLANTS, datetime(2025, 12, 20, tzinfo=ZoneInfo("Asia/Taipei")))
    stamps = []
    while rig.local < datetime(2026, 2, 20, tzinfo=rig.local.tzinfo):
        rig.step(3600.0)
        assert (rig.column("EOL", "LastTest") <= rig.local.timestamp()).all()
        assert (rig.column("EOL", "LastTest") > rig.local.timestamp() - 32 * 86_400.0).all()
        stamps.append(rig.column("EOL", "LastTest"))
    changes = (np.diff(np.array(stamps), axis=0) > 0.0).sum(axis=0)
    assert set(changes.tolist()) <= {2, 3}
    assert (np.diff(np.array(stamps), axis=0) >= 0.0).all()


def test_without_utility_and_generator_the_pumps_are_dark_and_the_panels_live_on_batteries(rig: PlantRig) -> None:
    rig.supply = Supply(normal=0.0, essential=0.0)
    rig.fault("ACV", 6, "flow")
    rig.run(30.0)
    assert rig.column("FPP", "PwrSts").sum() == 0
    assert rig.column("FPP", "RunSts").sum() == 0
    assert rig.column("FACP", "AcFail").tolist() == [1, 1]
    assert rig.value("FACP", "Alarm") == 1
    rig.supply = Supply(normal=0.0, essential=1.0)
    rig.run(30.0)
    assert rig.column("FPP", "RunSts")[MAIN] == 1
    assert rig.column("FACP", "AcFail").sum() == 0


def test_whoever_asks_whether_it_burns_is_told_by_the_panels(rig: PlantRig) -> None:
    def around() -> Around:
        return Around(moment_at(rig.local, rig.seed), rig.site, rig.columns)

    assert not burning(around())
    rig.fault("FZN", 0, "fire")
    rig.step(1.0)
    assert burning(around())
