"""Shipped rules of air, cold and data quality, each against the faults that it is for: in time, and nowhere else.

Figures are copied from the domain reference (sections 4, 5, 7 and 9), not read from the rules.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import NamedTuple

import pytest
from tests.support.rule_campaign import Heard
from tests.support.rules_at_work import TAIPEI, RulesAtWork

from cityhall_bms.rules.engine import Answer, Change
from cityhall_bms.rules.files import library
from cityhall_bms.rules.model import Rule

STEP_S = 60.0
"""The slowest scan of these systems, so that two of them are two steps."""
MINUTES = 60.0
MINE = (
    "G0", "H", "FC", "VAV", "DQ", "I01", "CH-", "CMD", "LOW",
    "PUMP", "TOWER", "PAC", "SIMUL", "VALVE", "VFD", "CW", "DOSE",
)  # fmt: skip

Faults = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Scene:
    """A day on which faults begin together, once everything has run for ``settle_min``."""

    start: datetime
    faults: Faults
    settle_min: float = 45.0
    lasts_min: float = 120.0
    seed: int = 5
    graded: bool = True
    step_s: float = STEP_S
    rules: tuple[str, ...] = ()
    """Only these; all of them when empty."""
    also: Mapping[str, str] = field(default_factory=dict)
    """What follows from the faults at others: types of equipment by rule."""


def at(year: int, month: int, day: int, hour: int, minute: int) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=TAIPEI)


MORNING = at(2026, 7, 1, 9, 15)
SCENES = {
    "air": Scene(
        MORNING,
        (
            ("ahu_fan_fail", "AHU01"), ("ahu_trip", "AHU02"), ("left_in_local", "AHU03"), ("leaking_valve", "AHU08"),
            ("fouled_coil", "AHU10"), ("filter_clogged", "AHU12"), ("oa_damper_stuck_open", "AHU14"),
            ("ahu_hunting", "AHU16"), ("duct_static_low", "AHU18"), ("free_cooling_stuck_on", "AHU20"),
            ("stuck_valve", "AHU24"), ("fcu_heats_and_cools", "FCU06"), ("zone_hot", "FCU07"),
            ("zone_overcooled", "FCU08"), ("vav_damper_stuck", "VAV05"), ("vav_leak", "VAV02"), ("ef_fail", "EF01"),
            ("pac_fail", "PAC01"), ("pac_leak", "PAC04"), ("pac_filter", "PAC03"), ("iaq_co2_high", "IAQ05"),
            ("iaq_hcho_high", "IAQ07"), ("iaq_tvoc_high", "IAQ08"), ("sensor_stuck", "AHU05.SAT"),
            ("sensor_stuck", "AHU06.RAT"), ("device_silent", "iaq12"), ("sensor_dropout", "AHU07.RAT"), ("sensor_dropout", "AHU09.SAT"), ("sensor_offset", "AHU11.MAT"),
            ("sensor_spike", "AHU15.SAT"), ("sensor_offset", "OAH01.OAT"), ("counter_glitch", "CHC02.kWh"),
        ),
        lasts_min=150.0,
        # Closed and leaking boxes leave their rooms too warm.
        also={"H16-ZONE": "VAV", "H16": "AHU", "H13": "AHU"},
    ),
    "plant": Scene(
        MORNING,
        (
            ("ahu_drive_fault", "AHU01"), ("ahu_drive_stuck", "AHU02"), ("duct_smoke", "AHU23"),
            ("fouled_evaporator", "CHC01"), ("fouled_condenser", "CHC02"), ("bearing_hot", "CHC01"),
            ("winding_hot", "CHC02"), ("oil_pressure_low", "CHC01"), ("refrigerant_leak", "CHC03"),
            ("flow_meter_offset", "CHC02"), ("fouled_condenser", "CHS02"), ("conductivity_high", "PLT01"),
            ("ph_low", "PLT01"), ("se_pipe_leak", "PLT01"), ("tower_fouled", "CT01"), ("tower_vibration", "CT02"),
            ("basin_low", "CT03"), ("pump_coupling", "PCHP03"), ("flapping_contact", "CT06.RunSts"),
            ("flapping_contact", "SCHP06.RunSts"),
        ),
        lasts_min=75.0,
        also={"H16": "AHU"},
    ),
    "evening": Scene(
        at(2026, 7, 1, 17, 45),
        (
            ("runs_outside_schedule", "AHU11"), ("fcu_left_on", "FCU05"), ("vav_flow_sensor_offset", "VAV03"),
            ("lights_outside_schedule", "LTG05"), ("device_silent", "fire-gateway-2"), ("device_silent", "ups02"),
        ),
        settle_min=40.0,
        lasts_min=40.0,
    ),
    "cold morning": Scene(
        at(2024, 1, 18, 8, 30),
        (
            ("oa_damper_stuck", "AHU07"), ("stuck_valve", "AHU14"), ("leaking_valve", "AHU16"),
            ("sensor_offset", "PLT01.OA_WB"),
        ),
        settle_min=40.0,
        lasts_min=80.0,
        seed=21,
    ),
    "mixed air": Scene(
        at(2026, 10, 29, 8, 30),
        (("sensor_offset", "AHU20.MAT"), ("mixed_air_sensor_on_coil", "AHU13"), ("ahu_hunting", "AHU09")),
        lasts_min=60.0,
        # The collector's own check would take the quality away after a quarter of an hour, see DQ-CROSS-MAT.
        graded=False,
    ),
    "stray flow": Scene(
        MORNING,
        (
            ("low_delta_t", "PLT01"), ("tower_overcooling", "PLT01"), ("pump_fail", "SCHP01"),
            ("pump_fail", "SCHP02"), ("pump_fail", "SCHP03"),
        ),
        lasts_min=45.0,
        also={"H13": "AHU", "FC13": "AHU", "H16": "AHU", "H16-ZONE": "VAV"},
    ),
    "no cold water": Scene(
        MORNING,
        (
            ("chiller_capacity_loss", "CHC01"), ("chiller_trip", "CHC02"), ("chiller_trip", "CHC03"),
            ("chiller_trip", "CHS01"), ("chiller_trip", "CHS02"),
        ),
        lasts_min=80.0,
        also={"H13": "AHU", "FC13": "AHU", "H16": "AHU", "H16-ZONE": "VAV FCU", "LOW-DT": "PLT", "H13-OAH": "OAH"},
    ),
    "starts": Scene(
        MORNING,
        (
            ("chiller_short_cycling", "CHC01"), ("chiller_short_cycling", "CHS02"), ("chiller_overcooling", "CHC02"),
            ("chiller_local", "CHC03"),
        ),
        lasts_min=45.0,
        # Cold water that comes and goes is what the valves of all air handlers follow.
        also={"H01": "CHS", "HUNT": "AHU", "VAV-HUNT": "VAV"},
    ),
    "hot towers": Scene(
        MORNING,
        (
            *(("tower_fouled", f"CT0{number}") for number in range(1, 7)), ("chiller_start_fail", "CHC03"),
            ("pump_trip", "CWP01"), ("tower_fan_fail", "CT06"),
        ),
        lasts_min=50.0,
    ),
    "a day of bad air": Scene(
        at(2026, 7, 1, 6, 0),
        (
            ("iaq_co_high", "IAQ09"), ("iaq_pm25_high", "IAQ06"), ("iaq_co2_high", "IAQ05"),
            ("makeup_leak", "PLT01"),
        ),
        lasts_min=25.0 * 60.0,
        step_s=300.0,
        rules=("I01-CO", "I01-PM25", "I01-PM10", "I01-CO2-8H", "H11-MAKEUP"),
    ),
    "a poor plant": Scene(
        at(2026, 5, 11, 0, 0),
        (("plant_inefficient", "PLT01"),),
        settle_min=8.0 * 24.0 * 60.0,
        lasts_min=24.0 * 60.0,
        graded=False,
        step_s=900.0,
        rules=("H09", "H09-BASE"),
    ),
}  # fmt: skip


class Case(NamedTuple):
    """A rule that must ring at a unit: ``own_s`` is its own delay with its window, ``onset_s`` what the plant needs."""

    scene: str
    rule: str
    unit: str
    priority: int
    own_s: float
    onset_s: float = 0.0


HALF_HOUR, QUARTER, FIVE = 1800.0, 900.0, 300.0
DOUBTED = 120.0
"""The collector doubts a value that jumps for two scans."""
CASES = [
    Case("air", "G02", "AHU01", 2, 60),
    Case("air", "G02", "EF01", 2, 60),
    Case("air", "G03", "AHU02", 2, 0),
    Case("air", "G04", "AHU03", 4, 300),
    Case("air", "CMD-VALVE", "AHU24", 3, 600),
    Case("air", "CMD-DAMPER", "AHU14", 3, 600),
    Case("air", "H13", "AHU10", 3, HALF_HOUR, FIVE),
    Case("air", "H13", "AHU24", 3, HALF_HOUR, FIVE),
    Case("air", "H14", "AHU12", 4, HALF_HOUR, DOUBTED),
    Case("air", "H16-ZONE", "FCU07", 3, HALF_HOUR, 4000),
    Case("air", "H16-ZONE-COLD", "FCU08", 4, HALF_HOUR, 3000),
    Case("air", "H18", "PAC01", 2, FIVE, HALF_HOUR),
    Case("air", "H18-LEAK", "PAC04", 2, 0),
    Case("air", "PAC-ALARM", "PAC01", 2, 60),
    Case("air", "PAC-FILTER", "PAC03", 4, 600),
    Case("air", "SIMUL", "FCU06", 4, FIVE),
    Case("air", "VALVE-LEAK", "AHU08", 4, QUARTER + FIVE),
    Case("air", "HUNT", "AHU16", 4, HALF_HOUR),
    Case("air", "FC1", "AHU18", 3, HALF_HOUR + FIVE),
    Case("air", "FC4", "AHU16", 4, 3600),
    Case("air", "FC6", "AHU14", 3, HALF_HOUR + FIVE, 120),
    Case("air", "FC9", "AHU20", 3, HALF_HOUR + HALF_HOUR + FIVE),
    Case("air", "FC13", "AHU10", 3, HALF_HOUR + FIVE, FIVE),
    Case("air", "FC13", "AHU24", 3, HALF_HOUR + FIVE, FIVE),
    Case("air", "VAV-FLOW", "VAV05", 2, FIVE),
    Case("air", "VAV-STARVED", "VAV05", 3, QUARTER),
    Case("air", "VAV-LEAK", "VAV02", 4, 600),
    Case("air", "I01-CO2", "IAQ05", 3, 3600),
    Case("air", "I01-HCHO", "IAQ07", 3, 3600),
    Case("air", "I01-TVOC", "IAQ08", 3, 3600),
    Case("air", "DQ-FLAT", "AHU05", 3, 3600 + HALF_HOUR),
    Case("air", "DQ-FLAT-4", "AHU06", 4, 3600 + HALF_HOUR),
    Case("air", "G01", "IAQ12", 3, 3 * 60),
    Case("air", "DQ-RANGE-4", "AHU07", 4, 120),
    Case("air", "DQ-RANGE", "AHU09", 3, 120),
    Case("air", "DQ-SPIKE", "AHU15", 4, 3600),
    Case("air", "DQ-CROSS-MAT", "AHU11", 4, QUARTER, DOUBTED),
    Case("air", "DQ-CROSS-OAT", "OAH01", 4, 3600, DOUBTED),
    Case("air", "DQ-COUNTER", "CHC02", 4, QUARTER),
    Case("plant", "VFD-FAULT", "AHU01", 2, 10),
    Case("plant", "G02", "AHU01", 2, 60),
    Case("plant", "CMD-SPEED", "AHU02", 3, 600),
    Case("plant", "H15", "AHU23", 1, 0),
    Case("plant", "CH-ALARM", "CHC01", 2, 10),
    Case("plant", "H04-EVAP", "CHC01", 3, QUARTER, FIVE),
    Case("plant", "H04-COND", "CHC02", 3, QUARTER, FIVE),
    Case("plant", "H04-SCREW", "CHS02", 3, QUARTER, FIVE),
    Case("plant", "H06-BRG", "CHC01", 2, 10, QUARTER),
    Case("plant", "H06-WIND", "CHC02", 2, 10, QUARTER),
    Case("plant", "H06-OIL", "CHC01", 2, 10, DOUBTED),
    Case("plant", "H07", "CHC03", 2, 30, 120),
    Case("plant", "H10-COND", "PLT01", 3, HALF_HOUR, HALF_HOUR),
    Case("plant", "H10-PH", "PLT01", 3, HALF_HOUR, HALF_HOUR),
    Case("plant", "H11", "PLT01", 2, 60),
    Case("plant", "H12-VIB", "CT02", 2, 0),
    Case("plant", "H12-BASIN", "CT03", 2, 60, 1200),
    Case("plant", "TOWER", "CT01", 3, HALF_HOUR + 600),
    Case("plant", "TOWER-CYCLING", "CT06", 4, 3600),
    Case("plant", "PUMP-CYCLING", "SCHP06", 4, 3600),
    Case("plant", "PUMP-FLOW", "PCHP03", 2, 60 + 30, 60),
    Case("plant", "DOSE-STOP", "PLT01", 4, HALF_HOUR, QUARTER),
    Case("plant", "HEAT-BALANCE", "CHC02", 4, 3600 + QUARTER),
    Case("evening", "G01-FIRE", "fire-gateway-2", 1, 60),
    Case("evening", "G01-POWER", "UPS02", 2, 60),
    Case("evening", "H17", "AHU11", 4, HALF_HOUR),
    Case("evening", "H17-FCU", "FCU05", 4, HALF_HOUR),
    Case("evening", "H17-LTG", "LTG05", 4, HALF_HOUR),
    Case("evening", "VAV-SENSOR", "VAV03", 3, FIVE),
    Case("cold morning", "CMD-DAMPER", "AHU07", 3, 600),
    Case("cold morning", "CMD-VALVE", "AHU14", 3, 600),
    Case("cold morning", "VALVE-LEAK", "AHU16", 4, QUARTER + FIVE),
    Case("cold morning", "H13", "AHU16", 3, HALF_HOUR, FIVE),
    Case("cold morning", "FC8", "AHU14", 3, HALF_HOUR + FIVE, FIVE),
    Case("cold morning", "FC10", "AHU07", 3, HALF_HOUR + HALF_HOUR + FIVE),
    Case("cold morning", "FC11", "AHU07", 3, HALF_HOUR + HALF_HOUR + FIVE),
    Case("cold morning", "DQ-CROSS-DEW", "PLT01", 4, 0),
    Case("mixed air", "FC2", "AHU13", 3, HALF_HOUR + FIVE),
    Case("mixed air", "FC3", "AHU20", 3, HALF_HOUR + FIVE),
    Case("mixed air", "FC12", "AHU13", 3, HALF_HOUR + FIVE),
    # A box follows the air handler that feeds it.
    Case("mixed air", "VAV-HUNT", "VAV04", 4, 3600),
    Case("stray flow", "H03", "CHC01", 3, QUARTER, QUARTER),
    Case("stray flow", "LOW-DT", "PLT01", 3, QUARTER, QUARTER),
    Case("stray flow", "LOW-DT-DP", "PLT01", 3, QUARTER),
    Case("stray flow", "CW-COLD", "PLT01", 4, HALF_HOUR),
    Case("stray flow", "H13-OAH", "OAH01", 3, HALF_HOUR + 600, QUARTER),
    Case("no cold water", "CH-TRIP", "CHC02", 2, 0),
    Case("no cold water", "H01", "CHC01", 2, QUARTER),
    Case("no cold water", "H16", "AHU04", 3, HALF_HOUR, 3000),
    Case("starts", "CH-TRIP", "CHC01", 2, 0, 600),
    Case("starts", "H02", "CHC02", 1, 10, 600),
    Case("starts", "H08", "CHC01", 3, HALF_HOUR),
    Case("starts", "H08-SCREW", "CHS02", 3, HALF_HOUR),
    Case("starts", "H08-RESTART", "CHC01", 3, 0, 1200),
    Case("starts", "G04", "CHC03", 4, 300),
    Case("hot towers", "CH-CMD", "CHC03", 2, 300),
    Case("hot towers", "G02", "CT06", 2, 60),
    Case("hot towers", "G03", "CWP01", 2, 0),
    Case("hot towers", "H05", "CHC01", 2, 600),
    Case("hot towers", "TOWER", "CT02", 3, HALF_HOUR + 600),
    Case("a day of bad air", "I01-CO", "IAQ09", 2, 8 * 3600),
    Case("a day of bad air", "I01-CO2-8H", "IAQ05", 3, 8 * 3600),
    Case("a day of bad air", "I01-PM25", "IAQ06", 3, 24 * 3600),
    Case("a day of bad air", "I01-PM10", "IAQ06", 3, 24 * 3600),
    Case("a day of bad air", "H11-MAKEUP", "PLT01", 3, 24 * 3600),
    Case("a poor plant", "H09", "PLT01", 4, 24 * 3600),
    Case("a poor plant", "H09-BASE", "PLT01", 4, 3600 + 7200, 10 * 3600),
]  # fmt: skip


@cache
def shipped() -> tuple[Rule, ...]:
    return tuple(rule for rule in library() if rule.id.startswith(MINE))


@cache
def play(name: str) -> RulesAtWork:
    """A scene once, for all cases of it."""
    scene = SCENES[name]
    rules = [rule for rule in shipped() if not scene.rules or rule.id in scene.rules]
    work = RulesAtWork(scene.start, rules, seed=scene.seed, step_s=scene.step_s, graded=scene.graded)
    work.run(scene.settle_min * MINUTES)
    work.strike(scene.faults)
    work.run(scene.lasts_min * MINUTES)
    return work


EVENING = pytest.mark.xdist_group("evening")  # who looks at this scene shares its run


@pytest.mark.parametrize("name", [pytest.param(name, marks=EVENING if name == "evening" else ()) for name in SCENES])
def test_each_fault_rings_within_the_delay_of_its_rule_and_two_scans_and_nothing_else_does(name: str) -> None:
    """One test per scene, so that each is played once, whatever worker runs it."""
    work = play(name)
    cases = [case for case in CASES if case.scene == name]
    assert [mistake for case in cases if (mistake := mistake_of(work.heard, case))] == []

    meant = {(case.rule, case.unit) for case in cases}
    struck = {target.split(".")[0] for _, target in SCENES[name].faults}
    strange = [
        one
        for one in work.raised()
        if (one.rule, one.unit) not in meant and one.unit not in struck and not follows(SCENES[name], one)
    ]
    assert strange == []


def mistake_of(all_heard: Iterable[Heard], case: Case) -> str:
    """What is wrong with a rule that must ring; nothing when it rang in time, with its priority."""
    heard = [one for one in all_heard if (one.rule, one.unit) == (case.rule, case.unit)]
    begun = next((one for one in heard if one.kind is Change.RAISED), None)
    if begun is None:
        return f"{case.rule} did not ring at {case.unit}"
    due_s = case.onset_s + case.own_s + 2 * SCENES[case.scene].step_s
    if not 0.0 < begun.at_s <= due_s:
        return f"{case.rule} rang at {case.unit} after {begun.at_s:.0f} s, due are {due_s:.0f} s"
    worst = min(one.priority for one in heard)
    return "" if worst == case.priority else f"{case.rule} rang at {case.unit} with priority {worst}"


def follows(scene: Scene, one: Heard) -> bool:
    """Whether it is a consequence that the scene speaks of."""
    rules = {case.rule for case in CASES if SCENES[case.scene] is scene}
    whole = {"H03", "H05", "TOWER", "H13-OAH", "CH-TRIP"} & rules
    return one.unit.startswith(tuple(scene.also.get(one.rule, "none").split())) or one.rule in whole


def test_every_rule_of_air_and_cold_is_tried() -> None:
    elsewhere = {
        # What only a protocol shows, or a command.
        "DQ-CLOCK", "DQ-STALE", "DQ-RATE", "DQ-RATE-4", "LOW-DT-IDLE",
        # The twin's air handlers cool only and never too much; no node measures ozone.
        "FC5", "FC7", "FC14", "FC15", "SIMUL-AHU", "H16-COLD", "I01-O3",
    }  # fmt: skip
    assert {rule.id for rule in shipped()} - {case.rule for case in CASES} == elsewhere


@EVENING
def test_what_the_twin_cannot_show_is_not_applicable_and_says_why() -> None:
    work = play("evening")
    lacking = {item.rule for item in work.binding.unbound}
    assert {"FC5", "FC7", "FC14", "FC15", "SIMUL-AHU", "I01-O3"} <= lacking
    assert all(item.reason for item in work.binding.unbound)
    assert work.binding.problems == ()


@EVENING
def test_a_unit_that_stands_is_not_applicable_and_never_ok() -> None:
    work = play("evening")
    runs = work.city.column("AHU", "RunSts")
    standing = [f"AHU{number:02d}" for number, running in enumerate(runs, start=1) if not running]
    assert len(standing) >= 20
    for rule in ("FC1", "FC2", "FC13", "H13", "H14", "HUNT", "VALVE-LEAK"):
        answers = work.answers(rule)
        assert {answers[unit] for unit in standing} == {Answer.NOT_APPLICABLE}, rule


@pytest.mark.parametrize(
    "start", [at(2026, 7, 1, 6, 0), at(2026, 1, 13, 6, 0)], ids=["a summer's day", "a winter's day"]
)
def test_a_sound_building_rings_nothing_on_a_working_day(start: datetime) -> None:
    work = RulesAtWork(start, shipped(), step_s=2 * STEP_S)
    work.run(15.0 * 3600.0)
    assert work.raised() == []
