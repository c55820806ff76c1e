"""The office calendar of Taiwan's government (政府行政機關辦公日曆表, data.gov.tw) as a calendar file of a site.

The published file has one row for each day of a year: ``西元日期,星期,是否放假,備註``, where 是否放假 is 0 on workdays
and 2 on days off. What a plain week already says is left out. Pure: text in, text out.
"""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from cityhall_bms.domain.calendars import DayKind
from cityhall_bms.domain.errors import Problem, SiteError

DATE, OFF, REMARK = "西元日期", "是否放假", "備註"
COLUMNS: Final = (DATE, OFF, REMARK)
WORKS, RESTS = "0", "2"
SOURCE: Final = "dgpa"
"""Directorate-General of Personnel Administration, who publishes it."""
_SATURDAY: Final = 5
_ENGLISH: Final[Mapping[str, str]] = {
    "中華民國開國紀念日": "New Year (founding day)",
    "開國紀念日": "New Year (founding day)",
    "小年夜": "Day before Lunar New Year's Eve",
    "農曆除夕": "Lunar New Year's Eve",
    "春節": "Lunar New Year",
    "和平紀念日": "Peace Memorial Day",
    "兒童節": "Children's Day",
    "民族掃墓節": "Tomb Sweeping Day",
    "清明節": "Tomb Sweeping Day",
    "勞動節": "Labour Day",
    "端午節": "Dragon Boat Festival",
    "中秋節": "Mid-Autumn Festival",
    "孔子誕辰紀念日": "Confucius' Birthday",
    "國慶日": "National Day",
    "臺灣光復暨金門古寧頭大捷紀念日": "Retrocession and Guningtou Day",
    "行憲紀念日": "Constitution Day",
    "調整放假": "Adjusted day off",
    "補行上班": "Make-up working day",
}
_OBSERVED: Final = ("補假", "（補假）", "(補假)")


@dataclass(frozen=True, slots=True)
class DeclaredDay:
    """A day that differs from a plain week, or has a name."""

    day: date
    kind: DayKind
    name_zh: str

    @property
    def name_en(self) -> str:
        """English name; what nobody translated stays as it is."""
        return english(self.name_zh)


def read_office_calendar(name: str, text: str) -> list[DeclaredDay]:
    """Declared days in order; :class:`SiteError` with every row that cannot be read."""
    problems: list[Problem] = []
    days = {}
    for line, row in _rows(name, text):
        try:
            day = _day(row[DATE])
        except ValueError:
            problems.append(Problem(name, line, DATE, f"'{row[DATE]}' is no day", "it is written like 20260101"))
            continue
        if row[OFF] not in {WORKS, RESTS}:
            remedy = "0 is a workday, 2 a day off; is this the calendar of the government?"
            problems.append(Problem(name, line, OFF, f"'{row[OFF]}' is not allowed", remedy))
        elif day in days:
            problems.append(Problem(name, line, DATE, f"{day} stands there already", "keep one of the rows"))
        else:
            days[day] = _declared(day, row[OFF] == RESTS, row[REMARK])
    if problems:
        raise SiteError(problems)
    return [declared for _, declared in sorted(days.items()) if declared is not None]


def calendar_csv(days: Sequence[DeclaredDay]) -> str:
    """Text of a site's calendar file."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("date", "kind", "name_zh", "name_en", "source"))
    writer.writerows((day.day.isoformat(), day.kind.value, day.name_zh, day.name_en, SOURCE) for day in days)
    return out.getvalue()


def english(name_zh: str) -> str:
    """English name of a holiday."""
    for mark in _OBSERVED:
        if name_zh.endswith(mark) and name_zh != mark:
            return f"{english(name_zh.removesuffix(mark))} (observed)"
    return " and ".join(_ENGLISH.get(part, part) for part in name_zh.split("、"))


def _rows(name: str, text: str) -> Iterator[tuple[int, dict[str, str]]]:
    reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""), restval="")
    titles = [title.strip() for title in reader.fieldnames or ()]
    missing = [title for title in COLUMNS if title not in titles]
    if missing:
        remedy = f"name the CSV of 政府行政機關辦公日曆表; its columns are {DATE},星期,{OFF},{REMARK}"
        raise SiteError([Problem(name, 1, "header", f"no column {', '.join(missing)}", remedy)])
    reader.fieldnames = titles
    for row in reader:
        yield reader.line_num, {title: (row[title] or "").strip() for title in COLUMNS}


def _day(text: str) -> date:
    if "/" in text:
        return datetime.strptime(text, "%Y/%m/%d").date()  # noqa: DTZ007 - a day has no zone
    return date.fromisoformat(text)


def _declared(day: date, rests: bool, remark: str) -> DeclaredDay | None:  # noqa: FBT001 - what the row says
    weekday = day.weekday() < _SATURDAY
    if rests and (weekday or remark):
        return DeclaredDay(day, DayKind.HOLIDAY, remark or "放假")
    if not rests and not weekday:
        return DeclaredDay(day, DayKind.WORKDAY, remark or "補行上班")
    return None
