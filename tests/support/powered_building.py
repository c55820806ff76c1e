"""A small building for suppression: two lines, a generator, panels, a chilled water plant and what they all feed."""

from dataclasses import replace

from tests.support.rule_trial import point, site_of

from cityhall_bms.domain.alarms import Alarm, AlarmState
from cityhall_bms.domain.site import Equipment, Site, System, Text
from cityhall_bms.domain.topology import Topology

NOW = 1_782_864_000_000_000
# name: class, system, fed by
EQUIPMENT: dict[str, tuple[str, System, str]] = {
    "TCH.B2.CS.HVM01": ("Building_Electrical_Meter", System.POWER, ""),
    "TCH.B2.CS.HVM02": ("Building_Electrical_Meter", System.POWER, ""),
    "TCH.B2.CS.GEN01": ("x:Emergency_Generator", System.POWER, ""),
    "TCH.B2.CS.LVP01": ("Switchgear", System.POWER, "TCH.B2.CS.HVM01"),
    "TCH.B2.CS.LVP02": ("Switchgear", System.POWER, "TCH.B2.CS.HVM02"),
    "TCH.B2.CS.ATS01": ("Automatic_Transfer_Switch", System.POWER, "TCH.B2.CS.LVP02 TCH.B2.CS.GEN01"),
    "TCH.B1.CN.UPS01": ("x:UPS", System.POWER, "TCH.B2.CS.ATS01"),
    "TCH.B2.CN.CHC01": ("Centrifugal_Chiller", System.HVAC, "TCH.B2.CS.LVP01"),
    "TCH.B2.CN.CHC02": ("Centrifugal_Chiller", System.HVAC, "TCH.B2.CS.LVP02"),
    "TCH.B2.CN.PLT01": ("Chilled_Water_System", System.HVAC, "TCH.B2.CN.CHC01 TCH.B2.CN.CHC02"),
    "TCH.05.W.AHU01": ("Air_Handling_Unit", System.HVAC, "TCH.B2.CN.PLT01 TCH.B2.CS.LVP01"),
    "TCH.05.E.AHU02": ("Air_Handling_Unit", System.HVAC, "TCH.B2.CN.PLT01 TCH.B2.CS.LVP02"),
    "TCH.05.W.FZN01": ("Fire_Zone", System.FIRE, ""),
    "TCH.05.W.ELV01": ("Elevator", System.LIFT, "TCH.B2.CS.LVP01"),
}
PARTS = {"TCH.05.W.FAN01": "TCH.05.W.AHU01"}


def building() -> Site:
    """Every equipment has two points on a device of its own; AHU01's fan speaks through another."""
    names = {name: brick_class for name, (brick_class, _, _) in EQUIPMENT.items()}
    names |= dict.fromkeys(PARTS, "Fan")
    points = [point(name, role, f"panel-{name.rpartition('.')[2].lower()}") for name in names for role in ("A", "B")]
    described = site_of(names, points)
    equipment = {name: _equipment(name, described.equipment[name]) for name in names}
    return replace(described, equipment=equipment)


def _equipment(name: str, item: Equipment) -> Equipment:
    _, system, fed_by = EQUIPMENT.get(name, ("", System.HVAC, ""))
    parts = (PARTS[name],) if name in PARTS else ()
    return replace(item, system=system, text=Text(name, name), fed_by=tuple(fed_by.split()), part_of=parts)


TOPOLOGY = Topology.of(building())


def full(short: str) -> str:
    """Full name of equipment by its last part."""
    return next(name for name in [*EQUIPMENT, *PARTS] if name.endswith(f".{short}"))


def alarm(rule: str, short: str, **changes: object) -> Alarm:
    """An active alarm of a rule at an equipment (``AHU01``, or ``AHU01.A`` for its point)."""
    unit, _, role = short.partition(".")
    name = full(unit)
    subject = f"{name}.{role}" if role else name
    standing = Alarm(
        f"{rule}~{subject}",
        rule=rule,
        rule_version=1,
        subject=subject,
        equipment=name,
        system=EQUIPMENT[name][1] if name in EQUIPMENT else "hvac",
        priority=3,
        base=AlarmState.UNACKNOWLEDGED,
        occurrence=1,
        raised_at=NOW,
        raised_by="rules",
        version=1,
    )
    return replace(standing, **changes)
