"""Shapes of scenes and special days, as they are asked for and answered."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Literal

from pydantic import Field, StrictBool, StringConstraints

from cityhall_bms.api.alarms import NO_NUL
from cityhall_bms.api.models import Model, Text, Time
from cityhall_bms.api.schedule_models import Asked, ConflictAnswer, Finite, Named, Words
from cityhall_bms.api.times import to_rfc3339
from cityhall_bms.domain.calendars import DayKind, SpecialDay
from cityhall_bms.domain.scheduling.programme import SITE, Kept, Scene


class SceneFields(Asked):
    """A scene without its name."""

    text_zh: Words = ""
    text_en: Words = ""
    values: Annotated[dict[Named, Finite], Field(min_length=1, max_length=200)]


class SceneWish(SceneFields):
    """A scene as it is to be."""

    def scene(self, name: str) -> Scene:
        """In our terms."""
        return Scene(name, dict(self.values), self.text_zh, self.text_en)


class SceneAnswer(Model):
    """A scene as it counts."""

    name: str = Field(examples=["EVENING-MEETING"])
    text: Text
    values: dict[str, float]
    version: int
    by: str
    at: Time | None
    from_site: bool
    schedules: list[str] = Field(description="Schedules that run it.")

    @classmethod
    def of(cls, kept: Kept[Scene], schedules: Sequence[str], *, from_site: bool) -> "SceneAnswer":
        """Give the answer's form."""
        scene = kept.what
        return cls(
            name=scene.name,
            text=Text(zh=scene.text_zh, en=scene.text_en),
            values=dict(scene.values),
            version=kept.version,
            by=kept.by,
            at=None if kept.by == SITE else to_rfc3339(kept.at),
            from_site=from_site,
            schedules=list(schedules),
        )


class SceneList(Model):
    """All scenes."""

    items: list[SceneAnswer]


class SavedScene(Model):
    """What was saved; or, of a trial, what speaks against it."""

    scene: SceneAnswer | None = Field(description="Null: nothing was saved.")
    conflicts: list[ConflictAnswer]


class SceneRun(Asked):
    """Run a scene, or let go of what it holds."""

    reason: Annotated[str, StringConstraints(pattern=NO_NUL, min_length=1, max_length=200)]
    release: StrictBool = Field(default=False, description="Give up priority 8 at its points instead.")
    console: Words = ""


class SpecialDayWish(Asked):
    """What a day is."""

    kind: Literal["holiday", "workday"]
    text_zh: Words = ""
    text_en: Words = ""
    calendar: Words = Field("", description="Empty: the site's first.")


class SpecialDayAnswer(Model):
    """A day that is not as its weekday says."""

    day: date
    kind: DayKind
    text: Text
    calendar: str
    declared: bool = Field(description="By somebody here; else by the site folder.")

    @classmethod
    def of(cls, calendar: str, day: date, special: SpecialDay, *, declared: bool) -> "SpecialDayAnswer":
        """Give the answer's form."""
        text = Text(zh=special.text_zh, en=special.text_en)
        return cls(day=day, kind=special.kind, text=text, calendar=calendar, declared=declared)


class SpecialDays(Model):
    """Days of the site's first calendar, or of a named one."""

    items: list[SpecialDayAnswer]
