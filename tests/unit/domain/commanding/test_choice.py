"""What is offered to a person is what the checks let pass, and no more."""

import pytest
from tests.support.command_rig import AHU, CHILLER, EVSE, FCU, plant_site

from cityhall_bms.domain.commanding.checks import check_value
from cityhall_bms.domain.commanding.choice import Choice
from cityhall_bms.domain.commands import CommandTarget

SITE = plant_site()


def target(name: str) -> CommandTarget:
    point = SITE.points[name]
    return CommandTarget(1, point, SITE.equipment[point.equipment])


@pytest.mark.parametrize(
    ("name", "offered"),
    [
        (f"{CHILLER}.CHWS_SP", Choice(low=5.0, high=12.0, approved_low=5.0, approved_high=12.0)),
        (f"{FCU}.ZoneSP", Choice(low=26.0, high=28.0, approved_low=22.0, approved_high=30.0)),
        (f"{EVSE}.LimitA", Choice(low=6.0, high=32.0, approved_low=6.0, approved_high=32.0, also=(0.0,))),
        (f"{AHU}.StartCmd", Choice(states=(0.0, 1.0))),
    ],
)
def test_the_narrowest_of_range_and_limits_is_offered(name: str, offered: Choice) -> None:
    assert Choice.of(target(name), SITE.commanding) == offered


@pytest.mark.parametrize("name", [f"{CHILLER}.CHWS_SP", f"{FCU}.ZoneSP", f"{EVSE}.LimitA", f"{AHU}.StartCmd"])
def test_whatever_is_offered_passes_the_checks(name: str) -> None:
    choice = Choice.of(target(name), SITE.commanding)
    freely = [*choice.states, *choice.also, choice.low, choice.high]
    with_another = [choice.approved_low, choice.approved_high]
    for value in [*freely, *with_another]:
        if value is not None:
            limits = check_value(target(name), value, SITE.commanding)
            assert not limits.refusals
            assert not limits.needs or value not in freely
