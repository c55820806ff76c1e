"""Values against ranges, states and limits; what the building's rules for commands allow, and no more."""

import pytest
from tests.support.command_rig import AHU, CHILLER, EVSE, FCU, plant_site

from cityhall_bms.domain.commanding.checks import check_value
from cityhall_bms.domain.commands import CommandTarget

SITE = plant_site()


def target(name: str) -> CommandTarget:
    point = SITE.points[name]
    return CommandTarget(1, point, SITE.equipment[point.equipment])


@pytest.mark.parametrize(
    ("name", "value", "answer"),
    [
        (f"{CHILLER}.CHWS_SP", 4.9, "no"),
        (f"{CHILLER}.CHWS_SP", 5.0, "yes"),
        (f"{CHILLER}.CHWS_SP", 12.0, "yes"),
        (f"{CHILLER}.CHWS_SP", 12.1, "no"),
        (f"{AHU}.SAT_SP", 11.9, "no"),
        (f"{AHU}.SAT_SP", 12.0, "yes"),
        (f"{AHU}.SAT_SP", 20.0, "yes"),
        (f"{AHU}.SAT_SP", 20.1, "no"),
        (f"{FCU}.ZoneSP", 21.9, "no"),
        (f"{FCU}.ZoneSP", 22.0, "second person"),
        (f"{FCU}.ZoneSP", 25.9, "second person"),
        (f"{FCU}.ZoneSP", 26.0, "yes"),
        (f"{FCU}.ZoneSP", 28.0, "yes"),
        (f"{FCU}.ZoneSP", 30.0, "second person"),
        (f"{FCU}.ZoneSP", 30.1, "no"),
        (f"{EVSE}.LimitA", 0.0, "yes"),
        (f"{EVSE}.LimitA", 5.9, "no"),
        (f"{EVSE}.LimitA", 6.0, "yes"),
        (f"{EVSE}.LimitA", 32.0, "yes"),
        (f"{EVSE}.LimitA", 32.1, "no"),
        (f"{AHU}.CCV_Cmd", 100.0, "yes"),
        (f"{AHU}.CCV_Cmd", 100.1, "no"),
        (f"{AHU}.StartCmd", 1.0, "yes"),
        (f"{AHU}.StartCmd", 0.5, "no"),
        (f"{AHU}.StartCmd", float("nan"), "no"),
        (f"{AHU}.CCV_Cmd", float("inf"), "no"),
    ],
)
def test_what_a_point_may_be_given(name: str, value: float, answer: str) -> None:
    limits = check_value(target(name), value, SITE.commanding)
    assert ("no" if limits.refusals else "second person" if limits.needs else "yes") == answer


def test_a_refusal_says_what_is_allowed_in_both_languages() -> None:
    [refusal] = check_value(target(f"{EVSE}.LimitA"), 3.0, SITE.commanding).refusals
    assert str(refusal) == "EV：允許 0、6–32 A / EV: allowed are 0, 6–32 A"
