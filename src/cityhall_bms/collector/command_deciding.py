"""The last look before a write: may it be, and what is to be written to which device."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cityhall_bms.collector.collector import Collector
from cityhall_bms.collector.command_writing import Order, Outcome, keeps_priorities
from cityhall_bms.collector.plant_following import PlantFollower
from cityhall_bms.collector.poller import Poller
from cityhall_bms.domain.commanding.arbitration import arbitrate
from cityhall_bms.domain.commanding.checks import check_plant, check_value, check_works, is_automatic
from cityhall_bms.domain.commanding.control import Command, PointControl
from cityhall_bms.domain.commanding.interlocks import Surroundings, who_is
from cityhall_bms.domain.commanding.refusals import Refusal
from cityhall_bms.domain.commands import CommandTarget
from cityhall_bms.domain.errors import DeviceUnreachableError, ReadOnlyPointError
from cityhall_bms.domain.permits import PermitKind
from cityhall_bms.ports.access import Authority, Permission, Requester, Role
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.permits import PermitFilter, PermitView

PERMITS_MAX: Final = 1_000
SESSION_LOOK_S: Final = 0.2


@dataclass(frozen=True, slots=True)
class Decision:
    """What follows: refused, failed already, an order for the device, or nothing to write (held below another)."""

    target: CommandTarget | None = None
    refusals: Sequence[Refusal] = ()
    failure: Outcome | None = None
    order: Order | None = None
    holder: int | None = None
    held: float | None = None


class Decider:
    """Decides for one collector, over the plant that it reads itself."""

    def __init__(
        self, collector: Collector, follower: PlantFollower, permits: PermitView, authority: Authority, clock: Clock
    ) -> None:
        self._collector = collector
        self._follower = follower
        self._permits = permits
        self._authority = authority
        self._clock = clock

    def target_named(self, point: str) -> CommandTarget | None:
        """A point as a target; none where it is none, or nobody knows it."""
        try:
            return self._target(point)
        except (KeyError, ReadOnlyPointError):
            return None

    def read_back_s(self, target: CommandTarget) -> float:
        """How long a proof may take: two scans of the point, and not longer than the site allows."""
        return min(2.0 * target.point.scan_s, self._collector.site.commanding.times.read_back_s)

    async def decide(self, control: PointControl, command: Command) -> Decision:
        """Look at everything once more; ``EventLogUnavailableError`` when permits cannot be asked for."""
        try:
            target = self._target(command.point)
        except KeyError:
            return Decision(refusals=[Refusal("unknown", "案場已無此點位", "the site has no such point any more")])
        except ReadOnlyPointError as error:
            return Decision(refusals=[Refusal("read-only", "唯讀點位", str(error))])
        refusals = [
            *await self._of_authority(target, command),
            *self._of_value(target, command),
            *await self._of_works(target, command),
        ]
        poller = self._collector.poller(target.point.device)
        if refusals or poller is None or poller.device.maintenance:
            stopped = Refusal("out-of-service", "其設備已停用檢修", "its device is out of service")
            return Decision(target, refusals or [stopped])
        try:
            keeps = await self._keeps_priorities(poller, command)
        except DeviceUnreachableError as error:
            return Decision(target, failure=Outcome(code="silent", reason=str(error)))
        return self._of_plant(target, control, command, keeps=keeps)

    def _of_plant(self, target: CommandTarget, control: PointControl, command: Command, *, keeps: bool) -> Decision:
        policy = self._collector.site.commanding
        value, holder = command.value, None
        if not keeps:
            decided = arbitrate(control.slots, command.priority, command.value, policy.fallback(*who_is(target)))
            if decided.refusal is not None:
                return Decision(target, [decided.refusal])
            if decided.value is None:
                return Decision(target, holder=decided.holder, held=self._follower.value_of(target.point.name))
            value, holder = decided.value, decided.holder
        around = Surroundings(self._collector.site, self._follower, self._clock.now())
        refusals = list(check_plant(target, value, around, policy, final=True))
        if refusals:
            return Decision(target, refusals)
        order = Order(target, value, command.priority, self.read_back_s(target))
        return Decision(target, order=order, holder=holder)

    async def _of_authority(self, target: CommandTarget, command: Command) -> list[Refusal]:
        """Whoever asked may still do so, and whoever agreed may still agree: roles may have been taken meanwhile."""
        asked = [(command.by, Role(command.role), Permission.COMMAND)]
        if command.approved_by:
            asked.append((command.approved_by, Role.SUPERVISOR, Permission.APPROVE))
        for name, role, what in asked:
            told = await self._authority.refusal(Requester(name, role), what, target.equipment)
            if told is not None:
                zh, _, en = told.partition(" / ")
                return [Refusal("authority", zh, en or zh)]
        return []

    def _of_value(self, target: CommandTarget, command: Command) -> list[Refusal]:
        if command.value is None:
            return []
        limits = check_value(target, command.value, self._collector.site.commanding)
        if limits.needs and not command.approved_by:
            zh, _, en = limits.needs[0].partition(" / ")
            return [Refusal("approval", zh, en)]
        return list(limits.refusals)

    async def _of_works(self, target: CommandTarget, command: Command) -> list[Refusal]:
        page = await self._permits.page(PermitFilter(open_only=True, kind=PermitKind.WORKS), PERMITS_MAX, None)
        now, automatic = self._clock.now(), is_automatic(command)
        return list(check_works(target, page.permits, command.permit, now, automatic=automatic))

    async def _keeps_priorities(self, poller: Poller, command: Command) -> bool:
        """Ask the device, once it is there: after a start it may take some seconds to be."""
        while True:
            try:
                return await keeps_priorities(poller)
            except DeviceUnreachableError:
                if poller.online is not None or command.lapsed(self._clock.now()):
                    raise
            await self._clock.sleep(SESSION_LOOK_S)

    def _target(self, point: str) -> CommandTarget:
        site = self._collector.site
        described = site.points[point]
        return CommandTarget(self._collector.ids[point], described, site.equipment[described.equipment])
