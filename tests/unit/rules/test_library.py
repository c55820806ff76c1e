"""Each shipped rule rings when `domain.md` §4 says so, and not before; its figures are written here by hand."""

import tomllib
from importlib import resources
from typing import Any, NamedTuple

import pytest
from tests.support.rule_trial import Trial

from cityhall_bms.domain.quality import Quality
from cityhall_bms.domain.site import System
from cityhall_bms.rules.files import library
from cityhall_bms.rules.model import Rule
from cityhall_simulators.description import load_building

UNITS = {(p.equipment.brick_class, p.role.role): p.role.unit for p in load_building("full").points}
"""What the points of the city hall measure in."""
RULES = {rule.id: rule for rule in library()}
CHILLER = {
    "RunSts": 1.0, "EnableCmd": 1.0, "LocRem": 1.0, "AlmSum": 0.0, "CHWS_T": 7.0, "CHWS_SP": 7.0, "CDWE_T": 30.0,
    "BrgT": 60.0, "WindT": 80.0, "RefLeak": 2.0,
}  # fmt: skip
AHU = {
    "RunSts": 1.0, "StartCmd": 1.0, "LocRem": 1.0, "TripAlm": 0.0, "OccMode": 1.0, "SAT": 14.0, "SAT_SP": 14.0,
    "RAT": 25.5, "FltDP": 120.0, "DuctSmoke": 0.0, "SpdFb": 80.0, "CCV_Cmd": 50.0,
}  # fmt: skip
METER = {"V12": 22800.0, "V23": 22800.0, "V31": 22800.0, "Hz": 60.0, "PF": 0.98, "THDv": 2.5, "THDi": 8.0}
LIFT = {"AlmBell": 0.0, "FaultSig": 255.0, "CarMode": 1.0, "LoadPct": 20.0}
TANK = {"Lvl": 60.0, "HiAlm": 0.0, "LoAlm": 0.0}
WATER_METER = {"LeakAlm": 0.0}
PANEL = {
    "Alarm": 0.0, "Prealm": 0.0, "Supv": 0.0, "Trouble": 0.0, "AcFail": 0.0, "BattFail": 0.0, "CommSts": 1.0,
}  # fmt: skip
ZONE = {"State": 0.0, "Isolated": 0.0}
CHARGER = {"Status": 2.0, "ErrCode": 0.0, "ConnTemp": 35.0}
DETECTOR = {"CO": 8.0, "NO2": 0.1, "Fault": 0.0}
PARKING = {"GateAlm": 0.0}
BUTTON = {"Pressed": 0.0, "Fault": 0.0}
READER = {"AlmSts": 0.0}
AIR = {"CO2": 700.0, "HCHO": 0.02, "TVOC": 0.2}
CLASSES = {
    "Centrifugal_Chiller": CHILLER,
    "Air_Handling_Unit": AHU,
    "Building_Electrical_Meter": METER,
    "Elevator": LIFT,
    "Water_Storage_Tank": TANK,
    "x:Fire_Water_Tank": {**TANK, "Lvl": 93.0},
    "Water_Meter": WATER_METER,
    "Fire_Alarm_Control_Panel": PANEL,
    "Fire_Zone": ZONE,
    "Electric_Vehicle_Charging_Station": CHARGER,
    "CO_Level_Sensor": DETECTOR,
    "Parking_Structure": PARKING,
    "Emergency_Push_Button_Status": BUTTON,
    "Access_Reader": READER,
    "IAQ_Sensor_Equipment": AIR,
}
CHILLER_BLANKING_S, FAN_BLANKING_S = 1800, 1200


class Case(NamedTuple):
    """A rule, what must happen for it to ring, after how long, and what ends it."""

    rule: str
    brick_class: str
    priority: int
    fault: dict[str, float]
    delay_s: float
    over: dict[str, float]
    still: dict[str, float] = {}  # noqa: RUF012 - a NamedTuple's default; nobody writes to it
    """Inside the limit, and not yet past the deadband."""
    blanking_s: float = 0.0


