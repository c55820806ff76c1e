"""``[[calendar]]`` and ``[[schedule]]`` of ``site.toml``, and the calendars' CSV files."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Final

from cityhall_bms.adapters.site_files.csv_file import Row, read_csv
from cityhall_bms.adapters.site_files.mistakes import Mistakes, suggest
from cityhall_bms.adapters.site_files.models import CalendarTable, DaysTable, SchedulesFile, ScheduleTable
from cityhall_bms.adapters.site_files.toml_file import TomlFile, read_toml, validated
from cityhall_bms.domain.calendars import (
    DAY_CLASSES,
    WEEKDAYS,
    Calendar,
    DayKind,
    Period,
    Schedule,
    ScheduleException,
    Schedules,
    SpecialDay,
    parse_period,
)

CALENDAR_COLUMNS: Final = ("date", "kind", "name_zh", "name_en")
CALENDAR_OPTIONAL_COLUMNS: Final = ("source",)
SHIPPED: Final = "schedules.toml"
DAYS_AT_ONCE_MAX: Final = 366
"""A longer run of special days is a mistake of the year."""


def read_schedules(
    file: TomlFile, tables: SchedulesFile, folder: Path, time_zone: str, mistakes: Mistakes
) -> Schedules:
    """A site's calendars and schedules, and those shipped schedules that it does not define itself."""
    reading = _Reading(file, folder, mistakes)
    calendars = [reading.calendar(index, table) for index, table in enumerate(tables.calendar)]
    reading.check_names("calendar", [table.name for table in tables.calendar])
    reading.check_validity(tables.schedule)
    known = [calendar.name for calendar in calendars]
    own = [reading.schedule(index, table, known) for index, table in enumerate(tables.schedule)]
    names = {schedule.name for schedule in own}
    shipped = [schedule for schedule in shipped_schedules() if schedule.name not in names]
    return Schedules(time_zone, tuple(calendars), (*own, *shipped))


@cache
def shipped_schedules() -> tuple[Schedule, ...]:
    """Schedules that every site has."""
    mistakes = Mistakes()
    file = read_toml(Path(__file__).with_name(SHIPPED), SHIPPED, mistakes)
    tables = validated(file, SchedulesFile, mistakes) if file else None
    if file is None or tables is None:
        msg = f"the shipped {SHIPPED} cannot be read: {mistakes.sorted()}"
        raise AssertionError(msg)
    reading = _Reading(file, Path(), mistakes)
    return tuple(reading.schedule(index, table, ()) for index, table in enumerate(tables.schedule))


