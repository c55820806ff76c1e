"""Which points the checks of behaviour watch, and with what limits (the building's reference, *Data quality*)."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from cityhall_bms.domain import counters
from cityhall_bms.domain.site import Equipment, Point, PointKind, Site

RUN_STATUS: Final = "RunSts"
WEATHER_STATION: Final = "Weather_Station"

FLAT_UNITS: Final = frozenset({"°C", "%RH", "ppm", "Pa", "kPa"})
FLAT_K: Final = 0.06
FLAT_SHARE: Final = 0.001
"""A measured temperature that moves by no more in an hour does not live; other quantities: this share of the value."""

MAY_REST: Final = frozenset(
    {
        ("Computer_Room_Air_Conditioning", "RetT"),
        ("Computer_Room_Air_Conditioning", "SupT"),
        ("Dedicated_Outdoor_Air_System_Unit", "SAT"),
    }
)
"""Held at a set point under a load that hardly changes: to rest is their purpose."""

STILL_CLASSES: Final = frozenset(
    {
        "CO_Level_Sensor",
        "IAQ_Sensor_Equipment",
        "Rain_Water_Storage_Tank",
        "Storage_Tank",
        "Water_Storage_Tank",
        "Weather_Station",
    }
)
"""What has no run status and does not jump; anything else without one may start and stop unseen."""
SPIKE_FLOORS: Final[Mapping[str, float]] = {
    "°C": 5.0,
    "%RH": 10.0,
    "ppm": 300.0,
    "Pa": 100.0,
    "kPa": 100.0,
    "µS/cm": 500.0,
    "pH": 1.0,
}
"""Smallest jump that can be a spike, for quantities that have inertia: electrical ones jump by themselves."""
LEVEL_ROLES: Final = frozenset({"Lvl", "BasinLvl", "FuelLvl", "ConcLvl"})
LEVEL_FLOOR: Final = 10.0


class Rate(NamedTuple):
    """Most that a quantity can change in an hour: while its unit runs steadily, and around a start or stop."""

    steady: float
    transition: float


_ZONE_T: Final = Rate(3.3, 6.7)
_SUPPLY_T: Final = Rate(8.9, 28.0)
_CHILLED_T: Final = Rate(5.6, 14.0)
_ZONE_CO2: Final = Rate(1200.0, 2500.0)
_ZONE_RH: Final = Rate(15.0, 15.0)
_DUCT_PA: Final = Rate(311.0, 1245.0)
RATES: Final[Mapping[tuple[str, str], Rate]] = {
    ("Fan_Coil_Unit", "ZoneT"): _ZONE_T,
    ("Variable_Air_Volume_Box", "ZoneT"): _ZONE_T,
    ("IAQ_Sensor_Equipment", "T"): _ZONE_T,
    ("Air_Handling_Unit", "SAT"): _SUPPLY_T,
    ("Dedicated_Outdoor_Air_System_Unit", "SAT"): _SUPPLY_T,
    ("Centrifugal_Chiller", "CHWS_T"): _CHILLED_T,
    ("Water_Cooled_Chiller", "CHWS_T"): _CHILLED_T,
    ("Chilled_Water_System", "CHWS_T"): _CHILLED_T,
    ("Variable_Air_Volume_Box", "CO2"): _ZONE_CO2,
    ("IAQ_Sensor_Equipment", "CO2"): _ZONE_CO2,
    ("IAQ_Sensor_Equipment", "RH"): _ZONE_RH,
    ("Air_Handling_Unit", "DSP"): _DUCT_PA,
}

COUNTED: Final = counters.COUNTED


def must_move(point: Point, equipment: Equipment, *, has_run_status: bool) -> bool:
    """Whether a point must move while its unit runs."""
    if point.kind is not PointKind.AI or point.unit not in FLAT_UNITS:
        return False
    if equipment.brick_class == WEATHER_STATION:
        return point.role in {"OAT", "RH"}
    return has_run_status and (equipment.brick_class, point.role) not in MAY_REST


def spike_floor(point: Point, equipment: Equipment, *, has_run_status: bool) -> float | None:
    """Smallest jump of a point that can be a spike; none for a point that may jump."""
    if point.kind is not PointKind.AI or not (has_run_status or equipment.brick_class in STILL_CLASSES):
        return None
    return LEVEL_FLOOR if point.role in LEVEL_ROLES else SPIKE_FLOORS.get(point.unit)


def counter_size(point: Point) -> float:
    """At what a counter begins again at zero; infinity when it does not (floats, unknown registers)."""
    if point.rollover is not None:
        return point.rollover
    size = counters.REGISTER_SIZES.get(point.encoding.type)
    if size is not None:
        return size * abs(point.encoding.scale)
    return float("inf")


def counter_rates(site: Site) -> Mapping[tuple[str, str], float]:
    """Most counts per hour that a unit's own meter allows, by equipment and unit of the counter."""
    found: dict[tuple[str, str], float] = {}
    for point in site.points.values():
        for counted, (unit, factor) in COUNTED.items():
            if point.unit == unit and point.high is not None:
                key = point.equipment, counted
                most = max(abs(point.low or 0.0), abs(point.high)) * factor
                found[key] = max(found.get(key, 0.0), most)
    return found
