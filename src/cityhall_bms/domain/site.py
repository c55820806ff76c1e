"""The building as it was described: site, equipment, devices and points."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from cityhall_bms.domain.calendars import Schedules
from cityhall_bms.domain.commanding.policy import CommandPolicy
from cityhall_bms.domain.energy.book import EnergyBook
from cityhall_bms.domain.energy.meters import Metering
from cityhall_bms.domain.energy.performance import Performance, SiteFacts
from cityhall_bms.domain.energy.shedding import SheddingPlan
from cityhall_bms.domain.energy.tariff_book import TariffBook
from cityhall_bms.domain.environment import Environment
from cityhall_bms.domain.maintenance.book import MaintenanceBook
from cityhall_bms.domain.notifications.plan import NotificationPlan
from cityhall_bms.domain.reports import ReportPlan
from cityhall_bms.domain.scheduling.programme import SchedulePlan
from cityhall_bms.domain.targets import Targets

NAME_PATTERN: Final = re.compile(r"[A-Z0-9]+(\.[A-Z0-9]+){3}(\.[A-Za-z0-9_]+)?")
"""``SITE.FLOOR.ZONE.EQUIPnn`` and, for a point, ``.ROLE``."""


class System(StrEnum):
    """The systems of the building, in the order in which they are shown."""

    HVAC = "hvac"
    POWER = "power"
    LIFT = "lift"
    WATER = "water"
    FIRE = "fire"
    PARKING = "parking"
    SECURITY = "security"
    ENVIRONMENT = "environment"


class PointKind(StrEnum):
    """Input, output or set point; analog, digital, multi-state or counter."""

    AI = "AI"
    DI = "DI"
    MI = "MI"
    CI = "CI"
    AO = "AO"
    DO = "DO"
    MO = "MO"
    SP = "SP"


@dataclass(frozen=True, slots=True)
class Text:
    """A text for people, in both languages."""

    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Place:
    """A floor or a zone."""

    code: str
    text: Text


@dataclass(frozen=True, slots=True)
class Equipment:
    """A piece of plant; ``fed_by`` and ``part_of`` name other equipment."""

    name: str
    brick_class: str
    system: System
    text: Text
    fed_by: tuple[str, ...] = ()
    part_of: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Encoding:
    """How a number is made of what the device holds: value = raw x scale + offset."""

    type: str = ""
    word_order: str = "ABCD"
    scale: float = 1.0
    offset: float = 0.0


@dataclass(frozen=True, slots=True)
class Point:
    """One measured or commanded quantity. Its name is permanent; ``address`` is in its protocol's own words."""

    name: str
    text: Text
    equipment: str
    role: str
    kind: PointKind
    unit: str
    device: str
    address: str
    encoding: Encoding
    low: float | None
    high: float | None
    scan_s: float
    deadband: float = 0.0
    rollover: float | None = None
    """Where a counter's register begins again at zero, in its unit; none where the encoding tells, or nobody knows."""
    states: Mapping[int, Text] = field(default_factory=dict)
    line: int = 0
    """Where ``points.csv`` describes it; 0 when it came from elsewhere."""


@dataclass(frozen=True, slots=True)
class Device:
    """Something that speaks a protocol. ``settings`` is the protocol's own table, checked by its driver."""

    name: str
    text: Text
    protocol: str
    settings: Mapping[str, object]
    timeout_s: float = 2.0
    retry_min_s: float = 0.5
    retry_max_s: float = 30.0
    folder: str = ""
    """The site folder, against which a driver resolves relative file names."""
    maintenance: bool = False
    """Out of service by intention: it is not polled, and nobody is told that it is lost."""


@dataclass(frozen=True, slots=True)
class Site:
    """Everything an engineer described."""

    code: str
    text: Text
    time_zone: str
    simulated: bool
    floors: tuple[Place, ...]
    zones: tuple[Place, ...]
    equipment: Mapping[str, Equipment]
    devices: Mapping[str, Device]
    points: Mapping[str, Point]
    schedules: Schedules = field(default_factory=Schedules)
    notifications: NotificationPlan = field(default_factory=NotificationPlan)
    targets: Targets = field(default_factory=Targets)
    reports: ReportPlan = field(default_factory=ReportPlan)
    commanding: CommandPolicy = field(default_factory=CommandPolicy)
    metering: Metering = field(default_factory=Metering)
    tariffs: TariffBook = field(default_factory=TariffBook)
    shedding: SheddingPlan = field(default_factory=SheddingPlan)
    energy_book: EnergyBook = field(default_factory=EnergyBook)
    environment: Environment = field(default_factory=Environment)
    facts: SiteFacts = field(default_factory=SiteFacts)
    performance: Performance = field(default_factory=Performance)
    maintenance: MaintenanceBook = field(default_factory=MaintenanceBook)
    scheduling: SchedulePlan = field(default_factory=SchedulePlan)

    def points_of(self, device: str) -> list[Point]:
        """Points of one device, in the order of ``points.csv``."""
        return [point for point in self.points.values() if point.device == device]

    def system_of(self, point: Point) -> System:
        """System to which a point's equipment belongs."""
        return self.equipment[point.equipment].system
