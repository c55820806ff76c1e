"""Shapes of the API's answers. Times are RFC 3339 in UTC; values are numbers, their unit stands beside them."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from cityhall_bms.api.times import to_rfc3339
from cityhall_bms.domain import alarms, site
from cityhall_bms.domain.gaps import GapCause

PointName = Annotated[str, Field(examples=["TCH.B2.CN.CHC01.CHWS_T"])]
Time = Annotated[str, Field(examples=["2026-11-21T02:15:00.250Z"])]
Severity = Literal["good", "uncertain", "bad"]


class Model(BaseModel):
    """Base of all answers."""

    model_config = ConfigDict(frozen=True)


class Text(Model):
    """A text in both languages."""

    zh: str = Field(examples=["冰水出水溫度"])
    en: str = Field(examples=["Chilled water supply temperature"])

    @classmethod
    def of(cls, text: site.Text) -> "Text":
        """Give the answer's form."""
        return cls(zh=text.zh, en=text.en)


class PresentValue(Model):
    """Newest value of a point. ``value`` is null whenever the quality is bad: unknown is never shown as a number."""

    value: float | None = Field(examples=[7.1])
    quality: Severity = Field(examples=["good"])
    reason: str | None = Field(None, description="Why it is not good.", examples=["device_lost"])
    observed_at: Time | None


class Point(Model):
    """A point and its present value."""

    name: PointName
    text: Text
    equipment: str = Field(examples=["TCH.B2.CN.CHC01"])
    equipment_text: Text
    equipment_class: str = Field(description="Brick class.", examples=["Centrifugal_Chiller"])
    system: str = Field(examples=["hvac"])
    role: str = Field(examples=["CHWS_T"])
    kind: str = Field(examples=["AI"])
    unit: str = Field(examples=["°C"])
    device: str = Field(examples=["chc01"])
    address: str = Field(examples=["input:100"])
    scan_s: float = Field(examples=[5.0])
    low: float | None = Field(description="Physical range; outside it a value is bad.", examples=[0.0])
    high: float | None = Field(examples=[40.0])
    states: dict[str, Text] = Field(description="Texts of the states of a digital or multi-state point.")
    present: PresentValue


class PointPage(Model):
    """Some points, and where to go on."""

    items: list[Point]
    next: str | None = Field(description="Cursor of the next page; null on the last one.")


class Samples(Model):
    """A point's samples or interval figures, as columns of equal length."""

    point: PointName
    unit: str = Field(examples=["°C"])
    interval: str | None = Field(description="Null for raw samples.", examples=["15m"])
    aggregation: str | None = Field(examples=["mean"])
    time_zone: str = Field(description="Zone in which intervals are aligned.", examples=["Asia/Taipei"])
    t: list[Time]
    v: list[float | None] = Field(description="Null where there is no good value.", examples=[[7.0, 7.1]])
    q: list[Severity] = Field(examples=[["good", "good"]])
    coverage: list[float] | None = Field(description="Share of each interval that good samples stand for, 0 to 1.")
    fill: str = Field("none", description="How gaps were filled; what was filled is `uncertain`.", examples=["none"])
    filled: int = Field(0, description="How many figures were filled.")
    as_known_at: Time | None = Field(None, description="The record as it was then; null: as it is now.")
    truncated: bool = Field(description="True when the limit cut the answer: ask again from the last time.")


class Device(Model):
    """A device and whether it answers."""

    name: str = Field(examples=["chc01"])
    text: Text
    protocol: str = Field(examples=["modbus"])
    endpoint: str = Field(examples=["127.0.0.1:502 unit 1"])
    state: Literal["unknown", "online", "offline"]
    since: Time | None
    reason: str = Field(description="Why it is offline.", examples=["no answer within 2.0 s"])
    points: int = Field(description="How many points it serves.", examples=[32])


class DeviceDiagnostics(Model):
    """What the collector that reads a device says of it now."""

    device: str = Field(examples=["chc01"])
    collector: str = Field(examples=["collector-1"])
    at: Time
    figures: dict[str, str | int | float | bool | None] = Field(
        description="Counters since the collector started, and states; those of the driver begin with `driver.`.",
        examples=[{"online": True, "scans": 1200, "overruns": 0, "driver.timeouts": 0}],
    )


