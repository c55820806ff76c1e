"""The desk: takes wishes, makes every check, and appends what follows. Nothing here touches a device."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cityhall_bms.commanding.examining import Examiner, Findings, author_of
from cityhall_bms.commanding.streams import Decide, PointStreams
from cityhall_bms.domain.commanding import decisions
from cityhall_bms.domain.commanding.checks import in_short
from cityhall_bms.domain.commanding.control import Command, PointControl, point_of
from cityhall_bms.domain.commanding.decisions import Intent
from cityhall_bms.domain.commanding.events import CommandEvent, CommandRefused
from cityhall_bms.domain.commanding.policy import Times
from cityhall_bms.domain.commanding.refusals import Refusal, joined
from cityhall_bms.domain.commands import CommandTarget
from cityhall_bms.domain.errors import NotFoundError, ReadOnlyPointError, RefusedError
from cityhall_bms.ports.access import Requester, Role
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.commands import CommandView, CommandWish, Selection


@dataclass(frozen=True, slots=True)
class Procedure:
    """Times of the procedure, and who knows what time it is."""

    times: Times
    clock: Clock

    @property
    def now(self) -> int:
        """Wall clock, µs UTC."""
        return self.clock.now()


class CommandOffice:
    """See :class:`~cityhall_bms.ports.commands.CommandDesk`.

    What people were refused is kept in the stream of its point: who wanted what, and why it was not done. ``new_token``
    gives what nobody can guess.
    """

    def __init__(
        self,
        examiner: Examiner,
        streams: PointStreams,
        view: CommandView,
        procedure: Procedure,
        new_token: Callable[[], str],
    ) -> None:
        self._examiner = examiner
        self._streams = streams
        self._view = view
        self._procedure = procedure
        self._new_token = new_token

    async def select(self, wish: CommandWish, who: Requester) -> Selection:
        """First step: every check, and the point is somebody's for a while."""
        _only_people(who)
        token, intent = self._new_token(), _intent(wish)
        target = await self._target(wish.point, intent, who)

        async def decide(control: PointControl) -> Sequence[CommandEvent]:
            findings = await self._examiner.examine(target, intent, who, control, fresh=True)
            at, times = self._procedure.now, self._procedure.times
            if findings.refusals and decisions.is_told(control, author_of(who), findings.refusals, at):
                raise RefusedError(in_short(findings.refusals))
            if findings.refusals:
                return [decisions.refuse(control, intent, author_of(who), findings.refusals, at)]
            return [decisions.select(control, intent, author_of(who), token, at=at, times=times)]

        return Selection(await self._go_on(wish.point, who, decide), token)

    async def request(self, wish: CommandWish, who: Requester) -> Command:
        """One step, for automation. What it is refused is not kept: it asks again and again."""
        if who.role is not Role.SERVICE:
            msg = "人員操作須先選取再確認 / people select and confirm; one step is automation's"
            raise RefusedError(msg)
        intent, target = _intent(wish), self._examiner.target(wish.point)

        async def decide(control: PointControl) -> Sequence[CommandEvent]:
            findings = await self._examiner.examine(target, intent, who, control, fresh=True)
            if findings.refusals:
                raise RefusedError(in_short(findings.refusals))
            at, times = self._procedure.now, self._procedure.times
            return [decisions.request(control, intent, author_of(who), at=at, times=times)]

        return await self._go_on(wish.point, who, decide)

    async def confirm(self, command: str, token: str, who: Requester) -> Command:
        """Second step: everything is checked again."""
        _only_people(who)

        async def decide(control: PointControl) -> Sequence[CommandEvent]:
            at, times = self._procedure.now, self._procedure.times
            selected = decisions.check_confirmable(control, command, token, author_of(who), at)
            findings = await self._examine_again(selected, who, control)
            if findings.refusals:
                return [decisions.refuse_open(selected, findings.refusals, at)]
            if findings.needs:
                return [decisions.propose(selected, findings.needs, at=at, times=times)]
            return [decisions.go_on(selected, at=at, times=times)]

        return await self._go_on(point_of(command), who, decide)

    async def approve(self, command: str, who: Requester) -> Command:
        """A second person agrees; everything is checked again."""
        _only_people(who)

        async def decide(control: PointControl) -> Sequence[CommandEvent]:
            at, times = self._procedure.now, self._procedure.times
            proposed = decisions.check_approvable(control, command, author_of(who), at)
            forbidden = await self._examiner.may_approve(self._examiner.target(proposed.point), who)
            if forbidden:
                raise RefusedError(in_short(forbidden))
            asker = Requester(proposed.by, Role(proposed.role), proposed.console)
            findings = await self._examine_again(proposed, asker, control)
            if findings.refusals:
                return [decisions.refuse_open(proposed, findings.refusals, at)]
            return [decisions.go_on(proposed, at=at, times=times, approved_by=who.name)]

        return await self._go_on(point_of(command), who, decide)

    async def cancel(self, command: str, who: Requester) -> Command:
        """Let go of a selection or a proposal."""
        _only_people(who)

        async def decide(control: PointControl) -> Sequence[CommandEvent]:
            event = decisions.cancel(control, command, author_of(who), self._procedure.now)
            forbidden = await self._examiner.may_command(self._examiner.target(control.point), who)
            if forbidden:
                raise RefusedError(in_short(forbidden))
            return [event]

        return await self._go_on(point_of(command), who, decide)

    async def extend(self, point: str, lasts_s: float, reason: str, who: Requester) -> PointControl:
        """Let a manual override stand for so long from now."""
        _only_people(who)
        target = self._examiner.target(point)

        async def decide(control: PointControl) -> Sequence[CommandEvent]:
            forbidden = await self._examiner.may_command(target, who)
            if forbidden:
                raise RefusedError(in_short(forbidden))
            at, times = self._procedure.now, self._procedure.times
            return [decisions.extend(control, lasts_s, reason, author_of(who), at=at, times=times)]

        return await self._streams.act(point, who.name, decide)

    async def expire(self, point: str) -> None:
        """Give up a manual override whose time is over; nothing while its point is busy or failed just now."""

        async def decide(control: PointControl) -> Sequence[CommandEvent]:
            return decisions.expire(control, self._procedure.now, self._procedure.times)

        await self._streams.act(point, decisions.SYSTEM, decide)

    async def get(self, command: str) -> Command:
        """One command as it stands."""
        found = await self._view.get(command)
        if found is None:
            msg = f"沒有指令 {command} / no command is named {command}; GET /api/v1/commands lists them"
            raise NotFoundError(msg)
        return found

    async def _go_on(self, point: str, who: Requester, decide: Decide) -> Command:
        """The command that was decided on; ``RefusedError`` when the record says that it was refused."""
        told: list[CommandEvent] = []

        async def deciding(control: PointControl) -> Sequence[CommandEvent]:
            told[:] = await decide(control)
            return told

        control = await self._streams.act(point, who.name, deciding)
        refused = told[-1] if told else None
        if isinstance(refused, CommandRefused):
            raise RefusedError(joined(*refused.reasons))
        newest = control.open or control.last
        assert newest is not None  # noqa: S101 - something was just decided of it
        return newest

    async def _examine_again(self, command: Command, who: Requester, control: PointControl) -> Findings:
        intent = Intent(command.value, command.priority, command.reason, command.permit)
        return await self._examiner.examine(self._examiner.target(command.point), intent, who, control, fresh=False)

    async def _target(self, point: str, intent: Intent, who: Requester) -> CommandTarget:
        """A point as a target; that somebody wanted to command one that never is, is kept."""
        try:
            return self._examiner.target(point)
        except ReadOnlyPointError as error:
            refusal = Refusal("read-only", "唯讀點位，不可下指令", str(error))

            async def decide(control: PointControl) -> Sequence[CommandEvent]:
                author, at = author_of(who), self._procedure.now
                told = decisions.is_told(control, author, [refusal], at)
                return [] if told else [decisions.refuse(control, intent, author, [refusal], at)]

            await self._streams.act(point, who.name, decide)
            raise ReadOnlyPointError(str(refusal)) from error


def _only_people(who: Requester) -> None:
    if who.role is Role.SERVICE:
        msg = "自動化不走人員程序 / automation does not pass for a person"
        raise RefusedError(msg)


def _intent(wish: CommandWish) -> Intent:
    return Intent(wish.value, wish.priority, wish.reason, wish.permit)
