"""Costs of meters and tenants: read in intervals that no period changes in, and told in those that were asked for."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from cityhall_bms.adapters.site_files.tariffs import shipped_book
from cityhall_bms.domain.energy.amounts import Amounts
from cityhall_bms.domain.energy.commodities import Commodity
from cityhall_bms.domain.energy.meters import Flow, ManualSource, Meter, Metering, Tenant
from cityhall_bms.domain.energy.tariff_book import Contract, TariffBook
from cityhall_bms.domain.energy.tariffs import PERIODS, TariffPeriod
from cityhall_bms.domain.errors import NotFoundError, RefusedError
from cityhall_bms.energy.costing import CostDesk, CostQuestion
from cityhall_bms.ports.counters import Estimate
from cityhall_bms.ports.history import Window

THREE = "taipower-hv-three-stage"
LENGTH_US = {"15m": 900_000_000, "1h": 3_600_000_000}
SHIPPED = shipped_book()
BOOK = TariffBook("Asia/Taipei", SHIPPED.tariffs, SHIPPED.off_peak_days, (Contract(date(2020, 1, 1), THREE, {}),))


def meter(name: str, commodity: Commodity = Commodity.ELECTRICITY, tenant: str = "", flow: Flow = Flow.IMPORT) -> Meter:
    return Meter(name, commodity, name, name, ManualSource(), tenant=tenant, flow=flow)


METERS = [
    meter("A"), meter("STALL1", tenant="food"), meter("STALL2", tenant="food"),
    meter("BACK", tenant="food", flow=Flow.EXPORT), meter("INLET", Commodity.WATER),
]  # fmt: skip
METERING = Metering(
    {found.name: found for found in METERS},
    {"food": Tenant("food", "美食街", "Food hall"), "bank": Tenant("bank", "銀行", "Bank")},
)


@dataclass
class Loads:
    """kW of each meter, all the time; what was asked is kept."""

    kw: dict[str, float]
    silent: tuple[int, int] = (0, 0)
    """Nothing is known between these times."""
    asked: list[tuple[str, int, Estimate, int | None]] = field(default_factory=list)

    async def amounts(
        self, meters: Sequence[str], window: Window, interval: str, *, estimate: Estimate = Estimate.NONE,
        known_at: int | None = None,
    ) -> Amounts:  # fmt: skip
        at = np.arange(window.start, window.end, LENGTH_US[interval])
        self.asked.append((interval, len(at), estimate, known_at))
        value = np.array([[self.kw[name]] * len(at) for name in meters]) * (LENGTH_US[interval] / 3.6e9)
        value[:, (at >= self.silent[0]) & (at < self.silent[1])] = np.nan
        return Amounts(at, window.end, value, np.zeros(value.shape), np.isfinite(value).astype(np.float64))


def us(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Asia/Taipei")).timestamp() * 1e6)


def ask(
    start: str, end: str, interval: str = "1mo", meters: Sequence[str] = (), tenants: Sequence[str] = (),
    tariff: str | None = None,
) -> CostQuestion:  # fmt: skip
    return CostQuestion(tuple(meters), tuple(tenants), Window(us(start), us(end)), interval, tariff)


LOADS = {"A": 100.0, "STALL1": 6.0, "STALL2": 5.0, "BACK": 1.0, "INLET": 1.0}
A_DAY = 9 * 2.53 + 9 * 5.85 + 6 * 9.39  # NT$ of a kW through a weekday in summer


async def test_a_day_costs_its_hours_at_their_prices() -> None:
    loads = Loads(LOADS)

    found = await CostDesk(BOOK, METERING, loads).costs(ask("2026-07-01T08:00", "2026-07-01T09:00", "1d", ["A"]))

    assert found.costs.cost[0, 0] == pytest.approx(100 * A_DAY)
    assert found.costs.at.tolist() == [us("2026-07-01T00:00")]
    assert found.tariff_versions == (f"{THREE}@2025-10-01",)
    assert loads.asked == [("1h", 24, Estimate.NONE, None)]


async def test_a_tenant_pays_for_its_meters_less_what_they_gave_back() -> None:
    found = await CostDesk(BOOK, METERING, Loads(LOADS)).costs(
        ask("2026-07-01T00:00", "2026-07-02T00:00", "1d", ["A"], ["food"])
    )

    assert found.costs.cost[:, 0].tolist() == pytest.approx([100 * A_DAY, 10 * A_DAY])


async def test_a_tenant_one_of_whose_meters_is_not_known_has_no_cost() -> None:
    loads = Loads(LOADS | {"STALL2": float("nan")})

    found = await CostDesk(BOOK, METERING, loads).costs(
        ask("2026-07-01T00:00", "2026-07-02T00:00", "1d", tenants=["food"])
    )

    assert np.isnan(found.costs.cost[0, 0])
    assert found.costs.coverage[0, 0] == 0.0


async def test_figures_of_which_too_little_is_known_are_told_only_as_provisional() -> None:
    silent = (us("2026-07-01T16:00"), us("2026-07-01T18:00"))
    desk = CostDesk(BOOK, METERING, Loads(LOADS, silent))
    question = ask("2026-07-01T00:00", "2026-07-03T00:00", "1d", ["A"])

    refused = await desk.costs(question)
    told = await desk.costs(replace(question, provisional=True))

    assert np.isnan(refused.costs.cost[0]).tolist() == [True, False]
    assert refused.costs.coverage[0].tolist() == pytest.approx([22 / 24, 1.0])
    assert not refused.provisional.any()
    assert told.provisional.tolist() == [[True, False]]
    assert told.costs.cost[0, 0] == pytest.approx(100 * (A_DAY - 2 * 9.39))
    peak = PERIODS.index(TariffPeriod.PEAK)
    assert np.isnan(refused.periods.cost[0, peak])
    assert told.periods_provisional[0, peak]
    assert not told.periods_provisional[0, PERIODS.index(TariffPeriod.OFF_PEAK)]


async def test_quarter_hours_are_read_where_a_period_begins_within_an_hour() -> None:
    own = SHIPPED.tariff_on("taipower-hv-two-stage", date(2022, 7, 1))
    prices = {(season, period): Decimal(1) for season, _ in own.hours for period in TariffPeriod}
    priced = replace(own, name="own", energy=prices)
    book = TariffBook("Asia/Taipei", (priced,), SHIPPED.off_peak_days, (Contract(date(2020, 1, 1), priced.name, {}),))
    loads = Loads(LOADS)

    found = await CostDesk(book, METERING, loads).costs(ask("2022-07-06T00:00", "2022-07-07T00:00", "1d", ["A"]))

    assert loads.asked[0][0] == "15m"
    assert found.periods.kwh[0, PERIODS.index(TariffPeriod.PEAK)] == 100 * 15


async def test_a_tariff_can_be_tried_where_no_contract_is_told() -> None:
    book = TariffBook("Asia/Taipei", SHIPPED.tariffs, SHIPPED.off_peak_days)

    found = await CostDesk(book, METERING, Loads(LOADS)).costs(
        ask("2026-07-01T00:00", "2026-07-02T00:00", "1d", ["A"], tariff=THREE)
    )

    assert found.costs.cost[0, 0] == pytest.approx(100 * A_DAY)


async def test_another_tariff_can_be_tried() -> None:
    two = "taipower-hv-two-stage"

    found = await CostDesk(BOOK, METERING, Loads(LOADS)).costs(
        ask("2026-07-01T00:00", "2026-07-02T00:00", "1d", ["A"], tariff=two)
    )

    assert found.costs.cost[0, 0] == pytest.approx(100 * (9 * 2.71 + 15 * 6.75))
    assert found.tariff_versions == (f"{two}@2025-10-01",)


@pytest.mark.parametrize(
    ("question", "error", "says"),
    [
        (ask("2026-07-01T00:00", "2026-07-02T00:00"), RefusedError, "name meters or tenants"),
        (ask("2026-07-01T00:00", "2026-07-02T00:00", meters=["X"]), NotFoundError, "no meter is named X"),
        (ask("2026-07-01T00:00", "2026-07-02T00:00", meters=["INLET"]), RefusedError, "INLET counts water"),
        (ask("2026-07-01T00:00", "2026-07-02T00:00", tenants=["x"]), NotFoundError, "no tenant is named x"),
        (ask("2026-07-01T00:00", "2026-07-02T00:00", tenants=["bank"]), RefusedError, "has no meter of electricity"),
        (ask("2025-09-30T00:00", "2025-10-02T00:00", "1d", ["A"]), RefusedError, "2023-01-01 has no prices"),
        (ask("2026-01-01T00:00", "2028-12-31T00:00", "15m", ["A"]), RefusedError, "off-peak days of 2028"),
        (ask("1970-01-02T00:00", "2199-12-31T00:00", "1d", ["A"]), RefusedError, "a shorter time"),
    ],
)
async def test_what_has_no_cost_is_refused_with_the_reason(
    question: CostQuestion, error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        await CostDesk(BOOK, METERING, Loads(LOADS)).costs(question)
