"""The functions of the language: one table for the checker, the compiler and the reference page."""

from dataclasses import dataclass
from enum import Enum
from typing import Final


class Wants(Enum):
    """What an argument may be."""

    NUMBER = "a number"
    TRUTH = "a condition"
    SPAN = "a constant of the same unit"
    DURATION = "a duration such as '5 min'"
    SCHEDULE = "the name of a schedule"
    TARGET = "the name of a target"
    MODE = "the name of an operating mode"
    ROLE = "a role"
    REASON = "a reason of bad or uncertain quality"


class Gives(Enum):
    """What a result is."""

    SAME = "as its first argument"
    DIFFERENCE = "a difference of its first argument"
    PER_HOUR = "a change of its first argument per hour"
    ROOT = "a square root"
    PLAIN = "a number without unit"
    DURATION = "a duration"
    TRUTH = "true or false"
    MODE = "an operating mode"
    TARGET = "as the target"


@dataclass(frozen=True, slots=True)
class Function:
    """One function; ``repeats`` lets its last argument be given any number of times."""

    name: str
    shown: str
    wants: tuple[Wants, ...]
    gives: Gives
    meaning: str
    op: str
    repeats: bool = False
    aggregates: bool = False
    """Over related equipment."""


_X, _W, _C = Wants.NUMBER, Wants.DURATION, Wants.TRUTH

FUNCTIONS: Final = (
    Function("abs", "abs(x)", (_X,), Gives.SAME, "size without sign", "abs"),
    Function("sqrt", "sqrt(x)", (_X,), Gives.ROOT, "square root", "sqrt"),
    Function("min", "min(a, b, ..)", (_X, _X), Gives.SAME, "the least of some", "min", repeats=True),
    Function("max", "max(a, b, ..)", (_X, _X), Gives.SAME, "the greatest of some", "max", repeats=True),
    Function("for", "for(cond, d)", (_C, _W), Gives.TRUTH, "cond has been true for d without a break", "for"),
    Function(
        "since", "since(cond)", (_C,), Gives.DURATION, "time since cond was last true; unknown if it never was", "since"
    ),
    Function("previous", "previous(x)", (_X,), Gives.SAME, "the value before the latest change", "previous"),
    Function("avg", "avg(x, w)", (_X, _W), Gives.SAME, "mean over the window, by time", "avg"),
    Function("min", "min(x, w)", (_X, _W), Gives.SAME, "the least in the window", "window_min"),
    Function("max", "max(x, w)", (_X, _W), Gives.SAME, "the greatest in the window", "window_max"),
    Function("stddev", "stddev(x, w)", (_X, _W), Gives.DIFFERENCE, "standard deviation over the window", "stddev"),
    Function("median", "median(x, w)", (_X, _W), Gives.SAME, "median of the means of the window's buckets", "median"),
    Function("rate", "rate(x, w)", (_X, _W), Gives.PER_HOUR, "change over the window, per hour", "rate"),
    Function(
        "delta",
        "delta(x, w)",
        (_X, _W),
        Gives.DIFFERENCE,
        "change over the window; of a counter what it went up: a step down (a reset) counts nothing",
        "delta",
    ),
    Function("changes", "changes(x, w)", (_X, _W), Gives.PLAIN, "how often the value changed", "changes"),
    Function("count", "count(cond, w)", (_C, _W), Gives.PLAIN, "how often cond became true", "count"),
    Function(
        "share", "share(cond, w)", (_C, _W), Gives.PLAIN, "share of the time in which cond was true, 0 to 1", "share"
    ),
    Function(
        "reversals",
        "reversals(x, span, w)",
        (_X, Wants.SPAN, _W),
        Gives.PLAIN,
        "how often x turned round after a swing of span or more",
        "reversals",
    ),
    Function(
        "baseline",
        "baseline(x, d)",
        (_X, _W),
        Gives.SAME,
        "median of the means of x in this hour of the day, over as many past days; unknown before seven",
        "baseline",
    ),
    Function("ago", "ago(x, d)", (_X, _W), Gives.SAME, "x as it was d ago", "ago"),
    Function("mode", "mode(NAME)", (Wants.MODE,), Gives.MODE, "operating mode; compare with its states", "mode"),
    Function(
        "target", "target(NAME)", (Wants.TARGET,), Gives.TARGET, "figure of targets.toml that is valid now", "target"
    ),
    Function("within", "within(NAME)", (Wants.SCHEDULE,), Gives.TRUTH, "a schedule of the site holds now", "within"),
    Function("holiday", "holiday()", (), Gives.TRUTH, "today is a holiday of the site's calendar", "holiday"),
    Function("bad", "bad(ROLE)", (Wants.ROLE,), Gives.TRUTH, "the sample is bad; always known", "bad"),
    Function(
        "uncertain", "uncertain(ROLE)", (Wants.ROLE,), Gives.TRUTH, "the sample is uncertain; always known", "uncertain"
    ),
    Function(
        "flagged",
        "flagged(ROLE, reason)",
        (Wants.ROLE, Wants.REASON),
        Gives.TRUTH,
        "the sample is not good for this reason; always known",
        "flagged",
    ),
    Function("age", "age(ROLE)", (Wants.ROLE,), Gives.DURATION, "time since the sample was taken; always known", "age"),
    Function(
        "any", "any(cond)", (_C,), Gives.TRUTH, "cond is true for one of the related equipment", "any", aggregates=True
    ),
    Function("all", "all(cond)", (_C,), Gives.TRUTH, "cond is true for all of them", "all", aggregates=True),
    Function("sum", "sum(x)", (_X,), Gives.SAME, "sum over them", "sum", aggregates=True),
    Function("mean", "mean(x)", (_X,), Gives.SAME, "mean over them", "mean", aggregates=True),
    Function("least", "least(x)", (_X,), Gives.SAME, "the least of them", "least", aggregates=True),
    Function("most", "most(x)", (_X,), Gives.SAME, "the greatest of them", "most", aggregates=True),
    Function(
        "number", "number(cond)", (_C,), Gives.PLAIN, "how many of them cond is true for", "number", aggregates=True
    ),
)

NAMES: Final = tuple(dict.fromkeys(function.name for function in FUNCTIONS))


def functions_of(name: str) -> list[Function]:
    """Functions of a name: none, one, or one of numbers and one over a window."""
    return [function for function in FUNCTIONS if function.name == name]