class Devices(Model):
    """All devices."""

    items: list[Device]


class Alarm(Model):
    """One alarm: a rule and a subject, with its present occurrence."""

    id: str = Field(examples=["CHC_TRIP~TCH.B2.CN.CHC01"])
    rule: str
    subject: str
    equipment: str
    system: str
    priority: int = Field(ge=1, le=4, description="1 urgent, 2 high, 3 medium, 4 low.")
    state: str = Field(description="NORM UNACK ACKED RTNUN LATUN LATAK SHLVD DSUPR OOSRV", examples=["UNACK"])
    active: bool
    acknowledged: bool
    latching: bool
    text: Text
    occurrence: int
    repeat_count: int
    value: float | None
    limit: float | None
    unit: str
    raised_at: Time | None
    returned_at: Time | None
    acknowledged_at: Time | None
    acknowledged_by: str
    comment: str
    shelved_until: Time | None
    shelved_by: str
    shelf_reason: str
    version: int
    position: int = Field(description="Event position of the latest change.")

    @classmethod
    def of(cls, alarm: alarms.Alarm) -> "Alarm":
        """Give the answer's form."""
        return cls(
            id=alarm.alarm_id,
            state=alarm.state,
            active=alarm.active,
            acknowledged=alarm.acknowledged,
            text=Text(zh=alarm.text_zh, en=alarm.text_en),
            **{name: to_rfc3339(getattr(alarm, name)) for name in _ALARM_TIMES},
            **{name: getattr(alarm, name) for name in _ALARM_SAME},
        )


_ALARM_TIMES = ("raised_at", "returned_at", "acknowledged_at", "shelved_until")
_ALARM_SAME = [
    "rule",
    "subject",
    "equipment",
    "system",
    "priority",
    "latching",
    "occurrence",
    "repeat_count",
    "value",
    "limit",
    "unit",
    "acknowledged_by",
    "comment",
    "shelved_by",
    "shelf_reason",
    "version",
    "position",
]


class AlarmPage(Model):
    """Some alarms, and where to go on."""

    items: list[Alarm]
    next: str | None
    position: int = Field(description="Event position the page reflects; follow the feed from here.")


class Transition(Model):
    """One event of an alarm, and the alarm as it stood after it."""

    position: int
    at: Time
    type: str = Field(examples=["AlarmRaised"])
    actor: str
    alarm: Alarm


class AlarmHistory(Model):
    """An alarm with everything that happened to it."""

    alarm: Alarm
    transitions: list[Transition]


class Event(Model):
    """One entry of the event log."""

    position: int
    recorded_at: Time
    stream: str
    version: int
    type: str = Field(examples=["AlarmAcknowledged"])
    actor: str = Field(examples=["operator"])
    payload: dict[str, Any]
    hash: str = Field(description="SHA-256 over the previous entry's hash and this entry, in hexadecimal.")


class Events(Model):
    """Some events in order; ask again after ``next`` for more."""

    items: list[Event]
    next: int


class System(Model):
    """One system of the building at a glance."""

    code: str = Field(examples=["hvac"])
    equipment: int
    points: int


class Site(Model):
    """The building this service watches."""

    code: str = Field(examples=["TCH"])
    text: Text
    time_zone: str = Field(examples=["Asia/Taipei"])
    simulated: bool
    systems: list[System]


class Status(Model):
    """Whether the service is alive, and which of its parts are ready."""

    status: Literal["ok"]
    checks: dict[str, str]


class Gap(Model):
    """A stretch of time in which some points could not be read, for one reason."""

    device: str | None = Field(description="Null: the whole collector, or the telemetry log.")
    points: list[str] = Field(description="Empty: all points of the device.")
    cause: GapCause
    since: Time
    until: Time | None = Field(description="Null while it lasts.")
    lasted_s: float
    polls: int = Field(description="Scans that were missed; of lost batches, how many.")


class GapPage(Model):
    """Some gaps, the newest first, and where to go on."""

    items: list[Gap]
    next: str | None
