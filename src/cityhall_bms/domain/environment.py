"""What a site says about its air, its water, its comfort and its vehicles; each default has a source."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from cityhall_bms.domain.indoor_air import SpotLimit


@dataclass(frozen=True, slots=True)
class AirArea:
    """A public part of the building whose air must be watched; ``places`` are floors (``05``) or zones (``05.W``)."""

    name: str
    text_zh: str
    text_en: str
    area_m2: float
    places: tuple[str, ...]
    open_space: bool = False
    """One space without partitions."""


@dataclass(frozen=True, slots=True)
class IndoorAirPlan:
    """How air is judged; ``indicative`` names the roles of low-cost sensors, whose figures prove nothing to anybody."""

    brick_class: str = "IAQ_Sensor_Equipment"
    schedule: str = "occupied"
    indicative: tuple[str, ...] = ("TVOC", "HCHO")
    areas: tuple[AirArea, ...] = ()
    area_per_monitor_m2: float = 2_000.0
    open_space_m2: float = 4_000.0
    """A single space above this needs half as many monitors, but two."""
    test_every_months: int = 24
    inspection_within_months: int = 2
    spot_limits: Mapping[str, SpotLimit] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WaterCircuit:
    """What is known of a water meter's circuit; ``legitimate_m3h`` none: nobody has said what may flow at night."""

    meter: str
    rests: bool = False
    """Nothing should flow there at night."""
    legitimate_m3h: float | None = None


@dataclass(frozen=True, slots=True)
class WaterPlan:
    """How night flow is judged."""

    schedule: str = "night_minimum"
    usual_days: int = 28
    usual_nights_min: int = 14
    """Nights that must be known before anything is called usual."""
    high_nights: int = 3
    rest_nights: int = 7
    circuits: Mapping[str, WaterCircuit] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ComfortPlan:
    """From how far above its set point on (K) a zone counts as too warm, and when."""

    above_k: float = 1.0
    schedule: str = "occupied"
    temperature_role: str = "ZoneT"
    set_point_role: str = "ZoneSP"


@dataclass(frozen=True, slots=True)
class VehiclePlan:
    """What a kWh charged replaces: the car that would have been driven on petrol instead."""

    km_per_kwh: float
    petrol_km_per_l: float
    petrol_kgco2_per_l: float
    source: str


@dataclass(frozen=True, slots=True)
class Environment:
    """All of it; ``vehicles`` none where no factors are known."""

    indoor_air: IndoorAirPlan = field(default_factory=IndoorAirPlan)
    water: WaterPlan = field(default_factory=WaterPlan)
    comfort: ComfortPlan = field(default_factory=ComfortPlan)
    vehicles: VehiclePlan | None = None