CH, AH, HV, LI, TK = (
    "Centrifugal_Chiller", "Air_Handling_Unit", "Building_Electrical_Meter", "Elevator", "Water_Storage_Tank",
)  # fmt: skip
FA, FZ, EV, CO, IA = (
    "Fire_Alarm_Control_Panel", "Fire_Zone", "Electric_Vehicle_Charging_Station", "CO_Level_Sensor",
    "IAQ_Sensor_Equipment",
)  # fmt: skip
SO, AC = "Emergency_Push_Button_Status", "Access_Reader"

CASES = [
    Case("G02", AH, 2, {"RunSts": 0}, 60, {"RunSts": 1}),
    Case("G03", AH, 2, {"TripAlm": 1}, 0, {"TripAlm": 0}),
    Case("G04", AH, 4, {"LocRem": 0}, 300, {"LocRem": 1}),
    Case("CH-TRIP", CH, 2, {"AlmSum": 1, "RunSts": 0}, 0, {"AlmSum": 0}),
    Case("CH-ALARM", CH, 2, {"AlmSum": 1}, 10, {"AlmSum": 0}),
    Case("CH-CMD", CH, 2, {"RunSts": 0}, 300, {"EnableCmd": 0}),
    Case("H01", CH, 3, {"CHWS_T": 8.3}, 900, {"CHWS_T": 7.8}, {"CHWS_T": 8.0}, CHILLER_BLANKING_S),
    Case("H01", CH, 2, {"CHWS_T": 10.1}, 900, {"CHWS_T": 7.8}, {"CHWS_T": 9.8}, CHILLER_BLANKING_S),
    Case("H02", CH, 1, {"CHWS_T": 3.9}, 10, {"CHWS_T": 4.6}, {"CHWS_T": 4.4}),
    Case("H05", CH, 3, {"CDWE_T": 33.1}, 600, {"CDWE_T": 32.4}, {"CDWE_T": 32.6}, CHILLER_BLANKING_S),
    Case("H05", CH, 3, {"CDWE_T": 15.9}, 600, {"CDWE_T": 16.6}, {"CDWE_T": 16.4}, CHILLER_BLANKING_S),
    Case("H05", CH, 2, {"CDWE_T": 35.1}, 600, {"CDWE_T": 32.4}, {"CDWE_T": 34.6}, CHILLER_BLANKING_S),
    Case("H06-BRG", CH, 2, {"BrgT": 80.5}, 10, {"BrgT": 77.9}, {"BrgT": 79.0}),
    Case("H06-WIND", CH, 2, {"WindT": 110.5}, 10, {"WindT": 107.9}, {"WindT": 109.0}),
    Case("H07", CH, 2, {"RefLeak": 31}, 30, {"RefLeak": 24}, {"RefLeak": 26}),
    Case("H07", CH, 1, {"RefLeak": 501}, 30, {"RefLeak": 24}, {"RefLeak": 496}),
    Case("H13", AH, 3, {"SAT": 16.9}, 1800, {"SAT": 16.2}, {"SAT": 16.4}, FAN_BLANKING_S),
    Case("H13", AH, 3, {"SAT": 11.1}, 1800, {"SAT": 11.8}, {"SAT": 11.6}, FAN_BLANKING_S),
    Case("H14", AH, 4, {"FltDP": 251}, 1800, {"FltDP": 229}, {"FltDP": 231}, FAN_BLANKING_S),
    Case("H15", AH, 1, {"DuctSmoke": 1}, 0, {"DuctSmoke": 0}),
    Case("H16", AH, 3, {"RAT": 28.1}, 1800, {"RAT": 27.4}, {"RAT": 27.6}, FAN_BLANKING_S),
    Case("H16-COLD", AH, 4, {"RAT": 23.9}, 1800, {"RAT": 24.6}, {"RAT": 24.4}, FAN_BLANKING_S),
    Case("E01", HV, 3, {"V12": 23950}, 60, {"V12": 23700}, {"V12": 23800}),
    Case("E01", HV, 3, {"V31": 21650}, 60, {"V31": 21900}, {"V31": 21800}),
    Case("E01", HV, 2, {"V23": 25090}, 5, {"V23": 23700}, {"V23": 24900}),
    Case("E01", HV, 2, {"V23": 20510}, 5, {"V23": 21900}, {"V23": 20700}),
    Case("E01-UNB", HV, 3, {"V23": 21900}, 300, {"V23": 22250}, {"V23": 22200}),
    Case("E02", HV, 2, {"Hz": 59.4}, 5, {"Hz": 59.7}, {"Hz": 59.55}),
    Case("E02", HV, 2, {"Hz": 60.6}, 5, {"Hz": 60.3}, {"Hz": 60.45}),
    Case("E03", HV, 4, {"PF": 0.94}, 900, {"PF": 0.97}, {"PF": 0.955}),
    Case("E03", HV, 3, {"PF": 0.79}, 900, {"PF": 0.97}, {"PF": 0.805}),
    Case("E03-LEAD", HV, 4, {"PF": -0.97}, 900, {"PF": -0.99}, {"PF": -0.982}),
    Case("E04", HV, 4, {"THDv": 5.1}, 600, {"THDv": 4.4}, {"THDv": 4.6}),
    Case("E04", HV, 3, {"THDv": 8.1}, 600, {"THDv": 4.4}, {"THDv": 7.6}),
    Case("E04-I", HV, 4, {"THDi": 20.1}, 600, {"THDi": 19.4}, {"THDi": 19.6}),
    Case("L01", LI, 1, {"AlmBell": 1}, 0, {"AlmBell": 0}),
    Case("L01-STOP", LI, 1, {"FaultSig": 8}, 60, {"FaultSig": 255}),
    Case("L02", LI, 2, {"FaultSig": 2}, 0, {"FaultSig": 255}),
    Case("L02", LI, 2, {"FaultSig": 0}, 0, {"FaultSig": 255}),
    Case("W01-90", TK, 2, {"Lvl": 95.5}, 60, {"Lvl": 86.5}, {"Lvl": 92.5}),
    Case("W01-90", TK, 3, {"Lvl": 90.5}, 60, {"Lvl": 86.5}, {"Lvl": 87.5}),
    Case("W01-30", TK, 3, {"Lvl": 29.5}, 60, {"Lvl": 33.5}, {"Lvl": 32.5}),
    Case("W01-30", TK, 2, {"Lvl": 14.5}, 60, {"Lvl": 33.5}, {"Lvl": 17.5}),
    Case("W01-FIRE", "x:Fire_Water_Tank", 2, {"Lvl": 89.5}, 60, {"Lvl": 91.5}, {"Lvl": 90.5}),
    Case("W01-HI", TK, 2, {"HiAlm": 1}, 60, {"HiAlm": 0}),
    Case("W01-LO", TK, 2, {"LoAlm": 1}, 60, {"LoAlm": 0}),
    Case("W03", "Water_Meter", 3, {"LeakAlm": 1}, 1800, {"LeakAlm": 0}),
    Case("F01", FA, 1, {"Alarm": 1}, 0, {"Alarm": 0}),
    Case("F01-PRE", FA, 2, {"Prealm": 1}, 0, {"Prealm": 0}),
    Case("F01-SUPV", FA, 2, {"Supv": 1}, 0, {"Supv": 0}),
    Case("F01-TRBL", FA, 2, {"Trouble": 1}, 0, {"Trouble": 0}),
    Case("F01-AC", FA, 2, {"AcFail": 1}, 0, {"AcFail": 0}),
    Case("F01-BATT", FA, 2, {"BattFail": 1}, 0, {"BattFail": 0}),
    Case("F01-COMM", FA, 1, {"CommSts": 0}, 0, {"CommSts": 1}),
    Case("F01-Z", FZ, 1, {"State": 2}, 0, {"State": 0}),
    Case("F01-Z", FZ, 1, {"State": 5}, 0, {"State": 0}),
    Case("F01-ZPRE", FZ, 2, {"State": 1}, 0, {"State": 0}),
    Case("F01-ZTRBL", FZ, 2, {"State": 3}, 0, {"State": 0}),
    Case("F01-ZTRBL", FZ, 2, {"State": 8}, 0, {"State": 0}),
    Case("F01-ZSUPV", FZ, 2, {"State": 22}, 0, {"State": 0}),
    Case("F01-ISOL", FZ, 3, {"Isolated": 1}, 28_800, {"Isolated": 0}),
    Case("V01", EV, 3, {"Status": 8}, 0, {"Status": 0}),
    Case("V01-GND", EV, 2, {"Status": 8, "ErrCode": 3}, 0, {"Status": 0, "ErrCode": 0}),
    Case("V01-HOT", EV, 2, {"ConnTemp": 81}, 0, {"ConnTemp": 74}, {"ConnTemp": 76}),
    Case("V02-35", CO, 3, {"CO": 35}, 60, {"CO": 29}, {"CO": 31}),
    Case("V02-35", CO, 2, {"CO": 75}, 60, {"CO": 29}, {"CO": 71}),
    Case("V02-35", CO, 1, {"CO": 100}, 60, {"CO": 29}, {"CO": 96}),
    Case("V02-N25", CO, 3, {"NO2": 2.5}, 60, {"NO2": 2.2}, {"NO2": 2.4}),
    Case("V02-N25", CO, 2, {"NO2": 2.8}, 60, {"NO2": 2.2}, {"NO2": 2.7}),
    Case("V02-N25", CO, 1, {"NO2": 3.0}, 60, {"NO2": 2.2}, {"NO2": 2.9}),
    Case("V02-FAULT", CO, 3, {"Fault": 1}, 0, {"Fault": 0}),
    Case("PMS-GATE", "Parking_Structure", 3, {"GateAlm": 1}, 10, {"GateAlm": 0}),
    Case("S01", SO, 1, {"Pressed": 1}, 0, {"Pressed": 0}),
    Case("S01-FAULT", SO, 3, {"Fault": 1}, 10, {"Fault": 0}),
    Case("S01-FORCE", AC, 2, {"AlmSts": 1}, 0, {"AlmSts": 0}),
    Case("S01-HELD", AC, 3, {"AlmSts": 2}, 60, {"AlmSts": 0}),
    Case("S01-TAMP", AC, 2, {"AlmSts": 3}, 0, {"AlmSts": 0}),
]


