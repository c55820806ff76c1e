"""What the questions about energy share: what is asked for, of which period, and how figures are read."""

from typing import Annotated, Any

from fastapi import Depends, Query
from pydantic import AfterValidator, Field

from cityhall_bms.api.alarms import NO_NUL
from cityhall_bms.api.models import Model, Text
from cityhall_bms.api.times import KnownAt, to_us
from cityhall_bms.domain.energy.commodities import Commodity
from cityhall_bms.domain.energy.comparison import Figure as KnownFigure
from cityhall_bms.domain.energy.comparison import Subject as KnownSubject
from cityhall_bms.domain.energy.periods import FORMS, parse_period
from cityhall_bms.domain.energy.periods import Period as KnownPeriod
from cityhall_bms.domain.energy.shown import half_up
from cityhall_bms.domain.roc import roc_date
from cityhall_bms.energy.comparing import How
from cityhall_bms.ports.counters import Estimate

Named = Annotated[str, Query(max_length=100, pattern=NO_NUL)]


NOTHING_KNOWN = 0
"""1970, µs UTC: nothing was known then, nor before."""


def checked_period(text: str) -> str:
    """Period in its canonical name; ``ValueError`` for what is none."""
    return parse_period(text).name


PeriodQuery = Annotated[
    str, Query(description=f"{FORMS}.", max_length=40, examples=["104H1"]), AfterValidator(checked_period)
]


def how_asked(
    estimate: Annotated[Estimate, Query(description="How silences are spread over intervals.")] = Estimate.NONE,
    known_at: KnownAt = None,
    provisional: Annotated[  # noqa: FBT002 - a query parameter has a name
        bool, Query(description="Also what is not covered well enough; the answer is marked then.")
    ] = False,
) -> How:
    """How figures are read."""
    return How(estimate, None if known_at is None else max(to_us(known_at), NOTHING_KNOWN), provisional)


HowAsked = Annotated[How, Depends(how_asked)]


class Period(Model):
    """Days of the site's calendar."""

    name: str = Field(description="With the ROC year.", examples=["104H1"])
    first: str = Field(description="First day.", examples=["2015-01-01"])
    until: str = Field(description="Day after the last one.", examples=["2015-07-01"])
    roc_first: str = Field(examples=["104-01-01"])
    days: int = Field(description="A leap day is kept: compare the numbers of days.", examples=[181])

    @classmethod
    def of(cls, period: KnownPeriod) -> "Period":
        """Give the answer's form."""
        first, until = period.first.isoformat(), period.until.isoformat()
        return cls(name=period.name, first=first, until=until, roc_first=roc_date(period.first), days=period.days)


class Figure(Model):
    """An amount of a period."""

    period: Period
    value: float | None = Field(
        description="Null where nothing is known: unknown is never zero.", examples=[10404800.0]
    )
    estimated: float = Field(description="Part of the value that was estimated.", examples=[0.0])
    coverage: float = Field(description="Share of the period that good data stand for, 0..1.", examples=[0.998])
    declared: str | None = Field(
        description="Document that the amount comes from; null where it was measured.", examples=[None]
    )

    @classmethod
    def of(cls, figure: KnownFigure) -> "Figure":
        """Give the answer's form."""
        return cls(
            period=Period.of(figure.period),
            value=figure.value,
            estimated=figure.estimated,
            coverage=figure.coverage,
            declared=figure.declared or None,
        )


class Subject(Model):
    """What figures are of."""

    commodity: Commodity
    text: Text
    unit: str = Field(examples=["kWh"])
    tenant: str | None
    meter: str | None
    meters: dict[str, float] = Field(
        description="Meters that make it up, and the factor of each.", examples=[{"MAIN": 1.0}]
    )

    @classmethod
    def of(cls, subject: KnownSubject) -> "Subject":
        """Give the answer's form."""
        commodity = subject.commodity
        return cls(
            commodity=commodity,
            text=Text(zh=commodity.text_zh, en=commodity.text_en),
            unit=commodity.unit,
            tenant=subject.tenant or None,
            meter=subject.meter or None,
            meters=dict(subject.factors),
        )


def shown(value: float | None) -> str | None:
    """Figure as it is shown: half up to two decimals."""
    return None if value is None else str(half_up(value))


def percentage(description: str) -> Any:  # noqa: ANN401 - a field of a model has no better type
    """Field of a percentage as it is shown."""
    return Field(description=f"{description}, %, rounded half up to two decimals.", examples=["25.42"])
