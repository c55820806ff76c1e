"""The register of measures: what people say goes to the log; weeks before and after come from the meters."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from tests.support.fake_driver import EQUIPMENT, fake_device, fake_point, fake_site
from tests.support.manual_clock import ManualClock
from tests.support.metered import ZONE, ToldMeters, us

from cityhall_bms.adapters.memory import MemoryEventLog
from cityhall_bms.domain.energy.before_after import Beside
from cityhall_bms.domain.energy.book import EnergyBook
from cityhall_bms.domain.energy.commodities import Commodity
from cityhall_bms.domain.energy.measures import Definition, IpmvpOption, Measure, Measurement, MeasureStatus
from cityhall_bms.domain.energy.meters import ManualSource, Meter, Metering
from cityhall_bms.domain.energy.periods import parse_period
from cityhall_bms.domain.errors import CityHallError, NotFoundError, RefusedError
from cityhall_bms.energy.comparing import Comparer, How
from cityhall_bms.energy.matched_days import MatchedDays
from cityhall_bms.energy.measure_desk import MeasureOffice

METERING = Metering(
    {
        "SIGN": Meter("SIGN", Commodity.ELECTRICITY, "招牌", "Sign", ManualSource()),
        "TAP": Meter("TAP", Commodity.WATER, "水", "Tap", ManualSource()),
    }
)
SIGN = Definition(
    "招牌燈",
    "Sign",
    Commodity.ELECTRICITY,
    IpmvpOption.B,
    ("SIGN",),
    (EQUIPMENT,),
    9_072.0,
    Decimal("3.79005"),
    5.0,
    "m1",
)
FOUND = Measurement(8_900.0, "before_after", ("2015-02-03", "2015-03-03"), ("2015-03-03", "2015-03-31"), 120.0)


class House:
    def __init__(self, today: date = date(2015, 5, 1)) -> None:
        site, _ = fake_site([fake_device("D1")], [fake_point(1, "D1")])
        object.__setattr__(site, "metering", METERING)
        self.clock = ManualClock(us(today, 8))
        self.log = MemoryEventLog(self.clock)
        self.desk = MeasureOffice(site, self.log, self.clock)
        self.meters = ToldMeters()
        self.matched = MatchedDays(Comparer(METERING, EnergyBook(), self.meters, ZONE, self.clock))

    async def in_place(self, definition: Definition = SIGN, start: str = "2015-03-03") -> Measure:
        await self.desk.propose("ECM-1", definition, by="王")
        await self.desk.move("ECM-1", MeasureStatus.APPROVED, by="陳")
        return await self.desk.move("ECM-1", MeasureStatus.IN_PLACE, by="陳", start=start)


async def test_a_measure_is_kept_as_it_was_said_from_proposal_to_verification() -> None:
    house = House()
    assert (await house.in_place()).definition == SIGN
    assert (await house.desk.measured("ECM-1", FOUND, by="李")).saving == 8_900.0
    verified = await house.desk.move("ECM-1", MeasureStatus.VERIFIED, by="林", comment="符合")
    assert (verified.status, verified.verified_by, verified.comment) == (MeasureStatus.VERIFIED, "林", "符合")
    assert await house.desk.get("ECM-1") == verified
    with pytest.raises(RefusedError, match="changes no more"):
        await house.desk.measured("ECM-1", FOUND, by="李")


async def test_what_it_is_is_said_anew_until_it_is_verified() -> None:
    house = House()
    await house.desk.propose("ECM-1", SIGN, by="王")
    plain = Definition("燈", "Lamps", Commodity.ELECTRICITY, IpmvpOption.A, equipment=(EQUIPMENT,))
    assert (await house.desk.revise("ECM-1", plain, by="李")).definition == plain


@pytest.mark.parametrize(
    ("definition", "error", "says"),
    [
        (Definition("燈", "L", Commodity.ELECTRICITY, IpmvpOption.A, ("X",)), NotFoundError, "no meter is named X"),
        (Definition("燈", "L", Commodity.ELECTRICITY, IpmvpOption.A, ("TAP",)), RefusedError, "TAP counts water"),
        (Definition("燈", "L", Commodity.ELECTRICITY, IpmvpOption.A, (), ("X",)), NotFoundError, "no equipment X"),
        (Definition("燈", "L", Commodity.ELECTRICITY, IpmvpOption.A), RefusedError, "scope"),
    ],
)
async def test_one_that_makes_no_sense_is_refused(
    definition: Definition, error: type[CityHallError], says: str
) -> None:
    house = House()
    with pytest.raises(error, match=says):
        await house.desk.propose("ECM-1", definition, by="王")
    assert await house.log.read() == []


async def test_a_name_is_taken_once_and_an_unknown_one_is_not_found() -> None:
    house = House()
    await house.desk.propose("ECM-1", SIGN, by="王")
    with pytest.raises(RefusedError, match="there already"):
        await house.desk.propose("ECM-1", SIGN, by="王")
    with pytest.raises(NotFoundError, match="no measure is named ECM-9"):
        await house.desk.move("ECM-9", MeasureStatus.APPROVED, by="陳")


async def test_four_weeks_after_beside_four_weeks_before() -> None:
    house = House()
    house.meters.tell("SIGN", parse_period("104-02-03..104-03-02"), 28 * 37.3)
    house.meters.tell("SIGN", parse_period("104-03-03..104-03-30"), 28 * 12.4)
    found = await house.matched.of(await house.in_place(), 4, Beside.JUST_BEFORE)
    assert (found.days, found.before.name, found.after.name) == (28, "104-02-03..104-03-02", "104-03-03..104-03-30")
    assert found.saving_per_year == pytest.approx(365 * 24.9)
    house.meters.forget("SIGN", parse_period("104-02-10..104-02-11"))
    with pytest.raises(RefusedError, match="26 of 28 days"):
        await house.matched.of(await house.desk.get("ECM-1"), 4, Beside.JUST_BEFORE)
    shown = await house.matched.of(await house.desk.get("ECM-1"), 4, Beside.JUST_BEFORE, How(provisional=True))
    assert shown.days == 26


async def test_days_before_come_before_days_after() -> None:
    house = House()
    await house.in_place()
    for before, after in ((("2015-03-03", "2015-02-03"), FOUND.after), (FOUND.after, FOUND.before)):
        with pytest.raises(RefusedError, match="come before those after"):
            await house.desk.measured("ECM-1", replace(FOUND, before=before, after=after), by="李")


async def test_there_is_nothing_to_compare_before_the_weeks_are_over_or_without_a_meter() -> None:
    early = House(today=date(2015, 3, 30))
    with pytest.raises(RefusedError, match="4 weeks are over on 2015-03-31"):
        await early.matched.of(await early.in_place(), 4, Beside.JUST_BEFORE)
    house = House()
    proposed = await house.desk.propose("ECM-2", SIGN, by="王")
    with pytest.raises(RefusedError, match="is not in place yet"):
        await house.matched.of(proposed, 4, Beside.JUST_BEFORE)
    unmetered = Definition("燈", "L", Commodity.ELECTRICITY, IpmvpOption.A, equipment=(EQUIPMENT,))
    with pytest.raises(RefusedError, match="has no meter"):
        await house.matched.of(await house.in_place(unmetered), 4, Beside.JUST_BEFORE)
