"""Evidence that the site folder holds: devices and what they bring in, equipment, rules."""

from collections import Counter
from functools import partial

from cityhall_bms.domain.site import PointKind
from cityhall_bms.ports.label import EvidenceTable, Row
from cityhall_bms.reports.label_sources import LabelSources, column, rows_of

DEVICE_COLUMNS = (
    column("設備", "Device"),
    column("名稱", "Name (zh)"),
    column("英文名稱", "Name (en)"),
    column("通訊協定", "Protocol"),
    column("點數", "Points"),
    column("系統", "Systems"),
)
SYSTEM_COLUMNS = (
    column("系統", "System"),
    column("通訊協定", "Protocol"),
    column("設備數", "Devices"),
    *(column(f"{kind} 點數", f"{kind} points") for kind in PointKind),
    column("點數合計", "Points in all"),
)
EQUIPMENT_COLUMNS = (
    column("裝置", "Equipment"),
    column("類別", "Class (Brick)"),
    column("系統", "System"),
    column("名稱", "Name (zh)"),
    column("英文名稱", "Name (en)"),
    column("供應自", "Fed by"),
    column("屬於", "Part of"),
)
RULE_COLUMNS = (
    column("規則", "Rule"),
    column("版本", "Version"),
    column("優先等級", "Priority"),
    column("內容", "Text (zh)"),
    column("英文內容", "Text (en)"),
    column("依據", "Source"),
)


def devices(sources: LabelSources) -> list[EvidenceTable]:
    """Every device, and points by system and protocol."""
    site = sources.site
    systems: dict[str, set[str]] = {name: set() for name in site.devices}
    counts: Counter[tuple[str, str, str]] = Counter()
    speaking: dict[tuple[str, str], set[str]] = {}
    for point in site.points.values():
        system, protocol = site.system_of(point).value, site.devices[point.device].protocol
        systems[point.device].add(system)
        counts[system, protocol, point.kind.value] += 1
        speaking.setdefault((system, protocol), set()).add(point.device)
    own = Counter(point.device for point in site.points.values())
    listed: list[Row] = [
        (name, device.text.zh, device.text.en, device.protocol, own[name], " ".join(sorted(systems[name])))
        for name, device in sorted(site.devices.items())
    ]
    by_system: list[Row] = []
    for (system, protocol), names in sorted(speaking.items()):
        kinds = [counts[system, protocol, kind.value] for kind in PointKind]
        by_system.append((system, protocol, len(names), *kinds, sum(kinds)))
    return [
        EvidenceTable("devices", DEVICE_COLUMNS, partial(rows_of, listed)),
        EvidenceTable("points-by-system", SYSTEM_COLUMNS, partial(rows_of, by_system)),
    ]


def equipment(sources: LabelSources) -> list[EvidenceTable]:
    """The register."""
    rows: list[Row] = [
        (
            name,
            item.brick_class,
            item.system.value,
            item.text.zh,
            item.text.en,
            " ".join(item.fed_by),
            " ".join(item.part_of),
        )
        for name, item in sorted(sources.site.equipment.items())
    ]
    return [EvidenceTable("equipment", EQUIPMENT_COLUMNS, partial(rows_of, rows))]


def rules(sources: LabelSources) -> list[EvidenceTable]:
    """Rules in force."""
    rows: list[Row] = [
        (rule.id, rule.version, rule.priority, rule.text_zh, rule.text_en, rule.source)
        for rule in sorted(sources.rules, key=lambda rule: rule.id)
    ]
    return [EvidenceTable("rules", RULE_COLUMNS, partial(rows_of, rows))]
