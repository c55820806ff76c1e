"""What may be done to a work order, and by whom: pure decisions that are refused in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cityhall_bms.domain.errors import RefusedError
from cityhall_bms.domain.maintenance.book import Check, WorkRules
from cityhall_bms.domain.maintenance.orders import (
    TRANSITIONS,
    CheckResult,
    WorkKind,
    WorkMoved,
    WorkOrder,
    WorkStep,
)

URGENT: Final = 2
"""Priorities from 1 to here have to be arrived at in time."""
LATE_WORD_S: Final = 24 * 3_600.0
"""A phone without a network may tell so much later what was done."""
SKEW_S: Final = 120.0
"""Clocks of phones are wrong by so much at most."""


@dataclass(frozen=True, slots=True)
class AlarmStanding:
    """What rang, as it is now: whether it stands still, and when it returned last (µs UTC)."""

    active: bool
    returned_at: int | None


def check_time(at: int, now: int, not_before: int = 0) -> None:
    """Refuse a time of what happened that lies ahead, or too far back, or before what it followed."""
    skew_us = SKEW_S * 1e6
    if at > now + skew_us:
        msg = "時間在未來，請檢查裝置的時鐘 / this time lies ahead: check the clock of the device"
        raise RefusedError(msg)
    if at < now - LATE_WORD_S * 1e6 or at < not_before - skew_us:
        msg = "時間過早：須在 24 小時內，且不早於前一步 / too long ago: within 24 h, and after the step before"
        raise RefusedError(msg)


def move_order(order: WorkOrder, event: WorkMoved, alarm: AlarmStanding | None, rules: WorkRules) -> WorkMoved:
    """Decide a step; ``RefusedError`` says which rule stands against it."""
    step = WorkStep(event.step)
    if (order.state, step) not in TRANSITIONS:
        could = ", ".join(sorted(other.value for state, other in TRANSITIONS if state is order.state))
        msg = (
            f"工單 {order.order} 目前為 {order.state}，可執行：{could} / order {order.order} is {order.state}: {could}"
        )
        raise RefusedError(msg)
    match step:
        case WorkStep.ASSIGN if not event.assignee.strip():
            msg = "請指定維修人員 / say whom it is assigned to"
            raise RefusedError(msg)
        case WorkStep.HOLD | WorkStep.REOPEN | WorkStep.DISMISS if not event.comment.strip():
            msg = "請填原因 / say why"
            raise RefusedError(msg)
        case WorkStep.FIX:
            _check_done(order, event)
        case WorkStep.VERIFY:
            _check_verified(order, event, alarm, rules)
    return event


def _check_done(order: WorkOrder, event: WorkMoved) -> None:
    missing = [check.text_zh for check in order.checks if order.result(check.name) is None]
    if missing:
        names = "、".join(missing)
        msg = f"檢查表未完成：{names} / the checklist is not complete: {len(missing)} left"
        raise RefusedError(msg)
    if order.kind is WorkKind.REPAIR and not event.comment.strip():
        msg = "請填處理情形 / say what was done"
        raise RefusedError(msg)


def _check_verified(order: WorkOrder, event: WorkMoved, alarm: AlarmStanding | None, rules: WorkRules) -> None:
    if event.by in {order.fixed_by, order.assignee}:
        msg = "須由另一人複驗 / somebody else verifies: not who did the work"
        raise RefusedError(msg)
    if alarm is None:
        return
    if alarm.active:
        msg = "警報仍未恢復，不能複驗 / the alarm still stands: it cannot be verified"
        raise RefusedError(msg)
    quiet_us = event.at - (alarm.returned_at or 0)
    if quiet_us < rules.quiet_s * 1e6:
        minutes = f"{rules.quiet_s / 60:.0f}"
        left = f"{(rules.quiet_s - quiet_us / 1e6) / 60:.1f}"
        msg = (
            f"警報恢復後須平靜 {minutes} 分鐘，尚餘 {left} 分鐘 / "
            f"the alarm has to be silent for {minutes} min; {left} min are left"
        )
        raise RefusedError(msg)


def judged(checks: Sequence[Check], result: CheckResult) -> CheckResult:
    """Result of a check as its limits judge it; refused for a check that is not on the list, or without its reading."""
    check = next((check for check in checks if check.name == result.check), None)
    if check is None:
        msg = f"檢查表沒有 {result.check} / the checklist has no {result.check}"
        raise RefusedError(msg)
    if not check.measured:
        return CheckResult(result.check, result.ok, None, result.note)
    if result.value is None:
        msg = f"{check.text_zh} 須填讀值（{check.unit}）/ {check.text_en} needs a reading in {check.unit}"
        raise RefusedError(msg)
    return CheckResult(result.check, check.within(result.value), result.value, result.note)


def check_open(order: WorkOrder) -> None:
    """Refuse records of an order that is closed."""
    if order.ended:
        msg = f"工單 {order.order} 已結案 / order {order.order} is closed"
        raise RefusedError(msg)


def arrives_late(order: WorkOrder, now: int, rules: WorkRules) -> bool | None:
    """Whether somebody came too late to an urgent repair; none where it is neither yet, or not held to it."""
    if order.kind is not WorkKind.REPAIR or order.priority > URGENT or (order.dismissed and order.arrived_at is None):
        return None
    until = order.opened_at + round(rules.arrive_within_s * 1e6)
    if order.arrived_at is not None:
        return order.arrived_at > until
    return True if now > until else None
