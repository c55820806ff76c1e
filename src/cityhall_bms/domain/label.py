"""The Intelligent Building label (智慧建築標章): which indicators an edition has, and what proves each of them."""

from dataclasses import dataclass
from enum import StrEnum

from cityhall_bms.domain.site import Text


class Evidence(StrEnum):
    """What this service can lay before an assessor."""

    CONTROLLERS = "controllers"
    """Share of each day for which controllers, gateways and workstations were on line."""
    OUTAGES = "outages"
    """Devices that fell silent, from when until when, and why."""
    DEVICES = "devices"
    """Every device with its protocol, and how many points it has of each system."""
    EQUIPMENT = "equipment"
    """Register of equipment."""
    PERMITS = "permits"
    """Works, drills and tests that were allowed."""
    HAND_OVERS = "hand_overs"
    """Shifts that were handed over and signed."""
    MAINTENANCE = "maintenance"
    """Work orders: repairs and preventive work, and who verified them."""
    SAFETY = "safety"
    """Alarms of the fire system, and what they hid or made others do."""
    PLANT = "plant"
    """Efficiency of the chilled-water plant, hour by hour."""
    METERS = "meters"
    """What every meter counted, month by month."""
    AIR = "air"
    """How indoor air kept the legal limits: compliance, exceedances, samples, inspections."""
    COMFORT = "comfort"
    """Unmet cooling hours by zone."""
    RULES = "rules"
    """Rules that watch the building, each with its source."""


@dataclass(frozen=True, slots=True)
class Indicator:
    """One indicator; scores are the edition's own, and none where nobody has entered them."""

    name: str
    text: Text
    evidence: tuple[Evidence, ...]
    score_max: float | None = None
    score: float | None = None
    """Self-assessed."""
    remark: str = ""
    attachments: tuple[str, ...] = ()
    """Files of the site folder that go with it, as screenshots."""


@dataclass(frozen=True, slots=True)
class LabelPlan:
    """An edition of the label, the level that is wanted, and its indicators in order."""

    edition: str = ""
    level: str = ""
    linkage_rows: tuple[str, ...] = ()
    """Rows of the suppression table that stand for what the fire panel interlocks."""
    plant_class: str = ""
    plant_roles: tuple[str, ...] = ()
    plant_power_role: str = ""
    """Electric power of the whole plant, kW."""
    plant_cooling_role: str = ""
    """Its cooling, kW."""
    controller_class: str = ""
    controller_role: str = ""
    indicators: tuple[Indicator, ...] = ()
