"""Who is told when: rosters, routes, channels and quiet hours."""

from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from tests.support.notification_plans import AHU, PLAN, SCHEDULES, quiet

from cityhall_bms.domain.notifications import Duty, Group, Route


def us(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Asia/Taipei")).timestamp() * 1e6)


NOON, MIDNIGHT = us("2026-07-01T12:00"), us("2026-07-01T00:00")


def test_the_roster_says_who_is_on_duty() -> None:
    group = PLAN.groups["duty"]

    assert group.on_duty(NOON, SCHEDULES) == ("wang",)
    assert group.on_duty(MIDNIGHT, SCHEDULES) == ("li",)


def test_where_the_roster_has_a_hole_everybody_is_told() -> None:
    group = Group("g", "", (), (Duty("never", ("wang",)), Duty("never", ("li", "wang"))))

    assert group.on_duty(NOON, SCHEDULES) == ("wang", "li")


def test_people_who_always_belong_are_told_beside_those_on_duty_and_once() -> None:
    group = Group("g", "", ("chief", "wang"), (Duty("day", ("wang", "li")),))

    assert group.on_duty(NOON, SCHEDULES) == ("chief", "wang", "li")


def test_a_channel_is_used_for_its_priorities_only() -> None:
    assert list(PLAN.ways("duty", 1, MIDNIGHT, SCHEDULES)) == [("li", "li_line"), ("li", "li_sms")]
    assert list(PLAN.ways("duty", 2, MIDNIGHT, SCHEDULES)) == [("li", "li_line")]


def test_routes_go_by_priority_system_place_and_level() -> None:
    plan = replace(
        PLAN,
        routes=(
            Route("duty", (1, 2), systems=("hvac",)),
            Route("chiefs", (1,), places=("05F.W",)),
            Route("chiefs", (1,), level=1),
        ),
    )

    assert plan.groups_for(1, "hvac", AHU, 0) == ("duty", "chiefs")
    assert plan.groups_for(2, "hvac", AHU, 0) == ("duty",)
    assert plan.groups_for(1, "power", "TCH.05F.E.TR01", 0) == ()
    assert plan.groups_for(1, "power", "TCH.05F.E.TR01", 1) == ("chiefs",)
    assert plan.groups_for(1, "", "", 0) == (), "an alarm without equipment lies in no place"


def test_an_escalation_to_a_group_of_ours_goes_there_too() -> None:
    assert PLAN.groups_for(2, "hvac", AHU, 1, to="chiefs") == ("chiefs",)
    assert PLAN.groups_for(2, "hvac", AHU, 1, to="主管") == ("chiefs",)
    assert PLAN.groups_for(2, "hvac", AHU, 1, to="somebody else") == ()


def test_quiet_hours_end_when_their_schedule_does_and_never_hold_priority_1() -> None:
    plan = quiet(PLAN, priorities=(2, 3))

    assert plan.quiet_until(2, MIDNIGHT, SCHEDULES) == us("2026-07-01T08:00")
    assert plan.quiet_until(2, NOON, SCHEDULES) == 0
    assert plan.quiet_until(1, MIDNIGHT, SCHEDULES) == 0
    assert plan.quiet_until(4, MIDNIGHT, SCHEDULES) == 0


def test_quiet_hours_that_follow_each_other_end_with_the_last_and_never_last_for_ever() -> None:
    both = replace(PLAN, quiet=(*quiet(PLAN, "night").quiet, *quiet(PLAN, "day").quiet))

    end = both.quiet_until(2, MIDNIGHT, SCHEDULES)

    assert MIDNIGHT < end < us("2026-07-20T00:00")
