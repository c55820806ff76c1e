"""Shapes of schedules, scenes and special days, as they are asked for and answered."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StringConstraints, model_validator

from cityhall_bms.api.alarms import NO_NUL
from cityhall_bms.api.models import Model, PointName, Text, Time
from cityhall_bms.api.times import WrittenDay, to_rfc3339
from cityhall_bms.domain.calendars import DayKind
from cityhall_bms.domain.scheduling.conflict import Conflict, ConflictSeverity
from cityhall_bms.domain.scheduling.days import DayForm
from cityhall_bms.domain.scheduling.programme import SITE, Kept
from cityhall_bms.domain.scheduling.schedule import Change, PointSchedule
from cityhall_bms.domain.scheduling.wanted import Want
from cityhall_bms.domain.scheduling.writing import schedule_of, schedule_table

Name = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9][A-Z0-9-]*$", max_length=60)]
Words = Annotated[str, StringConstraints(pattern=NO_NUL, max_length=200)]
Named = Annotated[str, StringConstraints(pattern=NO_NUL, min_length=1, max_length=200)]
Names = Annotated[list[Named], Field(max_length=500)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Clock = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$"), Field(examples=["08:00"])]
Day = Annotated[WrittenDay, Field(ge=date(1950, 1, 1), le=date(2199, 12, 31))]
ENTRIES_MAX, SPECIALS_MAX = 48, 200


class Asked(BaseModel):
    """Base of what is asked for."""

    model_config = ConfigDict(extra="forbid")


class EntryModel(Asked):
    """From a time on until the next one, or the end of the day."""

    at: Clock
    value: Finite | None = Field(description="Null gives up: what stands behind it counts.")


Entries = Annotated[list[EntryModel], Field(max_length=ENTRIES_MAX)]


class DaysModel(Asked):
    """Days of an exception; which fields count is decided by `form`."""

    form: DayForm
    first: Day | None = None
    last: Day | None = None
    month: Annotated[int | None, Field(ge=1, le=14, description="13 odd, 14 even; null any.")] = None
    week: Annotated[int | None, Field(ge=1, le=9, description="6 the last seven days; null any.")] = None
    weekday: Annotated[int | None, Field(ge=1, le=7, description="1 is Monday; null any.")] = None
    kind: DayKind = DayKind.HOLIDAY

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.form is DayForm.DATES and self.first is None:
            msg = "days by date need a first one"
            raise ValueError(msg)
        if self.first is not None and self.last is not None and self.last < self.first:
            msg = "last is before first"
            raise ValueError(msg)
        return self


class ExceptionModel(Asked):
    """What holds on some days instead, while it has a value."""

    days: DaysModel
    entries: Entries
    precedence: Annotated[int, Field(ge=1, le=16, description="The lowest counts; bookings have 8.")] = 10
    text_zh: Words = ""
    text_en: Words = ""


class TargetsModel(Asked):
    """Points by name, and those of some roles at equipment of some classes and places; or the points of a scene."""

    points: Names = []
    roles: Names = []
    classes: Names = []
    places: Names = []
    scene: Words = ""


class OptimumModel(Asked):
    """Begin as early as the room needs; `role` is its temperature at the equipment, `target` in °C."""

    role: Named
    target: Annotated[float, Field(ge=10.0, le=40.0)]
    most_min: Annotated[int, Field(ge=5, le=240)] = 90


class ScheduleFields(Asked):
    """A schedule without its name."""

    text_zh: Words = ""
    text_en: Words = ""
    targets: TargetsModel
    weekly: Annotated[list[Entries], Field(min_length=7, max_length=7, description="Monday to Sunday.")]
    exceptions: Annotated[list[ExceptionModel], Field(max_length=SPECIALS_MAX)] = []
    default: Finite | None = Field(None, description="What holds where nothing else has a value; null: nothing.")
    calendar: Words = Field("", description="Empty: the site's first.")
    valid_from: Day | None = None
    valid_until: Day | None = None
    enabled: StrictBool = True
    optimum_start: OptimumModel | None = None


class ScheduleWish(ScheduleFields):
    """A schedule as it is to be, and why."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "text_zh": "空調箱上班時間", "text_en": "Air handlers, office hours",
                "targets": {"roles": ["StartCmd"], "classes": ["Air_Handling_Unit"]},
                "weekly": [[{"at": "08:00", "value": 1.0}, {"at": "17:30", "value": None}], [], [], [], [], [], []],
                "reason": "夏季時間",
            }
        }
    )  # fmt: skip

    reason: Words = ""

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if self.valid_from and self.valid_until and self.valid_until < self.valid_from:
            msg = "valid_until is before valid_from"
            raise ValueError(msg)
        for entries in (*self.weekly, *(each.entries for each in self.exceptions)):
            if len({entry.at for entry in entries}) < len(entries):
                msg = "a time stands twice in a day"
                raise ValueError(msg)
        return self

    def schedule(self, name: str) -> PointSchedule:
        """In our terms."""
        return schedule_of(name, self.model_dump(mode="json", exclude={"reason"}))


