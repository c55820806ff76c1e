"""Carries out commands: follows the event log, checks for the last time, writes once, reads back, and says how it went.

A request is written at most once, whatever ends the process and when. Before the write the log takes that it is being
tried, by the version of the point's stream, so that of several collectors one does it; whoever finds a command tried
by an earlier life asks the device what it holds, and never writes again.
"""

import asyncio
from collections.abc import Sequence
from typing import Final

import structlog

from cityhall_bms.collector.collector import Collector
from cityhall_bms.collector.command_deciding import Decider, Decision
from cityhall_bms.collector.command_record import RETRY_MIN_S, CommandRecord
from cityhall_bms.collector.command_writing import (
    REASON_CHARACTERS_MAX,
    Order,
    Outcome,
    carry_out,
    judge,
    look,
    prove,
)
from cityhall_bms.collector.plant_following import PlantFollower
from cityhall_bms.domain.commanding.control import (
    COMMAND_STREAMS,
    OPERATOR,
    Command,
    CommandState,
    PointControl,
)
from cityhall_bms.domain.commanding.decisions import refuse_open
from cityhall_bms.domain.commanding.events import (
    CommandAttempted,
    CommandConfirmed,
    CommandEvent,
    CommandFailed,
    CommandRefused,
    CommandRelinquished,
    CommandRequested,
    CommandReverted,
    CommandWritten,
)
from cityhall_bms.domain.errors import ConcurrencyError, DeviceUnreachableError, EventLogUnavailableError
from cityhall_bms.domain.events import StoredEvent
from cityhall_bms.ports.clock import Clock

BEGIN_WITHIN_S: Final = 5.0
"""A write that could not begin so soon after it was announced is not made: nobody knows what happened meanwhile."""
FIND_OUT_S: Final = 30.0
"""How long a device may take to be there after a start, when it is asked what it holds."""
WATCH_EVERY_S: Final = 1.0

log = structlog.get_logger(__name__)


