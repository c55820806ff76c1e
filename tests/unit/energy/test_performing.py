"""Energy performance indicators: what is counted, by what, and when nothing is said."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from tests.support.manual_clock import ManualClock
from tests.support.sites import CheckingFactory, write_site

from cityhall_bms.adapters.site_files import load_site
from cityhall_bms.adapters.site_files.performance import shipped_indicators
from cityhall_bms.domain.energy.amounts import Amounts
from cityhall_bms.domain.energy.commodities import Commodity
from cityhall_bms.domain.energy.meters import Flow, Meter, Metering, PointSource
from cityhall_bms.domain.energy.performance import Performance, SiteFacts
from cityhall_bms.domain.site import Site
from cityhall_bms.domain.wall_clock import instant_us, local_day
from cityhall_bms.energy.performing import Indicators, Standing
from cityhall_bms.ports.counters import Estimate
from cityhall_bms.ports.history import Window

ZONE = ZoneInfo("Asia/Taipei")
FACTS = SiteFacts(area_m2=200_000.0, parking_area_m2=20_000.0, staff=6_000)
PER_MONTH = {"MAIN": 1_750_000.0, "WATER": 12_000.0, "CHILLER": 100_000.0, "COOL": 500_000.0, "LIFT": 900.0}
"""What each meter counts a month in 2014; in 2015 a twentieth less."""


class Books:
    """Meters that count the same every month; nothing is known of some months."""

    def __init__(self, unknown: Mapping[str, Sequence[date]] | None = None) -> None:
        self.unknown = unknown or {}
        self.asked: list[tuple[tuple[str, ...], Window]] = []

    async def amounts(
        self,
        meters: Sequence[str],
        window: Window,
        interval: str,
        *,
        estimate: Estimate = Estimate.NONE,
        known_at: int | None = None,
    ) -> Amounts:
        assert interval == "1mo"
        self.asked.append((tuple(meters), window))
        months = _months(local_day(ZONE, window.start), local_day(ZONE, window.end))
        value = [
            [
                np.nan if m in self.unknown.get(name, ()) else PER_MONTH[name] * (0.95 if m.year == 2015 else 1.0)
                for m in months
            ]
            for name in meters
        ]
        coverage = np.where(np.isnan(value), 0.0, 1.0)
        at = np.array([instant_us(ZONE, month, 0) for month in months], np.int64)
        return Amounts(at, window.end, np.array(value), np.zeros_like(value), coverage)


def _months(first: date, until: date) -> list[date]:
    found = [first]
    while (following := (found[-1] + timedelta(days=32)).replace(day=1)) < until:
        found.append(following)
    return found


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    folder: Path = tmp_path_factory.mktemp("site")
    plain = load_site(write_site(folder), {"modbus": CheckingFactory()})
    chiller = PointSource("TCH.B2.CN.CHC01.RunSts")
    meters = [
        Meter("MAIN", Commodity.ELECTRICITY, "總", "Main", PointSource("M")),
        Meter("CHILLER", Commodity.ELECTRICITY, "主機", "Chiller", chiller, part_of="MAIN"),
        Meter("WATER", Commodity.WATER, "水", "Water", PointSource("W")),
        Meter("COOL", Commodity.CHILLED_WATER, "冷", "Cold", PointSource("C")),
    ]
    metering = Metering({meter.name: meter for meter in meters}, base_years={Commodity.ELECTRICITY: 2014})
    return replace(plain, metering=metering, facts=FACTS, performance=Performance(indicators=shipped_indicators()))


async def standings(site: Site, books: Books, *, provisional: bool = False) -> dict[str, Standing]:
    found = await Indicators(site, books, ManualClock()).all(date(2016, 1, 1), provisional=provisional)
    return {standing.indicator.id: standing for standing in found}


async def test_the_shipped_indicators_of_a_year(site: Site) -> None:
    found = {name: standing.now.value for name, standing in (await standings(site, Books())).items()}
    year = 12 * 1_750_000.0 * 0.95

    assert found["eui"] == pytest.approx(year / 200_000.0)
    assert found["eui_audit"] == pytest.approx(year / 180_000.0)
    assert found["month_per_area"] == pytest.approx(year / 12 / 200_000.0)
    assert found["water_per_person"] == pytest.approx(12 * 12_000.0 * 0.95 * 1000 / (6_000 * 365))
    assert found["plant_cop"] == pytest.approx(5.0)
    assert found["plant_kw_per_rt"] == pytest.approx(3.51685 / 5.0)
    assert found["regeneration_per_lift"] is None


async def test_what_several_count_is_read_once(site: Site) -> None:
    books = Books()
    await standings(site, books)
    assert len(books.asked) == len(set(books.asked))


async def test_each_stands_beside_the_year_before_and_the_base_year(site: Site) -> None:
    eui = (await standings(site, Books()))["eui"]
    assert eui.trend_percent == pytest.approx(-5.0)
    assert eui.base_value == eui.before.value
    assert (eui.now.period.name, eui.before.period.name) == ("104", "103")
    water = (await standings(site, Books()))["water_per_person"]
    assert water.base_value is None  # nobody named its base year


async def test_a_month_that_nobody_knows_leaves_no_value_and_no_zero(site: Site) -> None:
    books = Books({"MAIN": [date(2015, 3, 1)]})
    found = await standings(site, books)
    assert found["eui"].now.value is None
    assert found["eui"].now.coverage == pytest.approx(334 / 365)
    assert found["eui"].trend_percent is None
    assert found["month_per_area"].now.value is not None
    assert (await standings(site, books, provisional=True))["eui"].now.value is None


async def test_what_the_site_does_not_tell_is_named(site: Site) -> None:
    found = await standings(replace(site, facts=SiteFacts()), Books())
    assert found["eui"].now.value is None
    assert found["eui"].missing is not None
    assert "area" in found["eui"].missing[1]
    assert found["regeneration_per_lift"].missing == ("案場沒有這類計量表", "the site has no such meters")
    assert found["plant_cop"].missing is None


async def test_lifts_are_counted_one_by_one_and_held_to_916_kwh(site: Site) -> None:
    lift = replace(site.equipment["TCH.B2.CN.CHC01"], brick_class="Elevator")
    meters = {
        "LIFT": Meter(
            "LIFT", Commodity.ELECTRICITY, "梯", "Lift", PointSource("TCH.B2.CN.CHC01.RunSts"), flow=Flow.EXPORT
        )
    }
    lifts = replace(site, metering=Metering(meters), equipment={**site.equipment, lift.name: lift})
    standing = (await standings(lifts, Books()))["regeneration_per_lift"]
    assert standing.now.value == pytest.approx(855.0)
    assert standing.indicator.reached(standing.now.value) is False
    assert standing.indicator.reached(916.0) is True
    assert standing.indicator.reached(915.9999) is True  # shown as 916.00
    assert standing.indicator.reached(915.99) is False
