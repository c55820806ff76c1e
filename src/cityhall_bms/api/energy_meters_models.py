"""Forms of the answers about meters."""

from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field

from cityhall_bms.api.models import Model, Text, Time
from cityhall_bms.api.times import Moment
from cityhall_bms.domain.energy import meters
from cityhall_bms.domain.energy.amounts import Amounts
from cityhall_bms.domain.energy.balance import NodeBalance, Verdict
from cityhall_bms.domain.energy.commodities import Commodity
from cityhall_bms.domain.energy.meters import Flow, ManualSource, PointSource
from cityhall_bms.ports.counters import Estimate

MeterName = Annotated[str, Field(examples=["TCH.ELEC.HVM01"])]
Figures = list[float | None]


class Period(BaseModel):
    """Which time, which intervals, and what to do about silences."""

    start: Moment = Field(alias="from", description="Start, included; RFC 3339 with offset.")
    end: Moment = Field(alias="to", description="End, excluded; RFC 3339 with offset.")
    interval: str = Field("1mo", description="Length of an interval: a minute or longer.")
    estimate: Estimate = Field(Estimate.NONE, description="How silences, and amounts of longer periods, are spread.")
    as_known_at: Moment | None = Field(None, description="The record as it was then (RFC 3339).")


class Meter(Model):
    """A meter, where it hangs, and what it is made of."""

    name: MeterName
    commodity: Commodity
    commodity_text: Text
    unit: str = Field(examples=["kWh"])
    text: Text
    source: str = Field(description="`point`, `expression` or `manual`.", examples=["point"])
    point: str | None = Field(examples=["TCH.B2.CS.HVM01.kWh"])
    expression: str | None = Field(examples=[None])
    part_of: str | None = Field(examples=["TCH.ELEC.MAIN"])
    parts: list[str] = Field(examples=[["TCH.ELEC.TR01", "TCH.ELEC.TR02"]])
    complete: bool = Field(description="Whether all that hangs on it has a meter.")
    tenant: str | None
    zone: str | None
    floor: str | None
    flow: Flow

    @classmethod
    def of(cls, meter: meters.Meter, metering: meters.Metering) -> "Meter":
        """Give the answer's form."""
        source = meter.source
        is_point, is_manual = isinstance(source, PointSource), isinstance(source, ManualSource)
        return cls(
            name=meter.name,
            commodity=meter.commodity,
            commodity_text=Text(zh=meter.commodity.text_zh, en=meter.commodity.text_en),
            unit=meter.commodity.unit,
            text=Text(zh=meter.text_zh, en=meter.text_en),
            source="point" if is_point else "manual" if is_manual else "expression",
            point=source.point if isinstance(source, PointSource) else None,
            expression=None if isinstance(source, PointSource | ManualSource) else source.text,
            part_of=meter.part_of or None,
            parts=[part.name for part in metering.parts(meter.name)],
            complete=meter.complete,
            tenant=meter.tenant or None,
            zone=meter.zone or None,
            floor=meter.floor or None,
            flow=meter.flow,
        )


class BaseYear(Model):
    """Year with which a commodity is compared, CE and of the Republic."""

    commodity: Commodity
    year: int = Field(examples=[2006])
    roc: int = Field(examples=[95])


class MeterList(Model):
    """All meters of the site, in the order of their file, and the base years."""

    items: list[Meter]
    base_years: list[BaseYear]


class Column(Model):
    """What was counted per interval, in ``unit``; null where it is not known, which is never zero."""

    unit: str = Field(examples=["kWh"])
    v: Figures
    estimated: list[float] = Field(description="Part of the value that was estimated.")
    coverage: list[float] = Field(description="Share of the interval that good samples stand for, never estimates.")


class MeterColumn(Column):
    """One meter."""

    meter: MeterName
    commodity: Commodity


class Answer(Model):
    """Intervals of an answer, as columns of equal length."""

    interval: str = Field(examples=["1mo"])
    time_zone: str = Field(examples=["Asia/Taipei"])
    estimate: Estimate
    as_known_at: Time | None
    t: list[Time] = Field(description="Begin of each interval.")
    end: Time = Field(description="End of the last interval.")


class AmountsAnswer(Answer):
    """Amounts of meters."""

    meters: list[MeterColumn]


class Node(Model):
    """Balance of a meter with parts, per interval."""

    meter: MeterName
    commodity: Commodity
    unit: str
    complete: bool
    parts: list[str]
    own: Figures = Field(description="What the meter itself counted.")
    sum: Figures = Field(description="What its parts counted; what they gave back is taken off.")
    residual: Figures = Field(description="`own` less `sum`.")
    residual_percent: Figures = Field(description="Of `own`.")
    estimated: list[float]
    coverage: list[float] = Field(description="The least of the meter's and its parts'.")
    verdict: list[Verdict]
    unsure: list[list[str]] = Field(description="Meters of which too little is known for a verdict, per interval.")

    @classmethod
    def of(cls, node: NodeBalance, metering: meters.Metering) -> "Node":
        """Give the answer's form."""
        meter = metering.meter(node.meter)
        return cls(
            meter=node.meter,
            commodity=meter.commodity,
            unit=meter.commodity.unit,
            complete=meter.complete,
            parts=[part.name for part in metering.parts(node.meter)],
            own=figures(node.own),
            sum=figures(node.parts),
            residual=figures(node.residual),
            residual_percent=figures(node.share * 100.0),
            estimated=node.estimated.tolist(),
            coverage=node.coverage.tolist(),
            verdict=list(node.verdicts),
            unsure=[list(names) for names in node.unsure],
        )


class Limits(Model):
    """Limits that verdicts were given by, percent."""

    warn_percent: float = Field(examples=[5.0])
    wrong_percent: float = Field(examples=[10.0])
    impossible_percent: float = Field(examples=[2.0])
    coverage_min_percent: float = Field(examples=[95.0])


class BalanceAnswer(Answer):
    """Balances of the tree's nodes, from the top down."""

    limits: Limits
    nodes: list[Node]


class Total(Column):
    """Somebody's total of a commodity; null under the least coverage, unless provisional figures were asked for."""

    commodity: Commodity
    provisional: list[bool] = Field(description="Whether the coverage is under the least that figures are given with.")
    meters: list[str] = Field(description="Meters that make it up.")
    site_percent: Figures = Field(description="Share of the site's total.")
    per_m2: Figures | None = Field(description="Per m² of the tenant's area; null where that is not known.")


class Tenant(Model):
    """A tenant's totals."""

    name: str = Field(examples=["bank"])
    text: Text
    area_m2: float | None
    totals: list[Total]


class TenantsAnswer(Answer):
    """What tenants took; figures of the area beside them."""

    tenants: list[Tenant]


class Place(Model):
    """Totals of a floor or a zone."""

    code: str = Field(examples=["B2"])
    text: Text
    totals: list[Total]


class PlacesAnswer(Answer):
    """What floors and zones took, as far as meters serve one of them alone."""

    floors: list[Place]
    zones: list[Place]


def figures(values: NDArray[np.float64]) -> Figures:
    """Numbers of an answer: null where there is none."""
    return [value if np.isfinite(value) else None for value in values.tolist()]


def column(unit: str, amounts: Amounts, row: int) -> Column:
    """One row of amounts."""
    return Column(
        unit=unit,
        v=figures(amounts.value[row]),
        estimated=amounts.estimated[row].tolist(),
        coverage=amounts.coverage[row].tolist(),
    )
