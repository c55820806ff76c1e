"""Air of the car park: exhaust of the traffic, carried away by nature and by fans that stage themselves."""

import math
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from tests.support.plant_rig import PlantRig

from cityhall_simulators.plants import parking
from cityhall_simulators.plants.common import Supply

TAIPEI = ZoneInfo("Asia/Taipei")
WEDNESDAY = datetime(2026, 7, 1, 0, 0, tzinfo=TAIPEI)
B1_NORTH, B1_SOUTH = slice(0, 3), slice(3, 6)
OFF, LOW, HIGH = 0, 1, 2


def settled(local: datetime) -> PlantRig:
    rig = PlantRig(parking.PLANTS, local - timedelta(days=1))
    rig.run_until(local, 300.0)
    return rig


@pytest.fixture
def morning() -> PlantRig:
    return settled(WEDNESDAY.replace(hour=10))


def hold_co(rig: PlantRig, ppm: float, nitrogen_dioxide_ppm: float = 0.05, fault: float = 0.0) -> None:
    """Make the detectors of B1 north show this, and the fans look at it for a second."""
    columns = rig.columns["PKG"]
    shown = {role: columns[role].copy() for role in ("CO", "NO2", "Fault")}
    shown["CO"][:6], shown["NO2"][:6], shown["Fault"][0] = ppm, nitrogen_dioxide_ppm, fault
    rig.columns["PKG"] = columns | shown
    plants, rig.plants = rig.plants, {"PKF": rig.plants["PKF"]}
    rig.step(1.0)
    rig.plants = plants


def test_carbon_monoxide_has_its_peaks_with_the_traffic_and_never_alarms() -> None:
    # domain.md section 3.2: 2-12 ppm, 20-30 at the 08:00 and 17:30 peaks, NO2 below 0.3; V02 alarms from 35 ppm
    rig = settled(WEDNESDAY)
    worst = np.zeros(24)
    for _ in range(24 * 60):
        hour = rig.local.hour
        rig.step(60.0)
        worst[hour] = max(worst[hour], rig.column("PKG", "CO").max())
        assert rig.column("PKG", "NO2").max() < 0.3
        assert rig.column("PKG", "CO").min() > 1.5
    assert 20.0 <= max(worst[7], worst[8]) <= 30.0
    assert 20.0 <= worst[17] <= 30.0
    assert worst[10:16].max() <= 12.0
    assert worst[:6].max() < 4.0


@pytest.mark.parametrize(("stage", "changes_per_h"), [(OFF, 2.0), (HIGH, 2.0 + 13.7 / 3.0)])
def test_bad_air_decays_exponentially_with_the_air_change_of_the_fans(
    morning: PlantRig, stage: int, changes_per_h: float
) -> None:
    # 2 changes an hour by nature; full airflow 13.7 m3/h per m2 (domain.md section 9) in rooms 3 m high
    for fan in range(12):
        morning.command("PKF", fan, "SpdCmd", float(stage))
    morning.run(60.0)
    quiet = morning.columns["PMS"] | {"_moves_per_h": np.zeros(2)}
    detectors = {"PKG": morning.plants["PKG"]}
    morning.columns["PMS"], morning.plants = quiet, detectors
    for dt_s in (1.0, 1800.0):
        morning.columns["PKG"] = morning.columns["PKG"] | {"_room": np.full(24, 62.0)}
        morning.run(1800.0, dt_s)
        assert morning.column("PKG", "_room") == pytest.approx(2.0 + 60.0 * math.exp(-0.5 * changes_per_h), rel=1e-6)


@pytest.mark.parametrize(("ppm", "nitrogen_dioxide_ppm", "stage"), [
    # domain.md section 9: low from 35 ppm (NO2 2.5), high from 75 (2.8)
    (24.0, 0.1, OFF), (34.9, 2.4, OFF), (35.0, 0.1, LOW), (10.0, 2.5, LOW), (74.9, 0.1, LOW), (75.0, 0.1, HIGH),
    (10.0, 2.8, HIGH), (120.0, 3.0, HIGH),
])  # fmt: skip
def test_fans_are_staged_by_the_worst_gas_of_their_own_quarter(
    morning: PlantRig, ppm: float, nitrogen_dioxide_ppm: float, stage: int
) -> None:
    hold_co(morning, ppm, nitrogen_dioxide_ppm)
    assert morning.column("PKF", "SpdCmd")[B1_NORTH].tolist() == [stage] * 3
    assert morning.column("PKF", "RunSts")[B1_NORTH].tolist() == [float(stage > 0)] * 3
    assert morning.column("PKF", "RunSts")[3:].sum() == 0


