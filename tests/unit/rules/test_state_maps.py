"""What each state of panels, lifts, escalators and chargers rings: the maps of the domain reference, section 10."""

from functools import cache

import pytest
from tests.support.rule_trial import Trial

from cityhall_bms.rules.files import library
from cityhall_bms.rules.model import ConditionRule
from cityhall_simulators.description import load_building

SOUND = {
    "Fire_Zone": {"State": 0.0, "Isolated": 0.0},
    "Elevator": {"FaultSig": 255.0, "CarMode": 1.0, "AlmBell": 0.0, "LoadPct": 10.0},
    "x:Escalator": {"FaultSig": 255.0, "StopBtn": 0.0},
    "x:Smoke_Exhaust_Fan": {"RunSts": 0.0, "TripAlm": 0.0, "AutoPos": 1.0},
    "Electric_Vehicle_Charging_Station": {"Status": 0.0, "ErrCode": 0.0, "ConnTemp": 30.0},
}
PATIENCE_S = 400.0
"""Longer than the longest delay of these rules."""

FIRE_ZONE = {
    0: None, 1: ("F01-ZPRE", 2), 2: ("F01-Z", 1), 3: ("F01-ZTRBL", 2), 4: ("F01-ZPRE", 2), 5: ("F01-Z", 1),
    6: ("F01-ZTRBL", 2), 7: ("F01-Z", 1), 8: ("F01-ZTRBL", 2), 9: None, 10: None, 11: None, 12: None,
    22: ("F01-ZSUPV", 2),
}  # fmt: skip
CAR_MODE = {
    **dict.fromkeys((0, 1, 2, 3, 4, 5, 7, 8, 9, 13)),
    **dict.fromkeys((6, 10), ("L02-MODE", 1)),
    11: ("L02-MODE", 2),
    12: ("L02-OOS", 4),
}
LIFT_FAULT = {255: None, **dict.fromkeys(range(17), ("L02", 2)), 8: ("L01-STOP", 1)}
ESCALATOR_FAULT = {255: None, **dict.fromkeys(range(9), ("L03", 2)), 3: ("L03", 1), 8: ("L03", 1)}
CHARGER = {**dict.fromkeys(range(7)), 7: ("V01-OFF", 4), 8: ("V01", 3)}
CHARGER_ERROR = {**dict.fromkeys((0, 1, 2, 4, 5, 6), ("V01", 3)), 3: ("V01-GND", 2)}
"""Of a station that is faulted."""


@cache
def rules_of(brick_class: str) -> tuple[ConditionRule, ...]:
    return tuple(rule for rule in library() if isinstance(rule, ConditionRule) and brick_class in rule.equipment_class)


@cache
def units_of(brick_class: str) -> dict[str, str]:
    points = load_building("full").points
    return {point.role.role: point.role.unit for point in points if point.equipment.brick_class == brick_class}


def sound(brick_class: str) -> Trial:
    """A sound unit beside a fire panel."""
    panel = {"TCH.B1.CN.FACP01": ("Fire_Alarm_Control_Panel", ["Alarm"])}
    trial = Trial(
        *rules_of(brick_class), values={**SOUND[brick_class], "Alarm": 0.0}, brick_class=brick_class, tick_s=5.0,
        units=units_of(brick_class) | {"Alarm": ""}, beside=panel,
    )  # fmt: skip
    trial.run(10.0)
    assert trial.proposals == []
    return trial


def rung(brick_class: str, **values: float) -> set[tuple[str, int]]:
    """Rules and priorities that a unit rings in the end which was sound and then shows some values."""
    trial = sound(brick_class)
    trial.set(**values).run(PATIENCE_S)
    return set({one.rule.id: one.priority for one in trial.proposals}.items())


def meant(rule: tuple[str, int] | None) -> set[tuple[str, int]]:
    return set() if rule is None else {rule}


@pytest.mark.parametrize(("state", "rule"), FIRE_ZONE.items())
def test_states_of_a_fire_zone(state: int, rule: tuple[str, int] | None) -> None:
    assert rung("Fire_Zone", State=state) == meant(rule)


@pytest.mark.parametrize(("mode", "rule"), CAR_MODE.items())
def test_modes_of_a_lift(mode: int, rule: tuple[str, int] | None) -> None:
    assert rung("Elevator", CarMode=mode, Alarm=float(mode == 11)) == meant(rule)


@pytest.mark.parametrize(
    ("brick_class", "shows"), [("Elevator", {"CarMode": 11.0}), ("x:Smoke_Exhaust_Fan", {"RunSts": 1.0})]
)
def test_what_the_fire_panel_calls_is_severe_only_once_no_panel_says_why(
    brick_class: str, shows: dict[str, float]
) -> None:
    trial = sound(brick_class)
    trial.set(Alarm=1.0, **shows).run(PATIENCE_S)
    assert [one.priority for one in trial.proposals] == [2]
    trial.set(Alarm=0.0).run(55.0)
    assert len(trial.proposals) == 1
    trial.run(10.0)
    assert [one.priority for one in trial.proposals] == [2, 1]


@pytest.mark.parametrize(("fault", "rule"), LIFT_FAULT.items())
def test_faults_of_a_lift(fault: int, rule: tuple[str, int] | None) -> None:
    assert rung("Elevator", FaultSig=fault) == meant(rule)


def test_a_lift_that_stopped_empty_between_floors_is_a_fault_and_traps_nobody() -> None:
    assert rung("Elevator", FaultSig=8, LoadPct=0.0) == {("L02", 2)}


@pytest.mark.parametrize(("fault", "rule"), ESCALATOR_FAULT.items())
def test_faults_of_an_escalator(fault: int, rule: tuple[str, int] | None) -> None:
    assert rung("x:Escalator", FaultSig=fault) == meant(rule)


@pytest.mark.parametrize(("status", "rule"), CHARGER.items())
def test_statuses_of_a_charging_station(status: int, rule: tuple[str, int] | None) -> None:
    assert rung("Electric_Vehicle_Charging_Station", Status=status) == meant(rule)


@pytest.mark.parametrize(("code", "rule"), CHARGER_ERROR.items())
def test_errors_of_a_charging_station(code: int, rule: tuple[str, int] | None) -> None:
    assert rung("Electric_Vehicle_Charging_Station", Status=8, ErrCode=code) == meant(rule)
