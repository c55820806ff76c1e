"""Forms of the answers about bills and what-ifs. Amounts are NT$, not rounded unless it is said."""

from decimal import Decimal
from typing import Annotated

from pydantic import Field

from cityhall_bms.api.energy_tariff_models import Contract, Version, period_text
from cityhall_bms.api.models import Model, Text, Time
from cityhall_bms.api.times import to_rfc3339
from cityhall_bms.domain.energy import bills
from cityhall_bms.domain.energy.tariffs import Capacity, Season, TariffPeriod
from cityhall_bms.energy.billing import MonthBill, Terms, WhatIf
from cityhall_bms.ports.counters import Estimate

Money = Annotated[float, Field(examples=[1118000.0])]


class EnergyLine(Model):
    """Energy of one period."""

    period: TariffPeriod
    text: Text
    kwh: float
    price: float
    amount: Money


class OverLine(Model):
    """Demand above the contract in one period."""

    period: TariffPeriod
    text: Text
    demand_kw: float
    limit_kw: float
    excess_kw: float
    charged_kw: float = Field(description="Of the excess, what no earlier period was charged for.")
    first_kw: float = Field(description="Charged at the first multiple.")
    rest_kw: float
    price: float
    amount: Money


class BillPart(Model):
    """Days of the month under one tariff version, season and contract."""

    tariff_version: Version
    season: Season
    share: float = Field(description="Its days as a share of the month's.")
    kw: dict[Capacity, float]
    demand_kw: dict[TariffPeriod, float] = Field(description="Greatest quarter hour of each period.")
    energy: list[EnergyLine]
    basic: Money
    over_contract: list[OverLine]

    @classmethod
    def of(cls, found: bills.PartCharges) -> "BillPart":
        """Give the answer's form."""
        part = found.part
        return cls(
            tariff_version=part.tariff.version,
            season=part.season,
            share=float(part.share),
            kw={capacity: float(kw) for capacity, kw in part.kw.items() if kw},
            demand_kw=dict(part.demand_kw),
            energy=[EnergyLine(text=period_text(line.period), **_floats(line)) for line in found.energy],
            basic=float(found.basic),
            over_contract=[OverLine(text=period_text(line.period), **_floats(line)) for line in found.over],
        )


class BillAnswer(Model):
    """A month's bill."""

    month: str = Field(description="ROC year and month.", examples=["115-07"])
    start: Time
    end: Time
    currency: str = "TWD"
    tariff_versions: list[Version]
    contracts: list[Contract]
    meters: list[str]
    coverage: float
    provisional: bool = Field(description="Less of the month is known than a bill needs: energy is the known part.")
    estimate: Estimate
    estimated_kwh: float = Field(description="Part of the energy that was estimated; demand is never made of it.")
    as_known_at: Time | None
    power_factor_percent: int | None = Field(description="Null: not known, and nothing was adjusted by it.")
    peaks: dict[TariffPeriod, Time] = Field(description="When the greatest quarter hour of each period began.")
    parts: list[BillPart]
    energy: Money
    basic: Money
    over_contract: Money
    power_factor: Money = Field(description="Below zero: taken off.")
    total: Money
    total_shown: int = Field(description="In whole NT$, half up.", examples=[7654321])


class MonthTotals(Model):
    """One month of a what-if."""

    month: str = Field(examples=["115-07"])
    coverage: float
    provisional: bool
    actual: Money
    scenario: Money
    best_regular_kw: int = Field(description="Best for this month alone; a contract cannot change like that.")


class Best(Model):
    """The regular capacity with which the months would have cost least."""

    regular_kw: int
    total: Money
    saving: Money = Field(description="Against what was billed.")


class CurvePoint(Model):
    """What the months would have cost with a regular capacity."""

    regular_kw: int
    total: Money


