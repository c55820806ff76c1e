"""What is found before a schedule, scene or booking is saved."""

from dataclasses import replace
from datetime import date

import pytest
from tests.support.command_rig import AHU, CHILLER, FCU, PANEL
from tests.support.scheduled_site import OFFICE, START, at, daily, entries, programme, scheduled_site

from cityhall_bms.domain.calendars import Calendar, DayKind, Schedules
from cityhall_bms.domain.errors import RefusedError
from cityhall_bms.domain.scheduling.bookings import (
    Booking,
    BookingGrounds,
    BookingKind,
    BookingPlan,
    BookingState,
    BookingWish,
    answer_booking,
    booking_conflicts,
    cancel_booking,
)
from cityhall_bms.domain.scheduling.conflict import Conflict, check
from cityhall_bms.domain.scheduling.conflicts import scene_conflicts, schedule_conflicts
from cityhall_bms.domain.scheduling.days import DayForm, DayRule
from cityhall_bms.domain.scheduling.programme import Programme, Scene
from cityhall_bms.domain.scheduling.schedule import OptimumStart, PointSchedule, SpecialEvent, Targets

SITE = scheduled_site()
NOW = at("2026-03-02 12:00")
HOURS = daily("HOURS", "08:00=1", "17:30=0")


def codes(found: list[Conflict]) -> set[tuple[str, str]]:
    return {(conflict.severity.value, conflict.code) for conflict in found}


def of(schedule: PointSchedule, known: Programme | None = None) -> set[tuple[str, str]]:
    return codes(schedule_conflicts(SITE, known or programme(), schedule, NOW))


def aimed(point: str, *texts: str, **changes: object) -> PointSchedule:
    return daily("A", *texts, targets=Targets(points=(point,)), **changes)


@pytest.mark.parametrize(
    ("schedule", "code"),
    [
        (aimed("TCH.B2.CN.AHU99.StartCmd", "08:00=1"), "unknown"),
        (aimed(f"{PANEL}.Reset", "08:00=1"), "read-only"),
        (aimed(f"{CHILLER}.CHWS_T", "08:00=7"), "read-only"),
        (aimed(START, "08:00=2"), "range"),
        (aimed(f"{AHU}.SAT_SP", "08:00=31"), "range"),
        (aimed(f"{AHU}.SAT_SP", "08:00=22"), "limit"),
        (aimed(f"{FCU}.ZoneSP", "08:00=24"), "limit"),
        (daily("A", "08:00=1", targets=Targets(roles=("Nothing",))), "nothing"),
        (daily("A", "08:00=1", targets=Targets(scene="NOWHERE")), "unknown"),
        (daily("A", "08:00=1", calendar="library"), "unknown"),
        (aimed(f"{CHILLER}.EnableCmd", "08:00=1", "08:15=0"), "minimum-time"),
        (daily("A", "08:00=1", "12:00=0", "12:04=1"), "minimum-time"),
    ],
)
def test_what_cannot_be_is_a_problem(schedule: PointSchedule, code: str) -> None:
    assert ("problem", code) in of(schedule)
    with pytest.raises(RefusedError):
        check(schedule_conflicts(SITE, programme(), schedule, NOW))


@pytest.mark.parametrize(
    ("schedule", "code"),
    [
        (daily("A", "08:00=1", "17:00=0", valid_until=date(2026, 3, 1)), "over"),
        (daily("A"), "empty"),
        (aimed(f"{CHILLER}.EnableCmd", "08:00=1", "17:00=-"), "no-fallback"),
        (aimed(f"{CHILLER}.EnableCmd", "08:00=1", "17:00=0", optimum_start=OptimumStart("RAT", 27.0)), "no-room"),
    ],
)
def test_what_somebody_should_know_is_a_warning(schedule: PointSchedule, code: str) -> None:
    assert ("warning", code) in of(schedule)


def test_a_calendar_without_days_or_at_its_end_is_told() -> None:
    schedule = replace(HOURS, specials=(SpecialEvent(DayRule(DayForm.CALENDAR), entries("00:00=0")),))
    assert of(schedule) == set()
    empty = replace(SITE, schedules=Schedules("Asia/Taipei", (Calendar("office"),)))
    assert codes(schedule_conflicts(empty, programme(), schedule, NOW)) == {("warning", "empty-calendar")}
    late = at("2027-01-01 12:00")
    assert codes(schedule_conflicts(SITE, programme(), schedule, late)) == {("warning", "calendar-ends")}
    assert max(OFFICE.days) == date(2027, 1, 1)


