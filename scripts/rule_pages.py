# ruff: noqa: INP001 - a program
"""Write ``docs/reference/rule-library/`` from the shipped rules; a test says when the pages are behind.

What a page tells of a rule is its definition, and which faults of the simulator it finds.
"""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cityhall_bms.rules.files import library
from cityhall_bms.rules.listing import listed
from cityhall_simulators.description import load_building
from cityhall_simulators.faults import FAULTS, Fault

ROOT = Path(__file__).parents[1]
PAGES = ROOT / "docs" / "reference" / "rule-library"
LIBRARY = ROOT / "src" / "cityhall_bms" / "rules" / "library"
TITLES = {
    "air_faults": "空調箱故障診斷 Air handlers, fault detection",
    "air_faults_cooling": "空調箱冷卻故障診斷 Air handlers, faults of cooling",
    "air_handling": "空調箱 Air handlers",
    "backup_power": "不斷電系統、電池與發電機待命 UPS, batteries, generators that stand by",
    "charging": "電動車充電 Charging stations",
    "chillers": "冰水主機 Chillers",
    "common": "各系統共通 What every system shares",
    "controllers": "控制網路與電話 Control network and telephones",
    "data_quality": "資料品質 Data quality",
    "environment": "室內環境 Indoor air",
    "extinguishing": "滅火、排煙與鐵捲門 Extinguishing, smoke fans, shutters",
    "fire": "火警 Fire panels and zones",
    "generators": "發電機、切換開關與油料 Generators, transfer switches, fuel",
    "high_voltage": "高壓開關與變壓器 High voltage and transformers",
    "hvac": "空調 Air conditioning",
    "lift": "電梯與電扶梯 Lifts and escalators",
    "metering": "電表 Meters",
    "parking": "停車場 Car park",
    "plant": "冰水系統 Chilled water plant",
    "power": "供電與低壓盤 Supply and low-voltage panels",
    "rooms": "機房空調 Computer rooms",
    "security": "保全、影像與廣播 Security, video, public address",
    "towers": "冷卻水塔 Cooling towers",
    "water": "水池與水泵 Tanks and pumps",
    "water_use": "水表、雨水與飲水機 Water meters, rain water, dispensers",
    "zones": "室內分區 Zones",
}
"""Headings of the pages, by the file of the library."""
KINDS = {
    "stale": "none of its points has a good, fresh value",
    "device": "none of the device's points has a good, fresh value",
}
_CLASS_OF = {item.type.code: item.brick_class for item in load_building("full").equipment}
Table = Mapping[str, Any]


def pages() -> dict[str, str]:
    """Text of every page by the name of its file."""
    groups: dict[str, list[Table]] = {}
    tables = {table["id"]: table for table in listed(library())}
    for rule in library():
        groups.setdefault(rule.origin.file.removesuffix(".toml"), []).append(tables[rule.id])
    made = {f"{name}.md": _page(name, rules) for name, rules in groups.items()}
    return {"README.md": _index(groups), **made}


def main() -> None:
    """Write all pages, and remove those whose file of rules is gone."""
    PAGES.mkdir(exist_ok=True)
    made = pages()
    for name, text in made.items():
        (PAGES / name).write_text(text, encoding="utf-8")
    for path in PAGES.glob("*.md"):
        if path.name not in made:
            path.unlink()
    sys.stdout.write(f"{len(made)} pages\n")


def _index(groups: Mapping[str, list[Table]]) -> str:
    lines = [
        "# 規則庫 The shipped rules",
        "",
        f"{sum(map(len, groups.values()))} rules, bound to every site. A site replaces one, or tunes its limits, by a",
        "rule of its own with the same id. How rules are written: [rule files](../rules.md).",
        "",
        "`cityhall-bms rules list --site SITE` tells how many units of a site each is bound to, and to which it is",
        "NOT-APPLICABLE, with the reason. These pages are made from the definitions (`make rule-pages`).",
        "",
        "| Group | Rules |",
        "|---|---|",
    ]
    for name in sorted(groups):
        ids = ", ".join(f"[{rule['id']}]({name}.md#{_anchor(rule)})" for rule in groups[name])
        lines.append(f"| [{TITLES[name]}]({name}.md) | {ids} |")
    return "\n".join(lines) + "\n"