class WhatIfAnswer(Model):
    """Months as they were billed, and as another tariff or contract would have had them."""

    period: str = Field(examples=["115"])
    currency: str = "TWD"
    tariff_versions: list[Version] = Field(description="Of what was billed.")
    scenario_versions: list[Version]
    scenario_kw: dict[Capacity, float] | None = Field(description="Null: as the contracts were.")
    assumptions: list[Text]
    months: list[MonthTotals]
    actual: Money
    scenario: Money
    saving: Money
    best: Best
    curve: list[CurvePoint]


ASSUMPTIONS = (
    Text(
        zh="用電量與各時段最高需量不因契約或電價改變。",
        en="What was used, and the greatest demand of each period, stay as they were.",
    ),
    Text(
        zh="最適值為全期間同一個經常契約容量（整數瓩），其他契約容量不變。",
        en="The best regular capacity is one for all months, in whole kW; the other capacities stay.",
    ),
    Text(
        zh="不計變更契約容量的費用（線路補助費）與限制。",
        en="What it costs to change a contract, and how often that is allowed, is not counted.",
    ),
    Text(
        zh="月中季節或契約變更時，每瓩費用按日數比例計算。",
        en="In a month in which season or contract change, charges per kW count by days.",
    ),
)


def bill_answer(found: MonthBill, meters: list[str], bounds: tuple[int, int], ask: Terms) -> BillAnswer:
    """Give the answer's form of a bill."""
    bill = found.bill
    return BillAnswer(
        month=found.measured.period.name,
        start=to_rfc3339(bounds[0]) or "",
        end=to_rfc3339(bounds[1]) or "",
        tariff_versions=list(found.tariff_versions),
        contracts=[Contract.of(contract) for contract in found.contracts],
        meters=meters,
        coverage=found.measured.coverage,
        provisional=found.provisional,
        estimate=ask.estimate,
        estimated_kwh=found.measured.estimated_kwh,
        as_known_at=to_rfc3339(ask.known_at),
        power_factor_percent=bill.power_factor,
        peaks={period: to_rfc3339(at) or "" for period, at in found.peaks.items()},
        parts=[BillPart.of(part) for part in bill.parts],
        energy=float(bill.energy),
        basic=float(bill.basic),
        over_contract=float(bill.over_contract),
        power_factor=float(bill.power_factor_amount),
        total=float(bill.total),
        total_shown=int(bills.rounded(bill.total)),
    )


def what_if_answer(period: str, found: WhatIf, kw: dict[Capacity, Decimal] | None) -> WhatIfAnswer:
    """Give the answer's form of a what-if."""
    actual = sum((item.bill.total for item in found.actual), Decimal(0))
    scenario = sum((item.bill.total for item in found.scenario), Decimal(0))
    return WhatIfAnswer(
        period=period,
        tariff_versions=_versions(found.actual),
        scenario_versions=_versions(found.scenario),
        scenario_kw=None if kw is None else {capacity: float(amount) for capacity, amount in kw.items()},
        assumptions=list(ASSUMPTIONS),
        months=[
            MonthTotals(
                month=before.measured.period.name,
                coverage=before.measured.coverage,
                provisional=before.provisional,
                actual=float(before.bill.total),
                scenario=float(after.bill.total),
                best_regular_kw=best.regular_kw,
            )
            for before, after, best in zip(found.actual, found.scenario, found.best_by_month, strict=True)
        ],
        actual=float(actual),
        scenario=float(scenario),
        saving=float(actual - scenario),
        best=Best(
            regular_kw=found.best.regular_kw, total=float(found.best_total), saving=float(actual - found.best_total)
        ),
        curve=[CurvePoint(regular_kw=kilowatts, total=float(total)) for kilowatts, total in found.curve],
    )


def _versions(months: tuple[MonthBill, ...]) -> list[str]:
    return list(dict.fromkeys(version for month in months for version in month.tariff_versions))


def _floats(line: bills.EnergyCharge | bills.OverContract) -> dict[str, object]:
    values = {name: getattr(line, name) for name in line.__slots__}
    return {name: float(value) if isinstance(value, Decimal) else value for name, value in values.items()}
