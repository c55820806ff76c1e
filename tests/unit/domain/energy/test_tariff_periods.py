"""Periods of the shipped tariffs, minute by minute over years, against a reference that knows only the published table."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from cityhall_bms.adapters.site_files.tariffs import shipped_book
from cityhall_bms.domain.energy.tariff_book import Contract, TariffBook
from cityhall_bms.domain.energy.tariffs import PERIODS, Season, Span, Tariff, TariffDay, TariffPeriod
from cityhall_bms.domain.errors import NotFoundError, RefusedError

TAIPEI = "Asia/Taipei"
THREE, TWO = "taipower-hv-three-stage", "taipower-hv-two-stage"
MINUTE_US = 60_000_000

# The rate book from ROC 114-10: (season, day) -> (from hour, to hour, period, NT$/kWh).
OFF, HALF, PEAK, SAT = "off_peak", "half_peak", "peak", "saturday_half_peak"
PUBLISHED = {
    THREE: {
        ("summer", "weekday"): [(0, 9, OFF, 2.53), (9, 16, HALF, 5.85), (22, 24, HALF, 5.85), (16, 22, PEAK, 9.39)],
        ("summer", "saturday"): [(0, 9, OFF, 2.53), (9, 24, SAT, 2.60)],
        ("summer", "sunday"): [(0, 24, OFF, 2.53)],
        ("winter", "weekday"): [(0, 6, OFF, 2.32), (11, 14, OFF, 2.32), (6, 11, HALF, 5.47), (14, 24, HALF, 5.47)],
        ("winter", "saturday"): [(0, 6, OFF, 2.32), (11, 14, OFF, 2.32), (6, 11, SAT, 2.41), (14, 24, SAT, 2.41)],
        ("winter", "sunday"): [(0, 24, OFF, 2.32)],
    },
    TWO: {
        ("summer", "weekday"): [(0, 9, OFF, 2.71), (9, 24, PEAK, 6.75)],
        ("summer", "saturday"): [(0, 9, OFF, 2.71), (9, 24, SAT, 2.77)],
        ("summer", "sunday"): [(0, 24, OFF, 2.71)],
        ("winter", "weekday"): [(0, 6, OFF, 2.46), (11, 14, OFF, 2.46), (6, 11, PEAK, 6.37), (14, 24, PEAK, 6.37)],
        ("winter", "saturday"): [(0, 6, OFF, 2.46), (11, 14, OFF, 2.46), (6, 11, SAT, 2.54), (14, 24, SAT, 2.54)],
        ("winter", "sunday"): [(0, 24, OFF, 2.46)],
    },
}
# Taipower's calendar of ROC 115 (最近兩年時間電價日曆表), Sundays left out.
HOLIDAYS_2026 = [
    "01-01", "02-16", "02-17", "02-18", "02-19", "02-20", "02-21", "02-28", "04-04", "05-01", "06-19", "09-25", "09-28",
    "10-10", "12-25",
]  # fmt: skip


def slow_reference(name: str, year: int) -> tuple[list[str], list[float]]:
    """Period and price of every minute of a year, one by one."""
    periods, prices = [], []
    for day in (date(year, 1, 1) + timedelta(days=number) for number in range(365)):
        season = "summer" if (5, 16) <= (day.month, day.day) <= (10, 15) else "winter"
        kind = ["weekday"] * 5 + ["saturday", "sunday"]
        of_day = "sunday" if day.strftime("%m-%d") in HOLIDAYS_2026 else kind[day.weekday()]
        for minute in range(1440):
            for begin, end, period, price in PUBLISHED[name][season, of_day]:
                if begin * 60 <= minute < end * 60:
                    periods.append(period)
                    prices.append(price)
    return periods, prices


def book(zone: str = TAIPEI, *own: Tariff, since: date = date(2010, 1, 1), tariff: str = THREE) -> TariffBook:
    shipped = shipped_book()
    contract = Contract(since, tariff, {})
    return TariffBook(zone, (*shipped.tariffs, *own), shipped.off_peak_days, (contract,))


def us(text: str, zone: str = TAIPEI) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1e6)


def period_at(text: str, tariffs: TariffBook | None = None) -> str:
    at = us(text)
    periods = (tariffs or book()).periods(at, at + 1)
    return PERIODS[periods.periods_of(np.array([at]))[0]].value


@pytest.mark.parametrize("name", [THREE, TWO])
def test_every_minute_of_a_year_lies_in_the_period_and_has_the_price_of_the_rate_book(name: str) -> None:
    start = us("2026-01-01T00:00")
    minutes = start + MINUTE_US * np.arange(365 * 1440)

    found = book().periods(start, us("2027-01-01T00:00"), name)

    periods, prices = slow_reference(name, 2026)
    assert [PERIODS[code].value for code in found.periods_of(minutes)] == periods
    assert found.prices_of(minutes).tolist() == prices


@pytest.mark.parametrize(
    ("at", "period"),
    [
        ("2026-07-01T15:59", HALF),  # a Wednesday
        ("2026-07-01T16:00", PEAK),
        ("2026-07-01T21:59:59", PEAK),
        ("2026-07-01T22:00", HALF),
        ("2026-07-01T08:59", OFF),
        ("2026-07-04T09:00", SAT),
        ("2026-07-05T18:00", OFF),  # a Sunday
        ("2026-11-02T11:00", OFF),  # a Monday
        ("2026-11-02T14:00", HALF),
        ("2026-02-17T18:00", OFF),  # Lunar New Year, a Tuesday
        ("2026-10-10T18:00", OFF),  # National Day, a Saturday
        ("2026-10-09T18:00", PEAK),  # a day in lieu is none of the utility's
    ],
)
def test_the_named_moments_lie_where_the_rate_book_puts_them(at: str, period: str) -> None:
    assert period_at(at) == period


@pytest.mark.parametrize(
    ("day", "season"),
    [("2026-05-15", "non_summer"), ("2026-05-16", "summer"), ("2026-10-15", "summer"), ("2026-10-16", "non_summer")],
)
def test_summer_is_from_16_may_to_15_october(day: str, season: str) -> None:
    assert book().tariff_on(THREE, date.fromisoformat(day)).season_on(date.fromisoformat(day)) == Season(season)


class TestVersions:
    """What was valid on a day counts for it, for ever."""

    def test_before_roc_112_the_peak_of_two_stages_was_from_0730_to_2230(self) -> None:
        tariffs = book(tariff=TWO)

        assert period_at("2022-07-06T07:29", tariffs) == OFF
        assert period_at("2022-07-06T07:30", tariffs) == PEAK
        assert period_at("2022-07-06T22:29", tariffs) == PEAK
        assert period_at("2022-07-06T22:30", tariffs) == OFF
        assert period_at("2023-07-05T07:30", tariffs) == OFF

    def test_where_no_prices_are_known_the_cost_is_refused_with_the_version_and_the_days(self) -> None:
        with pytest.raises(RefusedError, match=r"taipower-hv-three-stage@2023-01-01 has no prices.*2025-09-01"):
            book().check_priced(date(2025, 9, 1), date(2025, 11, 1))
        book().check_priced(date(2025, 10, 1), date(2026, 12, 1))

    def test_prices_that_are_not_known_are_not_a_number(self) -> None:
        start, end = us("2025-09-30T00:00"), us("2025-10-02T00:00")

        prices = book().periods(start, end).price

        assert np.isnan(prices[:4]).all()
        assert np.isfinite(prices[4:]).all()

    def test_the_version_of_every_day_is_named(self) -> None:
        assert book().versions_in(date(2025, 9, 30), date(2025, 10, 2)) == (
            "taipower-hv-three-stage@2023-01-01", "taipower-hv-three-stage@2025-10-01",
        )  # fmt: skip

    def test_days_are_split_where_season_version_or_contract_change(self) -> None:
        shipped = shipped_book()
        contracts = (Contract(date(2026, 1, 1), THREE, {}), Contract(date(2026, 6, 1), TWO, {}))
        tariffs = TariffBook(TAIPEI, shipped.tariffs, shipped.off_peak_days, contracts)

        found = tariffs.stretches(date(2026, 5, 1), date(2026, 7, 1))

        assert [(str(part.first), part.days, part.season.value, part.tariff.name) for part in found] == [
            ("2026-05-01", 15, "non_summer", THREE), ("2026-05-16", 16, "summer", THREE), ("2026-06-01", 30, "summer", TWO),
        ]  # fmt: skip

    @pytest.mark.parametrize(
        ("ask", "error", "says"),
        [
            (
                lambda tariffs: tariffs.tariff_on("other", date(2026, 1, 1)),
                NotFoundError,
                "there are taipower-hv-three",
            ),
            (lambda tariffs: tariffs.tariff_on(THREE, date(2000, 1, 1)), RefusedError, "before 2006-01-01"),
            (lambda tariffs: tariffs.contract_on(date(2009, 1, 1)), RefusedError, r"add a \[\[contract\]\]"),
            (lambda tariffs: tariffs.is_off_peak_day(date(2030, 1, 1)), RefusedError, "off-peak days of 2030"),
        ],
    )
    def test_what_is_not_known_is_refused_with_what_to_do(self, ask, error: type[Exception], says: str) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
        with pytest.raises(error, match=says):
            ask(book())


class TestDaysOf23And25Hours:
    """Elsewhere clocks are changed; periods are those of the wall clock."""

    @pytest.mark.parametrize(
        ("day", "hours", "off"),
        [("2026-03-29", 23, 23), ("2026-03-30", 24, 9), ("2026-10-25", 25, 25)],  # Sundays, and a Monday
    )
    def test_each_hour_of_the_wall_clock_has_its_period(self, day: str, hours: int, off: int) -> None:
        start = us(f"{day}T00:00", "Europe/Berlin")
        after = us(f"{date.fromisoformat(day) + timedelta(days=1)}T00:00", "Europe/Berlin")
        tariffs = book("Europe/Berlin")

        codes = tariffs.periods(start, after).periods_of(np.arange(start, after, 60 * MINUTE_US))

        assert len(codes) == hours
        assert (codes == PERIODS.index(TariffPeriod.OFF_PEAK)).sum() == off

    def test_a_period_that_the_clocks_jump_over_is_none(self) -> None:
        spans = (Span(0, TariffPeriod.OFF_PEAK), Span(120, TariffPeriod.PEAK), Span(180, TariffPeriod.HALF_PEAK))
        hours = {(season, day): spans for season in Season for day in TariffDay}
        own = Tariff("own", date(2020, 1, 1), "自訂", "own", "test", ((6, 1), (9, 30)), hours)
        start, after = us("2026-03-29T00:00", "Europe/Berlin"), us("2026-03-30T00:00", "Europe/Berlin")

        found = book("Europe/Berlin", own).periods(start, after, "own")

        assert [PERIODS[code].value for code in found.codes] == ["off_peak", "half_peak"]
        assert found.edges[1] - found.edges[0] == 2 * 60 * MINUTE_US


def test_hours_suffice_where_every_period_begins_with_one() -> None:
    assert book().periods(us("2026-07-01T00:00"), us("2026-07-08T00:00")).hourly
    assert not book().periods(us("2022-07-01T00:00"), us("2022-07-08T00:00")).hourly