def _page(name: str, rules: list[Table]) -> str:
    intro = _intro((LIBRARY / f"{name}.toml").read_text(encoding="utf-8"))
    lines = [f"# {TITLES[name]}", "", *([intro, ""] if intro else [])]
    for rule in rules:
        lines += _rule(rule)
    return "\n".join(lines).rstrip() + "\n"


def _intro(text: str) -> str:
    """Comment at the head of a file of rules."""
    head = []
    for line in text.splitlines():
        if not line.startswith("#"):
            break
        head.append(line.removeprefix("#").strip())
    return "\n".join(head)


def _heading(rule: Table) -> str:
    return f"{rule['id']} {_plain(rule['text_zh'])}"


def _anchor(rule: Table) -> str:
    """As GitHub makes it: lower case, letters, digits and hyphens kept, spaces to hyphens."""
    kept = "".join(one for one in _heading(rule).lower() if one.isalnum() or one in " -_")
    return kept.replace(" ", "-")


def _plain(text: str) -> str:
    """Text of an alarm without its figures, as a heading."""
    for mark in ("：", ":", "（", "("):
        before, found, _ = text.partition(mark)
        if found and before.replace("{equipment}", "").strip():
            text = before
    return text.replace("{equipment}", "").strip(" ：:，,")


def _rule(rule: Table) -> Iterator[str]:
    yield from (f"## {_heading(rule)}", "", f"{rule['text_zh']}<br>{rule['text_en']}", "", "| | |", "|---|---|")
    for name, text in _facts(rule):
        yield f"| {name} | {_cell(text)} |"
    yield ""
    if rule.get("cause_zh"):
        yield from (f"**可能原因 Likely cause.** {rule['cause_zh']}<br>{rule['cause_en']}", "")
    if rule.get("sop_zh"):
        yield from ("**處置 What to do.**", "", *_steps(rule["sop_zh"], rule["sop_en"]), "")


def _steps(zh: str, en: str) -> Iterator[str]:
    """Steps in both languages, side by side."""
    for first, second in zip(zh.strip().splitlines(), en.strip().splitlines(), strict=True):
        number, _, text = second.partition(". ")
        yield f"{first}<br>{text if number.isdigit() else second}"


def _facts(rule: Table) -> Iterator[tuple[str, str]]:
    yield (
        "設備 Equipment",
        ", ".join(rule.get("equipment_class", ())) or "devices of " + ", ".join(rule.get("systems", ())),
    )
    if rule.get("each"):
        yield "點位 Points", ", ".join(f"`{role}`" for role in rule["each"])
    yield "條件 Condition", f"`{rule['condition']}`" if "condition" in rule else KINDS[rule["kind"]]
    for key, name in (("when", "前提 Applies when"), ("deadband", "回差 Deadband")):
        if rule.get(key):
            yield name, f"`{rule[key]}`"
    for key, name in (("let", "其中 Where"), ("parameters", "限值 Limits")):
        if rule.get(key):
            yield name, "<br>".join(f"`{word} = {text}`" for word, text in rule[key].items())
    yield "優先等級 Priority", _priorities(rule)
    yield (
        "延遲 Delays",
        f"on {rule['on_delay_s']:g} s, off {rule['off_delay_s']:g} s{', latched' if rule['latching'] else ''}",
    )
    yield "版本 Version", str(rule["version"])
    if rule.get("detects"):
        yield "涵蓋 Finds", " ".join(rule["detects"])
    shown = [f"`{fault.name}`" for fault in FAULTS.values() if _shows(fault, rule)]
    if shown:
        yield "模擬故障 Shown by", ", ".join(shown)
    yield "依據 Source", rule["source"]


def _priorities(rule: Table) -> str:
    steps = [
        f"{step['priority']} when `{step['condition']}`"
        + ("" if step.get("on_delay_s") is None else f" for {step['on_delay_s']:g} s")
        for step in rule.get("step", ())
    ]
    return "; ".join([str(rule["priority"]), *steps])


def _shows(fault: Fault, rule: Table) -> bool:
    """Whether the truth of a fault names what the rule finds, at a unit that the rule may be bound to."""
    if not set(fault.rules) & set(rule.get("detects", ())):
        return False
    classes = {_CLASS_OF[code] for code in fault.codes if code in _CLASS_OF}
    wanted = set(rule.get("equipment_class", ()))
    return not classes or not wanted or "any" in wanted or bool(classes & wanted)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    main()