class ConflictAnswer(Model):
    """Something that speaks against it."""

    severity: ConflictSeverity = Field(description="A `problem` must be mended; a `warning` may be saved.")
    code: str = Field(examples=["overlap"])
    text: Text
    points: list[str]
    at: Time | None = Field(description="When it shows first.")

    @classmethod
    def of(cls, conflict: Conflict) -> "ConflictAnswer":
        """Give the answer's form."""
        text = Text(zh=conflict.zh, en=conflict.en)
        at = to_rfc3339(conflict.at)
        return cls(severity=conflict.severity, code=conflict.code, text=text, points=list(conflict.points), at=at)


class Span(Model):
    """Hours in which a schedule says the same."""

    begin: Time
    end: Time
    value: float | None
    precedence: int = Field(description="1 to 16 an exception, 17 weekly, 18 the default.")
    text: Text

    @classmethod
    def of(cls, changes: Sequence[Change], end: int) -> list["Span"]:
        """Spans between changes, the last one until ``end``."""
        ends = [*(change.at for change in changes[1:]), end]
        return [
            cls(
                begin=to_rfc3339(change.at) or "",
                end=to_rfc3339(until) or "",
                value=change.choice.value,
                precedence=change.choice.precedence,
                text=Text(zh=change.choice.text_zh, en=change.choice.text_en),
            )
            for change, until in zip(changes, ends, strict=True)
        ]


class ScheduleAnswer(Model):
    """A schedule as it counts."""

    name: str = Field(examples=["AHU-OFFICE"])
    definition: ScheduleFields
    version: int = Field(description="For `If-Match`; 0: as the site folder has it.")
    by: str = Field(description="Who said it last; `site`: the site folder.")
    at: Time | None
    from_site: bool = Field(description="The site folder describes one of this name.")
    points: list[str] = Field(description="What it writes.")
    conflicts: list[ConflictAnswer]

    @classmethod
    def of(
        cls, kept: Kept[PointSchedule], points: Sequence[str], conflicts: Sequence[Conflict], *, from_site: bool
    ) -> "ScheduleAnswer":
        """Give the answer's form."""
        return cls(
            name=kept.what.name,
            definition=ScheduleFields.model_validate(schedule_table(kept.what)),
            version=kept.version,
            by=kept.by,
            at=None if kept.by == SITE else to_rfc3339(kept.at),
            from_site=from_site,
            points=list(points),
            conflicts=[ConflictAnswer.of(conflict) for conflict in conflicts],
        )


class ScheduleList(Model):
    """All schedules."""

    items: list[ScheduleAnswer]
    calendars: list[str] = Field(description="Names of the site's calendars, the first one first.")
    time_zone: str


class Trial(Model):
    """What would become of something that is not saved yet."""

    conflicts: list[ConflictAnswer]
    points: list[str]
    preview: list[Span] = Field(description="The next seven days.")


class SavedSchedule(Model):
    """What was saved; or, of a trial, what would be."""

    schedule: ScheduleAnswer | None = Field(description="Null: nothing was saved.")
    trial: Trial


class Preview(Model):
    """What a schedule says in a time."""

    schedule: str
    spans: list[Span]


class Holder(Model):
    """Who holds a point above the schedule."""

    priority: int
    value: float
    by: str
    reason: str
    until: Time | None


class Wanted(Model):
    """What is wanted of a point."""

    value: float
    source: str = Field(examples=["schedule/AHU-OFFICE"])
    precedence: int
    text: Text

    @classmethod
    def of(cls, want: Want | None) -> "Wanted | None":
        """Give the answer's form."""
        if want is None:
            return None
        text = Text(zh=want.text_zh, en=want.text_en)
        return cls(value=want.value, source=want.source, precedence=want.precedence, text=text)


class NextWanted(Model):
    """What comes next; `wanted` null: the priority is given up."""

    at: Time
    wanted: Wanted | None


class InForce(Model):
    """A scheduled point: what is wanted now, what is held, who is above, what comes next."""

    point: PointName
    text: Text
    unit: str
    states: dict[str, Text] = Field(description="Texts of the states of a digital or multi-state point.")
    wanted: Wanted | None
    held: float | None = Field(description="What priority 16 holds; null: nothing.")
    above: Holder | None = Field(description="An operator or the optimizer, who counts.")
    next: NextWanted | None = Field(description="Null: nothing changes within 15 days.")
    advice: Text | None = Field(description="Of an optimum start that is near: how early, and why.")


class InForceList(Model):
    """Every scheduled point."""

    at: Time
    items: list[InForce]


def advice_of(found: Mapping[str, Any], point: str) -> Text | None:
    """Advice for a point as a text; none where there is none."""
    advice = found.get(point)
    return None if advice is None else Text(zh=advice.zh, en=advice.en)
