"""Every check between a wish and a write. Pure: the same for whoever asks first and for whoever writes in the end.

Unknown is never good enough: where a check rests on a value that is bad, uncertain or missing, the answer is no, and
says which value it missed.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from cityhall_bms.domain.commanding.control import OPERATOR, Command, CommandState, PointControl
from cityhall_bms.domain.commanding.interlocks import (
    Surroundings,
    interlock_refusals,
    minimum_time_refusals,
    who_is,
)
from cityhall_bms.domain.commanding.policy import CommandPolicy, Limit, Times
from cityhall_bms.domain.commanding.refusals import Refusal, joined
from cityhall_bms.domain.commands import CommandTarget
from cityhall_bms.domain.permits import Permit, PermitKind
from cityhall_bms.domain.quality import Quality
from cityhall_bms.domain.site import PointKind

DIGITAL: Final = (0.0, 1.0)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a value's limits say: why it may not be, or why a second person must agree."""

    refusals: Sequence[Refusal] = ()
    needs: Sequence[str] = ()


def check_value(target: CommandTarget, value: float, policy: CommandPolicy) -> Limits:
    """Hold a value against the point's own range and states, and against the site's limits."""
    point = target.point
    if not math.isfinite(value):
        return Limits([Refusal("range", "須為有限數值", "it must be a finite number")])
    states = tuple(float(state) for state in point.states) or (DIGITAL if point.kind is PointKind.DO else ())
    if states and value not in states:
        allowed = [f"{state:g}" for state in states]
        return Limits([Refusal("range", f"狀態只能是 {'、'.join(allowed)}", f"its states are {', '.join(allowed)}")])
    low, high = point.low, point.high
    if (low is not None and value < low) or (high is not None and value > high):
        span = f"{'' if low is None else f'{low:g}'}–{'' if high is None else f'{high:g}'} {point.unit}".strip()
        return Limits([Refusal("range", f"點位範圍為 {span}", f"the point's range is {span}")])
    return _against(target, value, policy.limits)


def _against(target: CommandTarget, value: float, limits: Sequence[Limit]) -> Limits:
    needs: list[str] = []
    for limit in limits:
        if not limit.bound.means(*who_is(target)) or value in limit.also:
            continue
        if limit.low <= value <= limit.high:
            continue
        low = limit.low if limit.approved_low is None else limit.approved_low
        high = limit.high if limit.approved_high is None else limit.approved_high
        unit = target.point.unit
        if not low <= value <= high:
            allowed = [*(f"{single:g}" for single in limit.also), f"{low:g}–{high:g} {unit}"]
            zh, en = f"{limit.id}：允許 {'、'.join(allowed)}", f"{limit.id}: allowed are {', '.join(allowed)}"
            return Limits([Refusal("limit", zh, en)])
        span = f"{limit.low:g}–{limit.high:g} {unit}"
        needs.append(f"{limit.id}：超出 {span} 需第二人核准 / beyond {span} a second person must agree")
    return Limits(needs=needs)


def check_standing(control: PointControl, now: int, times: Times, *, automatic: bool) -> Iterator[Refusal]:
    """What the point's own life as a commanded point does not allow now: busy, written just now, failed just now."""
    under_way = control.open
    if under_way is not None and not under_way.lapsed(now):
        what, who = under_way.state, under_way.by
        yield Refusal(
            "busy", f"{who} 的指令尚未完成（{what}）", f"a command of {who} is under way ({under_way.command}, {what})"
        )
    rest_s = times.between_writes_s - (now - control.written_at) / 1e6
    if control.written_at and rest_s > 0:
        yield Refusal(
            "rate",
            f"同一點位 {times.between_writes_s:g} 秒內只能寫入一次",
            f"it was written just now; wait {rest_s:.1f} s",
        )
    if automatic:
        yield from _held_off(control, now, times)


def _held_off(control: PointControl, now: int, times: Times) -> Iterator[Refusal]:
    """Automation does not ask again and again for what failed, or was refused, just now."""
    last = control.last
    if last is not None and last.state is CommandState.REFUSED and is_automatic(last):
        hold_s = times.failure_hold_s - (now - (last.ended_at or now)) / 1e6
        if hold_s > 0:
            yield Refusal("refused-before", "剛被拒絕，自動指令暫停", f"it was refused just now; wait {hold_s:.0f} s")
    if control.failures:
        doubled_s = times.failure_hold_s * 2.0 ** min(control.failures - 1, 20)
        hold_s = min(doubled_s, times.failure_hold_max_s) - (now - control.failed_at) / 1e6
        if hold_s > 0:
            yield Refusal(
                "failed-before",
                f"前 {control.failures} 次失敗，自動指令暫停",
                f"{control.failures} failed in a row; automation leaves it alone for {hold_s:.0f} s more",
            )


def check_rank(priority: int, *, automatic: bool) -> Iterator[Refusal]:
    """Automation keeps to its own priorities: 8 is what a person holds."""
    if automatic and priority == OPERATOR:
        yield Refusal("priority", f"優先權 {OPERATOR} 屬於操作員", f"priority {OPERATOR} is the operators' own")


def check_works(
    target: CommandTarget, permits: Iterable[Permit], named: str, now: int, *, automatic: bool
) -> Iterator[Refusal]:
    """Where somebody works under a permit nothing is switched, but by a person who names it."""
    for permit in permits:
        covers = permit.covers(target.equipment.name, target.equipment.system.value, now)
        if permit.kind is PermitKind.WORKS and covers and (automatic or permit.permit != named):
            yield Refusal(
                "permit",
                f"施工許可 {permit.permit} 施工中：{permit.reason}",
                f"somebody works here under permit {permit.permit}; name it in the command if that is meant",
            )


def check_plant(
    target: CommandTarget, value: float | None, around: Surroundings, policy: CommandPolicy, *, final: bool
) -> Iterator[Refusal]:
    """What the plant as it stands does not allow: out of service, local, interlocks, minimum times.

    ``value`` is what the device would be given; none where the plant itself takes over. Not ``final``: what nobody
    here has watched for long enough is left to the collector.
    """
    device = around.site.devices.get(target.point.device)
    if device is None or device.maintenance:
        yield Refusal("out-of-service", "其設備已停用檢修", "its device is out of service")
    if around.plant.present(target.point.name, around.now).quality is Quality.BAD_OUT_OF_SERVICE:
        yield Refusal("out-of-service", "點位已停用", "the point is out of service")
    yield from _remote(target, around, policy)
    if value is not None:
        yield from interlock_refusals(target, value, around, policy.interlocks)
        yield from minimum_time_refusals(target, value, around, policy.minimum_times, final=final)


def _remote(target: CommandTarget, around: Surroundings, policy: CommandPolicy) -> Iterator[Refusal]:
    switch = f"{target.equipment.name}.{policy.remote_role}"
    if not policy.remote_role or switch not in around.site.points:
        return
    present = around.plant.present(switch, around.now)
    if not present.sure:
        yield Refusal.unknown(switch, present.quality)
    elif present.value != policy.remote_value:
        yield Refusal("local", "現場切換於就地", f"it is switched to local ({switch})")


def in_short(refusals: Sequence[Refusal]) -> str:
    """All reasons in one text."""
    return joined(*(str(refusal) for refusal in refusals))


def is_automatic(command: Command) -> bool:
    """Whether no person stands behind a command."""
    return command.role == "service"
