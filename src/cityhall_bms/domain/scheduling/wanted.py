"""What every scheduled point is to hold at a moment, by what, and what comes next: functions of what is known."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from cityhall_bms.domain.scheduling.bookings import MINUTE_US, Booking, BookingState
from cityhall_bms.domain.scheduling.programme import Programme
from cityhall_bms.domain.scheduling.resolving import booked_points, days_of, may_write, points_of
from cityhall_bms.domain.scheduling.schedule import BOOKING, Choice, Days, PointSchedule
from cityhall_bms.domain.site import Site

LOOK_AHEAD_US: Final = 15 * 86_400_000_000
"""How far it is looked for what comes next."""
Early = Mapping[str, int]
"""By how many minutes each point begins before its schedule's first value, where it has an optimum start."""


@dataclass(frozen=True, slots=True)
class Want:
    """A point is to hold a value, by a schedule or a booking; ``early``: before the plain begin."""

    value: float
    precedence: int
    source: str
    """``schedule/AHU-OFFICE`` or ``booking/2026-07-01-a3f9``."""
    text_zh: str = ""
    text_en: str = ""
    early: bool = False


@dataclass(frozen=True)
class Horizon:
    """A programme at a site, made ready to be asked about many moments."""

    site: Site
    programme: Programme
    days: Days = field(init=False)
    schedules: Mapping[str, PointSchedule] = field(init=False)
    points: Mapping[str, Mapping[str, float | None]] = field(init=False)
    """Points of each schedule; with the value of a scene, none where the schedule's own counts."""
    bookings: Sequence[tuple[Booking, Mapping[str, float]]] = field(init=False)

    def __post_init__(self) -> None:
        schedules = {
            name: kept.what for name, kept in self.programme.schedules.items() if kept.what.enabled
        }  # fmt: skip
        plan = self.programme.plan.bookings
        approved = [each for each in self.programme.bookings.values() if each.state is BookingState.APPROVED]
        object.__setattr__(self, "days", days_of(self.site, self.programme))
        object.__setattr__(self, "schedules", schedules)
        object.__setattr__(self, "points", {name: self.points_of(what) for name, what in schedules.items()})
        booked = [(each, booked_points(self.site, plan, each.wish)) for each in approved]
        object.__setattr__(self, "bookings", booked)

    def points_of(self, schedule: PointSchedule) -> dict[str, float | None]:
        """Points that a schedule writes. What is never commanded is none of them, whoever named it."""
        found: dict[str, float | None] = dict.fromkeys(points_of(self.site, schedule.targets))
        scene = self.programme.scenes.get(schedule.targets.scene)
        if scene is not None:
            found |= scene.what.values
        return {name: value for name, value in found.items() if may_write(self.site, name)}

    def begin_of(self, booking: Booking) -> int:
        """When the plant is to run for a booking."""
        return booking.wish.begin - self.programme.plan.bookings.lead_min * MINUTE_US


def wanted(horizon: Horizon, at: int, early: Early | None = None) -> dict[str, Want]:
    """What every point is to hold at ``at`` (µs UTC); a point of which nothing is wanted is not among them.

    Of several the highest precedence counts, of equals the first by name: bookings before schedules of the same.
    """
    found: dict[str, Want] = {}
    for point, want in _candidates(horizon, at, early or {}):
        known = found.get(point)
        if known is None or want.precedence < known.precedence:
            found[point] = want
    return found


def first_value(days: Days, schedule: PointSchedule, begin: int, end: int) -> tuple[int, Choice] | None:
    """When a schedule begins, after a time without or of 0, to ask for something else; none before ``end``."""
    resting: bool | None = None
    for change in days.changes(schedule, begin, end):
        asks = bool(change.choice.value)
        if resting and asks:
            return change.at, change.choice
        resting = not asks
    return None


def upcoming(horizon: Horizon, at: int, points: Sequence[str]) -> dict[str, tuple[int, Want | None]]:
    """When something else is wanted next of some points, and what; where nothing changes a point is left out."""
    now, left = wanted(horizon, at), set(points)
    found: dict[str, tuple[int, Want | None]] = {}
    for edge in _edges(horizon, at, at + LOOK_AHEAD_US, left):
        then = wanted(horizon, edge)
        for point in [name for name in left if _value(then.get(name)) != _value(now.get(name))]:
            found[point] = (edge, then.get(point))
            left.discard(point)
        if not left:
            break
    return found


def _candidates(horizon: Horizon, at: int, early: Early) -> Iterator[tuple[str, Want]]:
    for booking, points in horizon.bookings:
        if horizon.begin_of(booking) <= at < booking.wish.until:
            source, purpose = f"booking/{booking.booking}", booking.wish.purpose
            for point, value in points.items():
                yield point, Want(value, BOOKING, source, purpose, purpose)
    for name, schedule in horizon.schedules.items():
        choice = horizon.days.at(schedule, at)
        yield from _of_schedule(name, choice, horizon.points[name])
        if schedule.optimum_start is not None and not choice.value:
            yield from _early(horizon, name, at, early)


def _of_schedule(
    name: str, choice: Choice, points: Mapping[str, float | None], *, early: bool = False
) -> Iterator[tuple[str, Want]]:
    if choice.value is None:
        return
    for point, of_scene in points.items():
        if of_scene is not None and choice.value == 0.0:
            continue
        value = choice.value if of_scene is None else of_scene
        precedence = choice.precedence - early  # what begins early comes before the rest that it cuts short
        yield point, Want(value, precedence, f"schedule/{name}", choice.text_zh, choice.text_en, early)


def _early(horizon: Horizon, name: str, at: int, early: Early) -> Iterator[tuple[str, Want]]:
    points = {point: value for point, value in horizon.points[name].items() if early.get(point)}
    if not points:
        return
    schedule = horizon.schedules[name]
    begin = first_value(horizon.days, schedule, at, at + max(early[point] for point in points) * MINUTE_US + 1)
    if begin is not None:
        due = {point: value for point, value in points.items() if begin[0] - early[point] * MINUTE_US <= at}
        yield from _of_schedule(name, begin[1], due, early=True)


def _edges(horizon: Horizon, begin: int, end: int, points: set[str]) -> list[int]:
    """Moments at which something may change for some points, in order."""
    edges: set[int] = set()
    for name, schedule in horizon.schedules.items():
        if not points.isdisjoint(horizon.points[name]):
            edges |= {change.at for change in horizon.days.changes(schedule, begin, end)}
    for booking, booked in horizon.bookings:
        if not points.isdisjoint(booked):
            edges |= {horizon.begin_of(booking), booking.wish.until}
    return sorted(edge for edge in edges if begin < edge < end)


def _value(want: Want | None) -> float | None:
    return None if want is None else want.value
