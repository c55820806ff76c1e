"""Every fault shows its effect while it is on, and at no other time."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from cityhall_simulators.description import load_building
from cityhall_simulators.fault_desk import FaultDesk
from cityhall_simulators.faults import FAULTS, FaultTargetError, Reach
from cityhall_simulators.runtime import City

BUILDING = load_building("small")
TAIPEI = ZoneInfo("Asia/Taipei")
WORKING_MORNING = datetime(2026, 7, 1, 10, 0, tzinfo=TAIPEI)

Look = Callable[[str], float]


@pytest.fixture
def city() -> City:
    return City(BUILDING, seed=5, local=WORKING_MORNING)


def run_for(city: City, seconds: float, step_s: float = 0.5) -> None:
    for _ in range(round(seconds / step_s)):
        city.advance(city.local + timedelta(seconds=step_s), step_s)


def index_of(name: str) -> int:
    return next(p.index for p in BUILDING.points if p.name.endswith(f".{name}"))


def shown(city: City) -> Look:
    return lambda name: float(city.shown[index_of(name)])


# What each fault looks like at the points; the seconds are how long it and its end may take to be seen.
EFFECTS: dict[str, tuple[float, Callable[[Look], bool]]] = {
    "chiller_trip": (0.2, lambda v: (v("CHC01.AlmSum"), v("CHC01.FaultCode"), v("CHC01.RunSts")) == (1, 7, 0)),
    "ahu_fan_fail": (0.2, lambda v: (v("AHU01.StartCmd"), v("AHU01.RunSts")) == (1, 0)),
    "duct_smoke": (0.2, lambda v: (v("AHU01.DuctSmoke"), v("AHU01.RunSts")) == (1, 0)),
    "lift_entrapment": (
        0.2,
        lambda v: (
            (v("ELV01.AlmBell"), v("ELV01.DoorSts"), v("ELV01.FaultSig"), v("ELV01.DriveSts")) == (1, 0, 8, 1)
            and v("ELV01.CarPos") != round(v("ELV01.CarPos"))
            and v("ELV01.LoadPct") > 0
        ),
    ),
    "fire_alarm": (0.2, lambda v: (v("FACP01.Alarm"), v("FZN01.State"), v("FACP01.ZonesInAlm")) == (1, 2, 1)),
    "fire_trouble": (0.2, lambda v: v("FACP01.Trouble") == 1),
    "co_high": (10.0, lambda v: v("PKG01.CO") > 100),
    "tank_overflow": (8.0, lambda v: v("TNK01.Lvl") > 95 and v("TNK01.HiAlm") == 1),
    "water_leak": (0.2, lambda v: v("WM01.LeakAlm") == 1),
    "overvoltage": (0.2, lambda v: min(v("HVM01.V12"), v("HVM01.V23"), v("HVM01.V31")) > 22_800 * 1.10),
    "ev_ground_fault": (0.2, lambda v: (v("EVSE01.Status"), v("EVSE01.ErrCode")) == (8, 3)),
    "sos_pressed": (0.2, lambda v: v("SOS01.Pressed") == 1),
    "door_forced": (0.2, lambda v: (v("ACS01.AlmSts"), v("ACS01.DoorSts"), v("ACS01.LockSts")) == (1, 1, 1)),
    "parking_fan_fail": (0.2, lambda v: (v("PKF01.StartCmd"), v("PKF01.RunSts")) == (1, 0)),
}


def test_every_plant_fault_of_the_table_is_tried_here() -> None:
    assert set(EFFECTS) == {name for name, fault in FAULTS.items() if fault.reach is Reach.PLANT}


@pytest.mark.parametrize("name", EFFECTS)
def test_a_plant_fault_is_seen_exactly_while_it_is_on(city: City, name: str) -> None:
    within_s, seen = EFFECTS[name]
    if name == "parking_fan_fail":
        city.command(index_of("PKF01.SpdCmd"), 2.0)
    run_for(city, 20.0)
    assert not seen(shown(city))
    city.fault_on(name, None, "now")
    run_for(city, within_s, step_s=0.1)
    assert seen(shown(city))
    for _ in range(20):
        run_for(city, 0.5)
        assert seen(shown(city))
    city.fault_off(name)
    run_for(city, within_s, step_s=0.1)
    assert not seen(shown(city))
    assert city.faults == []


@pytest.mark.parametrize(("name", "target", "point"), [
    ("chiller_trip", "TCH.B2.CN.CHC01", "CHC01.AlmSum"),
    ("lift_entrapment", "ELV02", "ELV02.AlmBell"),
    ("fire_alarm", "FZN02", "FZN02.State"),
    ("sos_pressed", "SOS02", "SOS02.Pressed"),
    ("overvoltage", "EM02", "EM02.Vavg"),
])  # fmt: skip
def test_a_fault_strikes_its_target_and_leaves_the_default_alone(
    city: City, name: str, target: str, point: str
) -> None:
    before = shown(city)(point)
    city.fault_on(name, target, "now")
    run_for(city, 0.2, step_s=0.1)
    assert shown(city)(point) > before * 1.1
    default = FAULTS[name].default
    if default not in target:
        role = point.split(".")[1] if name != "overvoltage" else "V12"
        assert shown(city)(f"{default}.{role}") <= max(before, 23_500.0 if name == "overvoltage" else 0.0)


def test_water_warms_while_the_chiller_is_tripped(city: City) -> None:
    run_for(city, 20.0)
    before = shown(city)("CHC01.CHWS_T")
    city.fault_on("chiller_trip", None, "now")
    run_for(city, 60.0)
    assert shown(city)("CHC01.CHWS_T") > before + 1.5
    assert shown(city)("CHC01.EnableCmd") == 1


def test_fans_stage_up_with_carbon_monoxide_in_their_own_zone(city: City) -> None:
    run_for(city, 5.0)
    assert shown(city)("PKF01.RunSts") == 0
    city.fault_on("co_high", "PKG01", "now")
    run_for(city, 10.0)
    assert (shown(city)("PKF01.RunSts"), shown(city)("PKF01.SpdCmd")) == (1, 2)
    assert shown(city)("PKF01.kW") > 5
    assert shown(city)("PKF02.RunSts") == 0
    city.fault_off("co_high")
    run_for(city, 590.0, step_s=2.0)
    assert shown(city)("PKF01.RunSts") == 1, "a minimum run of ten minutes"
    run_for(city, 60.0, step_s=2.0)
    assert shown(city)("PKF01.RunSts") == 0


def test_fire_recalls_the_lifts_to_the_ground_floor(city: City) -> None:
    run_for(city, 30.0)
    city.fault_on("fire_alarm", None, "now")
    run_for(city, 90.0)
    for lift in ("ELV01", "ELV02"):
        assert (shown(city)(f"{lift}.CarMode"), shown(city)(f"{lift}.CarPos")) == (11, 1)
        assert shown(city)(f"{lift}.DoorSts") in {1, 6}
    city.fault_off("fire_alarm")
    run_for(city, 1.0)
    assert shown(city)("ELV01.CarMode") == 1


def test_a_stuck_sensor_shows_one_value_while_the_truth_goes_on(city: City) -> None:
    at = index_of("CHC01.CHWR_T")
    city.fault_on("sensor_stuck", "CHC01.CHWR_T", "now")
    run_for(city, 0.5)
    kept = city.shown[at]
    truths = set()
    for _ in range(30):
        run_for(city, 0.5)
        assert city.shown[at] == kept
        truths.add(float(city.truth[at]))
    assert len(truths) > 25
    city.fault_off("sensor_stuck")
    run_for(city, 0.5)
    assert city.shown[at] != kept


def test_a_dropped_out_sensor_is_bad_while_the_fault_lasts(city: City) -> None:
    at = index_of("AHU02.RAT")
    city.fault_on("sensor_dropout", None, "now")
    run_for(city, 5.0)
    assert city.bad[at]
    assert city.bad.sum() == 1
    city.fault_off("sensor_dropout")
    assert not city.bad.any()


def test_a_spiking_sensor_jumps_and_returns_within_its_physical_range(city: City) -> None:
    at = index_of("CHC01.CHWR_T")
    city.fault_on("sensor_spike", None, "now")
    far = []
    for _ in range(60):
        run_for(city, 0.5)
        far.append(abs(city.shown[at] - city.truth[at]) > 10.0)
        assert 0.0 <= city.shown[at] <= 40.0
    assert 6 <= sum(far) <= 18, "two of every ten seconds"
    assert far[0]
    city.fault_off("sensor_spike")
    run_for(city, 0.5)
    assert abs(city.shown[at] - city.truth[at]) < 0.1


def test_a_fault_does_not_change_the_rest_of_the_city() -> None:
    with_fault, without = (City(BUILDING, 5, WORKING_MORNING) for _ in range(2))
    with_fault.fault_on("sos_pressed", None, "now")
    for city in (with_fault, without):
        run_for(city, 10.0)
    differing = np.flatnonzero(with_fault.shown != without.shown)
    assert [BUILDING.points[i].name for i in differing] == ["TCH.01.S.SOS01.Pressed"]


def test_a_nonsensical_target_is_refused_with_what_would_do(city: City) -> None:
    with pytest.raises(FaultTargetError, match="CHC01"):
        city.fault_on("chiller_trip", "AHU01", "now")
    with pytest.raises(FaultTargetError, match=r"AHU01\.SAT"):
        city.fault_on("sensor_stuck", "AHU09.SAT", "now")
    with pytest.raises(FaultTargetError, match="em01"):
        city.fault_on("wrong_word_order", "ahu01", "now")
    with pytest.raises(KeyError):
        city.fault_on("earthquake", None, "now")
    assert city.faults == []


def test_the_truth_file_has_one_line_per_switching(city: City, tmp_path: Path) -> None:
    moments = iter(datetime(2026, 7, 1, 10, minute, tzinfo=TAIPEI) for minute in range(10))
    desk = FaultDesk(city, lambda: next(moments), tmp_path / "truth.jsonl")
    desk.on("chiller_trip", None)
    desk.on("chiller_trip", None)
    desk.on("sos_pressed", "SOS02")
    desk.off("chiller_trip", None)
    desk.off("chiller_trip", None)
    lines = [json.loads(line) for line in (tmp_path / "truth.jsonl").read_text().splitlines()]
    assert [(x["what"], x["where"], x["to"]) for x in lines] == [
        ("chiller_trip", "TCH.B2.CN.CHC01", None),
        ("sos_pressed", "TCH.B1.N.SOS02", None),
        ("chiller_trip", "TCH.B2.CN.CHC01", lines[2]["to"]),
    ]
    assert lines[2]["from"] == lines[0]["from"] == "2026-07-01T10:00:00+08:00"
    assert lines[2]["to"] > lines[2]["from"]
