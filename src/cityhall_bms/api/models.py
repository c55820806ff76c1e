"""Shapes of the API's answers. Times are RFC 3339 in UTC; values are numbers, their unit stands beside them."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from cityhall_bms.api.times import to_rfc3339
from cityhall_bms.domain import alarms, follow_up, site
from cityhall_bms.domain.alarm_figures import ACKNOWLEDGE_WITHIN_S
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


class AlarmFlags(Model):
    """How an alarm stands, one thing at a time; `state` is what is shown of it."""

    active: bool = Field(description="Its condition is true now.")
    acked: bool = Field(description="Nobody needs to acknowledge anything.")
    latched: bool = Field(description="Its condition is over, and somebody must reset it.")
    shelved_until: Time | None
    suppressed_by: str | None = Field(description="Alarm, permit, drill or test that hides it by design.")
    out_of_service: bool

    @classmethod
    def of(cls, alarm: alarms.Alarm) -> "AlarmFlags":
        """Give the answer's form."""
        return cls(
            active=alarm.active,
            acked=alarm.acknowledged,
            latched=alarm.latched,
            shelved_until=to_rfc3339(alarm.shelved_until),
            suppressed_by=alarm.suppressed_by or None,
            out_of_service=alarm.out_of_service,
        )


class Alarm(Model):
    """One alarm: a rule and a subject, with its present occurrence."""

    id: str = Field(examples=["CHC_TRIP~TCH.B2.CN.CHC01"])
    rule: str
    subject: str
    equipment: str
    system: str
    priority: int = Field(ge=1, le=4, description="1 urgent, 2 high, 3 medium, 4 low.")
    state: str = Field(description="NORM UNACK ACKED RTNUN LATUN LATAK SHLVD DSUPR OOSRV", examples=["UNACK"])
    flags: AlarmFlags
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
    age_s: float | None = Field(description="Time since it was raised; null: it never was.", examples=[95.2])
    returned_at: Time | None
    waiting_since: Time | None = Field(description="Since when operators are asked; null: nothing waits for them.")
    acknowledge_within_s: float = Field(description="Target of its priority.", examples=[300.0])
    acknowledge_by: Time | None = Field(description="Null: nobody needs to, or it is hidden.")
    on_site_within_s: float = Field(description="Target of its priority.", examples=[600.0])
    on_site_by: Time | None = Field(description="Null: it is over, or hidden.")
    escalation_level: int = Field(description="How many steps up its chain it went while it waited.")
    escalated_to: str = Field(description="Whom the latest step went to.", examples=["值班長"])
    acknowledged_at: Time | None
    acknowledged_by: str
    comment: str
    shelved_until: Time | None
    shelved_by: str
    shelf_reason: str
    shelf_one_shot: bool = Field(description="The shelf ends with the occurrence, if that is sooner.")
    suppressed_by: str
    suppressed_as: str = Field(description="Row of the suppression table.")
    out_of_service_by: str
    out_of_service_until: Time | None
    out_of_service_reason: str
    permit: str = Field(description="Permit under which it is out of service.", examples=["2026-07-01-1"])
    drill: str = Field(description="Drill or test in which it rang.")
    late_occurrences: int = Field(description="Occurrences that were only found in late data.")
    version: int
    position: int = Field(description="Event position of the latest change.")

    @classmethod
    def of(cls, alarm: alarms.Alarm, at: int) -> "Alarm":
        """Give the answer's form, as of a time (µs UTC)."""
        return cls(
            id=alarm.alarm_id,
            state=alarm.state,
            flags=AlarmFlags.of(alarm),
            age_s=None if alarm.raised_at is None else max(at - alarm.raised_at, 0) / 1e6,
            acknowledge_within_s=ACKNOWLEDGE_WITHIN_S[alarm.priority],
            acknowledge_by=to_rfc3339(follow_up.acknowledge_by(alarm)),
            on_site_within_s=follow_up.ON_SITE_WITHIN_S[alarm.priority],
            on_site_by=to_rfc3339(follow_up.on_site_by(alarm)),
            active=alarm.active,
            acknowledged=alarm.acknowledged,
            text=Text(zh=alarm.text_zh, en=alarm.text_en),
            **{name: to_rfc3339(getattr(alarm, name)) for name in _ALARM_TIMES},
            **{name: getattr(alarm, name) for name in _ALARM_SAME},
        )


_ALARM_TIMES = (
    "raised_at",
    "returned_at",
    "waiting_since",
    "acknowledged_at",
    "shelved_until",
    "out_of_service_until",
)
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
    "shelf_one_shot",
    "escalation_level",
    "escalated_to",
    "suppressed_by",
    "suppressed_as",
    "out_of_service_by",
    "out_of_service_reason",
    "permit",
    "drill",
    "late_occurrences",
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


class TransitionPage(Model):
    """Some events of alarms, and where to go on."""

    items: list[Transition]
    next: str | None


class Guidance(Model):
    """What the rule says of an alarm: its likely cause, and what to do, a step per line."""

    cause: Text
    procedure: Text


class AlarmHistory(Model):
    """An alarm with everything that happened to it."""

    alarm: Alarm
    guidance: Guidance
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


class PlaceName(Model):
    """A floor or a zone."""

    code: str = Field(examples=["B2"])
    text: Text

    @classmethod
    def of(cls, place: site.Place) -> "PlaceName":
        """Give the answer's form."""
        return cls(code=place.code, text=Text.of(place.text))


class Site(Model):
    """The building this service watches."""

    code: str = Field(examples=["TCH"])
    text: Text
    time_zone: str = Field(examples=["Asia/Taipei"])
    simulated: bool
    systems: list[System]
    floors: list[PlaceName] = Field(description="From the lowest up.")
    zones: list[PlaceName]


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
