"""Shipped rules that the twin cannot show: heated air, ozone, doubts of the collector; and how legal means are rounded.

Figures are copied from the domain reference, not read from the rules.
"""

from typing import NamedTuple

import pytest
from tests.support.rule_trial import Trial

from cityhall_bms.domain.quality import Quality
from cityhall_bms.rules.files import library

RULES = {rule.id: rule for rule in library()}
HOUR = 3600.0
AHU, PLANT, NODE = "Air_Handling_Unit", "Chilled_Water_System", "IAQ_Sensor_Equipment"
HEATED = {
    "RunSts": 1.0, "HCV_Cmd": 60.0, "CCV_Cmd": 0.0, "OAD_Cmd": 20.0, "SAT": 30.0, "SAT_SP": 18.0, "MAT": 18.0,
    "CCET": 18.0, "CCLT": 18.0, "HCET": 18.0, "HCLT": 18.0,
}  # fmt: skip
UNITS = {
    "RunSts": "", "OccMode": "", "ChOnCnt": "", "HCV_Cmd": "%", "CCV_Cmd": "%", "OAD_Cmd": "%", "Cool_kW": "kW",
    "O3": "ppm", "CO2": "ppm", "CO": "ppm", "HCHO": "ppm", "TVOC": "ppm", "PM25": "µg/m³", "PM10": "µg/m³",
}  # fmt: skip


class Case(NamedTuple):
    """What must be so for a rule to ring, after how long; ``sound`` is what ends it."""

    rule: str
    brick_class: str
    values: dict[str, float]
    fault: dict[str, float]
    within_s: float


CASES = [
    # SAT + 1.1 <= MAT - 2.8 + 1.1: the heater does not warm the air.
    Case("FC5", AHU, HEATED, {"SAT": 15.1}, 0.5 * HOUR + 300),
    Case("FC7", AHU, HEATED, {"SAT": 16.8, "HCV_Cmd": 100.0}, 0.5 * HOUR + 300),
    # Coils that are not asked: root of 2.8² + 1.1², and 1.1 K of the fan.
    Case("FC14", AHU, HEATED, {"CCLT": 13.8}, 0.5 * HOUR + 300),
    Case("FC15", AHU, {**HEATED, "HCV_Cmd": 0.0}, {"HCLT": 22.2}, 0.5 * HOUR + 300),
    Case("SIMUL-AHU", AHU, HEATED, {"CCV_Cmd": 11.0}, 300),
    Case("LOW-DT-IDLE", PLANT, {"ChOnCnt": 1.0, "Cool_kW": 800.0}, {"Cool_kW": 90.0}, 0.5 * HOUR),
    Case("I01-O3", NODE, {"O3": 0.03}, {"O3": 0.09}, 8 * HOUR),
]


def trial_of(rule: str, brick_class: str, values: dict[str, float]) -> Trial:
    trial = Trial(RULES[rule], values=values, brick_class=brick_class, tick_s=60.0, units=UNITS)
    assert trial.binding.problems == ()
    return trial


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.rule)
def test_it_rings_for_its_fault_within_its_delay_and_returns_after_it(case: Case) -> None:
    trial = trial_of(case.rule, case.brick_class, case.values)
    assert trial.run(9 * HOUR) == []
    assert [what for _, _, what in trial.set(**case.fault).run(case.within_s + 120)] == ["raised"]
    assert [what for _, _, what in trial.set(**case.values).run(9 * HOUR)] == ["returned"]


@pytest.mark.parametrize("case", CASES[:5], ids=lambda case: case.rule)
def test_it_is_not_applicable_while_the_fan_stands(case: Case) -> None:
    trial = trial_of(case.rule, case.brick_class, {**case.values, "RunSts": 0.0, "HCV_Cmd": 0.0, "CCV_Cmd": 40.0})
    assert trial.set(**{**case.fault, "HCV_Cmd": 0.0, "CCV_Cmd": 40.0}).run(3 * HOUR) == []


class Legal(NamedTuple):
    """Article 2 of the Indoor Air Quality Standards: the last mean that keeps the limit, the first that does not."""

    rule: str
    role: str
    window_h: float
    kept: float
    beyond: float


