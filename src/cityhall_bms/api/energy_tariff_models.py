"""Forms of the answers about tariffs and costs. Amounts are NT$, not rounded."""

from typing import Annotated

from pydantic import Field

from cityhall_bms.api.energy_meters_models import Answer, Figures
from cityhall_bms.api.models import Model, Text, Time
from cityhall_bms.domain.energy import tariff_book, tariffs
from cityhall_bms.domain.energy.tariffs import Capacity, Season, TariffDay, TariffPeriod

Version = Annotated[str, Field(examples=["taipower-hv-three-stage@2025-10-01"])]
HOUR_MIN = 60


class Hours(Model):
    """From when a period lasts on a kind of day, until the next one of that day."""

    season: Season
    day: TariffDay
    start: str = Field(examples=["16:00"])
    period: TariffPeriod


class EnergyPrice(Model):
    """NT$/kWh."""

    season: Season
    period: TariffPeriod
    price: float = Field(examples=[9.39])


class BasicPrice(Model):
    """NT$ per kW and month."""

    season: Season
    capacity: Capacity
    price: float = Field(examples=[223.6])


class Rules(Model):
    """What a bill adds beside its prices."""

    over_first_share: float
    over_first_times: float
    over_rest_times: float
    power_factor_base: int
    power_factor_best: int
    power_factor_step: float


class Tariff(Model):
    """A version of a tariff."""

    name: str = Field(examples=["taipower-hv-three-stage"])
    version: Version
    valid_from: str = Field(examples=["2025-10-01"])
    text: Text
    source: str
    priced: bool = Field(description="Whether its prices of energy are known; if not, nothing has a cost under it.")
    summer: list[str] = Field(description="First and last day.", examples=[["05-16", "10-15"]])
    hours: list[Hours] = Field(description="Days that are not told are off-peak as a whole.")
    energy: list[EnergyPrice]
    basic: list[BasicPrice]
    rules: Rules

    @classmethod
    def of(cls, tariff: tariffs.Tariff) -> "Tariff":
        """Give the answer's form."""
        rules = tariff.rules
        return cls(
            name=tariff.name,
            version=tariff.version,
            valid_from=tariff.valid_from.isoformat(),
            text=Text(zh=tariff.text_zh, en=tariff.text_en),
            source=tariff.source,
            priced=tariff.priced,
            summer=[f"{month:02d}-{day:02d}" for month, day in tariff.summer],
            hours=[
                Hours(season=season, day=day, start=clock_text(span.start), period=span.period)
                for (season, day), spans in tariff.hours.items()
                for span in spans
            ],
            energy=[
                EnergyPrice(season=season, period=period, price=float(price))
                for (season, period), price in tariff.energy.items()
            ],
            basic=[
                BasicPrice(season=season, capacity=capacity, price=float(price))
                for (season, capacity), price in tariff.basic.items()
            ],
            rules=Rules(**{name: getattr(rules, name) for name in Rules.model_fields}),
        )


class Contract(Model):
    """What the site is supplied under from a day on."""

    valid_from: str = Field(examples=["2025-10-01"])
    tariff: str = Field(examples=["taipower-hv-three-stage"])
    kw: dict[Capacity, float] = Field(examples=[{"regular": 5000.0}])

    @classmethod
    def of(cls, contract: tariff_book.Contract) -> "Contract":
        """Give the answer's form."""
        kw = {capacity: float(amount) for capacity, amount in contract.kw.items() if amount}
        return cls(valid_from=contract.valid_from.isoformat(), tariff=contract.tariff, kw=kw)


class OffPeakYear(Model):
    """Off-peak days of a year beside its Sundays."""

    year: int
    days: list[str] = Field(examples=[["2026-01-01", "2026-02-16"]])
    source: str
    derived: bool = Field(description="Made from a rule, and not compared with the utility's own calendar.")


class Now(Model):
    """What counts at this moment."""

    tariff_version: Version
    season: Season
    period: TariffPeriod
    period_text: Text
    price: float | None = Field(description="NT$/kWh; null where it is not known.")
    limit_kw: float = Field(description="Demand that the contract allows in this period.")


class TariffsAnswer(Model):
    """Tariffs that are known, and what the site is supplied under."""

    now: Now | None = Field(description="Null where no contract is in force.")
    contracts: list[Contract]
    billing_meters: list[str]
    coverage_min_percent: float
    tariffs: list[Tariff]
    off_peak_days: list[OffPeakYear]


class PeriodSpan(Model):
    """A stretch of one period."""

    start: Time
    end: Time
    period: TariffPeriod
    price: float | None = Field(description="NT$/kWh; null where it is not known.")


class PeriodsAnswer(Model):
    """Periods of a stretch of time."""

    tariff_versions: list[Version]
    items: list[PeriodSpan]


class PeriodCost(Model):
    """A row's energy of one tariff period over the whole time that was asked for."""

    period: TariffPeriod
    text: Text
    kwh: float | None
    cost: float | None
    coverage: float
    provisional: bool


class CostRow(Model):
    """A meter or a tenant. Null under the least coverage, unless provisional figures were asked for."""

    meter: str | None
    tenant: str | None
    text: Text
    kwh: Figures
    cost: Figures = Field(description="NT$ of the energy; no part of what a contract costs.")
    estimated: list[float] = Field(description="Part of `kwh` that was estimated.")
    coverage: list[float]
    provisional: list[bool]
    periods: list[PeriodCost]


class CostsAnswer(Answer):
    """Cost of energy, as columns."""

    currency: str = "TWD"
    tariff_versions: list[Version]
    coverage_min_percent: float
    rows: list[CostRow]


def period_text(period: TariffPeriod) -> Text:
    """Name of a period for people."""
    return Text(zh=period.text_zh, en=period.text_en)


def clock_text(minute: int) -> str:
    """Minute of a day as ``HH:MM``."""
    return f"{minute // HOUR_MIN:02d}:{minute % HOUR_MIN:02d}"
