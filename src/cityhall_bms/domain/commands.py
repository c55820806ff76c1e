"""Which points may be written at all. Life safety is read-only by construction: its points never become a target."""

from dataclasses import dataclass
from typing import Final

from cityhall_bms.domain.errors import ReadOnlyPointError
from cityhall_bms.domain.site import Equipment, Point, PointKind, System

WRITABLE_KINDS: Final = frozenset({PointKind.AO, PointKind.DO, PointKind.MO, PointKind.SP})
READ_ONLY_SYSTEMS: Final = frozenset({System.FIRE, System.LIFT, System.SECURITY})
READ_ONLY_CLASSES: Final = frozenset(
    {
        "Automatic_Transfer_Switch",
        "Building_Electrical_Meter",
        "Switchgear",
        "Transformer",
        "x:Emergency_Generator",
    }
)
"""Supply of the building: never switched from here (the building's rules for commands, *Scope*)."""
SERVICE_PRIORITIES: Final = frozenset({8, 12, 16})
"""Operator, optimizer, schedule. 1 to 6 belong to life safety, critical equipment and minimum on and off times."""


def is_read_only(equipment: Equipment) -> bool:
    """Whether equipment belongs to life safety or to the building's supply."""
    return equipment.system in READ_ONLY_SYSTEMS or equipment.brick_class in READ_ONLY_CLASSES


@dataclass(frozen=True, slots=True)
class CommandTarget:
    """A point that may be written. There is no other way to make one, and drivers write nothing else.

    :class:`ReadOnlyPointError` when the point is measured, or belongs to life safety or to the building's supply.
    """

    point_id: int
    point: Point
    equipment: Equipment

    def __post_init__(self) -> None:
        point, equipment = self.point, self.equipment
        if point.equipment != equipment.name:
            msg = f"{point.name} is not a point of {equipment.name}"
            raise ReadOnlyPointError(msg)
        if is_read_only(equipment):
            msg = f"{point.name}: {equipment.brick_class} of system {equipment.system} is read-only by construction"
            raise ReadOnlyPointError(msg)
        if point.kind not in WRITABLE_KINDS:
            msg = f"{point.name} is measured (kind {point.kind}), not commanded"
            raise ReadOnlyPointError(msg)


def check_priority(priority: int) -> None:
    """Refuse a priority that is not the service's to use; :class:`ReadOnlyPointError`."""
    if priority not in SERVICE_PRIORITIES:
        msg = f"priority {priority} is not ours: operator 8, optimizer 12, schedule 16"
        raise ReadOnlyPointError(msg)