def trial_of(*rules: Rule, values: dict[str, float], brick_class: str, **how: Any) -> Trial:
    """Rules on trial over a unit whose points have the units of the city hall's."""
    return Trial(*rules, values=values, brick_class=brick_class, units=units_of(brick_class), **how)


def units_of(brick_class: str) -> dict[str, str]:
    return {role: unit for (owner, role), unit in UNITS.items() if owner == brick_class}


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.rule}-{next(iter(case.fault.items()))}")
def test_it_rings_after_its_delay_and_returns_past_its_deadband(case: Case) -> None:
    tick_s = 1.0 if case.delay_s <= 60 and not case.blanking_s else 10.0
    trial = trial_of(RULES[case.rule], values=CLASSES[case.brick_class], brick_class=case.brick_class, tick_s=tick_s)
    assert trial.run(2 * tick_s + case.blanking_s) == []

    # The first tick that sees the fault starts the delay.
    heard = trial.set(**case.fault).run(tick_s + case.delay_s)
    assert heard == [(tick_s + case.delay_s, case.rule, "raised")]
    assert trial.set(**case.still).run(10 * tick_s) == []
    assert trial.set(**case.over).run(tick_s) == [(tick_s, case.rule, "returned")]

    assert trial.proposals[0].priority == case.priority


