"""What good alarm handling is, in numbers: each figure beside its target (EEMUA 191, IEC 62682, ISA-18.2)."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from cityhall_bms.domain.alarm_figures import PRIORITIES, AlarmFigures
from cityhall_bms.domain.site import Text


class Verdict(StrEnum):
    """Where a figure stands."""

    GOOD = "good"
    ACCEPTABLE = "acceptable"
    OVER = "over"
    """Beyond what the standard still accepts."""
    NONE = "none"
    """There is nothing to judge."""


@dataclass(frozen=True, slots=True)
class Target:
    """What one figure should be: at most (or at least) ``good``, and not beyond ``limit``."""

    name: str
    text: Text
    unit: str
    """``1`` for a share of 0..1."""
    good: float
    limit: float
    source: str
    read: Callable[[AlarmFigures], float | None]
    at_least: bool = False
    strict: bool = False
    """The bound itself is not good enough."""

    def keeps(self, value: float, bound: float) -> bool:
        """Whether a value is on the right side of a bound."""
        if value == bound:
            return not self.strict
        return (value > bound) == self.at_least


@dataclass(frozen=True, slots=True)
class Judgement:
    """One figure beside its target."""

    target: Target
    value: float | None
    verdict: Verdict


def _share(priority: int) -> Callable[[AlarmFigures], float | None]:
    return lambda found: found.responses[priority - 1].share if found.annunciations else None


def _low(found: AlarmFigures) -> float | None:
    return found.responses[2].share + found.responses[3].share if found.annunciations else None


def _in_time(priority: int) -> Callable[[AlarmFigures], float | None]:
    return lambda found: found.responses[priority - 1].inside_target


EEMUA: Final = "EEMUA 191 / IEC 62682"
ISA: Final = "ISA-18.2 / IEC 62682"
PROJECT: Final = "project target"

TARGETS: Final = (
    Target("per_10_min", Text("每 10 分鐘警報數", "Alarms per 10 minutes"), "", 1, 2, EEMUA, lambda f: f.per_10_min),
    Target("per_hour", Text("每小時警報數", "Alarms per hour"), "", 6, 12, EEMUA, lambda f: f.per_hour),
    Target("per_day", Text("每日警報數", "Alarms per day"), "", 144, 288, EEMUA, lambda f: f.per_day),
    Target("peak_10_min", Text("10 分鐘最多", "Most in 10 minutes"), "", 10, 10, ISA, lambda f: f.peak_10_min),
    Target("in_flood", Text("洪流時間比例", "Time in flood"), "1", 0.01, 0.01, ISA, lambda f: f.in_flood, strict=True),
    Target(
        "busy_10_min", Text("忙碌 10 分鐘時段", "Busy 10-minute slots"), "1", 0.01, 0.01, ISA,
        lambda f: f.busy_10_min, strict=True,
    ),
    Target("busy_hours", Text("忙碌小時", "Busy hours"), "1", 0.01, 0.01, ISA, lambda f: f.busy_hours, strict=True),
    Target("chattering", Text("顫動警報", "Chattering alarms"), "", 0, 0, ISA, lambda f: len(f.chattering)),
    Target("fleeting", Text("瞬逝警報", "Fleeting alarms"), "", 0, 0, ISA, lambda f: f.fleeting),
    Target(
        "stale_per_day", Text("單日滯留警報最多", "Most stale alarms on one day"), "", 5, 5, ISA,
        lambda f: f.stale_per_day, strict=True,
    ),
    Target("top_10", Text("前十名占比", "Share of the top ten"), "1", 0.05, 0.05, ISA, lambda f: f.top_10),
    Target("priority_1", Text("優先度 1 占比", "Share of priority 1"), "1", 0.05, 0.05, ISA, _share(1), strict=True),
    Target("priority_2", Text("優先度 2 占比", "Share of priority 2"), "1", 0.15, 0.20, ISA, _share(2)),
    Target(
        "priority_3_4", Text("優先度 3、4 占比", "Share of priorities 3 and 4"), "1", 0.80, 0.75, ISA, _low,
        at_least=True,
    ),
    *(
        Target(
            f"acknowledged_in_time_{priority}",
            Text(f"優先度 {priority} 如期確認", f"Priority {priority} acknowledged in time"),
            "1", 0.95, 0.90, PROJECT, _in_time(priority), at_least=True,
        )
        for priority in PRIORITIES
    ),
    Target("unauthorised", Text("未授權抑制", "Hidden without authority"), "", 0, 0, ISA, lambda f: f.unauthorised),
)  # fmt: skip


def judge(figures: AlarmFigures) -> list[Judgement]:
    """Every figure beside its target."""
    return [Judgement(target, value, _verdict(target, value)) for target in TARGETS for value in [target.read(figures)]]


def _verdict(target: Target, value: float | None) -> Verdict:
    if value is None:
        return Verdict.NONE
    if target.keeps(value, target.good):
        return Verdict.GOOD
    return Verdict.ACCEPTABLE if target.keeps(value, target.limit) else Verdict.OVER
