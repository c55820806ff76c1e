"""The coverage certificate: how complete each point of an export is, and why something is missing. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Self

from cityhall_bms.domain.gaps import Gap
from cityhall_bms.ports.exports import ExportPoint, ExportQuery, PointCounts
from cityhall_bms.ports.history import Window


@dataclass(frozen=True, slots=True)
class Missing:
    """Gaps of one cause within a window: how many, what time they cover together, and how many polls were missed."""

    cause: str
    gaps: int
    us: int
    polls: int


@dataclass(frozen=True, slots=True)
class PointCoverage:
    """One line of the certificate; ``covered`` is the share of the window for which good samples stand, 0..1."""

    point: ExportPoint
    counts: PointCounts
    covered: float
    missing: Sequence[Missing]

    @classmethod
    def of(
        cls, point: ExportPoint, counts: PointCounts, covered: float, gaps: Iterable[Gap], query: ExportQuery
    ) -> Self:
        """Certify one point."""
        until = max(min(query.window.end, query.known_at), query.window.start)
        return cls(point, counts, covered, missing(gaps, Window(query.window.start, until)))

    def to_json(self) -> dict[str, Any]:
        """JSON values of the manifest."""
        return {
            "point": self.point.name,
            "good": self.counts.good,
            "uncertain": self.counts.uncertain,
            "bad": self.counts.bad,
            "covered_percent": round(100 * self.covered, 3),
            "gaps": [
                {"cause": item.cause, "gaps": item.gaps, "seconds": item.us / 1e6, "polls": item.polls}
                for item in self.missing
            ],
        }


def missing(gaps: Iterable[Gap], window: Window) -> list[Missing]:
    """Sum gaps up by cause; what several gaps of one cause cover counts once, and only within the window."""
    by_cause: dict[str, list[Gap]] = defaultdict(list)
    for gap in gaps:
        by_cause[gap.cause.value].append(gap)
    return [
        Missing(cause, len(found), _covered_us(found, window), sum(gap.polls for gap in found))
        for cause, found in sorted(by_cause.items())
    ]


def _covered_us(gaps: Sequence[Gap], window: Window) -> int:
    total, reached = 0, window.start
    for gap in sorted(gaps, key=lambda gap: gap.since):
        end = window.end if gap.until is None else min(gap.until, window.end)
        begin = max(gap.since, reached)
        if end > begin:
            total += end - begin
            reached = end
    return total
