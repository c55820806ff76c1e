"""``tariffs.toml`` as it is written: closed tables, whose keys are told in ``docs/reference/tariffs.md``."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from cityhall_bms.domain.energy.tariffs import BillRules, Capacity, TariffPeriod

NAME: Final = r"^[a-z][a-z0-9-]*$"
PRICE_MAX: Final = 100_000
KW_MAX: Final = 1_000_000
DEFAULT_RULES: Final = BillRules()

Price = Annotated[Decimal, Field(ge=0, le=PRICE_MAX, allow_inf_nan=False)]
Kilowatts = Annotated[Decimal, Field(ge=0, le=KW_MAX, allow_inf_nan=False)]
Name = Annotated[str, Field(pattern=NAME, max_length=60)]
Text = Annotated[str, Field(min_length=1, max_length=200)]
Spans = Annotated[tuple[str, ...], Field(min_length=1, max_length=96)]
Percent = Annotated[int, Field(ge=0, le=100)]


class Closed(BaseModel):
    """A table in which every key is known."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class HoursTable(Closed):
    """``[tariff.hours]``: from when which period lasts; Sundays and off-peak days are off-peak unless told."""

    summer_weekday: Spans
    summer_saturday: Spans
    summer_off_peak_day: Spans = ("00:00 off_peak",)
    non_summer_weekday: Spans
    non_summer_saturday: Spans
    non_summer_off_peak_day: Spans = ("00:00 off_peak",)


class EnergyTable(Closed):
    """``[tariff.energy]``: NT$/kWh of each period that a season has."""

    summer: dict[TariffPeriod, Price]
    non_summer: dict[TariffPeriod, Price]


class BasicTable(Closed):
    """``[tariff.basic]``: NT$ per kW and month of each capacity that a season has."""

    summer: dict[Capacity, Price]
    non_summer: dict[Capacity, Price]


class RulesTable(Closed):
    """``[tariff.rules]``: what a bill adds beside its prices."""

    over_first_share: Annotated[Decimal, Field(ge=0, le=1)] = DEFAULT_RULES.over_first_share
    over_first_times: Annotated[Decimal, Field(ge=1, le=10)] = DEFAULT_RULES.over_first_times
    over_rest_times: Annotated[Decimal, Field(ge=1, le=10)] = DEFAULT_RULES.over_rest_times
    power_factor_base: Percent = DEFAULT_RULES.power_factor_base
    power_factor_best: Percent = DEFAULT_RULES.power_factor_best
    power_factor_step: Annotated[Decimal, Field(ge=0, le=Decimal("0.1"))] = DEFAULT_RULES.power_factor_step


class TariffTable(Closed):
    """One ``[[tariff]]``: a version of a tariff."""

    name: Name
    valid_from: date
    text_zh: Text
    text_en: Text
    source: Text
    summer: tuple[str, str]
    hours: HoursTable
    energy: EnergyTable | None = None
    basic: BasicTable
    rules: RulesTable = RulesTable()


class OffPeakTable(Closed):
    """One ``[[off_peak_days]]``: the list of a year."""

    year: Annotated[int, Field(ge=2000, le=2200)]
    days: Annotated[tuple[date, ...], Field(max_length=200)]
    source: Text
    derived: bool = False


class ContractTable(Closed):
    """One ``[[contract]]``."""

    valid_from: date
    tariff: Name
    regular_kw: Kilowatts
    half_peak_kw: Kilowatts = Decimal(0)
    non_summer_kw: Kilowatts = Decimal(0)
    saturday_half_peak_kw: Kilowatts = Decimal(0)
    off_peak_kw: Kilowatts = Decimal(0)


class BillingTable(Closed):
    """``[billing]``: what the utility reads."""

    meters: Annotated[tuple[str, ...], Field(min_length=1, max_length=50)]
    reactive_points: Annotated[tuple[str, ...], Field(max_length=50)] = ()
    coverage_min_percent: Annotated[float, Field(gt=0.0, le=100.0)] = 95.0


class TariffsFile(Closed):
    """The whole file; the shipped ones have tariffs or off-peak days only."""

    billing: BillingTable | None = None
    contract: Annotated[tuple[ContractTable, ...], Field(max_length=200)] = ()
    tariff: Annotated[tuple[TariffTable, ...], Field(max_length=200)] = ()
    off_peak_days: Annotated[tuple[OffPeakTable, ...], Field(max_length=200)] = ()