@pytest.mark.parametrize("case", [case for case in CASES if case.blanking_s], ids=lambda case: case.rule)
def test_it_keeps_quiet_while_the_unit_starts_up(case: Case) -> None:
    values = CLASSES[case.brick_class] | {"RunSts": 0.0}
    trial = trial_of(RULES[case.rule], values=values, brick_class=case.brick_class, tick_s=10.0)
    trial.set(**case.fault).run(4 * 3600)
    assert trial.heard == []
    heard = trial.set(RunSts=1).run(10 + case.blanking_s + case.delay_s)
    assert heard == [(10 + case.blanking_s + case.delay_s, case.rule, "raised")]


@pytest.mark.parametrize("brick_class", CLASSES)
def test_plant_that_runs_well_rings_nothing_for_three_hours(brick_class: str) -> None:
    trial = trial_of(*RULES.values(), values=CLASSES[brick_class], brick_class=brick_class, tick_s=10.0)
    assert trial.run(3 * 3600) == []


def test_a_chiller_that_trips_rings_once_and_by_its_own_name() -> None:
    trial = trial_of(*RULES.values(), values=CHILLER, brick_class=CH)
    trial.run(60)
    heard = trial.set(AlmSum=1, RunSts=0).run(3600)
    assert heard == [(1.0, "CH-TRIP", "raised")]
    (proposal,) = trial.proposals
    assert "冰水主機故障跳脫" in proposal.rule.text_zh