class _Reading:
    """One file's calendars and schedules, with the places of their mistakes."""

    def __init__(self, file: TomlFile, folder: Path, mistakes: Mistakes) -> None:
        self._file = file
        self._folder = folder
        self._mistakes = mistakes

    def calendar(self, index: int, table: CalendarTable) -> Calendar:
        days: dict[date, SpecialDay] = {}
        for name in table.files:
            for row in self._rows(index, name):
                _take_row(row, days)
        for number, entry in enumerate(table.day):
            place = ("calendar", index, "day", number)
            # What stands in site.toml is the site's own word; it wins over a file that was imported.
            special = SpecialDay(DayKind(entry.kind), entry.text_zh, entry.text_en)
            days |= dict.fromkeys(self._days(entry, *place), special)
        workdays = tuple(sorted({WEEKDAYS.index(name) for name in table.workdays}))
        return Calendar(table.name, table.text_zh, table.text_en, workdays, days)

    def schedule(self, index: int, table: ScheduleTable, calendars: Sequence[str]) -> Schedule:
        place = ("schedule", index)
        if table.calendar and table.calendar not in calendars:
            remedy = suggest(table.calendar, calendars, "add it as a [[calendar]]")
            self._wrong((*place, "calendar"), "calendar", f"unknown calendar '{table.calendar}'", remedy)
        told = {day_class: getattr(table, day_class) for day_class in DAY_CLASSES}
        if not any(texts is not None for texts in told.values()):
            self._wrong(place, "", "no periods", 'add workdays = ["08:00-17:30"], or every_day, or a weekday')
        exceptions = []
        for number, entry in enumerate(table.exception):
            inner = (*place, "exception", number)
            days = list(self._days(entry, *inner))
            if days:
                periods = self._periods(entry.periods, *inner, "periods")
                exceptions.append(ScheduleException(days[0], days[-1], periods, entry.text_zh, entry.text_en))
        return Schedule(
            name=table.name,
            periods={
                day_class: self._periods(texts, *place, day_class)
                for day_class, texts in told.items()
                if texts is not None
            },
            calendar=table.calendar,
            text_zh=table.text_zh,
            text_en=table.text_en,
            exceptions=tuple(exceptions),
            valid_from=table.valid_from,
            valid_until=table.valid_until,
        )

    def check_names(self, kind: str, names: Sequence[str]) -> None:
        first: dict[str, int] = {}
        for index, name in enumerate(names):
            line = self._file.line(kind, index, "name")
            if name in first:
                message = f"'{name}' stands already on line {first[name]}"
                self._wrong((kind, index, "name"), "name", message, "delete or rename one of them")
            first.setdefault(name, line)

    def check_validity(self, tables: Sequence[ScheduleTable]) -> None:
        """A name may stand again for other days, and never twice for the same."""
        for index, table in enumerate(tables):
            for before, other in enumerate(tables[:index]):
                if other.name == table.name and _overlap(other, table):
                    line = self._file.line("schedule", before, "name")
                    message = f"'{table.name}' stands on line {line} for some of the same days"
                    remedy = "give both valid_from and valid_until that do not overlap, or rename one"
                    self._wrong(("schedule", index, "name"), "name", message, remedy)
                    break

    def _rows(self, index: int, name: str) -> list[Row]:
        place = ("calendar", index, "files")
        if Path(name).name != name:
            self._wrong(
                place, "files", f"'{name}' is no name of a file in the site folder", "put the file beside site.toml"
            )
            return []
        return read_csv(self._folder / name, name, CALENDAR_COLUMNS, self._mistakes, CALENDAR_OPTIONAL_COLUMNS) or []

    def _days(self, table: DaysTable, *place: str | int) -> Iterator[date]:
        count = (table.last - table.date).days + 1
        if count > DAYS_AT_ONCE_MAX:
            self._wrong((*place, "until"), "until", f"{count} days at once", "correct the year")
            return
        for number in range(count):
            yield table.date + timedelta(days=number)

    def _periods(self, texts: Sequence[str], *place: str | int) -> tuple[Period, ...]:
        periods = []
        for text in texts:
            try:
                periods.append(parse_period(text))
            except ValueError as error:
                remedy = "write 'HH:MM-HH:MM', like '08:00-17:30'; '22:00-06:00' lasts past midnight"
                self._wrong(place, str(place[-1]), str(error), remedy)
        return tuple(periods)

    def _wrong(self, place: tuple[str | int, ...], key: str, message: str, remedy: str) -> None:
        inner = ".".join(str(part) for part in place[2:-1] if isinstance(part, str))
        field = f"[[{place[0]}{'.' + inner if inner else ''}]] {key}".strip()
        self._mistakes.add(self._file.name, self._file.line(*place), field, message, remedy)


def _take_row(row: Row, days: dict[date, SpecialDay]) -> None:
    text = row.required("date")
    try:
        day = date.fromisoformat(text) if text else None
    except ValueError:
        row.wrong("date", f"'{text}' is no day", "write it like 2026-02-28")
        return
    if row["kind"] not in list(DayKind):
        row.wrong("kind", f"'{row['kind']}' is not allowed", f"write {' or '.join(DayKind)}")
    elif day is not None and day in days:
        row.wrong("date", f"{day} stands there already", "keep one of them")
    elif day is not None:
        days[day] = SpecialDay(DayKind(row["kind"]), row["name_zh"], row["name_en"])


def _overlap(one: ScheduleTable, other: ScheduleTable) -> bool:
    begin = max(one.valid_from or date.min, other.valid_from or date.min)
    return begin <= min(one.valid_until or date.max, other.valid_until or date.max)
