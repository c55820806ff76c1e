"""Periods compared with those of other years: measured, declared, running, leap; the city's figures from samples."""

from datetime import date
from decimal import Decimal

import pytest
from tests.support.manual_clock import ManualClock
from tests.support.metered import ZONE, ToldMeters, us

from cityhall_bms.domain.energy.book import EnergyBook
from cityhall_bms.domain.energy.commodities import Commodity
from cityhall_bms.domain.energy.meters import ManualSource, Meter, Metering, PointSource, Tenant
from cityhall_bms.domain.energy.periods import parse_period
from cityhall_bms.domain.energy.references import DeclaredFigure, References
from cityhall_bms.domain.energy.shown import half_up
from cityhall_bms.domain.errors import NotFoundError, RefusedError
from cityhall_bms.energy.comparing import Against, Comparer, How

METERING = Metering(
    {
        "MAIN": Meter("MAIN", Commodity.ELECTRICITY, "總", "Main", PointSource("A")),
        "EM1": Meter("EM1", Commodity.ELECTRICITY, "銀行", "Bank", PointSource("B"), part_of="MAIN", tenant="bank"),
        "CITY": Meter("CITY", Commodity.WATER, "水", "Water", PointSource("C")),
        "CARS": Meter("CARS", Commodity.FUEL, "公務車", "Cars", ManualSource()),
    },
    {"bank": Tenant("bank", "銀行", "Bank")},
    {Commodity.ELECTRICITY: 2006, Commodity.WATER: 2010, Commodity.FUEL: 2006},
)
MAIN_METER = {Commodity.ELECTRICITY: "MAIN", Commodity.WATER: "CITY", Commodity.FUEL: "CARS"}


class House:
    def __init__(self, today: date = date(2015, 8, 1), references: References | None = None) -> None:
        self.meters = ToldMeters()
        self.clock = ManualClock(us(today, 9.5))
        book = EnergyBook(references or References())
        self.comparer = Comparer(METERING, book, self.meters, ZONE, self.clock)

    def tell(self, meter: str, period: str, amount: float) -> None:
        self.meters.tell(meter, parse_period(period), amount)


@pytest.mark.parametrize(
    ("commodity", "against", "then", "current", "reference", "difference", "saved"),
    [
        (Commodity.ELECTRICITY, Against.BASE_YEAR, "95H1", 10_404_800, 13_952_000, -3_547_200, "25.42"),
        (Commodity.ELECTRICITY, Against.YEAR_BEFORE, "103H1", 10_404_800, 10_528_000, -123_200, "1.17"),
        (Commodity.WATER, Against.BASE_YEAR, "99H1", 70_243, 78_323, -8_080, "10.32"),
        (Commodity.WATER, Against.YEAR_BEFORE, "103H1", 70_243, 71_409, -1_166, "1.63"),
        (Commodity.FUEL, Against.BASE_YEAR, "95H1", 9_098, 19_595, -10_497, "53.57"),
    ],
)
async def test_the_half_year_of_104_from_what_meters_counted(
    commodity: Commodity, against: Against, then: str, current: float, reference: float, difference: float, saved: str
) -> None:
    house = House()
    house.tell(MAIN_METER[commodity], "104H1", current)
    house.tell(MAIN_METER[commodity], then, reference)
    found = await house.comparer.compare(house.comparer.subject(commodity), parse_period("104H1"), against)
    told = found.comparison
    assert told.difference == pytest.approx(difference, abs=1e-3)
    assert told.saving_percent is not None
    assert str(half_up(told.saving_percent)) == saved
    assert (told.reference.period.name, told.current.coverage, found.running) == (then, pytest.approx(1.0), False)
    assert half_up(10_404_800 / 181, 0) == Decimal(57_485)


async def test_a_base_year_that_nobody_sampled_is_told_as_it_was_declared() -> None:
    declared = DeclaredFigure(Commodity.ELECTRICITY, parse_period("95H1"), 13_952_000.0, "104 年上半年報告")
    house = House(references=References((declared,)))
    house.tell("MAIN", "104H1", 10_404_800)
    subject = house.comparer.subject(Commodity.ELECTRICITY)
    found = (await house.comparer.compare(subject, parse_period("104H1"), Against.BASE_YEAR)).comparison
    assert (found.reference.declared, found.current.declared) == ("104 年上半年報告", "")
    assert found.saving_percent == pytest.approx(25.4243, abs=1e-4)


async def test_what_was_measured_and_covered_counts_before_what_was_declared() -> None:
    declared = DeclaredFigure(Commodity.ELECTRICITY, parse_period("103H1"), 1.0, "guess")
    house = House(references=References((declared,)))
    house.tell("MAIN", "103H1", 100.0)
    subject = house.comparer.subject(Commodity.ELECTRICITY)
    assert (await house.comparer.figure(subject, parse_period("103H1"))).value == pytest.approx(100.0)
    house.meters.forget("MAIN", parse_period("103-02"))
    assert (await house.comparer.figure(subject, parse_period("103H1"))).declared == "guess"


