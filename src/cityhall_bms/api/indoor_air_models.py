"""Shapes of the answers about indoor air."""

from typing import Literal

from pydantic import Field

from cityhall_bms.api.models import Model, Text, Time

PERCENT = "Of the occupied time that is known, the share inside the limits; null when too little of it is known."
Standing = Literal["inside", "exceeded", "unknown"]


class Limit(Model):
    """A legal limit for a mean; `rule` is the rule that rings for it, and in which the limit stands."""

    role: str = Field(examples=["CO2"])
    limit: float = Field(examples=[1000.0])
    unit: str = Field(examples=["ppm"])
    hours: float = Field(description="Length of the mean, h.", examples=[8.0])
    decimals: int = Field(description="Digits to which a mean is rounded before it is compared.", examples=[0])
    rule: str = Field(examples=["I01-CO2-8H"])
    source: str
    indicative: bool = Field(description="Measured by low-cost sensors here: a hint, no proof.")


class Mean(Model):
    """Newest mean of one node and role; null where less than three quarters of its time are known."""

    role: str = Field(examples=["CO2"])
    mean: float | None = Field(examples=[742.0])
    state: Standing
    indicative: bool


class Node(Model):
    """Equipment that measures air, and where it is."""

    equipment: str = Field(examples=["TCH.01.E.IAQ05"])
    text: Text
    floor: str = Field(examples=["01"])
    zone: str = Field(examples=["01.E"])


class NodeAir(Node):
    """One node's means."""

    state: Standing = Field(description="The worst of its means: exceeded, else unknown, else inside.")
    means: list[Mean]


class Air(Model):
    """All nodes as they stood; `at` is when the windows of the means end."""

    at: Time
    as_known_at: Time | None
    limits: list[Limit]
    items: list[NodeAir]


class Share(Model):
    """How much of the occupied time was inside limits."""

    percent: float | None = Field(description=PERCENT, examples=[99.4])
    coverage: float | None = Field(description="Share of the occupied time that is known, 0..1.", examples=[0.998])
    known_hours: float
    inside_hours: float
    provisional: bool = Field(description="Less is known than a figure needs (95 %); given because it was asked for.")


class RoleShare(Share):
    """The same for one role."""

    role: str = Field(examples=["CO2"])
    indicative: bool


class NodeCompliance(Node):
    """One node: all its limits together, and each."""

    overall: Share
    roles: list[RoleShare]


class Compliance(Model):
    """How the building's air kept its limits; `overall` counts the hours of all nodes together."""

    begin: Time
    end: Time
    as_known_at: Time | None
    schedule: str = Field(examples=["occupied"])
    occupied_hours: float
    overall: Share
    items: list[NodeCompliance]


class LinkedAlarm(Model):
    """The alarm that stood for an exceedance, and what operators wrote about it."""

    alarm_id: str = Field(examples=["I01-CO2-8H~TCH.01.E.IAQ05.CO2"])
    raised_at: Time
    acknowledged_by: str
    comments: list[str]


class Action(Model):
    """What somebody did about it."""

    entry: int
    by: str
    action: str


class Exceedance(Model):
    """A time in which a mean exceeded its limit on end."""

    equipment: str = Field(examples=["TCH.01.E.IAQ05"])
    role: str = Field(examples=["CO2"])
    indicative: bool
    limit: float = Field(examples=[1000.0])
    unit: str = Field(examples=["ppm"])
    begin: Time = Field(description="End of the first mean above the limit.")
    end: Time | None = Field(description="End of the last one; null when it lasts to the end of what was asked.")
    hours: float
    occupied_hours: float
    worst: float = Field(examples=[1180.0])
    worst_at: Time
    alarm: LinkedAlarm | None
    actions: list[Action]


class Exceedances(Model):
    """What exceeded, the earliest first."""

    begin: Time
    end: Time
    as_known_at: Time | None
    items: list[Exceedance]


class Monitors(Model):
    """Continuous monitors of one area."""

    name: str = Field(examples=["service_centre"])
    text: Text
    area_m2: float
    open_space: bool
    needed: int
    nodes: list[str]
    enough: bool


class MonitorList(Model):
    """All areas that the site names."""

    items: list[Monitors]


class Entry(Model):
    """One entry of the record."""

    entry: int
    recorded_at: Time
    place: str = Field(description="Where the sample was taken, or equipment.", examples=["02"])
    name: str = Field(examples=["bacteria"])
    by: str
    withdrawn_at: Time | None
    withdrawn_by: str
    withdrawn_why: str


class SampleEntry(Entry):
    """A laboratory's figure against its limit."""

    value: float = Field(examples=[620.0])
    unit: str = Field(examples=["CFU/m³"])
    limit: float | None = Field(examples=[1500.0])
    exceeded: bool | None
    sampled_at: Time
    method: str
    report: str


class InspectionEntry(Entry):
    """An inspection or test of the building."""

    day: str = Field(examples=["2026-06-20"])
    report: str
    note: str


class SamplePage(Model):
    """Samples, the newest first."""

    items: list[SampleEntry]
    next: str | None


class InspectionPage(Model):
    """Inspections and tests, the newest first, and what is due."""

    items: list[InspectionEntry]
    next: str | None
    last_test: str | None
    next_test: str | None = Field(examples=["2027-07-15"])
    inspection_from: str | None = Field(description="From then on an inspection counts for the next test.")
    inspected: bool
    overdue: bool


class Written(Model):
    """Number of the entry that was written."""

    entry: int
