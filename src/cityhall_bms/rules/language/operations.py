"""Operations without a memory. Arithmetic that gives no finite number (a division by zero) gives none that is known."""

from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.domain.quality import BAD_FROM, UNCERTAIN_FROM
from cityhall_bms.rules.language.moment import Columns, Flags, Floats, Known, Micros, Tick

Operation = Callable[..., Known]
"""Takes the tick and what its arguments are."""
Numbers = Callable[..., Any]


def elementwise(function: Numbers) -> Operation:
    """Make numbers of numbers."""

    def apply(_: Tick, *args: Known) -> Known:
        value = function(*(arg.value for arg in args))
        known = np.isfinite(value)
        for arg in args:
            known = known & arg.known
        return Known(value, known)

    return apply


def compare(function: Numbers) -> Operation:
    """Make truths of two numbers."""

    def apply(_: Tick, left: Known, right: Known) -> Known:
        return Known(function(left.value, right.value), left.known & right.known)

    return apply


def both(_: Tick, left: Known, right: Known) -> Known:
    """Kleene's and: one that is known false decides alone."""
    value = left.value & right.value
    known = (left.known & right.known) | (left.known & ~left.value) | (right.known & ~right.value)
    return Known(value & known, known)


def either(_: Tick, left: Known, right: Known) -> Known:
    """Kleene's or: one that is known true decides alone."""
    known = (left.known & right.known) | (left.known & left.value) | (right.known & right.value)
    return Known((left.known & left.value) | (right.known & right.value), known)


def contrary(_: Tick, arg: Known) -> Known:
    """Not."""
    return Known(~arg.value, arg.known)


NUMBERS: Final[Mapping[str, Numbers]] = {
    "+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide, "neg": np.negative, "abs": np.abs,
    "sqrt": np.sqrt,
}  # fmt: skip
ORDERS: Final[Mapping[str, Numbers]] = {
    "<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal, "==": np.equal, "!=": np.not_equal,
}  # fmt: skip
LOGIC: Final[Mapping[str, Operation]] = {"and": both, "or": either, "not": contrary}
EXTREMES: Final[Mapping[str, Numbers]] = {"min": np.minimum, "max": np.maximum}


def extreme(function: Numbers) -> Operation:
    """Least or greatest of any number of arguments."""
    return elementwise(lambda *values: reduce(function, values))


def constant(value: float) -> Operation:
    """One number for all rows."""
    known = Known(np.float64(value), np.True_)
    return lambda _: known


def sample(columns: Columns, scale: Floats | None) -> Operation:
    """Value of a point per row; ``scale`` brings rows whose point has another unit into that of the first."""

    def apply(tick: Tick) -> Known:
        value = tick.value[..., columns]
        return Known(value if scale is None else value * scale, tick.usable[..., columns])

    return apply


def scaled(factor: float) -> Operation:
    """Convert a unit."""
    return lambda _, arg: Known(arg.value * factor, arg.known)


def member(values: tuple[float, ...]) -> Operation:
    """Tell whether it is one of some values."""

    def apply(_: Tick, arg: Known) -> Known:
        found = arg.value == values[0]
        for value in values[1:]:
            found = found | (arg.value == value)
        return Known(found, arg.known)

    return apply


def of_quality(columns: Columns, test: Callable[[NDArray[np.uint8]], Flags]) -> Operation:
    """Ask about the quality of samples; always known."""
    return lambda tick: Known(test(tick.quality[..., columns]), np.True_)


def is_bad(quality: NDArray[np.uint8]) -> Flags:
    """Bad."""
    return quality >= BAD_FROM


def is_uncertain(quality: NDArray[np.uint8]) -> Flags:
    """Uncertain, and not bad."""
    return (quality >= UNCERTAIN_FROM) & (quality < BAD_FROM)


def age(columns: Columns) -> Operation:
    """Age of samples, s; always known."""
    return lambda tick: Known((tick.at - tick.observed_at[..., columns]) / 1e6, np.True_)


def at_time(ask: Callable[[int], bool], ask_many: Callable[[Micros], Flags]) -> Operation:
    """Ask something that depends on nothing but the time, of one moment or of many."""

    def apply(tick: Tick) -> Known:
        if np.ndim(tick.at) == 0:
            return Known(np.bool_(ask(tick.at)), np.True_)
        return Known(ask_many(np.ravel(tick.at))[:, np.newaxis], np.True_)

    return apply


def always() -> Operation:
    """True."""
    return lambda _: Known(np.True_, np.True_)


def of_time(ask: Callable[[int], float | None]) -> Operation:
    """Give a number that depends on nothing but the time; unknown where there is none."""

    def apply(tick: Tick) -> Known:
        found = _asked(lambda at: np.nan if (number := ask(at)) is None else number, tick.at)
        return Known(np.nan_to_num(found), ~np.isnan(found))

    return apply


def _asked(ask: Callable[[int], Any], at: Any) -> Any:  # noqa: ANN401 - of one moment, or of a column of them
    """Answer of each moment."""
    if np.ndim(at) == 0:
        return np.asarray(ask(at))[()]
    return np.array([ask(moment) for moment in at[:, 0].tolist()])[:, np.newaxis]
