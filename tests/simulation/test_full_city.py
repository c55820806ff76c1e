"""The whole building runs: its meters sum up, its steady plant stands at its nominal values, its faults strike."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from cityhall_simulators.description import Building, load_building
from cityhall_simulators.faults import FAULTS, resolve_target
from cityhall_simulators.plants.city import PLANTS
from cityhall_simulators.runtime import City

BUILDING = load_building("full")
WORKING_MORNING = datetime(2026, 7, 1, 10, 0, tzinfo=ZoneInfo("Asia/Taipei"))
CONTRACT_KW = 5000.0


@pytest.fixture(scope="module")
def settled() -> City:
    """Shared by the tests that only look, or that leave behind what they met."""
    return City(BUILDING, seed=5, local=WORKING_MORNING)


def run_for(city: City, seconds: float, step_s: float = 1.0) -> None:
    for _ in range(round(seconds / step_s)):
        city.advance(city.local + timedelta(seconds=step_s), step_s)


def index_of(name: str) -> int:
    return next(point.index for point in BUILDING.points if point.name.endswith(f".{name}"))


def out_of_range(building: Building, city: City) -> list[str]:
    """Points whose true value is physically impossible, or no state of theirs."""
    found = []
    for point in building.points:
        value, role = float(city.truth[point.index]), point.role
        if role.states and value not in role.states:
            found.append(point.name)
        if role.low is not None and role.high is not None and not role.low <= value <= role.high:
            found.append(point.name)
    return found


@pytest.mark.parametrize("local", [WORKING_MORNING, WORKING_MORNING.replace(month=1, hour=3)])
def test_every_value_is_physically_possible_by_day_and_by_night(local: datetime) -> None:
    city = City(BUILDING, seed=5, local=local)
    assert out_of_range(BUILDING, city) == []


def test_the_same_seed_gives_the_same_bytes() -> None:
    first, second = (City(BUILDING, seed=9, local=WORKING_MORNING) for _ in range(2))
    for city in (first, second):
        run_for(city, 5.0)
    assert first.truth.tobytes() == second.truth.tobytes()
    assert first.shown.tobytes() == second.shown.tobytes()


def test_the_main_meters_are_the_sum_of_their_loads(settled: City) -> None:
    run_for(settled, 5.0)
    main_kw = settled.column("HVM", "kW").sum()
    metered = {"PCHP", "SCHP", "CWP", "CT", "AHU", "OAH", "PAC"}
    behind_no_meter = ("CHC", "CHS", "PKF", "AVR", "DWS")
    plant_kw = sum(settled.column(code, "kW").sum() for code in behind_no_meter)
    unmetered_kw = main_kw - settled.column("EM", "kW").sum() - plant_kw + settled.column("PV", "kW").sum()
    night_kw, day_kw = BUILDING.parameters["rest_night_kw"], BUILDING.parameters["rest_day_kw"]
    assert 0.95 * night_kw < unmetered_kw < 1.05 * day_kw
    loads = [item.load for item in BUILDING.equipment if item.type.code == "EM"]
    for code in metered - {"AHU", "OAH"}:
        meter = loads.index(f"plant:{code}")
        assert settled.column("EM", "kW")[meter] == pytest.approx(settled.column(code, "kW").sum())
    assert 0.6 * CONTRACT_KW < main_kw < CONTRACT_KW


def test_transformers_and_panels_carry_what_the_main_meters_measure(settled: City) -> None:
    run_for(settled, 5.0)
    transformers_kw = settled.column("TR", "kW").sum()
    assert transformers_kw == pytest.approx(settled.column("HVM", "kW").sum(), rel=1e-9)
    panels_kw = settled.column("LVP", "kW").sum()
    assert panels_kw == pytest.approx(transformers_kw - settled.column("TR", "LossKW").sum(), rel=1e-9)


def test_counters_only_rise(settled: City) -> None:
    counters = [point.index for point in BUILDING.points if point.role.kind == "CI"]
    before = settled.truth[counters].copy()
    run_for(settled, 60.0, step_s=5.0)
    risen = settled.truth[counters] - before
    assert (risen >= 0.0).all()
    assert (risen > 0.0).mean() > 0.6


def test_steady_plant_stands_near_its_normal_value(settled: City) -> None:
    run_for(settled, 10.0)
    for point in BUILDING.points:
        role = point.role
        if point.equipment.type.code not in PLANTS and role.kind == "AI" and role.role != "kW":
            assert abs(settled.truth[point.index] - role.normal) <= role.swing + 1e-9, point.name


def test_a_steady_pump_follows_its_command_and_its_meters_follow_the_pump(settled: City) -> None:
    start = index_of("SCHP02.StartCmd")
    settled.command(start, 0.0)
    run_for(settled, 2.0)
    hours = settled.truth[index_of("SCHP02.RunHr")]
    run_for(settled, 60.0, step_s=5.0)
    assert [settled.truth[index_of(f"SCHP02.{role}")] for role in ("RunSts", "kW", "SpdFb")] == [0.0, 0.0, 0.0]
    assert settled.truth[index_of("SCHP02.RunHr")] == hours
    settled.command(start, None)
    run_for(settled, 2.0)
    assert settled.truth[index_of("SCHP02.RunSts")] == 1.0
    assert settled.truth[index_of("SCHP02.kW")] > 5.0


@pytest.mark.parametrize("name", FAULTS)
def test_every_fault_of_the_small_site_finds_its_target_here_too(name: str) -> None:
    assert resolve_target(BUILDING, FAULTS[name], None)


@pytest.mark.parametrize(("fault", "point", "value"), [
    ("chiller_trip", "CHC01.AlmSum", 1.0),
    ("fire_alarm", "FACP01.Alarm", 1.0),
    ("lift_entrapment", "ELV01.AlmBell", 1.0),
    ("sos_pressed", "SOS01.Pressed", 1.0),
    ("ahu_fan_fail", "AHU01.RunSts", 0.0),
])  # fmt: skip
def test_a_fault_is_seen_at_once_and_only_while_it_is_on(settled: City, fault: str, point: str, value: float) -> None:
    index = index_of(point)
    assert settled.shown[index] != value
    settled.fault_on(fault, None, "now")
    run_for(settled, 0.1, step_s=0.1)
    assert settled.shown[index] == value
    settled.fault_off(fault)
    run_for(settled, 0.1, step_s=0.1)
    assert settled.shown[index] != value
    assert np.isfinite(settled.shown).all()
