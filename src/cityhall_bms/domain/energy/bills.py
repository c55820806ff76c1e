"""The bill of a month: energy, basic charge, demand above the contract, power factor.

Arithmetic is exact (``Decimal``) and nothing is rounded on the way. Whoever shows an amount rounds it half up: the sum
to whole NT$, as the utility does with what is to be paid; that it rounds none of the parts before is not confirmed.

A month in which season, tariff or contract change has a part for each: the charges of a kW count there for the part's
share of the month's days, and demand is compared with the contract in each part (project choice: the rate book does
not say how it is done).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from cityhall_bms.domain.energy.tariffs import (
    CAPACITY_CHARGED,
    PERIODS,
    BillRules,
    Capacities,
    Capacity,
    Season,
    Tariff,
    TariffPeriod,
)

ZERO: Final = Decimal(0)
HALF: Final = Decimal("0.5")
HUNDRED: Final = Decimal(100)


@dataclass(frozen=True, slots=True)
class Part:
    """Days of a month under one tariff version, season and contract, and what was measured in them.

    A period in which nothing was measured does not stand in ``kwh`` and ``demand_kw``.
    """

    tariff: Tariff
    season: Season
    kw: Capacities
    share: Decimal
    """Its days as a share of the month's."""
    kwh: Mapping[TariffPeriod, float]
    demand_kw: Mapping[TariffPeriod, float]
    """Greatest mean of a quarter hour."""


@dataclass(frozen=True, slots=True)
class EnergyCharge:
    """Energy of one period of a part: kWh, NT$/kWh, NT$."""

    period: TariffPeriod
    kwh: Decimal
    price: Decimal
    amount: Decimal


@dataclass(frozen=True, slots=True)
class OverContract:
    """Demand above the contract in one period: kW, NT$."""

    period: TariffPeriod
    demand_kw: Decimal
    limit_kw: Decimal
    excess_kw: Decimal
    charged_kw: Decimal
    """Of the excess, what no earlier period was charged for."""
    first_kw: Decimal
    """Charged at the first multiple."""
    rest_kw: Decimal
    """Charged at the other."""
    price: Decimal
    """NT$ per kW and month."""
    amount: Decimal


@dataclass(frozen=True, slots=True)
class PartCharges:
    """What a part of the month costs, NT$."""

    part: Part
    energy: tuple[EnergyCharge, ...]
    basic: Decimal
    over: tuple[OverContract, ...]

    @property
    def energy_amount(self) -> Decimal:
        """All its energy, NT$."""
        return sum((charge.amount for charge in self.energy), ZERO)

    @property
    def over_amount(self) -> Decimal:
        """All its demand above the contract, NT$."""
        return sum((charge.amount for charge in self.over), ZERO)


@dataclass(frozen=True, slots=True)
class Bill:
    """A month's bill, NT$. ``power_factor``: per cent, none where it is not known, and then it changes nothing."""

    parts: tuple[PartCharges, ...]
    power_factor: int | None
    power_factor_amount: Decimal
    """Below zero: taken off."""

    @property
    def energy(self) -> Decimal:
        """Energy charge (流動電費)."""
        return sum((part.energy_amount for part in self.parts), ZERO)

    @property
    def basic(self) -> Decimal:
        """Basic charge (基本電費)."""
        return sum((part.basic for part in self.parts), ZERO)

    @property
    def over_contract(self) -> Decimal:
        """Extra charge for demand above the contract (超約附加費)."""
        return sum((part.over_amount for part in self.parts), ZERO)

    @property
    def total(self) -> Decimal:
        """All of it, not rounded."""
        return self.energy + self.basic + self.over_contract + self.power_factor_amount


def bill(parts: Sequence[Part], power_factor: int | None = None) -> Bill:
    """Charge the parts of a month; the power factor (per cent) is the month's."""
    charged = tuple(
        PartCharges(
            part,
            energy_charges(part.tariff, part.season, part.kwh),
            basic_charge(part.tariff, part.season, part.kw) * part.share,
            tuple(over_contract(part.tariff, part.season, part.kw, part.demand_kw, part.share)),
        )
        for part in parts
    )
    adjusted = sum(
        (
            (item.energy_amount + item.basic) * power_factor_share(item.part.tariff.rules, power_factor)
            for item in charged
        ),
        ZERO,
    )
    return Bill(charged, power_factor, adjusted)


