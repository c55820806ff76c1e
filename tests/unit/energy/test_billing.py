"""Bills of months and what-ifs, over meters whose quarter hours the test made."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from cityhall_bms.adapters.site_files.tariffs import shipped_book
from cityhall_bms.domain.energy.amounts import Amounts
from cityhall_bms.domain.energy.periods import Period, months_of, parse_period
from cityhall_bms.domain.energy.tariff_book import Billing, Contract, TariffBook
from cityhall_bms.domain.energy.tariffs import Capacity, TariffPeriod
from cityhall_bms.domain.errors import RefusedError
from cityhall_bms.energy.billing import BillDesk, MonthBill, Scenario, Terms
from cityhall_bms.ports.counters import Estimate
from cityhall_bms.ports.history import Aggregation, Window
from cityhall_bms.ports.queries import Table

ZONE = ZoneInfo("Asia/Taipei")
THREE, TWO = "taipower-hv-three-stage", "taipower-hv-two-stage"
QUARTER_US = 900_000_000
SHIPPED = shipped_book()
PEAK, HALF, SATURDAY, OFF = TariffPeriod


def us(day: date) -> int:
    return Period(day, day).bounds(ZONE)[0]


@dataclass
class Loads:
    """Two meters that take 2,000 kW each all the time, except where a test says otherwise."""

    changed: dict[tuple[int, int], float] = field(default_factory=dict)
    """kW of the first meter between two times."""
    usual_kw: float = 2000.0
    coverage: dict[int, float] = field(default_factory=dict)
    """That of single quarter hours, where it is not whole."""
    asked: list[int | None] = field(default_factory=list)

    async def amounts(
        self, meters: Sequence[str], window: Window, interval: str, *, estimate: Estimate = Estimate.NONE,
        known_at: int | None = None,
    ) -> Amounts:  # fmt: skip
        assert (list(meters), interval) == (["MAIN1", "MAIN2"], "15m")
        self.asked.append(known_at)
        at = np.arange(window.start, window.end, QUARTER_US)
        kw = np.full((2, len(at)), self.usual_kw)
        for (start, end), other in self.changed.items():
            kw[0, (at >= start) & (at < end)] = other
        silent = np.isnan(kw)
        spread = np.where(silent & (estimate is Estimate.LINEAR), 1900.0, 0.0)
        coverage = np.where(silent, 0.0, 1.0)
        for begin, share in self.coverage.items():
            coverage[:, at == begin] = share
        return Amounts(at, window.end, np.where(spread, spread, kw) / 4, spread / 4, coverage)


@dataclass
class Reactive:
    """Counters of reactive energy."""

    kvarh: float = 0.0

    async def intervals_of(
        self, points: Sequence[int], window: Window, interval: str, aggregation: Aggregation, time_zone: str,
        known_at: int | None = None,
    ) -> Table:  # fmt: skip
        assert (list(points), interval, aggregation) == ([7], "1mo", Aggregation.DELTA)
        return Table(np.array([window.start]), np.array([[self.kvarh]]), np.ones((1, 1)))


def desk(loads: Loads, *contracts: Contract, reactive: Reactive | None = None) -> BillDesk:
    found = contracts or (Contract(date(2025, 10, 1), THREE, {Capacity.REGULAR: Decimal(4500)}),)
    points = ("KVARH",) if reactive else ()
    billing = Billing(("MAIN1", "MAIN2"), points)
    book = TariffBook("Asia/Taipei", SHIPPED.tariffs, SHIPPED.off_peak_days, found, billing)
    return BillDesk(book, loads, reactive or Reactive(), {"KVARH": 7})  # type: ignore[arg-type]


JULY, MAY = parse_period("115-07"), parse_period("2026-05")
PEAK_OF_JULY = us(date(2026, 7, 1)) + 17 * 3_600_000_000
THREE_DAYS_GONE = {(us(date(2026, 7, 1)), us(date(2026, 7, 4))): float("nan")}
HOT_AFTERNOON = {(PEAK_OF_JULY, PEAK_OF_JULY + QUARTER_US): 3000.0}
YEAR = months_of(date(2025, 11, 1), 12)


class TestTheBillOfAMonth:
    """2026-07: 23 weekdays, 4 Saturdays, 4 Sundays; 4,000 kW all the time."""

    async def test_it_has_the_energy_of_each_period_the_contract_and_the_demand_above_it(self) -> None:
        loads = Loads({(PEAK_OF_JULY, PEAK_OF_JULY + QUARTER_US): 2800.0})

        found = await desk(loads).bill(JULY)

        kwh = {line.period: line.kwh for line in found.bill.parts[0].energy}
        # 6 h of peak, 9 of half-peak, 9 of off-peak a weekday; Saturdays 15 and 9; Sundays 24.
        assert kwh == {
            PEAK: 4000 * 6 * 23 + 200, HALF: 4000 * 9 * 23, SATURDAY: 4000 * 15 * 4, OFF: 4000 * (9 * 23 + 9 * 4 + 24 * 4),
        }  # fmt: skip
        assert found.bill.energy == sum(
            Decimal(price) * kwh[period]
            for period, price in ((PEAK, "9.39"), (HALF, "5.85"), (SATURDAY, "2.60"), (OFF, "2.53"))
        )
        assert found.bill.basic == 4500 * Decimal("223.60")
        assert found.bill.over_contract == 300 * 2 * Decimal("223.60")
        assert found.peaks[PEAK] == PEAK_OF_JULY
        assert (found.tariff_versions, found.provisional) == ((f"{THREE}@2025-10-01",), False)

    async def test_a_month_in_which_the_season_changes_has_two_parts_by_days(self) -> None:
        found = await desk(Loads()).bill(MAY)

        winter, summer = found.bill.parts
        assert winter.basic == 4500 * Decimal("166.90") * (Decimal(15) / 31)
        assert summer.basic == 4500 * Decimal("223.60") * (Decimal(16) / 31)
        assert PEAK not in winter.part.kwh
        assert sum(part.part.kwh[OFF] for part in found.bill.parts) > 0
        whole = sum(line.kwh for part in found.bill.parts for line in part.energy)
        assert whole == 4000 * 24 * 31

    async def test_a_month_in_which_the_contract_changes_has_two_parts(self) -> None:
        contracts = (
            Contract(date(2026, 1, 1), THREE, {Capacity.REGULAR: Decimal(4500)}),
            Contract(date(2026, 7, 11), TWO, {Capacity.REGULAR: Decimal(3900)}),
        )

        found = await desk(Loads(), *contracts).bill(JULY)

        assert [part.over_amount for part in found.bill.parts] == [0, 100 * 2 * Decimal("223.60") * (Decimal(21) / 31)]
        assert found.tariff_versions == (f"{THREE}@2025-10-01", f"{TWO}@2025-10-01")
        assert found.contracts == contracts

    async def test_the_power_factor_is_that_of_the_meters(self) -> None:
        active = 4000.0 * 24 * 31

        found = await desk(Loads(), reactive=Reactive(kvarh=0.75 * active)).bill(JULY)

        assert found.bill.power_factor == 80
        told = await desk(Loads(), reactive=Reactive(kvarh=0.75 * active)).bill(JULY, power_factor=90)
        assert told.bill.power_factor_amount == -(told.bill.energy + told.bill.basic) * Decimal("0.010")

    async def test_the_record_of_another_day_is_asked_for(self) -> None:
        loads = Loads()

        await desk(loads).bill(JULY, Terms(known_at=5))

        assert loads.asked == [5]


class TestWhatIsNotKnown:
    """Nothing is billed that nobody knows."""

    async def test_a_month_of_which_too_little_is_known_is_refused(self) -> None:
        with pytest.raises(RefusedError, match=r"115-07 90\.3 %.*provisional=true"):
            await desk(Loads(dict(THREE_DAYS_GONE))).bill(JULY)

    async def test_a_provisional_bill_has_what_is_known_and_says_so(self) -> None:
        found = await desk(Loads(dict(THREE_DAYS_GONE))).bill(JULY, Terms(provisional=True))

        assert found.provisional
        assert found.measured.coverage == pytest.approx(28 / 31)
        assert sum(line.kwh for line in found.bill.parts[0].energy) == 4000 * 24 * 31 - 2000 * 24 * 3
        assert found.bill.parts[0].part.demand_kw[PEAK] == 4000.0

    async def test_silences_can_be_spread_and_are_never_demand(self) -> None:
        terms = Terms(provisional=True, estimate=Estimate.LINEAR)

        found = await desk(Loads(dict(THREE_DAYS_GONE))).bill(JULY, terms)

        assert found.measured.estimated_kwh == 1900 * 24 * 3
        assert sum(line.kwh for line in found.bill.parts[0].energy) == 4000 * 24 * 31 - 100 * 24 * 3
        assert found.measured.coverage == pytest.approx(28 / 31)
        assert us(date(2026, 7, 4)) <= found.peaks[PEAK]

    async def test_a_quarter_hour_of_which_only_a_part_is_known_is_no_demand(self) -> None:
        loads = Loads({(PEAK_OF_JULY, PEAK_OF_JULY + QUARTER_US): 9000.0}, coverage={PEAK_OF_JULY: 0.5})

        found = await desk(loads).bill(JULY)

        assert found.bill.parts[0].part.demand_kw[PEAK] == 4000.0

    async def test_a_month_of_which_nothing_is_known_is_no_bill_of_zero(self) -> None:
        with pytest.raises(RefusedError, match="nothing is known"):
            await desk(Loads(usual_kw=float("nan"))).bill(JULY, Terms(provisional=True))

    @pytest.mark.parametrize(
        ("month", "says"),
        [("114-09", "has no prices"), ("115H1", "is not a month"), ("119-01", "off-peak days of 2030")],
    )
    async def test_what_has_no_price_or_is_no_month_is_refused(self, month: str, says: str) -> None:
        contract = Contract(date(2020, 1, 1), THREE, {Capacity.REGULAR: Decimal(4500)})

        with pytest.raises(RefusedError, match=says):
            await desk(Loads(), contract).bill(parse_period(month), Terms(provisional=True))

    async def test_a_site_that_does_not_say_which_meters_are_billed_has_no_bill(self) -> None:
        contracts = (Contract(date(2025, 10, 1), THREE, {}),)
        book = TariffBook("Asia/Taipei", SHIPPED.tariffs, SHIPPED.off_peak_days, contracts)

        with pytest.raises(RefusedError, match=r"\[billing\] meters"):
            await BillDesk(book, Loads(), Reactive(), {}).bill(JULY)  # type: ignore[arg-type]


def total(months: tuple[MonthBill, ...]) -> Decimal:
    return sum((month.bill.total for month in months), Decimal(0))


class TestWhatIf:
    """Twelve months, one of them with a hot afternoon of 5,000 kW."""

    async def test_without_a_change_it_is_what_was_billed(self) -> None:
        found = await desk(Loads(dict(HOT_AFTERNOON))).what_if(YEAR, Scenario())

        assert total(found.scenario) == total(found.actual)
        assert len(found.actual) == 12

    async def test_the_best_capacity_is_better_than_any_other_that_is_tried(self) -> None:
        asked = desk(Loads(dict(HOT_AFTERNOON)))

        found = await asked.what_if(YEAR, Scenario())

        # 4,000 kW are there every month; a kW more for a quarter hour costs less than keeping it ready all year.
        assert found.best.regular_kw == 4000
        for regular in (3990, 3999, 4001, 4100, 4500, 5000):
            other = await asked.what_if(YEAR, Scenario(kw={Capacity.REGULAR: Decimal(regular)}))
            assert total(other.scenario) > found.best_total
            assert other.best.regular_kw == 4000
        same = await asked.what_if(YEAR, Scenario(kw={Capacity.REGULAR: Decimal(4000)}))
        assert total(same.scenario) == found.best_total

    async def test_the_best_of_each_month_alone_follows_its_demand(self) -> None:
        found = await desk(Loads(dict(HOT_AFTERNOON))).what_if(YEAR, Scenario())

        assert [best.regular_kw for best in found.best_by_month] == [4000] * 8 + [5000] + [4000] * 3

    async def test_the_curve_tells_totals_and_has_the_present_and_the_best_capacity(self) -> None:
        found = await desk(Loads(dict(HOT_AFTERNOON))).what_if(YEAR, Scenario())

        curve = dict(found.curve)
        assert curve[4500] == total(found.actual)
        assert curve[4000] == found.best_total == min(curve.values())

    async def test_another_tariff_has_its_own_periods_and_prices(self) -> None:
        found = await desk(Loads()).what_if(JULY, Scenario(tariff=TWO))

        kwh = {line.period: line.kwh for line in found.scenario[0].bill.parts[0].energy}
        assert kwh[PEAK] == 4000 * 15 * 23
        assert found.scenario[0].tariff_versions == (f"{TWO}@2025-10-01",)
        assert found.actual[0].tariff_versions == (f"{THREE}@2025-10-01",)

    async def test_months_without_prices_and_broken_periods_are_refused(self) -> None:
        with pytest.raises(RefusedError, match="whole months"):
            await desk(Loads()).what_if(parse_period("115-07-01..115-07-20"), Scenario())
        contract = Contract(date(2020, 1, 1), THREE, {})
        with pytest.raises(RefusedError, match="has no prices"):
            await desk(Loads(), contract).what_if(parse_period("113"), Scenario())