def test_a_fan_that_trips_rings_its_trip_and_not_its_command_as_well() -> None:
    trial = trial_of(*RULES.values(), values=AHU, brick_class=AH)
    trial.run(10)
    assert trial.set(RunSts=0, TripAlm=1).run(600) == [(1.0, "G03", "raised")]


def test_a_tested_fire_zone_does_not_ring() -> None:
    trial = trial_of(*RULES.values(), values=ZONE, brick_class=FZ)
    for state in (9, 10, 11, 12):
        assert trial.set(State=state).run(5) == []


@pytest.mark.parametrize(
    ("system", "brick_class", "expected", "priority"),
    [
        (System.FIRE, FA, "G01-FIRE", 1),
        (System.POWER, "Switchgear", "G01-POWER", 2),
        (System.POWER, "x:UPS", "G01-POWER", 2),
        (System.POWER, "Transformer", "G01", 3),
        (System.HVAC, AH, "G01", 3),
    ],
)
def test_a_device_without_a_good_value_for_a_minute_rings_once(
    system: System, brick_class: str, expected: str, priority: int
) -> None:
    rules = (RULES["G01"], RULES["G01-FIRE"], RULES["G01-POWER"])
    trial = trial_of(*rules, values=AHU, brick_class=brick_class, system=system)
    trial.run(10)
    heard = trial.spoil(Quality.BAD_DEVICE_LOST, *AHU).run(300)
    assert heard == [(61.0, expected, "raised")]
    assert (trial.proposals[-1].subject.name, trial.proposals[-1].priority) == ("controller", priority)
    trial.set(**AHU)
    assert trial.run(5) == [(1.0, expected, "returned")]


def test_only_trips_are_latched() -> None:
    latched = {rule.id for rule in RULES.values() if rule.latching}
    assert latched == {"G03", "E05-TRIP", "E06-TRIP", "LVP-TRIP", "WPP-LOCK"}


def test_texts_name_the_equipment_in_both_languages() -> None:
    for rule in RULES.values():
        assert "{equipment}" in rule.text_zh, rule.id
        assert "{equipment}" in rule.text_en, rule.id
        assert any("\u4e00" <= letter <= "\u9fff" for letter in rule.text_zh), rule.id


def test_the_files_are_packaged_and_hold_rules_only() -> None:
    files = list((resources.files("cityhall_bms.rules") / "library").iterdir())
    assert sum(len(tomllib.loads(entry.read_text("utf-8")).get("rule", [])) for entry in files) == len(RULES)