def energy_charges(tariff: Tariff, season: Season, kwh: Mapping[TariffPeriod, float]) -> tuple[EnergyCharge, ...]:
    """Energy of each period at its price."""
    return tuple(
        EnergyCharge(period, amount := exact(kwh[period]), price := tariff.energy[season, period], amount * price)
        for period in PERIODS
        if period in kwh
    )


def basic_charge(tariff: Tariff, season: Season, kw: Capacities) -> Decimal:
    """Basic charge of a whole month, NT$.

    Creg·r1 + C2·r2 + max(0, Csat + Coff - 0.5·(Creg + C2))·r3; C2 is the half-peak capacity of a three-stage tariff,
    and outside of summer the non-summer one of a two-stage tariff (rate book, 基本電費). A tariff without capacities
    for Saturdays and nights has no third term.
    """
    there = tariff.capacities_in(season, kw)
    weekdays = [
        capacity for capacity in (Capacity.REGULAR, Capacity.HALF_PEAK, Capacity.NON_SUMMER) if capacity in there
    ]
    base = sum((there[capacity] for capacity in weekdays), ZERO)
    charge = sum((there[capacity] * tariff.basic[season, capacity] for capacity in weekdays), ZERO)
    others = there.get(Capacity.SATURDAY_HALF_PEAK, ZERO) + there.get(Capacity.OFF_PEAK, ZERO)
    return charge + max(ZERO, others - HALF * base) * tariff.basic.get((season, Capacity.OFF_PEAK), ZERO)


def over_contract(
    tariff: Tariff, season: Season, kw: Capacities, demand_kw: Mapping[TariffPeriod, float], share: Decimal = Decimal(1)
) -> list[OverContract]:
    """Charge demand above the contract, period by period; periods without excess are left out.

    Of a period's excess, kW that an earlier period was charged for are taken off. What is left costs the first multiple
    of the price of that period's capacity up to the rules' share of that period's own limit, and the other multiple
    beyond (rate book, 超約用電; that each period has such a first tenth of its own is practice, not confirmed).
    """
    found: list[OverContract] = []
    charged_before = ZERO
    for period in PERIODS:
        price = tariff.basic.get((season, CAPACITY_CHARGED[period]))
        if price is None or period not in demand_kw:
            continue
        demand, limit = exact(demand_kw[period]), tariff.limit_kw(season, period, kw)
        excess = max(ZERO, demand - limit)
        charged = max(ZERO, excess - charged_before)
        charged_before += charged
        if not charged:
            continue
        first = min(charged, tariff.rules.over_first_share * limit)
        times = first * tariff.rules.over_first_times + (charged - first) * tariff.rules.over_rest_times
        amount = times * price * share
        found.append(OverContract(period, demand, limit, excess, charged, first, charged - first, price, amount))
    return found


def power_factor_share(rules: BillRules, power_factor: int | None) -> Decimal:
    """What the power factor (per cent) adds to basic and energy charge, as a share of them; below zero: takes off."""
    if power_factor is None:
        return ZERO
    better = min(power_factor, rules.power_factor_best) - rules.power_factor_base
    return -rules.power_factor_step * better


def power_factor_of(kwh: float, kvarh: float) -> int | None:
    """Mean power factor of a month in whole per cent, half up, as bills give it; none where nothing was used."""
    apparent = (kwh * kwh + kvarh * kvarh) ** 0.5
    return int(rounded(exact(100.0 * abs(kwh) / apparent))) if apparent > 0.0 else None


def exact(value: float) -> Decimal:
    """Shortest decimal number that a measured one stands for."""
    return Decimal(repr(float(value)))


def rounded(amount: Decimal, decimals: int = 0) -> Decimal:
    """Amount as it is shown: half up."""
    return amount.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)
