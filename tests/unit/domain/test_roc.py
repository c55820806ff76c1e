"""Years of the Republic of China beside those of the common era."""

from datetime import date

import pytest

from cityhall_bms.domain.roc import ce_year, roc_date, roc_year


@pytest.mark.parametrize(
    ("roc", "ce"), [(95, 2006), (99, 2010), (103, 2014), (104, 2015), (112, 2023), (114, 2025), (115, 2026)]
)
def test_roc_104_is_2015(roc: int, ce: int) -> None:
    assert (roc_year(ce), ce_year(roc), ce_year(ce)) == (roc, ce, ce)


def test_a_day_is_written_as_offices_do() -> None:
    assert roc_date(date(2015, 6, 30)) == "104-06-30"
    assert roc_date(date(2006, 1, 1)) == "95-01-01"
