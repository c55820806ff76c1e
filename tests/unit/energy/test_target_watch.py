"""Targets of a year: progress, pace and forecast from what meters counted; and the alarm of one that will be missed."""

import asyncio
from datetime import date, timedelta
from typing import Any

import pytest
from tests.support.manual_clock import ManualClock
from tests.support.metered import ZONE, ToldMeters, us

from cityhall_bms.adapters.memory import MemoryEventLog
from cityhall_bms.domain.alarms import AlarmRaised
from cityhall_bms.domain.energy.book import EnergyBook
from cityhall_bms.domain.energy.commodities import Commodity
from cityhall_bms.domain.energy.forecast import Basis
from cityhall_bms.domain.energy.meters import ManualSource, Meter, Metering
from cityhall_bms.domain.energy.periods import parse_period
from cityhall_bms.domain.energy.saving_targets import EnergyTarget, Outlook, TargetKind
from cityhall_bms.domain.energy.shown import half_up
from cityhall_bms.domain.errors import HistoryUnavailableError
from cityhall_bms.energy.comparing import Comparer, How
from cityhall_bms.energy.target_keeper import TargetKeeper
from cityhall_bms.energy.target_watch import TargetWatch

METERING = Metering(
    {
        "MAIN": Meter("MAIN", Commodity.ELECTRICITY, "總", "Main", ManualSource()),
        "RAIN": Meter("RAIN", Commodity.RAINWATER, "雨", "Rain", ManualSource()),
    },
    base_years={Commodity.ELECTRICITY: 2006},
)
RAIN = EnergyTarget(
    "RAIN-104", 2015, Commodity.RAINWATER, TargetKind.AT_LEAST, 150.0, text_zh="雨水", text_en="Rainwater"
)
SAVE = EnergyTarget("SAVE-104", 2015, Commodity.ELECTRICITY, TargetKind.SAVING_ON_YEAR_BEFORE, 1.0, priority=3)


class House:
    def __init__(self, today: date = date(2015, 7, 1), targets: tuple[EnergyTarget, ...] = (RAIN, SAVE)) -> None:
        self.meters = ToldMeters()
        self.clock = ManualClock(us(today, 9.5))
        self.log = MemoryEventLog(self.clock)
        self.comparer = Comparer(METERING, EnergyBook(targets=targets), self.meters, ZONE, self.clock)
        self.watch = TargetWatch(self.comparer)
        self.keeper = TargetKeeper(targets, self.comparer, self.watch, self.log, self.clock)

    def tell(self, meter: str, **amounts: float) -> None:
        for period, amount in amounts.items():
            self.meters.tell(meter, parse_period(period.removeprefix("p").replace("_", "-")), amount)

    def years(self, meter: str = "MAIN", halves: tuple[tuple[float, float], ...] = ((100, 100), (100, 104))) -> None:
        """Halves of the years before, the nearest last."""
        for back, (first, second) in enumerate(reversed(halves), 1):
            for months, amount in ((range(1, 7), first), (range(7, 13), second)):
                for month in months:
                    self.meters.tell(meter, parse_period(f"{104 - back}-{month:02d}"), amount / 6)

    async def rang(self) -> list[tuple[str, dict[str, Any]]]:
        return [(entry.type, entry.payload) for entry in await self.log.read(stream="alarm/")]


async def test_rainwater_of_104_on_the_30th_of_june() -> None:
    house = House()
    house.tell("RAIN", p104H1=112.0)
    progress = await house.watch.progress(RAIN)
    assert progress.share == 0.5
    assert progress.progress_percent is not None
    assert progress.linear_pace_percent is not None
    assert [str(half_up(p)) for p in (progress.progress_percent, progress.linear_pace_percent)] == ["74.67", "149.33"]
    assert (progress.forecast.basis, progress.outlook) == (Basis.NO_HISTORY, Outlook.UNKNOWN)


async def test_a_saving_is_watched_against_the_year_before_and_foreseen_by_the_shape_of_past_years() -> None:
    house = House()
    house.years(halves=((100, 102), (100, 104), (100, 103)))
    house.tell("MAIN", p104H1=97.0)
    progress = await house.watch.progress(SAVE)
    assert progress.limit == pytest.approx(203 * 0.99)
    assert (progress.forecast.basis, progress.forecast.months, progress.forecast.years) == (Basis.SHAPE, 6, 3)
    assert progress.forecast.expected == pytest.approx(97 * 2.03)
    # t(2) = 2.920, s = 0.01, sqrt(4/3) = 1.1547: half width 97 x 0.033717.
    assert progress.forecast.high == pytest.approx(97 * 2.03 + 3.2706, abs=1e-3)
    assert progress.outlook is Outlook.MET
    assert progress.seasonal_share == pytest.approx((100 / 202 + 100 / 204 + 100 / 203) / 3)