def test_two_schedules_that_want_something_else_of_a_point_at_once_are_told_with_point_and_moment() -> None:
    other = daily("LATE", "17:00=1", "19:00=-")
    [conflict] = schedule_conflicts(SITE, programme(HOURS), other, NOW)
    assert (conflict.code, conflict.points, conflict.at) == ("overlap", (START,), at("2026-03-02 17:30"))
    agreeing = daily("LATE", "08:00=1", "17:30=-")
    assert of(agreeing, programme(HOURS)) == set()
    assert of(replace(other, enabled=False), programme(HOURS)) == set()
    assert of(replace(HOURS, weekly=other.weekly), programme(HOURS)) == set(), "it takes the place of itself"


def test_an_exception_over_the_hours_of_another_schedule_is_no_conflict() -> None:
    drill = SpecialEvent(DayRule(DayForm.DATES, date(2026, 3, 4)), entries("12:00=0", "13:00=-"), 5)
    assert of(PointSchedule("DRILL", Targets(points=(START,)), specials=(drill,)), programme(HOURS)) == set()


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({}, "size"),
        ({f"{PANEL}.Reset": 1.0}, "read-only"),
        ({"TCH.X": 1.0}, "unknown"),
        ({START: 3.0}, "range"),
    ],
)
def test_a_scene_of_what_is_never_written_is_refused(values: dict[str, float], code: str) -> None:
    assert code in {conflict.code for conflict in scene_conflicts(SITE, Scene("S", values), 50)}


def test_a_scene_may_ask_for_what_a_second_person_agrees_to() -> None:
    assert scene_conflicts(SITE, Scene("S", {f"{FCU}.ZoneSP": 24.0, START: 1.0}), 50) == []


def wish(
    begin: str = "2026-03-03 19:00", until: str = "2026-03-03 21:00", people: int = 12, **changes: object
) -> BookingWish:
    plain = BookingWish(BookingKind.AFTER_HOURS, "", ("B2.CN",), at(begin), at(until), people, "年度結算")
    return replace(plain, **changes)  # type: ignore[arg-type]


def booked(found: BookingWish, **grounds: object) -> set[tuple[str, str]]:
    plain = BookingGrounds(NOW, [], {START: 1.0})
    return codes(booking_conflicts(found, BookingPlan(), replace(plain, **grounds)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("found", "code"),
    [
        (wish(people=9), "people"),
        (wish(begin="2026-03-02 15:59"), "notice"),
        (wish(until="2026-03-03 19:00"), "times"),
        (wish(until="2026-03-04 12:00"), "length"),
        (wish(space="ballroom"), "unknown"),
    ],
)
def test_a_booking_that_breaks_a_rule_is_a_problem(found: BookingWish, code: str) -> None:
    assert ("problem", code) in booked(found)


def test_ten_people_and_four_hours_ahead_are_enough_and_an_event_needs_no_number() -> None:
    assert booked(wish(begin="2026-03-02 16:00", people=10, until="2026-03-02 20:00")) == set()
    assert booked(wish(people=1, kind=BookingKind.EVENT)) == set()


def test_a_space_is_for_one_event_at_a_time_and_air_after_hours_is_shared() -> None:
    event = wish(kind=BookingKind.EVENT)
    there = Booking("2026-03-03-a", event, BookingState.REQUESTED, "王小明", 0)
    assert booked(event, others=[there]) == {("problem", "double-booking")}
    assert booked(wish(), others=[there]) == set()
    after = wish("2026-03-03 21:00", "2026-03-03 22:00", kind=BookingKind.EVENT)
    assert booked(after, others=[there]) == set()
    assert booked(event, others=[replace(there, state=BookingState.DECLINED)]) == set()


def test_a_closed_building_and_works_are_told_and_nothing_to_switch_is_a_problem() -> None:
    told = booked(wish(), closed=["2026-03-03 颱風"], permits=["2026-03-01-1"], points={})
    assert told == {("warning", "closed"), ("warning", "permit"), ("problem", "nothing")}


def test_whoever_asked_does_not_approve_and_what_is_settled_stays() -> None:
    asked = Booking("B", wish(), BookingState.REQUESTED, "王小明", 0)
    with pytest.raises(RefusedError, match="second person"):
        answer_booking(asked, approved=True, by="王小明")
    answer_booking(asked, approved=False, by="王小明")
    answer_booking(asked, approved=True, by="李小華")
    with pytest.raises(RefusedError, match="already"):
        answer_booking(replace(asked, state=BookingState.DECLINED), approved=True, by="李小華")
    cancel_booking(asked, NOW)
    with pytest.raises(RefusedError, match="over"):
        cancel_booking(asked, asked.wish.until)
    assert DayKind.HOLIDAY == "holiday"
