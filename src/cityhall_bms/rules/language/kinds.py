"""What an expression is: a number of some measure, a truth, or an operating mode."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from cityhall_bms.domain.units import PLAIN, Measure, measure_of, symbol_of

RATIO_TOLERANCE: Final = 1e-9


class Sort(StrEnum):
    """The three that never mix."""

    NUMBER = "a number"
    TRUTH = "true or false"
    MODE = "an operating mode"


@dataclass(frozen=True, slots=True)
class Kind:
    """Kind of an expression.

    ``measure`` is none while the unit is not known: a rule is read before it meets a site. ``bare`` are numbers that
    stand without a unit where they could have one: literals, and points whose unit is empty. ``states`` are those of
    an operating mode; ``counter`` is a register that only goes up.
    """

    sort: Sort = Sort.NUMBER
    measure: Measure | None = PLAIN
    symbol: str = ""
    bare: bool = False
    states: tuple[str, ...] = ()
    counter: bool = False

    def __str__(self) -> str:
        if self.sort is not Sort.NUMBER:
            return self.sort.value
        return self.symbol or ("a number without unit" if self.measure == PLAIN else "of another measure")


TRUTH: Final = Kind(Sort.TRUTH, None)
ANY_NUMBER: Final = Kind(measure=None)
PLAIN_NUMBER: Final = Kind()
BARE_NUMBER: Final = Kind(bare=True)
DURATION: Final = Kind(measure=measure_of("s"), symbol="s")


def of_symbol(symbol: str) -> Kind:
    """Kind of the numbers with a unit; unknown symbols of a site are nobody's measure."""
    return Kind(measure=measure_of(symbol), symbol=symbol, bare=not symbol)


def of_measure(measure: Measure | None, *, bare: bool = False) -> Kind:
    """Kind of what was calculated, with the symbol that fits it."""
    return Kind(measure=measure, symbol=symbol_of(measure) if measure is not None else "", bare=bare)


def difference(kind: Kind) -> Kind:
    """Kind of the difference of two of these: kelvins, of degrees."""
    if kind.measure is None or not kind.measure.absolute:
        return kind
    return of_measure(kind.measure.difference())


def per_hour(kind: Kind) -> Kind:
    """Kind of a change of it per hour."""
    hour = measure_of("h")
    changed = difference(kind)
    if changed.measure is None or hour is None:
        return ANY_NUMBER
    return replace(changed, measure=changed.measure.over(hour), symbol=f"{changed.symbol}/h", bare=False)


def mixes_ratio(one: Kind, other: Kind) -> bool:
    """Tell whether a number without unit meets a share in percent or the like: nobody knows what was meant."""
    for bare, ratio in ((one, other), (other, one)):
        if bare.bare and not ratio.bare and ratio.measure is not None and not ratio.measure.powers:
            return abs(ratio.measure.factor - 1.0) > RATIO_TOLERANCE
    return False
