"""Periods as reports are made for them: their kinds, their names in words, and the last one that is over. Pure."""

from datetime import date, timedelta
from typing import Final

from cityhall_bms.domain.energy.periods import FORMS, Period, months_between, months_of, parse_period
from cityhall_bms.domain.errors import RefusedError
from cityhall_bms.domain.reports import Every
from cityhall_bms.domain.roc import roc_year
from cityhall_bms.domain.site import Text

MONTHS: Final = {Every.MONTH: 1, Every.HALF_YEAR: 6, Every.YEAR: 12}


def asked_period(text: str) -> Period:
    """Period of a text as people write it; ``RefusedError`` for anything else."""
    try:
        return parse_period(text)
    except ValueError as error:
        msg = f"期間 {text} 無法解讀 / '{text}' is no period: write {FORMS}"
        raise RefusedError(msg) from error


def kind_of(period: Period) -> Every | None:
    """What kind of period it is; none for any other stretch of days."""
    if period.days == 1:
        return Every.DAY
    months = months_between(period.first, period.until) if period.whole_months else 0
    return next((k for k, n in MONTHS.items() if n == months and (period.first.month - 1) % n == 0), None)


def period_before(kind: Every, day: date) -> Period:
    """The last period of a kind that was over when ``day`` began."""
    if kind is Every.DAY:
        return Period(day - timedelta(days=1), day)
    months = MONTHS[kind]
    last = _begin(day, months) - timedelta(days=1)
    return months_of(_begin(last, months), months)


def month_begins(period: Period) -> list[date]:
    """First day of every month that it touches."""
    found, month = [], period.first.replace(day=1)
    while month < period.until:
        found.append(month)
        month = months_of(month, 1).until
    return found


def period_text(period: Period) -> Text:
    """In words, with the year of the Republic: ``104 年上半年``."""
    year, month, day = period.first.year, period.first.month, period.first.day
    zh, both = f"{roc_year(year)} 年", f"{year} (ROC {roc_year(year)})"
    match kind_of(period):
        case Every.DAY:
            return Text(f"{zh} {month} 月 {day} 日", f"{period.first} (ROC {roc_year(year)})")
        case Every.MONTH:
            return Text(f"{zh} {month} 月", f"{period.first:%B} {both}")
        case Every.HALF_YEAR:
            first = month == 1
            return Text(f"{zh}{'上' if first else '下'}半年", f"{'first' if first else 'second'} half of {both}")
        case Every.YEAR:
            return Text(zh, both)
    return Text(period.name, f"{period.first} to {period.until - timedelta(days=1)}")


def _begin(day: date, months: int) -> date:
    """First day of the period of so many months in which a day lies."""
    return day.replace(month=(day.month - 1) // months * months + 1, day=1)
