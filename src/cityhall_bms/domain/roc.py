"""The calendar of the Republic of China: year 1 is 1912, so that ROC 104 is 2015."""

from datetime import date
from typing import Final

YEAR_ZERO: Final = 1911
"""ROC year = CE year - 1911."""
CE_FROM: Final = 1000
"""A year of four digits is of the common era, one of fewer is an ROC year."""


YEARS: Final = range(1921, 3000)
"""CE years that anything here is of; their ROC years have two digits at least."""


def roc_year(year: int) -> int:
    """ROC year of a CE year."""
    return year - YEAR_ZERO


def ce_year(year: int) -> int:
    """CE year of one that may be written either way: 104 and 2015 are the same."""
    return year if year >= CE_FROM else year + YEAR_ZERO


def roc_date(day: date) -> str:
    """Day as offices write it: ``104-06-30``."""
    return f"{roc_year(day.year)}-{day:%m-%d}"
