"""``reports.toml``: which reports are made by themselves, when, in which forms, and who gets them."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from cityhall_bms.adapters.site_files.mistakes import Mistakes, suggest
from cityhall_bms.adapters.site_files.toml_file import TomlFile, read_toml, validated
from cityhall_bms.domain.notifications import NotificationPlan
from cityhall_bms.domain.reports import Every, Language, ReportFormat, ReportKind, ReportPlan, ReportSchedule
from cityhall_bms.domain.shifts import minutes_of

REPORTS_FILE: Final = "reports.toml"
AFTER_DAYS_MAX: Final = timedelta(days=90).days


def _time_of_day(text: str) -> str:
    minutes_of(text)
    return text


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ReportsTable(_Table):
    """``[reports]``."""

    address: Annotated[str, Field(pattern=r"^(https?://[^\s\"<>]+)?$", max_length=200)] = ""


class ScheduleTable(_Table):
    """One ``[[schedule]]``."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
    kind: ReportKind
    every: Every
    after_days: Annotated[int, Field(ge=0, le=AFTER_DAYS_MAX)] = 0
    at: Annotated[str, AfterValidator(_time_of_day)] = "06:00"
    formats: Annotated[list[ReportFormat], Field(min_length=1, max_length=4)] = [ReportFormat.PDF]
    language: Language = Language.ZH
    provisional: bool = False
    groups: list[str] = []


class ReportsFile(_Table):
    """The whole file."""

    reports: ReportsTable = ReportsTable()
    schedule: list[ScheduleTable] = []


def read_reports(folder: Path, notifications: NotificationPlan, mistakes: Mistakes) -> ReportPlan:
    """The plan of a site folder; an empty one where there is no such file. Every mistake in it is noted."""
    if not (folder / REPORTS_FILE).exists():
        return ReportPlan()
    file = read_toml(folder / REPORTS_FILE, REPORTS_FILE, mistakes)
    tables = validated(file, ReportsFile, mistakes) if file else None
    if file is None or tables is None:
        return ReportPlan()
    first: dict[str, int] = {}
    for index, table in enumerate(tables.schedule):
        _check(file, index, table, first, notifications, mistakes)
    return ReportPlan(tables.reports.address, tuple(_schedule(table) for table in tables.schedule))


def _check(
    file: TomlFile, index: int, table: ScheduleTable, first: dict[str, int], plan: NotificationPlan, mistakes: Mistakes
) -> None:
    line = file.line("schedule", index, "name")
    if table.name in first:
        message = f"'{table.name}' stands already on line {first[table.name]}"
        mistakes.add(file.name, line, "[[schedule]] name", message, "delete or rename one of them")
    first.setdefault(table.name, line)
    for group in table.groups:
        if group not in plan.groups:
            line = file.line("schedule", index, "groups")
            remedy = suggest(group, plan.groups, "add the [[group]] to notifications.toml")
            mistakes.add(file.name, line, "[[schedule]] groups", f"unknown group '{group}'", remedy)


def _schedule(table: ScheduleTable) -> ReportSchedule:
    return ReportSchedule(
        table.name,
        table.kind,
        table.every,
        table.after_days,
        minutes_of(table.at),
        tuple(dict.fromkeys(table.formats)),
        table.language,
        table.provisional,
        tuple(dict.fromkeys(table.groups)),
    )
