"""What another contract capacity would have cost, and the best one, exactly.

The bill of a month is a piecewise linear function of a capacity: it bends where the demand of a period reaches its
limit, where it reaches the multiple beyond, and where the capacities of Saturdays and nights begin to cost. A sum of
such functions has its least value at a bend; contracts are in whole kW, so the best is the whole kW beside one of them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Final

from cityhall_bms.domain.energy.bills import ZERO, Part, basic_charge, exact, over_contract, power_factor_share
from cityhall_bms.domain.energy.tariffs import (
    CAPACITIES_OF,
    CAPACITY_CHARGED,
    PERIODS,
    Capacities,
    Capacity,
    TariffPeriod,
)

TWO: Final = Decimal(2)


@dataclass(frozen=True, slots=True)
class Month:
    """A month as it was billed: its parts, and its power factor (per cent) where it is known."""

    parts: tuple[Part, ...]
    power_factor: int | None = None


@dataclass(frozen=True, slots=True)
class Optimum:
    """The regular capacity that would have cost least, and what it would have cost, NT$."""

    regular_kw: int
    capacity_cost: Decimal


def capacity_cost(months: Sequence[Month], kw: Mapping[Capacity, Decimal] | None = None) -> Decimal:
    """What depends on the contract: basic charge with its power-factor share, and demand above the contract, NT$.

    ``kw``: capacities instead of those of the parts, the same in all of them.
    """
    return sum(
        (_cost(part, part.kw if kw is None else kw, month.power_factor) for month in months for part in month.parts),
        ZERO,
    )


def optimum(months: Sequence[Month], others: Capacities, least_kw: int = 0) -> Optimum:
    """Find the best regular capacity in whole kW beside the other capacities, the same in all months.

    It is at least ``least_kw``; of several that cost the same the smallest is taken.
    """
    beside: dict[Capacity, Decimal] = {name: kw for name, kw in others.items() if name is not Capacity.REGULAR}
    bends = {bend for month in months for part in month.parts for bend in _bends(part, beside)}
    tried = {least_kw}
    for bend in bends:
        tried |= {int(bend.to_integral_value(way)) for way in (ROUND_FLOOR, ROUND_CEILING)}
    costs = {
        regular: capacity_cost(months, beside | {Capacity.REGULAR: Decimal(regular)})
        for regular in sorted(tried)
        if regular >= least_kw
    }
    best = min(costs, key=lambda regular: (costs[regular], regular))
    return Optimum(best, costs[best])


def _cost(part: Part, kw: Capacities, power_factor: int | None) -> Decimal:
    basic = basic_charge(part.tariff, part.season, kw) * part.share
    over = over_contract(part.tariff, part.season, kw, part.demand_kw, part.share)
    return basic * (1 + power_factor_share(part.tariff.rules, power_factor)) + sum((item.amount for item in over), ZERO)


def _bends(part: Part, others: Capacities) -> Iterator[Decimal]:
    """Regular capacities at which the cost of a part may bend."""
    there = part.tariff.capacities_in(part.season, others)
    share = part.tariff.rules.over_first_share
    reached: list[Decimal] = []
    for period in _charged_periods(part):
        beside = sum((there.get(capacity, ZERO) for capacity in CAPACITIES_OF[period]), ZERO)
        without = exact(part.demand_kw[period]) - beside
        yield without
        # All of the excess is charged: it reaches the share of the limit, regular and beside.
        yield (without - share * beside) / (1 + share)
        # Earlier periods were charged for some of it: what is left does not depend on the regular capacity.
        for earlier in reached:
            if share:
                yield (without - earlier) / share - beside
        reached.append(without)
    weekend = there.get(Capacity.SATURDAY_HALF_PEAK, ZERO) + there.get(Capacity.OFF_PEAK, ZERO)
    yield TWO * weekend - there.get(Capacity.HALF_PEAK, ZERO) - there.get(Capacity.NON_SUMMER, ZERO)


def _charged_periods(part: Part) -> list[TariffPeriod]:
    return [
        period
        for period in PERIODS
        if period in part.demand_kw and (part.season, CAPACITY_CHARGED[period]) in part.tariff.basic
    ]
