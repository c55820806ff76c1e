"""What points are to hold at a moment: of schedules, bookings and scenes."""

from dataclasses import replace

import pytest
from tests.support.command_rig import CHILLER, FCU, PANEL
from tests.support.scheduled_site import START, at, daily, entries, programme, scheduled_site, values

from cityhall_bms.domain.calendars import DayKind
from cityhall_bms.domain.scheduling.bookings import Booking, BookingKind, BookingState, BookingWish
from cityhall_bms.domain.scheduling.days import DayForm, DayRule
from cityhall_bms.domain.scheduling.programme import Programme, Scene, SchedulePlan
from cityhall_bms.domain.scheduling.schedule import OptimumStart, SpecialEvent, Targets
from cityhall_bms.domain.scheduling.wanted import Horizon, first_value, upcoming, wanted

SITE = scheduled_site()
SAT, ZONE = START.replace("StartCmd", "SAT_SP"), f"{FCU}.ZoneSP"
CLOSED = SpecialEvent(DayRule(DayForm.CALENDAR, kind=DayKind.HOLIDAY), entries("00:00=0"), 3)
OPEN = daily("OFFICE", "08:00=1", "17:30=0")


def evening(state: BookingState = BookingState.APPROVED, day: str = "2026-03-02") -> Booking:
    wish = BookingWish(
        BookingKind.EVENT, "hall", ("B2.CN",), at(f"{day} 19:00"), at(f"{day} 21:00"), 80, "里民大會"
    )  # fmt: skip
    return Booking(f"{day}-abc", wish, state, "王小明", 0)


def with_booking(booking: Booking) -> Programme:
    return programme(replace(OPEN, specials=(CLOSED,)), bookings={booking.booking: booking})


def asked(found: Programme, time: str) -> dict[str, float]:
    return values(wanted(Horizon(SITE, found), at(time)))


def test_points_are_meant_by_name_and_by_role_class_and_place() -> None:
    schedule = daily(
        "A", "00:00=1", targets=Targets(roles=("StartCmd",), classes=("Air_Handling_Unit",), places=("B2",))
    )
    assert list(asked(programme(schedule), "2026-03-02 12:00")) == [START]
    assert (
        asked(programme(replace(schedule, targets=replace(schedule.targets, places=("05",)))), "2026-03-02 12:00") == {}
    )


def test_life_safety_is_never_wanted_whoever_named_it() -> None:
    schedule = daily("A", "00:00=1", targets=Targets(points=(f"{PANEL}.Reset", f"{PANEL}.Alarm", START)))
    assert asked(programme(schedule), "2026-03-02 12:00") == {START: 1.0}


def test_of_two_schedules_an_exception_comes_before_weekly_hours_and_those_before_a_default() -> None:
    rests, works = daily("A", default=0.0), daily("B", "08:00=1", "17:30=-")
    assert asked(programme(rests, works), "2026-03-02 12:00") == {START: 1.0}
    assert asked(programme(rests, works), "2026-03-02 20:00") == {START: 0.0}
    assert asked(programme(works, replace(rests, specials=(CLOSED,))), "2026-02-28 12:00") == {START: 0.0}


@pytest.mark.parametrize(
    ("time", "value"),
    [("2026-03-02 18:29", 0.0), ("2026-03-02 18:30", 1.0), ("2026-03-02 20:59", 1.0), ("2026-03-02 21:00", 0.0)],
)
def test_an_approved_booking_has_the_plant_run_half_an_hour_ahead_until_its_end(time: str, value: float) -> None:
    assert asked(with_booking(evening()), time)[START] == value
    assert asked(with_booking(evening(BookingState.REQUESTED)), time)[START] == 0.0


def test_a_closure_comes_before_a_booking() -> None:
    assert asked(with_booking(evening(day="2026-02-28")), "2026-02-28 20:00") == {START: 0.0}


def test_a_scene_holds_while_its_schedule_is_not_0() -> None:
    plan = SchedulePlan(
        (daily("A", "20:00=1", "22:00=0", targets=Targets(scene="MEETING")),), (Scene("MEETING", {SAT: 15.0, ZONE: 26.0}),)
    )  # fmt: skip
    assert asked(Programme(plan), "2026-03-02 21:00") == {SAT: 15.0, ZONE: 26.0}
    assert asked(Programme(plan), "2026-03-02 22:00") == {}


def test_what_comes_next_is_when_another_value_is_wanted() -> None:
    horizon = Horizon(SITE, with_booking(evening()))
    when, want = upcoming(horizon, at("2026-03-02 18:00"), [START])[START]
    assert (when, want and want.source) == (at("2026-03-02 18:30"), "booking/2026-03-02-abc")
    when, want = upcoming(horizon, at("2026-03-02 22:00"), [START])[START]
    assert (when, want) == (at("2026-03-03 00:00"), None), "a day begins with nothing"
    when, want = upcoming(horizon, at("2026-03-03 00:00"), [START])[START]
    assert (when, want and want.value) == (at("2026-03-03 08:00"), 1.0)
    assert upcoming(Horizon(SITE, programme(daily("A", "00:00=1"))), at("2026-03-02 22:00"), [START]) == {}


def test_a_begin_comes_early_by_as_much_as_each_point_needs_and_no_earlier() -> None:
    schedule = replace(OPEN, optimum_start=OptimumStart("RAT", 27.0, 90))
    horizon = Horizon(SITE, programme(schedule))
    assert first_value(horizon.days, schedule, at("2026-03-02 06:30"), at("2026-03-02 09:00"))[0] == at(
        "2026-03-02 08:00"
    )  # type: ignore[index]
    before, due = (wanted(horizon, at(f"2026-03-02 {time}"), {START: 40}) for time in ("07:19", "07:20"))
    assert START not in before
    assert (due[START].value, due[START].early) == (1.0, True)
    assert values(wanted(horizon, at("2026-03-02 17:30"), {START: 40})) == {START: 0.0}


def test_a_schedule_that_writes_a_chiller_writes_no_other_point_of_it() -> None:
    schedule = daily("A", "00:00=1", targets=Targets(roles=("EnableCmd",)))
    assert list(asked(programme(schedule), "2026-03-02 12:00")) == [f"{CHILLER}.EnableCmd"]
