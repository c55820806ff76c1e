"""Interlocks and minimum times: what the machines around must do before one is switched."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cityhall_bms.domain.commanding.plant import Plant
from cityhall_bms.domain.commanding.policy import Condition, Interlock, MinimumTime, Remain, Where
from cityhall_bms.domain.commanding.refusals import Refusal
from cityhall_bms.domain.commands import CommandTarget
from cityhall_bms.domain.site import Site


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The building as it was described, and as it stands at ``now`` (µs UTC)."""

    site: Site
    plant: Plant
    now: int

    def with_role(self, role: str, classes: Sequence[str]) -> list[str]:
        """Names of the points of a role at all equipment of some classes."""
        named = (f"{item.name}.{role}" for item in self.site.equipment.values() if item.brick_class in classes)
        return [name for name in named if name in self.site.points]


def who_is(target: CommandTarget) -> tuple[str, str, str]:
    """Name, role and class by which a policy speaks of a target."""
    return target.point.name, target.point.role, target.equipment.brick_class


def interlock_refusals(
    target: CommandTarget, value: float, around: Surroundings, interlocks: Sequence[Interlock]
) -> Iterator[Refusal]:
    """Every interlock that does not let a value be written."""
    for interlock in interlocks:
        if not _asked(interlock, target, value, around.site):
            continue
        for need in interlock.needs:
            refusal = _unmet(need, target.equipment.name, around)
            if refusal is not None:
                yield _told(interlock, refusal)
        if interlock.remain is not None:
            refusal = _too_few(interlock.remain, interlock, target, around)
            if refusal is not None:
                yield _told(interlock, refusal)


def _asked(interlock: Interlock, target: CommandTarget, value: float, site: Site) -> bool:
    if not interlock.bound.means(*who_is(target)) or not interlock.edge.concerns(value):
        return False
    return not interlock.having or f"{target.equipment.name}.{interlock.having}" in site.points


def _told(interlock: Interlock, why: Refusal) -> Refusal:
    zh, en = f"{interlock.text_zh}（{why.zh}）", f"{interlock.text_en} ({why.en})"
    return Refusal(f"interlock:{interlock.id}", f"{interlock.id} {zh}", f"{interlock.id} {en}")


def _unmet(need: Condition, equipment: str, around: Surroundings) -> Refusal | None:
    """Why a condition does not hold, by the point that says so; none when it does."""
    own = need.where is Where.SELF
    points = [f"{equipment}.{need.role}"] if own else around.with_role(need.role, need.classes)
    unmet: Refusal | None = None
    for point in points:
        present = around.plant.present(point, around.now)
        if not present.sure:
            refusal = Refusal.unknown(point, present.quality)
        elif need.holds(present.value):
            if need.where is Where.ANY_OF:
                return None
            continue
        else:
            refusal = Refusal("interlock", f"{point} = {present.value:g}", f"{point} is {present.value:g}")
        unmet = unmet or refusal
    if not points:
        return Refusal("interlock", f"沒有任何 {need.role}", f"there is no {need.role} to tell")
    return unmet


def _too_few(remain: Remain, interlock: Interlock, target: CommandTarget, around: Surroundings) -> Refusal | None:
    """Why stopping a machine would leave too few of its kind; what is not known is busy, or does not run."""
    served = sum(_busy(point, remain, around) for point in around.with_role(remain.role, remain.classes))
    kind = target.equipment.brick_class
    others = [
        point
        for point in around.with_role(remain.role, (kind,))
        if not point.startswith(f"{target.equipment.name}.")
        and (not interlock.having or point.replace(f".{remain.role}", f".{interlock.having}") in around.site.points)
    ]
    running = 0
    for point in others:
        present = around.plant.present(point, around.now)
        running += present.sure and present.value != 0.0
    if running >= served:
        return None
    return Refusal("interlock", f"其餘 {running} 台運轉，需 {served} 台", f"{running} others run, {served} are needed")


def _busy(point: str, remain: Remain, around: Surroundings) -> bool:
    present = around.plant.present(point, around.now)
    if not present.sure or present.value != 0.0:
        return True
    return present.since is not None and (around.now - present.since) / 1e6 < remain.after_s


def minimum_time_refusals(
    target: CommandTarget, value: float, around: Surroundings, minimums: Sequence[MinimumTime], *, final: bool
) -> Iterator[Refusal]:
    """Why a machine may not be started or stopped yet. What is so already may be commanded again at any time."""
    for minimum in minimums:
        if not minimum.bound.means(*who_is(target)):
            continue
        proof = f"{target.equipment.name}.{minimum.proof}"
        if proof not in around.site.points:
            continue
        present = around.plant.present(proof, around.now)
        if not present.sure:
            yield Refusal.unknown(proof, present.quality)
            continue
        runs = present.value != 0.0
        if runs == (value != 0.0):
            continue
        least_s = minimum.on_s if runs else minimum.off_s
        if present.since is None:
            if final and least_s > 0:
                yield Refusal.unknown(proof, present.quality)
            continue
        rest_s = least_s - (around.now - present.since) / 1e6
        if rest_s > 0:
            zh = f"{minimum.id} 最短{'運轉' if runs else '停機'}時間 {least_s / 60:g} 分，尚餘 {rest_s:.0f} 秒"
            en = f"{minimum.id} stays {'on' if runs else 'off'} for {least_s / 60:g} min; {rest_s:.0f} s are left"
            yield Refusal("minimum-time", zh, en)
