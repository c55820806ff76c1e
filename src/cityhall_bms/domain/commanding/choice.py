"""What a commanded point may be given, as a person chooses it. The check of the chosen value is in ``checks``."""

from dataclasses import dataclass
from typing import Self

from cityhall_bms.domain.commanding.checks import DIGITAL
from cityhall_bms.domain.commanding.interlocks import who_is
from cityhall_bms.domain.commanding.policy import CommandPolicy
from cityhall_bms.domain.commands import CommandTarget
from cityhall_bms.domain.site import PointKind


@dataclass(frozen=True, slots=True)
class Choice:
    """Values in the point's unit; none where nothing bounds them.

    Between ``low`` and ``high`` anybody may; further out to ``approved_low`` and ``approved_high`` a second person must
    agree; ``also`` are single values outside. A point with states has no range.
    """

    states: tuple[float, ...] = ()
    low: float | None = None
    high: float | None = None
    approved_low: float | None = None
    approved_high: float | None = None
    also: tuple[float, ...] = ()

    @classmethod
    def of(cls, target: CommandTarget, policy: CommandPolicy) -> Self:
        """Take the point's own range and every limit of the site that means it; the narrowest counts."""
        point = target.point
        states = tuple(sorted(float(state) for state in point.states))
        if states or point.kind is PointKind.DO:
            return cls(states or DIGITAL)
        limits = [limit for limit in policy.limits if limit.bound.means(*who_is(target))]
        outer_low = [limit.low if limit.approved_low is None else limit.approved_low for limit in limits]
        outer_high = [limit.high if limit.approved_high is None else limit.approved_high for limit in limits]
        return cls(
            low=max(_known(point.low, [limit.low for limit in limits]), default=None),
            high=min(_known(point.high, [limit.high for limit in limits]), default=None),
            approved_low=max(_known(point.low, outer_low), default=None),
            approved_high=min(_known(point.high, outer_high), default=None),
            also=_shared([limit.also for limit in limits]),
        )


def _known(own: float | None, others: list[float]) -> list[float]:
    return others if own is None else [own, *others]


def _shared(allowed: list[tuple[float, ...]]) -> tuple[float, ...]:
    """Single values that every limit lets pass."""
    return tuple(value for value in (allowed[0] if allowed else ()) if all(value in others for others in allowed))
