"""Days before and after a measure, matched by weekday."""

from datetime import date

import numpy as np
import pytest

from cityhall_bms.domain.energy.before_after import Beside, match, periods
from cityhall_bms.domain.errors import RefusedError

START = date(2015, 3, 3)
FOUR_WEEKS = periods(START, 4, Beside.JUST_BEFORE)


@pytest.mark.parametrize("beside", list(Beside))
def test_both_periods_have_the_same_weekdays_in_the_same_places(beside: Beside) -> None:
    before, after = periods(START, 4, beside)
    assert (before.days, after.days, after.first) == (28, 28, START)
    assert before.first.weekday() == after.first.weekday()
    assert before.until <= after.first


def test_the_year_before_is_52_weeks_earlier() -> None:
    before, _ = periods(START, 4, Beside.YEAR_BEFORE)
    assert before.first == date(2014, 3, 4)


def test_the_saving_is_of_days_that_are_known_on_both_sides() -> None:
    before, after = np.full(28, 40.0), np.full(28, 15.0)
    before[0], after[1] = np.nan, np.nan
    with pytest.raises(RefusedError, match="26 of 28 days are known before and after, less than 95 %"):
        match((FOUR_WEEKS[0], before), (FOUR_WEEKS[1], after))
    found = match((FOUR_WEEKS[0], before), (FOUR_WEEKS[1], after), provisional=True)
    assert (found.days, found.mean_before, found.saving_per_day, found.error) == (26, 40.0, 25.0, 0.0)
    assert (found.saving_percent, found.saving_per_year) == (62.5, 9_125.0)


def test_days_that_differ_make_the_saving_less_sure_and_days_in_rows_still_less() -> None:
    scattered = np.tile([30.0, 34.0], 14)
    rows = np.repeat([30.0, 34.0], 14)
    after = np.full(28, 20.0)
    loose = match((FOUR_WEEKS[0], scattered), (FOUR_WEEKS[1], after))
    tight = match((FOUR_WEEKS[0], rows), (FOUR_WEEKS[1], after))
    # s of the differences is 2.0367, √28 = 5.2915: 1.645 x 2.0367 / 5.2915 = 0.6332.
    assert loose.error == pytest.approx(0.6332, abs=1e-4)
    assert tight.error > 3 * loose.error
    assert loose.saving_per_day == tight.saving_per_day == 12.0


def test_of_one_day_nothing_is_told() -> None:
    with pytest.raises(RefusedError):
        match((FOUR_WEEKS[0], np.array([1.0])), (FOUR_WEEKS[1], np.array([1.0])), provisional=True)
