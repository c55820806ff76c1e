"""Which window stands behind which function."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np

from cityhall_bms.rules.language import contents
from cityhall_bms.rules.language.swings import Reversals
from cityhall_bms.rules.language.timers import Remembering
from cityhall_bms.rules.language.windows import BUCKETS, BucketNumber, Content, Window, by_width

DAY_US: Final = 86_400e6

_CONTENTS: Final[Mapping[str, Callable[[float], Content]]] = {
    "avg": contents.Mean,
    "window_min": lambda window_us: contents.Extreme(window_us, np.minimum, np.inf),
    "window_max": lambda window_us: contents.Extreme(window_us, np.maximum, -np.inf),
    "stddev": contents.Deviation,
    "median": contents.Median,
    "rate": lambda window_us: contents.Difference(window_us, per_hour=True),
    "delta": lambda window_us: contents.Difference(window_us, per_hour=False),
    "increase": lambda window_us: contents.Tally(window_us, contents.increase),
    "changes": lambda window_us: contents.Tally(window_us, contents.change),
    "count": lambda window_us: contents.Tally(window_us, contents.beginning),
    "share": contents.Share,
}
WINDOWED: Final = frozenset({*_CONTENTS, "reversals", "baseline", "ago"})


def windowed(op: str, given: Sequence[float], hour: BucketNumber) -> Remembering:
    """Window of an operation; ``hour`` numbers the hours of the building's clocks."""
    window_us = given[-1]
    width_us = int(window_us) // BUCKETS
    match op:
        case "reversals":
            return Reversals(given[0], window_us)
        case "baseline":
            days = round(window_us / DAY_US)
            return Window(contents.Baseline(), hour, days * contents.HOURS_A_DAY)
        case "ago":
            return Window(contents.Past(), by_width(width_us), BUCKETS)
        case _:
            return Window(_CONTENTS[op](window_us), by_width(width_us), BUCKETS - 1)
