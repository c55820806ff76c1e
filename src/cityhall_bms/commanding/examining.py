"""All checks of a wish at the desk, before anything is asked of the collector, which makes them again."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from cityhall_bms.domain.commanding.checks import (
    check_plant,
    check_rank,
    check_standing,
    check_value,
    check_works,
)
from cityhall_bms.domain.commanding.control import PointControl
from cityhall_bms.domain.commanding.decisions import PRIORITIES, Author, Intent
from cityhall_bms.domain.commanding.interlocks import Surroundings
from cityhall_bms.domain.commanding.plant import Plant
from cityhall_bms.domain.commanding.refusals import Refusal
from cityhall_bms.domain.commands import CommandTarget
from cityhall_bms.domain.errors import NotFoundError
from cityhall_bms.domain.permits import PermitKind
from cityhall_bms.domain.site import Site
from cityhall_bms.ports.access import Authority, Permission, Requester, Role
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.permits import PermitFilter, PermitView

PERMITS_MAX: Final = 1_000


@dataclass(frozen=True, slots=True)
class Grounds:
    """What checks rest on. ``plant`` none: nothing is known here of the plant, and its checks are the collector's."""

    site: Site
    ids: Mapping[str, int]
    permits: PermitView
    authority: Authority
    clock: Clock
    plant: Plant | None = None


@dataclass(frozen=True, slots=True)
class Findings:
    """Why it may not be; or, where nothing speaks against it, why a second person must agree."""

    refusals: list[Refusal]
    needs: list[str]


def author_of(who: Requester) -> Author:
    """Who asks, as it is recorded."""
    return Author(who.name, who.role.value, who.console)


class Examiner:
    """Checks for one site."""

    def __init__(self, grounds: Grounds) -> None:
        self._grounds = grounds

    def target(self, point: str) -> CommandTarget:
        """A point as a target.

        ``NotFoundError`` for one that nobody knows, ``ReadOnlyPointError`` for one that is never commanded.
        """
        site = self._grounds.site
        described = site.points.get(point)
        if described is None or point not in self._grounds.ids:
            msg = f"沒有點位 {point} / no point is named {point}; GET /api/v1/points lists them"
            raise NotFoundError(msg)
        return CommandTarget(self._grounds.ids[point], described, site.equipment[described.equipment])

    async def examine(
        self, target: CommandTarget, intent: Intent, who: Requester, control: PointControl, *, fresh: bool
    ) -> Findings:
        """Make all checks; ``fresh``: this would begin a command, and not go on with the one that is under way."""
        grounds, policy = self._grounds, self._grounds.site.commanding
        now, automatic = grounds.clock.now(), who.role is Role.SERVICE
        refusals = [*await self._of_authority(target, who, Permission.COMMAND)]
        if intent.priority not in PRIORITIES:
            refusals.append(Refusal("priority", "優先權為 8、12 或 16", "priorities are 8, 12 and 16"))
        refusals += check_rank(intent.priority, automatic=automatic)
        if fresh:
            refusals += check_standing(control, now, policy.times, automatic=automatic)
        page = await grounds.permits.page(PermitFilter(open_only=True, kind=PermitKind.WORKS), PERMITS_MAX, None)
        refusals += check_works(target, page.permits, intent.permit, now, automatic=automatic)
        needs: list[str] = []
        if intent.value is not None:
            limits = check_value(target, intent.value, policy)
            refusals += limits.refusals
            needs += limits.needs
        if grounds.plant is not None:
            around = Surroundings(grounds.site, grounds.plant, now)
            refusals += check_plant(target, intent.value, around, policy, final=False)
        if automatic and needs:
            refusals += [Refusal("limit", *need.split(" / ", 1)) for need in needs]
        return Findings(refusals, needs)

    async def may_command(self, target: CommandTarget, who: Requester) -> list[Refusal]:
        """Why somebody may not command a target."""
        return await self._of_authority(target, who, Permission.COMMAND)

    async def may_approve(self, target: CommandTarget, who: Requester) -> list[Refusal]:
        """Why somebody may not agree to a command of a target."""
        return await self._of_authority(target, who, Permission.APPROVE)

    async def _of_authority(self, target: CommandTarget, who: Requester, what: Permission) -> list[Refusal]:
        told = await self._grounds.authority.refusal(who, what, target.equipment)
        if told is None:
            return []
        zh, _, en = told.partition(" / ")
        return [Refusal("authority", zh, en or zh)]