async def test_a_period_that_goes_on_is_compared_as_far_as_its_days_are_over() -> None:
    house = House(today=date(2015, 3, 15))
    house.tell("MAIN", "104Q1", 90.0)
    house.tell("MAIN", "103Q1", 180.0)
    subject = house.comparer.subject(Commodity.ELECTRICITY)
    found = await house.comparer.compare(subject, parse_period("104H1"), Against.YEAR_BEFORE)
    assert found.running
    assert found.comparison.current.period.name == "104-01-01..104-03-14"
    assert found.comparison.reference.period.name == "103-01-01..103-03-14"
    assert found.comparison.saving_percent == pytest.approx(50.0)
    with pytest.raises(RefusedError, match="no day of 104Q2 is over yet"):
        await house.comparer.compare(subject, parse_period("104Q2"), Against.YEAR_BEFORE)


async def test_as_known_then_a_period_that_went_on_is_compared_as_far_as_it_was_over_then() -> None:
    house = House(today=date(2020, 1, 1))
    house.tell("MAIN", "104", 365.0)
    house.tell("MAIN", "103", 365.0)
    subject = house.comparer.subject(Commodity.ELECTRICITY)
    then = How(known_at=us(date(2015, 3, 15), 12))
    found = await house.comparer.compare(subject, parse_period("104"), Against.YEAR_BEFORE, then)
    assert found.comparison.current.period.name == "104-01-01..104-03-14"
    assert house.comparer.today(us(date(2099, 1, 1))) == date(2020, 1, 1)  # nobody knows the future


async def test_a_leap_half_year_is_compared_as_it_is_and_its_days_are_told() -> None:
    house = House(today=date(2016, 8, 1))
    house.tell("MAIN", "105H1", 182.0)
    house.tell("MAIN", "104H1", 181.0)
    subject = house.comparer.subject(Commodity.ELECTRICITY)
    found = (await house.comparer.compare(subject, parse_period("105H1"), Against.YEAR_BEFORE)).comparison
    assert (found.current.period.days, found.reference.period.days) == (182, 181)
    assert found.difference == pytest.approx(1.0)
    with pytest.raises(RefusedError, match="no such day in ROC 104"):
        await house.comparer.compare(subject, parse_period("105-02-29"), Against.YEAR_BEFORE)


async def test_ten_missing_days_of_a_half_year_are_refused_and_shown_when_asked_for() -> None:
    house = House()
    house.tell("MAIN", "104H1", 181.0)
    house.tell("MAIN", "103H1", 181.0)
    house.meters.forget("MAIN", parse_period("104-04-01..104-04-10"))
    subject = house.comparer.subject(Commodity.ELECTRICITY)
    with pytest.raises(RefusedError, match=r"104H1 is covered to 94\.5 %"):
        await house.comparer.compare(subject, parse_period("104H1"), Against.YEAR_BEFORE)
    found = await house.comparer.compare(subject, parse_period("104H1"), Against.YEAR_BEFORE, How(provisional=True))
    assert found.comparison.provisional
    assert found.comparison.current.value == pytest.approx(171.0)  # what is missing is missing, and no zero
    house.tell("MAIN", "104-04-10", 1.0)
    assert not (
        await house.comparer.compare(subject, parse_period("104H1"), Against.YEAR_BEFORE)
    ).comparison.provisional


@pytest.mark.parametrize(
    ("commodity", "period", "says"),
    [
        (Commodity.RAINWATER, "104H1", "rainwater has no base year"),
        (Commodity.WATER, "99H1", "99H1 is not after ROC 99, the base year of water"),
    ],
)
async def test_without_an_earlier_base_year_there_is_nothing_to_compare(
    commodity: Commodity, period: str, says: str
) -> None:
    house = House()
    with pytest.raises(RefusedError, match=says):
        await house.comparer.compare(house.comparer.subject(commodity), parse_period(period), Against.BASE_YEAR)


def test_a_question_is_about_the_site_a_tenant_or_a_meter() -> None:
    comparer = House().comparer
    assert comparer.subject(Commodity.ELECTRICITY).factors == {"MAIN": 1.0}
    assert comparer.subject(Commodity.ELECTRICITY, tenant="bank").factors == {"EM1": 1.0}
    assert comparer.subject(Commodity.WATER, meter="CITY").factors == {"CITY": 1.0}
    with pytest.raises(NotFoundError, match="no tenant is named shop"):
        comparer.subject(Commodity.WATER, tenant="shop")
    with pytest.raises(NotFoundError, match="no meter is named X"):
        comparer.subject(Commodity.WATER, meter="X")
    with pytest.raises(RefusedError, match="meter CITY counts water"):
        comparer.subject(Commodity.ELECTRICITY, meter="CITY")


async def test_whole_months_are_read_by_month_other_periods_by_day_and_as_known_then() -> None:
    house = House()
    house.tell("MAIN", "104H1", 181.0)
    subject = house.comparer.subject(Commodity.ELECTRICITY)
    await house.comparer.figure(subject, parse_period("104Q1"), How(known_at=7))
    await house.comparer.figure(subject, parse_period("104-01-01..104-01-15"))
    assert house.meters.asked == [("1mo", 7), ("1d", None)]


async def test_a_commodity_without_meters_is_unknown_or_declared() -> None:
    declared = DeclaredFigure(Commodity.RAINWATER, parse_period("104-01"), 12.0, "logbook")
    house = House(references=References((declared,)))
    subject = house.comparer.subject(Commodity.RAINWATER)
    assert (await house.comparer.figure(subject, parse_period("104-02"))).value is None
    months = await house.comparer.covered(subject, parse_period("104Q1"), "1mo")
    assert months.tolist() == pytest.approx([12.0, float("nan"), float("nan")], nan_ok=True)
