"""Rain water and dispensers: collected, used, heated by the hours of the building."""

from datetime import datetime, timedelta

import numpy as np
import pytest
from tests.support.plant_rig import PlantRig
from tests.support.water_rig import water_rig

from cityhall_simulators.plants import water

MORNING = datetime(2026, 7, 1, 10)  # noqa: DTZ001
EVENING = datetime(2026, 7, 1, 21)  # noqa: DTZ001


def test_112_cubic_metres_of_rain_water_are_used_in_the_first_half_of_2015() -> None:
    # domain.md section 2: 74.67 % of the yearly target of 150 m³ by 30 June
    rig = PlantRig({"RWS": water.PLANTS["RWS"]}, datetime(2015, 1, 1), seed=1)  # noqa: DTZ001
    before = rig.value("RWS", "UsedVol")
    rig.run_until(datetime(2015, 7, 1), 1800.0)  # noqa: DTZ001
    assert rig.value("RWS", "UsedVol") - before == pytest.approx(112.0, rel=0.02)


@pytest.mark.parametrize("year", [2014, 2026])
def test_rain_carries_the_use_in_every_week_and_stays_clear(year: int) -> None:
    # domain.md W04: top-up share above 50 % per week, turbidity above 4 NTU, UV off while pumping
    rig = PlantRig({"RWS": water.PLANTS["RWS"]}, datetime(year, 1, 1), seed=1)  # noqa: DTZ001
    for _ in range(52):
        used, tap = rig.value("RWS", "UsedVol"), rig.value("RWS", "TapMkupVol")
        for _ in range(7 * 24):
            rig.step(3600.0)
            assert rig.value("RWS", "Turb") < 4.0
            assert rig.value("RWS", "UvSts") == 1.0
        assert rig.value("RWS", "TapMkupVol") - tap <= 0.5 * (rig.value("RWS", "UsedVol") - used)


def test_rain_fills_the_tank_up_to_the_diverter_and_no_drop_is_lost() -> None:
    rig = PlantRig({"RWS": water.PLANTS["RWS"]}, datetime(2015, 5, 1), seed=1)  # noqa: DTZ001
    tank_m3 = 30.0
    first = {role: rig.value("RWS", role) for role in ("Lvl", "InVol", "UsedVol", "TapMkupVol")}
    rig.run(30 * 86_400.0, 900.0)
    risen = {role: rig.value("RWS", role) - value for role, value in first.items()}
    assert risen["InVol"] > 5.0
    kept_m3 = risen["InVol"] + risen["TapMkupVol"] - risen["UsedVol"]
    assert risen["Lvl"] / 100.0 * tank_m3 == pytest.approx(kept_m3, abs=0.01)


def test_a_rain_tank_that_runs_low_is_topped_up_from_the_tap() -> None:
    rig = PlantRig({"RWS": water.PLANTS["RWS"]}, datetime(2015, 5, 1, 12), seed=1)  # noqa: DTZ001
    rig.columns["RWS"] = rig.columns["RWS"] | {"Lvl": np.array([11.5])}
    before = rig.value("RWS", "TapMkupVol")
    rig.run(3 * 3600.0, 60.0)
    assert rig.value("RWS", "Lvl") == pytest.approx(18.0, abs=1.0)
    assert rig.value("RWS", "TapMkupVol") - before == pytest.approx(0.065 * 30.0, abs=0.3)


def test_dispensers_keep_92_to_97_degrees_in_service() -> None:
    # domain.md 3.2
    rig = water_rig(MORNING)
    for _ in range(720):
        rig.step(20.0)
        warmth = rig.column("HWD", "TankT")
        assert ((warmth >= 92.0) & (warmth <= 97.0)).all()
    assert rig.column("HWD", "HeatEn").min() == 1.0
    assert 20.0 < rig.column("HWD", "_kw").sum() < 120.0


@pytest.mark.parametrize("monday", [datetime(2026, 1, 12), datetime(2026, 7, 6)])  # noqa: DTZ001
@pytest.mark.parametrize("dt_s", [60.0, 900.0, 1800.0])
def test_after_a_weekend_the_water_is_hot_within_half_an_hour(monday: datetime, dt_s: float) -> None:
    # domain.md W05: below 90 °C in service for 30 min
    rig = PlantRig({"HWD": water.PLANTS["HWD"]}, monday - timedelta(days=3))
    rig.run_until(monday.replace(hour=6, minute=30), 1800.0)
    assert rig.column("HWD", "TankT").max() < 50.0
    rig.run_until(monday.replace(hour=7, minute=30), dt_s)
    assert rig.column("HWD", "TankT").min() >= 90.0
    assert rig.column("HWD", "AlmSum").max() == 0.0


def test_by_night_and_on_holidays_no_dispenser_heats() -> None:
    # domain.md section 1
    for begin in (EVENING, datetime(2026, 2, 17, 10)):  # noqa: DTZ001
        rig = water_rig(begin)
        for _ in range(24):
            rig.step(300.0)
            assert rig.column("HWD", "HeatEn").max() == 0.0
            assert rig.column("HWD", "_kw").max() < 0.1


def test_a_commanded_dispenser_heats_by_night_and_stops_when_released() -> None:
    rig = water_rig(EVENING)
    rig.command("HWD", 3, "HeatEn", 1.0)
    rig.run(1800.0, 10.0)
    assert rig.value("HWD", "TankT", 3) > 92.0
    assert rig.value("HWD", "TankT", 4) < 92.0
    rig.command("HWD", 3, "HeatEn", None)
    rig.step(1.0)
    assert rig.value("HWD", "HeatEn", 3) == 0.0


def test_a_dispenser_commanded_off_grows_cold_by_use() -> None:
    rig = water_rig(MORNING)
    rig.command("HWD", 0, "HeatEn", 0.0)
    rig.run(1800.0, 60.0)
    assert rig.value("HWD", "TankT") < 80.0
    assert rig.value("HWD", "AlmSum") == 0.0


def test_filters_are_replaced_before_their_days_are_over() -> None:
    # domain.md W05: filter days at or below zero
    rig = PlantRig({"HWD": water.PLANTS["HWD"]}, MORNING)
    seen = []
    for _ in range(200 * 24):
        rig.step(3600.0)
        seen.append(rig.column("HWD", "FltDays"))
    assert np.min(seen) >= 4.0
    assert np.max(seen) <= 180.0
    assert (np.ptp(np.array(seen), axis=0) > 150.0).all()
