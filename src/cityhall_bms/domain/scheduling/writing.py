"""Schedules and scenes as plain tables: how events and the interface have them."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date
from typing import Any

from cityhall_bms.domain.calendars import DayKind
from cityhall_bms.domain.scheduling.days import DayForm, DayRule
from cityhall_bms.domain.scheduling.schedule import (
    Entries,
    Entry,
    OptimumStart,
    PointSchedule,
    SpecialEvent,
    Targets,
)
from cityhall_bms.domain.wall_clock import DAY_MIN

Table = Mapping[str, Any]


def shown_minute(minute: int) -> str:
    """``08:00`` of a minute since midnight."""
    return f"{minute // 60:02d}:{minute % 60:02d}"


def minute_of(text: str) -> int:
    """Minute since midnight of ``08:00``; ``ValueError`` for what is no time of a day."""
    hours, colon, minutes = text.partition(":")
    if not (colon and len(hours) == len(minutes) == 2 and (hours + minutes).isascii() and (hours + minutes).isdigit()):
        msg = f"'{text}' is no time of a day: write HH:MM"
        raise ValueError(msg)
    minute = 60 * int(hours) + int(minutes)
    if minute >= DAY_MIN or int(minutes) >= 60:
        msg = f"'{text}' is no time of a day: 00:00 to 23:59"
        raise ValueError(msg)
    return minute


def schedule_table(schedule: PointSchedule) -> dict[str, Any]:
    """A schedule without its name, as JSON values."""
    optimum = schedule.optimum_start
    return {
        "text_zh": schedule.text_zh,
        "text_en": schedule.text_en,
        "targets": {key: _listed(value) for key, value in asdict(schedule.targets).items()},
        "weekly": [_entries_table(entries) for entries in schedule.weekly],
        "exceptions": [_special_table(special) for special in schedule.specials],
        "default": schedule.default,
        "calendar": schedule.calendar,
        "valid_from": _iso(schedule.valid_from),
        "valid_until": _iso(schedule.valid_until),
        "enabled": schedule.enabled,
        "optimum_start": None if optimum is None else asdict(optimum),
    }


def schedule_of(name: str, table: Table) -> PointSchedule:
    """The schedule that a table tells of."""
    optimum = table["optimum_start"]
    return PointSchedule(
        name=name,
        targets=_targets(table["targets"]),
        weekly=tuple(_entries(entries) for entries in table["weekly"]),
        specials=tuple(_special(special) for special in table["exceptions"]),
        default=table["default"],
        text_zh=table["text_zh"],
        text_en=table["text_en"],
        calendar=table["calendar"],
        valid_from=_day(table["valid_from"]),
        valid_until=_day(table["valid_until"]),
        enabled=table["enabled"],
        optimum_start=None if optimum is None else OptimumStart(**optimum),
    )


def _targets(table: Table) -> Targets:
    lists = {key: tuple(table[key]) for key in ("points", "roles", "classes", "places")}
    return Targets(**lists, scene=table["scene"])


def _entries_table(entries: Entries) -> list[dict[str, Any]]:
    return [{"at": shown_minute(entry.minute), "value": entry.value} for entry in entries]


def _entries(tables: Sequence[Table]) -> Entries:
    entries = (Entry(minute_of(table["at"]), table["value"]) for table in tables)
    return tuple(sorted(entries, key=lambda entry: entry.minute))


def _special_table(special: SpecialEvent) -> dict[str, Any]:
    rule = special.days
    days = {"form": rule.form.value, "first": _iso(rule.first), "last": _iso(rule.last), "month": rule.month}
    days |= {"week": rule.week, "weekday": rule.weekday, "kind": rule.kind.value}
    return {
        "days": days,
        "entries": _entries_table(special.entries),
        "precedence": special.precedence,
        "text_zh": special.text_zh,
        "text_en": special.text_en,
    }


def _special(table: Table) -> SpecialEvent:
    days = table["days"]
    rule = DayRule(
        form=DayForm(days["form"]),
        first=_day(days["first"]),
        last=_day(days["last"]),
        month=days["month"],
        week=days["week"],
        weekday=days["weekday"],
        kind=DayKind(days["kind"]),
    )
    entries = _entries(table["entries"])
    return SpecialEvent(rule, entries, table["precedence"], table["text_zh"], table["text_en"])


def _iso(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


def _listed(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value
