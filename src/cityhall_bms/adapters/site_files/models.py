"""The closed tables of ``site.toml``, ``devices/*.toml`` and ``profiles/*.toml``."""

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

NonEmpty = Annotated[str, Field(min_length=1)]
Code = Annotated[str, Field(pattern=r"^[A-Z0-9]+$")]
Role = Annotated[str, Field(pattern=r"^[A-Za-z0-9_]+$")]
Day = date
"""A field of that name hides the class."""
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
Priorities = Annotated[list[Annotated[int, Field(ge=1, le=4)]], Field(min_length=1)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Area = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class SiteTable(_Table):
    """``[site]``: which building this is; areas in m², ``parking_area_m2`` the indoor parking within ``area_m2``."""

    code: Code
    name_zh: NonEmpty
    name_en: NonEmpty
    time_zone: NonEmpty
    simulated: bool = False
    area_m2: Area | None = None
    parking_area_m2: Area | None = None
    staff: Annotated[int, Field(ge=1, le=1_000_000)] | None = None

    @model_validator(mode="after")
    def _parking_inside(self) -> Self:
        if self.area_m2 is not None and self.parking_area_m2 is not None and self.parking_area_m2 >= self.area_m2:
            msg = f"parking_area_m2 ({self.parking_area_m2:g}) is no part of area_m2 ({self.area_m2:g})"
            raise ValueError(msg)
        return self


class PlaceTable(_Table):
    """One of ``[[floors]]`` (bottom to top) or ``[[zones]]``."""

    code: Code
    name_zh: NonEmpty
    name_en: NonEmpty


class DaysTable(_Table):
    """Some days: one, or all until another (included)."""

    date: Day
    until: Day | None = None
    text_zh: str = ""
    text_en: str = ""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.until is not None and self.until < self.date:
            msg = f"until ({self.until}) is before date ({self.date})"
            raise ValueError(msg)
        return self

    @property
    def last(self) -> Day:
        """The last of the days."""
        return self.until or self.date


class SpecialDayTable(DaysTable):
    """One ``[[calendar.day]]``."""

    kind: Literal["holiday", "workday"]


class CalendarTable(_Table):
    """One ``[[calendar]]``; ``files`` are CSV files of the site folder."""

    name: Name
    text_zh: str = ""
    text_en: str = ""
    workdays: list[Weekday] = ["monday", "tuesday", "wednesday", "thursday", "friday"]
    files: list[NonEmpty] = []
    day: list[SpecialDayTable] = []


class ExceptionTable(DaysTable):
    """One ``[[schedule.exception]]``; no periods: closed."""

    periods: list[str]


class ScheduleTable(_Table):
    """One ``[[schedule]]``: periods like ``08:00-17:30`` by day class."""

    name: Name
    text_zh: str = ""
    text_en: str = ""
    calendar: str = ""
    valid_from: date | None = None
    valid_until: date | None = None
    every_day: list[str] | None = None
    workdays: list[str] | None = None
    weekend: list[str] | None = None
    holidays: list[str] | None = None
    monday: list[str] | None = None
    tuesday: list[str] | None = None
    wednesday: list[str] | None = None
    thursday: list[str] | None = None
    friday: list[str] | None = None
    saturday: list[str] | None = None
    sunday: list[str] | None = None
    exception: list[ExceptionTable] = []

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.valid_from and self.valid_until and self.valid_until < self.valid_from:
            msg = f"valid_until ({self.valid_until}) is before valid_from ({self.valid_from})"
            raise ValueError(msg)
        return self


class SchedulesFile(_Table):
    """Calendars and schedules, as the shipped ones stand in a file of their own."""

    calendar: list[CalendarTable] = []
    schedule: list[ScheduleTable] = []


class SiteFile(SchedulesFile):
    """``site.toml``."""

    site: SiteTable
    floors: Annotated[list[PlaceTable], Field(min_length=1)]
    zones: Annotated[list[PlaceTable], Field(min_length=1)]


class NotificationsTable(_Table):
    """``[notifications]``: what holds for all of them; times in seconds."""

    link: Annotated[str, Field(pattern=r"^(https?://.*)?$")] = ""
    again_after_s: Annotated[float, Field(ge=0.0, le=86_400.0)] = 900.0
    flood_after: Annotated[int, Field(ge=1, le=1_000)] = 10
    flood_period_s: Annotated[float, Field(ge=10.0, le=86_400.0)] = 600.0


class ChannelTable(_Table):
    """One ``[[channel]]``: the name of an address that stands with the secrets."""

    name: Name
    priorities: Priorities = [1, 2, 3, 4]


class PersonTable(_Table):
    """One ``[[person]]``."""

    name: Name
    text: NonEmpty
    channels: Annotated[list[str], Field(min_length=1)]


class DutyTable(_Table):
    """One ``[[group.duty]]``: who is on duty while a schedule holds."""

    schedule: NonEmpty
    people: Annotated[list[str], Field(min_length=1)]


class GroupTable(_Table):
    """One ``[[group]]``."""

    name: Name
    text: NonEmpty
    people: list[str] = []
    duty: list[DutyTable] = []

    @model_validator(mode="after")
    def _somebody(self) -> Self:
        if not (self.people or self.duty):
            msg = "nobody belongs to it: name people, or add a [[group.duty]]"
            raise ValueError(msg)
        return self


class RouteTable(_Table):
    """One ``[[route]]``: which alarms go to a group."""

    group: NonEmpty
    priorities: Priorities
    systems: list[Literal["hvac", "power", "lift", "water", "fire", "parking", "security", "environment"]] = []
    places: list[str] = []
    level: Annotated[int, Field(ge=0, le=9)] = 0
    returned: bool = False


class QuietTable(_Table):
    """One ``[[quiet]]``; priority 1 is never held back."""

    schedule: NonEmpty
    priorities: Annotated[list[Annotated[int, Field(ge=2, le=4)]], Field(min_length=1)]


class NotificationsFile(_Table):
    """``notifications.toml``."""

    notifications: NotificationsTable = NotificationsTable()
    channel: list[ChannelTable] = []
    person: list[PersonTable] = []
    group: list[GroupTable] = []
    route: list[RouteTable] = []
    quiet: list[QuietTable] = []


class DeviceTable(_Table):
    """``[device]`` of a device file; times in seconds."""

    protocol: NonEmpty
    text_zh: NonEmpty
    text_en: NonEmpty
    profile: NonEmpty | None = None
    timeout_s: Annotated[float, Field(gt=0.0, le=60.0)] = 2.0
    retry_min_s: Annotated[float, Field(gt=0.0, le=3600.0)] = 0.5
    retry_max_s: Annotated[float, Field(gt=0.0, le=3600.0)] = 30.0
    maintenance: bool = False

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.retry_min_s > self.retry_max_s:
            msg = f"retry_min_s ({self.retry_min_s:g}) is greater than retry_max_s ({self.retry_max_s:g})"
            raise ValueError(msg)
        return self


class ProfileTable(_Table):
    """``[profile]``: what the map is of, and where it comes from."""

    protocol: NonEmpty
    text_zh: str = ""
    text_en: NonEmpty
    source: str = ""


class ProfilePoint(_Table):
    """One ``[[point]]`` of a profile. What it leaves out takes the point's own cell, or the default."""

    role: Role
    address: NonEmpty
    type: str | None = None
    word_order: str | None = None
    scale: Finite | None = None
    offset: Finite | None = None
    unit: str | None = None
    low: Finite | None = None
    high: Finite | None = None


class ProfileFile(_Table):
    """``profiles/NAME.toml``."""

    profile: ProfileTable
    point: Annotated[list[ProfilePoint], Field(min_length=1)]
