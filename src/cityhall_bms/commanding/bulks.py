"""One thing asked for at many points, which a second person must agree to."""

from collections.abc import Callable, Sequence
from typing import Final

from cityhall_bms.commanding.examining import Examiner, author_of
from cityhall_bms.commanding.office import Procedure
from cityhall_bms.domain.commanding import decisions
from cityhall_bms.domain.commanding.checks import in_short
from cityhall_bms.domain.commanding.control import command_stream
from cityhall_bms.domain.commanding.decisions import Intent
from cityhall_bms.domain.commanding.events import BulkApproved, BulkProposed
from cityhall_bms.domain.commanding.refusals import joined
from cityhall_bms.domain.errors import ConcurrencyError, NotFoundError, RefusedError
from cityhall_bms.ports.access import Requester, Role
from cityhall_bms.ports.commands import Bulk, BulkItem, CommandView
from cityhall_bms.ports.event_log import Append, EventLog

BULK_STREAMS: Final = "command-bulk/"
NAME_CHARACTERS: Final = 16
ATTEMPTS_MAX: Final = 5


class BulkOffice:
    """See :class:`~cityhall_bms.ports.commands.BulkDesk`."""

    def __init__(
        self,
        examiner: Examiner,
        view: CommandView,
        events: EventLog,
        procedure: Procedure,
        new_token: Callable[[], str],
    ) -> None:
        self._examiner = examiner
        self._view = view
        self._events = events
        self._procedure = procedure
        self._new_token = new_token

    async def propose(self, items: Sequence[BulkItem], priority: int, reason: str, who: Requester) -> Bulk:
        """Check every point, and keep the wish until a second person agrees."""
        self._check_size(items)
        refused = {}
        for item in items:
            findings = await self._examine(item, priority, reason, who)
            if findings:
                refused[item.point] = findings
        if refused:
            raise RefusedError(joined(*(_of(point, why) for point, why in refused.items())))
        at, times = self._procedure.now, self._procedure.times
        proposed = BulkProposed(
            bulk=self._new_token()[:NAME_CHARACTERS],
            points=[item.point for item in items],
            values=[item.value for item in items],
            priority=priority,
            reason=reason,
            by=who.name,
            role=who.role.value,
            console=who.console,
            until=at + round(times.approval_s * 1e6),
            at=at,
        )
        await self._events.append([Append(BULK_STREAMS + proposed.bulk, [proposed], who.name, 0)])
        return _bulk(proposed, None)

    async def approve(self, bulk: str, who: Requester) -> Bulk:
        """Request what every check still allows, all in one append; the rest is left out, and named."""
        for _ in range(ATTEMPTS_MAX):
            proposed, approved = await self._read(bulk)
            self._check_approvable(proposed, approved, who)
            appends, refused = await self._requests(proposed, who)
            requested = [append.events[0] for append in appends]
            commands = [str(event.payload()["command"]) for event in requested]
            agreed = BulkApproved(bulk, commands, sorted(refused), who.name, who.role.value, self._procedure.now)
            try:
                await self._events.append([Append(BULK_STREAMS + bulk, [agreed], who.name, 1), *appends])
            except ConcurrencyError:
                continue
            return _bulk(proposed, agreed, refused)
        msg = "點位變動頻繁，請再試 / its points changed meanwhile; try again"
        raise ConcurrencyError(msg)

    async def get(self, bulk: str) -> Bulk:
        """One of them as it stands."""
        return _bulk(*await self._read(bulk))

    async def _requests(self, proposed: BulkProposed, who: Requester) -> tuple[list[Append], dict[str, str]]:
        asker = Requester(proposed.by, Role(proposed.role), proposed.console)
        appends: list[Append] = []
        refused: dict[str, str] = {}
        for point, value in zip(proposed.points, proposed.values, strict=True):
            item = BulkItem(point, value)
            target = self._examiner.target(point)
            why = await self._examine(item, proposed.priority, proposed.reason, asker)
            why = why or in_short(await self._examiner.may_approve(target, who))
            if why:
                refused[point] = why
                continue
            control = await self._view.control(point)
            event = decisions.request(
                control,
                Intent(value, proposed.priority, proposed.reason),
                author_of(asker),
                at=self._procedure.now,
                times=self._procedure.times,
                second=decisions.Second(who.name, proposed.bulk),
            )
            appends.append(Append(command_stream(point), [event], who.name, control.version))
        return appends, refused

    async def _examine(self, item: BulkItem, priority: int, reason: str, who: Requester) -> str:
        """Why one point may not be commanded so; empty when it may. What a second person decides is theirs here."""
        control = await self._view.control(item.point)
        intent = Intent(item.value, priority, reason)
        findings = await self._examiner.examine(self._examiner.target(item.point), intent, who, control, fresh=True)
        return in_short(findings.refusals)

    def _check_size(self, items: Sequence[BulkItem]) -> None:
        most = self._procedure.times.bulk_max
        if not 0 < len(items) <= most:
            msg = f"一次 1–{most} 點 / 1 to {most} points at a time"
            raise RefusedError(msg)
        if len({item.point for item in items}) < len(items):
            msg = "點位重複 / a point is named twice"
            raise RefusedError(msg)

    def _check_approvable(self, proposed: BulkProposed, approved: BulkApproved | None, who: Requester) -> None:
        if approved is not None:
            msg = f"已由 {approved.by} 核准 / {approved.by} approved it already"
        elif who.name == proposed.by:
            msg = "須由第二人核准 / a second person approves, not whoever asked"
        elif self._procedure.now >= proposed.until:
            msg = "已逾時，請重新提出 / its time is over; ask again"
        else:
            return
        raise RefusedError(msg)

    async def _read(self, bulk: str) -> tuple[BulkProposed, BulkApproved | None]:
        entries = await self._events.read(limit=2, stream=BULK_STREAMS + bulk) if bulk else []
        events = [entry.event() for entry in entries]
        match events:
            case [BulkProposed() as proposed]:
                return proposed, None
            case [BulkProposed() as proposed, BulkApproved() as approved]:
                return proposed, approved
        msg = f"沒有批次指令 {bulk} / no bulk command is named {bulk}"
        raise NotFoundError(msg)


def _of(point: str, why: str) -> str:
    """A reason with its point, in both languages."""
    zh, _, en = why.partition(" / ")
    return f"{point}：{zh} / {point}: {en or zh}"


def _bulk(proposed: BulkProposed, approved: BulkApproved | None, refused: dict[str, str] | None = None) -> Bulk:
    left_out = refused if refused is not None else dict.fromkeys(approved.refused if approved else (), "")
    return Bulk(
        bulk=proposed.bulk,
        items=[BulkItem(point, value) for point, value in zip(proposed.points, proposed.values, strict=True)],
        priority=proposed.priority,
        reason=proposed.reason,
        by=proposed.by,
        until=proposed.until,
        approved_by=approved.by if approved else "",
        commands=approved.commands if approved else (),
        refused=left_out,
    )
