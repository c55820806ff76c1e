"""Which meters make up a total, and what has to be read for each."""

import pytest

from cityhall_bms.domain.energy.commodities import Commodity
from cityhall_bms.domain.energy.meters import Flow, Meter, Metering, PointSource
from cityhall_bms.domain.energy.virtual import parse
from cityhall_bms.domain.errors import NotFoundError

ELECTRICITY = Commodity.ELECTRICITY


def metering(*meters: Meter) -> Metering:
    return Metering({meter.name: meter for meter in meters})


def meter(
    name: str,
    part_of: str = "",
    *,
    commodity: Commodity = ELECTRICITY,
    expression: str = "",
    tenant: str = "",
    flow: Flow = Flow.IMPORT,
) -> Meter:
    source = parse(expression) if expression else PointSource(f"P.{name}")
    return Meter(name, commodity, name, name, source, part_of=part_of, tenant=tenant, flow=flow)


def test_a_total_counts_the_uppermost_meters_of_a_commodity_once() -> None:
    site = metering(meter("A"), meter("A1", "A"), meter("A11", "A1"), meter("B"))
    assert site.total_of(ELECTRICITY) == {"A": 1.0, "B": 1.0}


def test_what_is_exported_is_taken_off_the_total() -> None:
    site = metering(meter("IN"), meter("OUT", flow=Flow.EXPORT))
    assert site.total_of(ELECTRICITY) == {"IN": 1.0, "OUT": -1.0}


def test_a_commodity_that_hangs_on_another_has_a_total_of_its_own() -> None:
    site = metering(
        meter("MAIN"), meter("FEEDER", "MAIN"), meter("EV1", "FEEDER", commodity=Commodity.EV),
        meter("PV1", "MAIN", commodity=Commodity.PV, flow=Flow.GENERATED),
    )  # fmt: skip
    assert site.total_of(ELECTRICITY) == {"MAIN": 1.0}
    assert site.total_of(Commodity.EV) == {"EV1": 1.0}
    assert site.total_of(Commodity.PV) == {"PV1": 1.0}


def test_a_virtual_meter_does_not_double_what_it_is_made_of() -> None:
    assert metering(meter("A"), meter("B"), meter("SUM", expression="A + B")).total_of(ELECTRICITY) == {
        "A": 1.0,
        "B": 1.0,
    }
    above = metering(meter("A", "SUM"), meter("B", "SUM"), meter("SUM", expression="A + B"))
    assert above.total_of(ELECTRICITY) == {"SUM": 1.0}


def test_a_tenants_total_counts_its_uppermost_meters() -> None:
    site = metering(meter("MAIN"), meter("BANK", "MAIN", tenant="bank"), meter("ATM", "BANK", tenant="bank"))
    assert site.total_of(ELECTRICITY, "bank") == {"BANK": 1.0}


def test_virtual_meters_of_virtual_meters_come_down_to_those_that_are_read() -> None:
    site = metering(
        meter("A"), meter("B"), meter("C"), meter("AB", expression="A + B"), meter("X", expression="AB / 2 - B * 0.5 - C")
    )  # fmt: skip
    assert site.leaves("X") == {"A": 0.5, "C": -1.0}
    assert site.leaves("A") == {"A": 1.0}


def test_parts_and_whatever_is_below_are_told() -> None:
    site = metering(meter("A"), meter("A1", "A"), meter("A11", "A1"), meter("A2", "A"))
    assert [part.name for part in site.parts("A")] == ["A1", "A2"]
    assert [part.name for part in site.below("A")] == ["A1", "A11", "A2"]
    assert [root.name for root in site.roots()] == ["A"]


def test_a_meter_that_nobody_knows_is_said_to_be_unknown() -> None:
    with pytest.raises(NotFoundError, match="MAINS"):
        metering(meter("MAIN")).meter("MAINS")