async def test_how_it_went_at_the_begin_of_a_day_is_told_long_after() -> None:
    house = House(today=date(2026, 11, 30))
    house.tell("RAIN", p104H1=112.0, p104H2=120.0)
    half, whole = await house.watch.progress(RAIN, on=date(2015, 7, 1)), await house.watch.progress(RAIN)
    assert half.linear_pace_percent is not None
    assert (str(half_up(half.linear_pace_percent)), half.forecast.months) == ("149.33", 6)
    assert (whole.share, whole.outlook) == (1.0, Outlook.MET)


async def test_a_month_that_goes_on_counts_as_used_and_not_for_the_forecast() -> None:
    house = House(today=date(2015, 7, 16))
    house.years()
    house.tell("MAIN", p104H1=97.0, p104_07=31.0)
    progress = await house.watch.progress(SAVE)
    assert progress.used is not None
    assert progress.used.value == pytest.approx(97.0 + 15.0)
    assert progress.forecast.months == 6
    assert progress.share == pytest.approx((6 + 15 / 31) / 12)


async def test_what_is_not_covered_is_unknown_and_told_when_asked_for() -> None:
    house = House()
    house.years()
    house.tell("MAIN", p104H1=97.0)
    house.meters.forget("MAIN", parse_period("104-03"))
    house.meters.forget("MAIN", parse_period("103-03"))
    progress = await house.watch.progress(SAVE)
    assert progress.used is not None
    assert (progress.used.value, progress.limit, progress.progress_percent) == (None, None, None)
    assert progress.forecast.months == 2
    shown = await house.watch.progress(SAVE, How(provisional=True))
    assert shown.used is not None
    assert shown.used.value is not None
    assert shown.limit is not None


async def test_a_base_year_after_the_target_and_a_year_to_come_say_nothing() -> None:
    early = EnergyTarget("OLD", 2006, Commodity.ELECTRICITY, TargetKind.SAVING_ON_BASE_YEAR, 1.0)
    later = EnergyTarget("NEXT", 2016, Commodity.ELECTRICITY, TargetKind.AT_MOST, 10.0)
    house = House(targets=(early, later))
    assert (await house.watch.progress(early)).limit is None
    progress = await house.watch.progress(later)
    assert (progress.used, progress.share, progress.outlook) == (None, 0.0, Outlook.UNKNOWN)


async def test_a_target_that_will_be_missed_whatever_comes_rings_once_and_ends_by_itself() -> None:
    house = House()
    house.years(halves=((100, 102), (100, 104), (100, 103)))
    house.tell("MAIN", p104H1=104.0)
    await house.keeper.look()
    await house.keeper.look()
    [(kind, told)] = await house.rang()
    assert kind == AlarmRaised.__name__
    assert (told["rule"], told["subject"], told["priority"], told["unit"]) == ("ENERGY-TARGET", "SAVE-104", 3, "kWh")
    assert "104 年預估至少 208 kWh，目標 201 kWh，將無法達成" in told["text_zh"]
    assert told["value"] > told["limit"]
    house.tell("MAIN", p104H1=97.0)  # a correction came in
    await house.keeper.look()
    assert [kind for kind, _ in await house.rang()] == ["AlarmRaised", "AlarmReturned"]


async def test_too_little_rain_rings_by_the_upper_end() -> None:
    house = House()
    house.years("RAIN", ((60, 60), (60, 61), (60, 60)))
    house.tell("RAIN", p104H1=40.0)
    await house.keeper.look()
    [(_, told)] = await house.rang()
    assert "ROC 104 will come to at most 82 m³, the target is 150 m³" in told["text_en"]


async def test_nothing_rings_where_nobody_can_say_how_sure_it_is() -> None:
    house = House()
    house.years(halves=((100, 100),))
    house.tell("MAIN", p104H1=150.0)
    await house.keeper.look()
    assert await house.rang() == []


async def test_the_alarm_of_a_year_that_is_over_ends_with_it() -> None:
    house = House()
    house.years(halves=((100, 102), (100, 104), (100, 103)))
    house.tell("MAIN", p104H1=120.0)
    await house.keeper.look()
    house.clock.jump(timedelta(days=184).total_seconds())
    await house.keeper.look()
    assert [kind for kind, _ in await house.rang()] == ["AlarmRaised", "AlarmReturned"]


async def test_an_outage_of_history_delays_and_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    house = House()
    house.years(halves=((100, 102), (100, 104), (100, 103)))
    house.tell("MAIN", p104H1=120.0)
    whole, away = house.meters.amounts, True

    async def sometimes(*args: Any, **named: Any) -> Any:
        if away:
            raise HistoryUnavailableError
        return await whole(*args, **named)

    monkeypatch.setattr(house.meters, "amounts", sometimes)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(house.keeper.run())
        await house.clock.advance(3_600)
        assert await house.rang() == []
        away = False
        await house.clock.advance(3_600)
        running.cancel()
    assert len(await house.rang()) == 1
