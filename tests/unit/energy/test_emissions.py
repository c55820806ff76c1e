"""Carbon of a period, each year by its own factor."""

from datetime import date

import pytest
from tests.support.manual_clock import ManualClock
from tests.support.metered import ZONE, ToldMeters, us

from cityhall_bms.adapters.site_files.carbon import shipped_factors
from cityhall_bms.domain.energy.book import EnergyBook
from cityhall_bms.domain.energy.carbon import CarbonFactors
from cityhall_bms.domain.energy.commodities import Commodity
from cityhall_bms.domain.energy.meters import ManualSource, Meter, Metering
from cityhall_bms.domain.energy.periods import parse_period
from cityhall_bms.domain.errors import RefusedError
from cityhall_bms.energy.comparing import Comparer, How
from cityhall_bms.energy.emissions import Emissions

METERING = Metering(
    {
        "MAIN": Meter("MAIN", Commodity.ELECTRICITY, "總", "Main", ManualSource()),
        "CARS": Meter("CARS", Commodity.FUEL, "公務車", "Cars", ManualSource()),
    }
)


def house(today: date) -> tuple[ToldMeters, Comparer, Emissions]:
    meters, factors = ToldMeters(), CarbonFactors(tuple(shipped_factors()))
    comparer = Comparer(METERING, EnergyBook(carbon=factors), meters, ZONE, ManualClock(us(today, 8)))
    return meters, comparer, Emissions(comparer, factors)


async def test_the_half_year_of_104_was_5462520_kg() -> None:
    meters, comparer, emissions = house(date(2026, 11, 30))
    meters.tell("MAIN", parse_period("104H1"), 10_404_800)
    [year] = await emissions.of(comparer.subject(Commodity.ELECTRICITY), parse_period("104H1"))
    assert year.kg == pytest.approx(5_462_520, abs=0.5)
    assert year.applied is not None
    assert not year.applied.provisional


async def test_a_period_over_new_year_has_the_factor_of_each_year() -> None:
    meters, comparer, emissions = house(date(2026, 11, 30))
    period = parse_period("112-12-01..113-01-31")
    meters.tell("MAIN", period, 62.0)
    years = await emissions.of(comparer.subject(Commodity.ELECTRICITY), period)
    assert [(year.year, year.kg) for year in years] == [
        (2023, pytest.approx(31 * 0.494)), (2024, pytest.approx(31 * 0.474)),
    ]  # fmt: skip


async def test_what_was_told_before_a_factor_came_out_is_told_again_when_asked_as_of_then() -> None:
    meters, comparer, emissions = house(date(2026, 11, 30))
    meters.tell("MAIN", parse_period("112"), 1_000.0)
    subject = comparer.subject(Commodity.ELECTRICITY)
    [before] = await emissions.of(subject, parse_period("112"), How(known_at=us(date(2024, 4, 25))))
    [after] = await emissions.of(subject, parse_period("112"))
    assert before.applied is not None
    assert after.applied is not None
    assert (before.kg, before.applied.provisional) == (pytest.approx(495.0), True)
    assert (after.kg, after.applied.provisional) == (pytest.approx(494.0), False)


async def test_the_running_year_is_told_as_far_as_it_is_by_the_last_factor() -> None:
    meters, comparer, emissions = house(date(2026, 2, 1))
    meters.tell("MAIN", parse_period("115"), 365.0)
    [year] = await emissions.of(comparer.subject(Commodity.ELECTRICITY), parse_period("115"))
    assert year.applied is not None
    assert (year.amount, year.applied.provisional, year.applied.factor.year) == (pytest.approx(31.0), True, 2024)


async def test_fuel_without_a_factor_is_unknown_and_thin_data_are_refused() -> None:
    meters, comparer, emissions = house(date(2026, 2, 1))
    meters.tell("CARS", parse_period("114"), 365.0)
    subject = comparer.subject(Commodity.FUEL)
    [year] = await emissions.of(subject, parse_period("114"))
    assert (year.amount, year.kg) == (pytest.approx(365.0), None)
    meters.forget("CARS", parse_period("114-05"))
    with pytest.raises(RefusedError, match=r"114 is covered to 91\.5 % only"):
        await emissions.of(subject, parse_period("114"))
    assert (await emissions.of(subject, parse_period("114"), How(provisional=True)))[0].amount is not None
    assert [year.kg for year in await emissions.of(subject, parse_period("104H1"))] == [None]
