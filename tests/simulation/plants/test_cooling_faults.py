"""What a fault of the chilled water plant does beyond its own points, and how the plant gets over it."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from cityhall_simulators.description import load_building
from cityhall_simulators.runtime import City

TAIPEI = ZoneInfo("Asia/Taipei")
SUMMER = datetime(2026, 7, 1, 10, 0, tzinfo=TAIPEI)
COLD = datetime(2026, 1, 28, 10, 0, tzinfo=TAIPEI)
BUILDING = load_building("full")
INDEX = {point.name.split(".", 3)[-1]: point.index for point in BUILDING.points}


def run_for(city: City, seconds: float, step_s: float = 10.0) -> None:
    for _ in range(round(seconds / step_s)):
        city.advance(city.local + timedelta(seconds=step_s), step_s)


def value(city: City, name: str) -> float:
    return float(city.truth[INDEX[name]])


@pytest.fixture
def city() -> City:
    return City(BUILDING, 5, SUMMER)


def struck(name: str, target: str, seconds: float, local: datetime = SUMMER) -> City:
    city = City(BUILDING, 5, local)
    city.fault_on(name, target, "now")
    run_for(city, seconds)
    return city


def test_another_chiller_takes_the_place_of_one_that_tripped_and_it_comes_back_in_turn(city: City) -> None:
    count = value(city, "PLT01.ChOnCnt")
    city.fault_on("chiller_trip", "CHC01", "now")
    run_for(city, 300.0)
    assert (value(city, "CHC01.RunSts"), value(city, "CHC01.EnableCmd"), value(city, "CHC01.FaultCode")) == (0, 1, 7)
    assert value(city, "PLT01.ChOnCnt") == count
    city.fault_off("chiller_trip")
    run_for(city, 60.0)
    # Not called again within its half hour off, so that nobody misses it.
    assert (value(city, "CHC01.RunSts"), value(city, "CHC01.EnableCmd"), value(city, "CHC01.AlmSum")) == (0, 0, 0)
    run_for(city, 5400.0, 60.0)
    assert value(city, "PLT01.CHWS_T") == pytest.approx(7.0, abs=0.3)


def test_the_whole_building_warms_when_all_chillers_trip(city: City) -> None:
    for unit in ("CHC01", "CHC02", "CHC03", "CHS01", "CHS02"):
        city.fault_on("chiller_trip", unit, "now")
    run_for(city, 3600.0, 60.0)
    assert 14.0 < value(city, "PLT01.CHWS_T") < 26.0
    for unit in ("CHC01", "CHC02", "CHC03", "CHS01", "CHS02"):
        city.fault_off("chiller_trip", unit)
    run_for(city, 3.0 * 3600.0, 60.0)
    assert value(city, "PLT01.CHWS_T") == pytest.approx(7.0, abs=0.4)


@pytest.mark.parametrize("pump", ["PCHP", "CWP"])
def test_the_pump_that_stands_by_takes_over_and_the_chiller_runs_on(pump: str) -> None:
    city = struck("pump_fail", f"{pump}01", 60.0)
    assert [value(city, f"{pump}01.{role}") for role in ("StartCmd", "RunSts", "FlowSw")] == [1.0, 0.0, 0.0]
    assert [value(city, f"{pump}06.{role}") for role in ("StartCmd", "RunSts", "FlowSw")] == [1.0, 1.0, 1.0]
    assert value(city, "CHC01.RunSts") == 1.0
    assert value(city, "CHC01.AlmSum") == 0.0


@pytest.mark.parametrize(("pump", "code"), [("PCHP", 4.0), ("CWP", 5.0)])
def test_a_chiller_without_water_stops_and_says_which(city: City, pump: str, code: float) -> None:
    for unit in ("01", "06"):
        city.fault_on("pump_trip", f"{pump}{unit}", "now")
    run_for(city, 60.0)
    assert (value(city, "CHC01.RunSts"), value(city, "CHC01.AlmSum"), value(city, "CHC01.FaultCode")) == (0, 1, code)


def test_secondary_pumps_replace_one_that_fails_and_keep_the_pressure() -> None:
    city = struck("pump_fail", "SCHP01", 120.0)
    assert (value(city, "SCHP01.StartCmd"), value(city, "SCHP01.RunSts")) == (1.0, 0.0)
    assert value(city, "PLT01.DpEnd1") == pytest.approx(150.0, abs=3.0)


def test_a_pump_in_local_stays_as_it_is_whatever_it_is_told() -> None:
    city = struck("pump_local", "PCHP01", 10.0)
    city.command(INDEX["PCHP01.StartCmd"], 0.0)
    run_for(city, 60.0)
    assert value(city, "PCHP01.RunSts") == 1.0


def test_dirty_heat_exchangers_and_gas_cost_power(city: City) -> None:
    fouled = struck("fouled_condenser", "CHC01", 600.0)
    run_for(city, 600.0)
    assert value(fouled, "CHC01.kW") > 1.04 * value(city, "CHC01.kW")
    assert value(fouled, "CHC02.kW") == pytest.approx(value(city, "CHC02.kW"), rel=0.01)
    scaled = struck("plant_inefficient", "PLT01", 600.0)
    per_rt = value(scaled, "PLT01.kWperRT") / value(city, "PLT01.kWperRT")
    # Rule H09: 15 % more than at the same load before.
    assert 1.15 < per_rt < 1.30


def test_stray_flow_starts_more_chillers_than_the_load_needs(city: City) -> None:
    before = value(city, "PLT01.ChOnCnt")
    city.fault_on("low_delta_t", "PLT01", "now")
    run_for(city, 3600.0, 30.0)
    assert value(city, "PLT01.ChOnCnt") > before
    assert value(city, "PLT01.CHWR_T") - value(city, "PLT01.CHWS_T") < 2.2


def test_a_condenser_control_that_fails_overcools_in_winter() -> None:
    """Rule H05: below 16 °C."""
    city = City(BUILDING, 5, COLD)
    assert value(city, "CHS01.RunSts") == 1.0
    assert value(city, "CHS01.CDWE_T") > 23.0
    city.fault_on("tower_overcooling", "PLT01", "now")
    run_for(city, 1800.0)
    assert value(city, "CHS01.RunSts") == 1.0
    assert value(city, "PLT01.OA_WB") < value(city, "CHS01.CDWE_T") < 16.0


def test_a_tower_that_does_not_cool_warms_the_water_of_all(city: City) -> None:
    before_c = value(city, "PLT01.CDWS_T")
    failed = struck("tower_fan_fail", "CT01", 1200.0)
    assert value(failed, "PLT01.CDWS_T") > before_c + 0.3
    assert value(failed, "CT01.LW_T") > value(failed, "CT02.LW_T") + 2.0


def test_a_short_cycling_chiller_starts_more_often_than_twice_an_hour(city: City) -> None:
    starts = value(city, "CHC01.Starts")
    city.fault_on("chiller_short_cycling", "CHC01", "now")
    run_for(city, 3600.0)
    assert value(city, "CHC01.Starts") - starts > 3.0


def test_leaking_make_up_is_seen_at_the_towers_own_meter(city: City) -> None:
    before = value(city, "PLT01.MkupFlow")
    city.fault_on("makeup_leak", "PLT01", "now")
    run_for(city, 30.0)
    assert value(city, "PLT01.MkupFlow") > before + 5.0
    assert city.column("CT", "_makeup_m3_h").sum() == pytest.approx(value(city, "PLT01.MkupFlow"))


def test_a_fault_of_an_idle_chiller_leaves_the_plant_alone(city: City) -> None:
    idle = next(unit for unit in ("CHS01", "CHS02", "CHC03") if value(city, f"{unit}.RunSts") == 0.0)
    twin = City(BUILDING, 5, SUMMER)
    twin.fault_on("fouled_evaporator", idle, "now")
    for found in (city, twin):
        run_for(found, 300.0)
    np.testing.assert_allclose(twin.column("PLT", "Plant_kW"), city.column("PLT", "Plant_kW"))
