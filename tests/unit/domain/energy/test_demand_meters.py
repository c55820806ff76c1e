"""Which meters have a demand, what it is made of, and what the contract allows at a moment."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import numpy as np
import pytest
from tests.support.command_rig import point
from tests.support.fake_driver import TEXT

from cityhall_bms.adapters.site_files.tariffs import shipped_book
from cityhall_bms.domain.energy.commodities import Commodity
from cityhall_bms.domain.energy.demand_meters import DemandMeters, DemandSource, limit_at
from cityhall_bms.domain.energy.meters import Meter, Metering, PointSource, Source
from cityhall_bms.domain.energy.tariff_book import Billing, Contract, TariffBook
from cityhall_bms.domain.energy.tariffs import Capacity, TariffPeriod
from cityhall_bms.domain.energy.virtual import parse
from cityhall_bms.domain.errors import NotFoundError
from cityhall_bms.domain.site import Encoding, Equipment, Point, PointKind, Site, System

MAIN, FLOOR, STALL = "TCH.B2.CS.HVM01", "TCH.01.CS.EM01", "TCH.B2.N.EM02"


def counter(equipment: str, step_kwh: float) -> Point:
    return point(f"{equipment}.kWh", PointKind.CI, "meter-modbus", unit="kWh", encoding=Encoding(scale=step_kwh))


def power(equipment: str, high_kw: float) -> Point:
    return point(f"{equipment}.kW", PointKind.AI, "meter-modbus", unit="kW", high=high_kw)


def meter(name: str, source: Source, part_of: str = "") -> Meter:
    return Meter(name, Commodity.ELECTRICITY, name, name, source, part_of)


def site(meters: Mapping[str, Meter], tariffs: TariffBook | None = None) -> Site:
    # 0.25 % of a quarter hour at 8000 kW is 5 kWh, at 100 kW 0.0625 kWh.
    points = [
        counter(MAIN, 5.0), power(MAIN, 8000.0), counter(FLOOR, 0.1), power(FLOOR, 100.0), counter(STALL, 1.0),
    ]  # fmt: skip
    classes = {MAIN: "Building_Electrical_Meter", FLOOR: "Electrical_Meter", STALL: "Electrical_Meter"}
    return Site(
        code="TCH",
        text=TEXT,
        time_zone="Asia/Taipei",
        simulated=True,
        floors=(),
        zones=(),
        equipment={name: Equipment(name, cls, System.POWER, TEXT) for name, cls in classes.items()},
        devices={},
        points={each.name: each for each in points},
        metering=Metering(meters),
        tariffs=tariffs or TariffBook("Asia/Taipei"),
    )


def described() -> dict[str, Meter]:
    found = [
        meter("MAIN", PointSource(f"{MAIN}.kWh")),
        meter("FLOOR", PointSource(f"{FLOOR}.kWh"), "MAIN"),
        meter("STALL", PointSource(f"{STALL}.kWh"), "MAIN"),
        meter("REST", parse("MAIN - FLOOR - STALL"), "MAIN"),
    ]
    return {each.name: each for each in found}


def test_every_meter_with_points_is_told_and_virtual_ones_are_sums() -> None:
    found = DemandMeters.of(site(described()))
    assert found.names == ("supply", "MAIN", "FLOOR", "STALL", "REST")
    assert [pair.name for pair in found.pairs] == ["MAIN", "FLOOR", "STALL"]
    np.testing.assert_array_equal(found.parts, [[1, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [1, -1, -1]])
    with pytest.raises(NotFoundError):
        found.row("NONE")


def test_a_counter_has_the_last_word_only_where_its_steps_are_fine() -> None:
    found = DemandMeters.of(site(described()))
    sources = dict(zip(found.names, found.sources, strict=True))
    assert sources["MAIN"] is DemandSource.COUNTER
    assert sources["FLOOR"] is DemandSource.POWER, "a step of 0.1 kWh is 0.4 kW of demand"
    assert sources["STALL"] is DemandSource.COUNTER, "it has nothing else"
    assert sources["REST"] is DemandSource.POWER
    assert found.columns().has_power.tolist() == [True, True, False]


def test_what_is_billed_is_what_the_contract_names() -> None:
    billed = TariffBook("Asia/Taipei", billing=Billing(("FLOOR", "STALL")))
    np.testing.assert_array_equal(DemandMeters.of(site(described(), billed)).parts[0], [0, 1, 1])


def test_a_site_without_described_meters_has_its_main_meters() -> None:
    found = DemandMeters.of(site({}))
    assert found.names == ("supply",)
    assert [pair.power for pair in found.pairs] == [f"{MAIN}.kW"]
    nothing = replace(site({}), equipment={}, points={})
    assert len(DemandMeters.of(nothing)) == 0


def at(text: str) -> int:
    return round(datetime.fromisoformat(f"{text}+08:00").astimezone(UTC).timestamp() * 1e6)


@pytest.mark.parametrize(
    ("moment", "period", "limit_kw"),
    [
        ("2026-07-01T15:59:59", TariffPeriod.HALF_PEAK, 5200.0),
        ("2026-07-01T16:00:00", TariffPeriod.PEAK, 5000.0),
        ("2026-07-01T08:59:00", TariffPeriod.OFF_PEAK, 5700.0),
        ("2026-07-04T09:00:00", TariffPeriod.SATURDAY_HALF_PEAK, 5500.0),
    ],
)
def test_the_limit_is_that_of_the_period_and_the_day(moment: str, period: TariffPeriod, limit_kw: float) -> None:
    shipped = shipped_book()
    kw = {
        Capacity.REGULAR: Decimal(5000), Capacity.HALF_PEAK: Decimal(200), Capacity.SATURDAY_HALF_PEAK: Decimal(300),
        Capacity.OFF_PEAK: Decimal(200),
    }  # fmt: skip
    contract = Contract(date(2025, 10, 1), "taipower-hv-three-stage", kw)
    book = TariffBook("Asia/Taipei", shipped.tariffs, shipped.off_peak_days, (contract,))
    found = limit_at(book, at(moment))
    assert found is not None
    assert (found.period, found.limit_kw) == (period, limit_kw)
    assert limit_at(book, at("2025-01-01T12:00:00")) is None, "there was no contract"
    assert limit_at(TariffBook("Asia/Taipei"), at(moment)) is None
