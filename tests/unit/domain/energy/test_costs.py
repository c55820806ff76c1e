"""Costs as columns: every amount at the price of its moment, and nothing for what is not known."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cityhall_bms.adapters.site_files.tariffs import shipped_book
from cityhall_bms.domain.energy.amounts import Amounts
from cityhall_bms.domain.energy.costs import by_period, calendar_edges, demand_by_period, gathered, of_intervals
from cityhall_bms.domain.energy.tariff_book import Contract, PeriodMap, TariffBook
from cityhall_bms.domain.energy.tariffs import PERIODS, TariffPeriod
from cityhall_bms.domain.errors import RefusedError

ZONE = ZoneInfo("Asia/Taipei")
SHIPPED = shipped_book()
BOOK = TariffBook(
    "Asia/Taipei", SHIPPED.tariffs, SHIPPED.off_peak_days, (Contract(date(2020, 1, 1), "taipower-hv-three-stage", {}),)
)
HOUR_US, QUARTER_US = 3_600_000_000, 900_000_000
PEAK, HALF, SATURDAY, OFF = (PERIODS.index(period) for period in TariffPeriod)


def us(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=ZONE).timestamp() * 1e6)


def amounts(start: str, *rows: list[float], step: int = HOUR_US, coverage: list[list[float]] | None = None) -> Amounts:
    value = np.array(rows, np.float64)
    begin = us(start)
    at = begin + step * np.arange(value.shape[1])
    known = np.isfinite(value).astype(np.float64) if coverage is None else np.array(coverage)
    return Amounts(at, int(at[-1]) + step, value, np.zeros(value.shape), known)


def periods(start: str, end: str) -> PeriodMap:
    return BOOK.periods(us(start), us(end))


DAY = periods("2026-07-01T00:00", "2026-07-02T00:00")  # a Wednesday in summer: 9 h off, 9 h half, 6 h peak


class TestIntervals:
    """One interval, one price."""

    def test_each_hour_costs_its_price(self) -> None:
        found = of_intervals(amounts("2026-07-01T14:00", [10.0, 10.0, 10.0]), DAY)

        assert found.cost.tolist() == [[58.5, 58.5, 93.9]]

    def test_what_is_not_known_has_no_cost(self) -> None:
        found = of_intervals(amounts("2026-07-01T14:00", [np.nan, 0.0]), DAY)

        assert np.isnan(found.cost[0, 0])
        assert found.cost[0, 1] == 0.0

    def test_an_interval_in_which_the_period_changes_is_refused(self) -> None:
        two_hours = amounts("2026-07-01T15:00", [10.0], step=2 * HOUR_US)

        with pytest.raises(RefusedError, match="shorter intervals"):
            of_intervals(two_hours, DAY)


class TestLongerIntervals:
    """Days and months are sums of what is known, with its coverage."""

    def test_a_day_is_the_sum_of_its_hours(self) -> None:
        day = amounts("2026-07-01T00:00", [1.0] * 24)

        found = gathered(day, DAY, calendar_edges(ZONE, us("2026-07-01T05:00"), us("2026-07-01T06:00"), "1d"))

        assert found.kwh.tolist() == [[24.0]]
        assert found.cost[0, 0] == pytest.approx(9 * 2.53 + 9 * 5.85 + 6 * 9.39)
        assert found.coverage.tolist() == [[1.0]]

    def test_an_hour_that_is_not_known_lowers_the_coverage_and_counts_nothing(self) -> None:
        day = amounts("2026-07-01T00:00", [np.nan, *[1.0] * 23], [np.nan] * 24)

        found = gathered(day, DAY, calendar_edges(ZONE, us("2026-07-01T00:00"), us("2026-07-02T00:00"), "1d"))

        assert found.coverage[0, 0] == pytest.approx(23 / 24)
        assert found.cost[0, 0] == pytest.approx(8 * 2.53 + 9 * 5.85 + 6 * 9.39)
        assert np.isnan(found.cost[1, 0])
        assert np.isnan(found.kwh[1, 0])

    def test_months_are_those_of_the_calendar(self) -> None:
        edges = calendar_edges(ZONE, us("2026-01-31T12:00"), us("2026-03-01T00:00"), "1mo")

        assert edges.tolist() == [us("2026-01-01T00:00"), us("2026-02-01T00:00"), us("2026-03-01T00:00")]


class TestPeriods:
    """By tariff period."""

    def test_energy_and_cost_are_told_for_each_period_that_occurs(self) -> None:
        found = by_period(amounts("2026-07-01T00:00", [1.0] * 24), DAY)

        assert found.kwh[0, [PEAK, HALF, OFF]].tolist() == [6.0, 9.0, 9.0]
        assert found.cost[0, PEAK] == pytest.approx(6 * 9.39)
        assert np.isnan(found.kwh[0, SATURDAY])
        assert np.isnan(found.coverage[0, SATURDAY])

    def test_the_coverage_is_that_of_the_period(self) -> None:
        known = [1.0] * 24
        known[16] = np.nan

        found = by_period(amounts("2026-07-01T00:00", known), DAY)

        assert found.coverage[0, PEAK] == pytest.approx(5 / 6)
        assert found.coverage[0, OFF] == 1.0

    def test_the_demand_is_the_greatest_quarter_hour_of_all_meters_together(self) -> None:
        first = [100.0] * 8  # from 15:00: four quarters half-peak, four peak
        second = [10.0, 50.0, 10.0, 10.0, 10.0, 10.0, np.nan, 20.0]

        demand, when = demand_by_period(amounts("2026-07-01T15:00", first, second, step=QUARTER_US), DAY)

        assert demand[HALF] == 600.0
        assert when[HALF] == us("2026-07-01T15:15")
        assert demand[PEAK] == 480.0
        assert when[PEAK] == us("2026-07-01T16:45")
        assert np.isnan(demand[OFF])


@settings(max_examples=30)
@given(st.lists(st.one_of(st.just(float("nan")), st.floats(0, 1e5)), min_size=168, max_size=168))
def test_the_parts_of_a_week_add_up_however_they_are_cut(values: list[float]) -> None:
    week = amounts("2026-10-12T00:00", values)  # season changes in it
    whole = periods("2026-10-12T00:00", "2026-10-19T00:00")

    hours = of_intervals(week, whole)
    days = gathered(week, whole, calendar_edges(ZONE, int(week.at[0]), week.end, "1d"))
    by = by_period(week, whole)

    assert days.cost.shape == (1, 7)
    assert np.nansum(days.cost) == pytest.approx(np.nansum(hours.cost))
    assert np.nansum(by.cost) == pytest.approx(np.nansum(hours.cost))
    assert np.nansum(by.kwh) == pytest.approx(np.nansum(values))
    assert np.isnan(days.cost[0]).tolist() == [bool(day.all()) for day in np.isnan(values).reshape(7, 24)]