def test_a_stage_holds_for_ten_minutes_and_until_the_gas_is_ten_ppm_below(morning: PlantRig) -> None:
    hold_co(morning, 80.0)
    for _ in range(598):
        hold_co(morning, 5.0)
        assert morning.value("PKF", "SpdCmd") == HIGH, "a minimum run of ten minutes"
    for _ in range(5):
        hold_co(morning, 66.0)
    assert morning.value("PKF", "SpdCmd") == HIGH, "not yet 10 ppm below 75"
    hold_co(morning, 64.0)
    assert morning.value("PKF", "SpdCmd") == LOW
    for _ in range(700):
        hold_co(morning, 26.0)
    assert morning.value("PKF", "SpdCmd") == LOW
    hold_co(morning, 24.0)
    assert morning.value("PKF", "SpdCmd") == OFF


def test_a_detector_in_fault_counts_as_the_worst_case(morning: PlantRig) -> None:
    morning.fault("PKG", 7, "detector")
    morning.run(5.0)
    assert (morning.value("PKG", "Fault", 7), morning.value("PKG", "CO", 7)) == (1, 0)
    assert morning.column("PKF", "SpdCmd")[B1_SOUTH].tolist() == [HIGH] * 3
    assert morning.column("PKF", "SpdCmd")[B1_NORTH].tolist() == [OFF] * 3


def test_an_idling_engine_is_seen_where_it_stands_and_blown_away_when_it_stops(morning: PlantRig) -> None:
    morning.fault("PKG", 0, "co")
    morning.run(10.0)
    assert morning.value("PKG", "CO", 0) > 100.0
    assert morning.column("PKG", "CO")[1:].max() < 15.0
    assert morning.column("PKF", "SpdCmd")[B1_NORTH].tolist() == [HIGH] * 3
    morning.run(3600.0, dt_s=10.0)
    assert 100.0 < morning.value("PKG", "CO", 0) < 250.0
    morning.fault("PKG", 0, "co", active=False)
    morning.run(60.0)
    assert morning.value("PKG", "CO", 0) < 25.0


def test_fans_run_slowly_in_the_rush_hours_of_working_days() -> None:
    rig = settled(WEDNESDAY.replace(hour=8))
    rig.step(1.0)
    assert (rig.column("PKF", "SpdCmd") == LOW).all()
    saturday = settled(datetime(2026, 7, 4, 8, 0, tzinfo=TAIPEI))
    saturday.step(1.0)
    assert (saturday.column("PKF", "SpdCmd") == OFF).all()


def test_commands_move_a_fan_and_release_gives_it_back(morning: PlantRig) -> None:
    morning.command("PKF", 0, "SpdCmd", 2.0)
    morning.command("PKF", 1, "StartCmd", 1.0)
    morning.run(30.0)
    assert morning.column("PKF", "SpdCmd")[:3].tolist() == [HIGH, LOW, OFF]
    assert morning.column("PKF", "RunSts")[:3].tolist() == [1, 1, 0]
    power = morning.column("PKF", "kW")[:3]
    assert power[0] > 3.0 * power[1] > 0.0
    assert power[2] == pytest.approx(0.0, abs=1e-6)
    for role in ("SpdCmd", "StartCmd"):
        for fan in (0, 1):
            morning.command("PKF", fan, role, None)
    morning.run(30.0)
    assert morning.column("PKF", "RunSts")[:3].tolist() == [0, 0, 0]
    assert morning.column("PKF", "kW")[:3] == pytest.approx([0.0] * 3, abs=0.01)


@pytest.mark.parametrize("fault", ["fan", "trip", "local"])
def test_a_fan_that_fails_trips_or_is_local_stands_still_though_commanded(morning: PlantRig, fault: str) -> None:
    morning.command("PKF", 0, "SpdCmd", 2.0)
    morning.fault("PKF", 0, fault)
    morning.run(30.0)
    assert (morning.value("PKF", "StartCmd"), morning.value("PKF", "RunSts")) == (1, 0)
    assert morning.value("PKF", "TripAlm") == float(fault == "trip")
    assert morning.value("PKF", "LocRem") == float(fault != "local")
    morning.fault("PKF", 0, fault, active=False)
    morning.step(1.0)
    assert morning.value("PKF", "RunSts") == 1


def test_no_fan_turns_without_supply(morning: PlantRig) -> None:
    morning.command("PKF", 0, "SpdCmd", 2.0)
    morning.supply = Supply(normal=0.0, essential=1.0)
    morning.run(30.0)
    assert morning.value("PKF", "RunSts") == 0
    assert morning.value("PKF", "kW") < 0.01