class Commander:
    """Runs beside the pollers of one collector, in its process; begins when the collector has its place."""

    def __init__(
        self, collector: Collector, decider: Decider, follower: PlantFollower, record: CommandRecord, clock: Clock
    ) -> None:
        self.done = 0
        self.failed = 0
        self.refused = 0
        self._collector = collector
        self._decider = decider
        self._follower = follower
        self._record = record
        self._clock = clock
        self._busy: dict[str, int] = {}
        """Points whose command is being carried out, and the position at which it was asked for."""
        self._again: set[str] = set()
        """Those of them for which another one was asked meanwhile."""
        self._watches: dict[str, asyncio.Task[None]] = {}
        self._seen = 0
        self._tasks: asyncio.TaskGroup | None = None

    async def run(self) -> None:
        """Carry out what was left open, then whatever is requested, for ever."""
        await self._collector.begun()
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            tasks.create_task(self._follower.run(), name="plant follower")
            await self._resume()
            async for entry in self._record.follow(self._seen):
                self._take(entry)

    async def _resume(self) -> None:
        """Take up what was requested since everything before it had ended."""
        after, end = await self._record.progress(), await self._record.end()
        while entries := await self._record.after(after):
            after = entries[-1].position
            for entry in entries:
                self._take(entry)
        self._seen = max(self._seen, after, end)

    def _take(self, entry: StoredEvent) -> None:
        self._seen = max(self._seen, entry.position)
        if entry.type != CommandRequested.__name__ or not entry.stream.startswith(COMMAND_STREAMS):
            return
        point = entry.stream.removeprefix(COMMAND_STREAMS)
        if point in self._busy:
            self._again.add(point)
            return
        self._busy[point] = entry.position
        assert self._tasks is not None  # noqa: S101 - only while running
        self._tasks.create_task(self._work_off(point), name=f"command of {point}")

    async def _work_off(self, point: str) -> None:
        """Carry out the open command of a point, and one that came meanwhile."""
        watch = self._watches.pop(point, None)
        if watch is not None:
            watch.cancel()
        while True:
            self._again.discard(point)
            control = await self._record.control(point)
            command = control.open
            if command is not None and command.state not in {CommandState.SELECTED, CommandState.PROPOSED}:
                await self._try(control, command)
            elif point not in self._again:
                break
        del self._busy[point]

    async def _try(self, control: PointControl, command: Command) -> None:
        try:
            await self._carry_out(control, command)
        except ConcurrencyError:
            return  # somebody else was faster: look again
        except EventLogUnavailableError:
            await self._clock.sleep(RETRY_MIN_S)
        except Exception as error:
            # A bug must neither stop the polling nor come back with every start.
            log.exception("command not carried out", command=command.command)
            outcome = Outcome(code="internal", reason=f"{type(error).__name__}: {error}"[:REASON_CHARACTERS_MAX])
            await self._end(control, command, [self._failed(command, outcome)])

    async def _carry_out(self, control: PointControl, command: Command) -> None:
        if command.state is not CommandState.REQUESTED:
            await self._find_out(control, command)
            return
        if command.lapsed(self._clock.now()):
            reason = "逾時未執行 / it was not begun in time, and is not carried out any more"
            await self._end(control, command, [self._failed(command, Outcome(code="expired", reason=reason))])
            return
        decision = await self._decider.decide(control, command)
        if decision.refusals:
            await self._refuse(control, command, decision)
        elif decision.failure is not None:
            await self._end(control, command, [self._failed(command, decision.failure)])
        elif decision.order is None:
            outcome = Outcome(decision.held, decision.holder, in_effect=False)
            await self._end(control, command, [self._proved(command, outcome)])
        else:
            await self._write(control, command, decision.order)

    async def _write(self, control: PointControl, command: Command, order: Order) -> None:
        poller = self._collector.poller(order.target.point.device)
        assert poller is not None  # noqa: S101 - the decider found it
        announced_s = self._clock.monotonic()
        attempted = CommandAttempted(
            command=command.command,
            collector=self._collector.name,
            epoch=self._collector.publisher.epoch,
            value=order.value,
            old=self._follower.value_of(command.point),
            at=self._clock.now(),
        )
        control = await self._record.announce(control, attempted)
        if self._clock.monotonic() - announced_s > BEGIN_WITHIN_S:
            reason = "服務停頓過久，未寫入 / the service stood still too long and did not write"
            await self._end(control, command, [self._failed(command, Outcome(code="stalled", reason=reason))])
            return
        outcome = await carry_out(poller, order, self._clock)
        last = self._failed(command, outcome) if outcome.code else self._proved(command, outcome)
        written = CommandWritten(command.command, outcome.held, outcome.holder, self._clock.now())
        await self._end(control, command, [written, last] if outcome.taken else [last])
        if not outcome.code and outcome.in_effect and order.value is not None:
            self._watch(command, order)

    async def _find_out(self, control: PointControl, command: Command) -> None:
        """A command that an earlier life had begun to write: ask the device, and never write again."""
        doubt = "服務在寫入時中斷 / the service was interrupted while it wrote"
        target = self._decider.target_named(command.point)
        poller = None if target is None else self._collector.poller(target.point.device)
        if target is None or poller is None:
            outcome = Outcome(code="silent", reason=doubt)
        else:
            order = Order(target, command.written, command.priority, self._decider.read_back_s(target))
            until_s, outcome = self._clock.monotonic() + FIND_OUT_S, Outcome(code="silent")
            while outcome.code == "silent" and self._clock.monotonic() < until_s:
                deadline_s = self._clock.monotonic() + order.within_s
                outcome = await prove(poller, order, self._clock, deadline_s, doubt)
        last = self._failed(command, outcome) if outcome.code else self._proved(command, outcome)
        await self._end(control, command, [last])

    async def _refuse(self, control: PointControl, command: Command, decision: Decision) -> None:
        await self._end(control, command, [refuse_open(command, decision.refusals, self._clock.now())])

    def _proved(self, command: Command, outcome: Outcome) -> CommandEvent:
        now = self._clock.now()
        if command.value is None:
            return CommandRelinquished(command.command, outcome.held, outcome.holder, now)
        lasts_s = self._collector.site.commanding.times.override_s
        until = now + round(lasts_s * 1e6) if command.priority == OPERATOR else None
        return CommandConfirmed(command.command, outcome.held, outcome.holder, outcome.in_effect, now, until)

    def _failed(self, command: Command, outcome: Outcome) -> CommandFailed:
        return CommandFailed(command.command, outcome.code, outcome.reason, outcome.held, self._clock.now())

    async def _end(self, control: PointControl, command: Command, events: Sequence[CommandEvent]) -> None:
        """Record how a command ended, however long the log is away; what is still open is looked at after a restart."""
        alarm = self._decider.target_named(command.point), self._collector.site.commanding.alarm_priority
        progress = min([self._seen, *(position - 1 for position in self._busy.values())])
        if not await self._record.tell(control, command, events, alarm, progress):
            return
        match events[-1]:
            case CommandFailed(code=code, reason=reason):
                self.failed += 1
                log.warning("command failed", command=command.command, code=code, reason=reason)
            case CommandReverted(held=held):
                self.failed += 1
                log.warning("a device went back by itself", command=command.command, held=held)
            case CommandRefused(codes=codes):
                self.refused += 1
                log.info("command refused", command=command.command, codes=codes)
            case _:
                self.done += 1

    def _watch(self, command: Command, order: Order) -> None:
        """Watch a value that was proved, until its time is over or the next command of the point."""
        assert self._tasks is not None  # noqa: S101 - only while running
        task = self._tasks.create_task(self._watched(command, order), name=f"watch of {command.point}")
        self._watches[command.point] = task

    async def _watched(self, command: Command, order: Order) -> None:
        begun_at = self._clock.now()
        until_s = self._clock.monotonic() + self._collector.site.commanding.times.watch_s
        while self._clock.monotonic() < until_s:
            await self._clock.sleep(WATCH_EVERY_S)
            if self._follower.departed(order.target.point, order.value, begun_at):
                outcome = await self._departed(order)
                if outcome is not None:
                    control = await self._record.control(command.point)
                    if control.last is not None and control.last.command == command.command:
                        reverted = CommandReverted(command.command, outcome.held, self._clock.now())
                        await self._end(control, command, [reverted])
                    break
        self._watches.pop(command.point, None)

    async def _departed(self, order: Order) -> Outcome | None:
        """Ask the device itself whether it holds another value than ours; none while it does, or cannot be asked."""
        poller = self._collector.poller(order.target.point.device)
        if poller is None:
            return None
        try:
            outcome = judge(await look(poller, order.target), order)
        except DeviceUnreachableError:
            return None
        return outcome if outcome.code == "differs" else None