LEGAL = [
    Legal("I01-CO2-8H", "CO2", 8, 1000.4, 1000.5),
    Legal("I01-CO", "CO", 8, 9.4, 9.5),
    Legal("I01-O3", "O3", 8, 0.0649, 0.065),
    Legal("I01-HCHO", "HCHO", 1, 0.0849, 0.085),
    Legal("I01-TVOC", "TVOC", 1, 0.5649, 0.565),
    Legal("I01-PM10", "PM10", 24, 75.4, 75.5),
    Legal("I01-PM25", "PM25", 24, 35.4, 35.5),
]


@pytest.mark.parametrize("legal", LEGAL, ids=lambda legal: legal.rule)
def test_a_legal_mean_exceeds_its_limit_after_rounding_to_the_limits_digits(legal: Legal) -> None:
    assert trial_of(legal.rule, NODE, {legal.role: legal.kept}).run((legal.window_h + 1) * HOUR) == []
    # A touch more: a mean of many samples of 0.065 may be a hair below it.
    trial = trial_of(legal.rule, NODE, {legal.role: legal.beyond * 1.0001})
    ((after_s, _, what),) = trial.run((legal.window_h + 1) * HOUR)
    assert (what, after_s >= 0.74 * legal.window_h * HOUR) == ("raised", True)


def test_a_legal_mean_needs_three_quarters_of_its_samples() -> None:
    trial = trial_of("I01-CO2-8H", NODE, {"CO2": 1500.0}).spoil(Quality.BAD_DEVICE_LOST, "CO2")
    trial.run(HOUR)
    trial.set(CO2=1500.0)
    assert trial.run(5.9 * HOUR) == []
    assert [what for _, _, what in trial.run(0.3 * HOUR)] == ["raised"]


class Doubt(NamedTuple):
    rule: str
    role: str
    quality: Quality
    priority: int
    within_s: float


DOUBTS = [
    Doubt("DQ-RATE", "SAT", Quality.UNCERTAIN_RATE, 3, HOUR),
    Doubt("DQ-RATE-4", "RAT", Quality.UNCERTAIN_RATE, 4, HOUR),
    Doubt("DQ-CLOCK", "Online", Quality.UNCERTAIN_CLOCK, 4, 60),
    Doubt("DQ-RANGE", "SAT", Quality.BAD_RANGE, 3, 120),
    Doubt("DQ-RANGE", "SAT", Quality.BAD_DEVICE_FAULT, 3, 120),
    Doubt("DQ-RANGE-4", "RAT", Quality.BAD_DECODE, 4, 120),
    Doubt("DQ-FLAT", "SAT", Quality.UNCERTAIN_FLATLINE, 3, 0.5 * HOUR),
]


@pytest.mark.parametrize("doubt", DOUBTS, ids=lambda doubt: f"{doubt.rule}-{doubt.quality.name}")
def test_a_value_that_cannot_be_trusted_rings_as_a_sensor_and_never_as_its_value(doubt: Doubt) -> None:
    trial = trial_of(doubt.rule, AHU, {doubt.role: 14.0})
    assert trial.run(2 * HOUR) == []
    heard = trial.spoil(doubt.quality, doubt.role).run(doubt.within_s + 120)
    assert [what for _, _, what in heard] == ["raised"]
    assert trial.proposals[-1].priority == doubt.priority
    assert [what for _, _, what in trial.set(**{doubt.role: 14.0}).run(300)] == ["returned"]


@pytest.mark.parametrize("quality", [Quality.BAD_DEVICE_LOST, Quality.BAD_TIMEOUT, Quality.BAD_OUT_OF_SERVICE])
@pytest.mark.parametrize("rule", ["DQ-RANGE", "DQ-STALE"])
def test_a_device_that_is_lost_is_no_fault_of_its_sensors(rule: str, quality: Quality) -> None:
    trial = trial_of(rule, AHU, {"SAT": 14.0})
    trial.run(300)
    trial.spoil(quality, "SAT").run(3 * HOUR)
    assert trial.heard == []


def test_a_point_that_nobody_hears_of_rings_after_three_quarters_of_an_hour() -> None:
    trial = trial_of("DQ-STALE", AHU, {"SAT": 14.0})
    trial.run(300)
    assert trial.freeze("SAT").run(45 * 60) == []
    assert [what for _, _, what in trial.run(120)] == ["raised"]
    assert [what for _, _, what in trial.set(SAT=14.0).run(120)] == ["returned"]


def test_a_point_that_was_never_heard_of_does_not_ring() -> None:
    trial = trial_of("DQ-STALE", AHU, {"SAT": 14.0}).spoil(Quality.BAD_NO_DATA, "SAT").freeze("SAT")
    assert trial.run(3 * HOUR) == []
