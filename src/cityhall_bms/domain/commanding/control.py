"""How a point is commanded: the command that is under way, and who holds it at which priority since when and why.

It follows from the events of the point's stream alone (:func:`fold`). A command's life is a table
(:data:`TRANSITIONS`); everything that has no place in it is refused.
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final, cast

from cityhall_bms.domain.commanding.events import (
    CommandAttempted,
    CommandCancelled,
    CommandConfirmed,
    CommandEvent,
    CommandFailed,
    CommandProposed,
    CommandRefused,
    CommandRelinquished,
    CommandRequested,
    CommandReverted,
    CommandSelected,
    CommandWritten,
    OverrideExpired,
    OverrideExtended,
)
from cityhall_bms.domain.commanding.refusals import joined
from cityhall_bms.domain.errors import RefusedError
from cityhall_bms.domain.events import EVENT_TYPES, StoredEvent

COMMAND_STREAMS: Final = "command/"
"""What the stream of every commanded point starts with; reads them all."""
OPERATOR, OPTIMIZER, SCHEDULE = 8, 12, 16
"""The service's priorities (BACnet clause 19.2; the building's rules for commands)."""


class CommandState(StrEnum):
    """How far a command has come."""

    SELECTED = "SELECTED"
    PROPOSED = "PROPOSED"
    REQUESTED = "REQUESTED"
    ATTEMPTED = "ATTEMPTED"
    WRITTEN = "WRITTEN"
    DONE = "DONE"
    FAILED = "FAILED"
    REFUSED = "REFUSED"
    CANCELLED = "CANCELLED"
    REVERTED = "REVERTED"


class Step(StrEnum):
    """What happens to a command."""

    PROPOSE = "propose"
    REQUEST = "request"
    CANCEL = "cancel"
    REFUSE = "refuse"
    ATTEMPT = "attempt"
    WRITE = "write"
    PROVE = "prove"
    FAIL = "fail"
    REVERT = "revert"


TRANSITIONS: Final[Mapping[tuple[CommandState, Step], CommandState]] = {
    (CommandState.SELECTED, Step.PROPOSE): CommandState.PROPOSED,
    (CommandState.SELECTED, Step.REQUEST): CommandState.REQUESTED,
    (CommandState.SELECTED, Step.CANCEL): CommandState.CANCELLED,
    (CommandState.SELECTED, Step.REFUSE): CommandState.REFUSED,
    (CommandState.PROPOSED, Step.REQUEST): CommandState.REQUESTED,
    (CommandState.PROPOSED, Step.CANCEL): CommandState.CANCELLED,
    (CommandState.PROPOSED, Step.REFUSE): CommandState.REFUSED,
    (CommandState.REQUESTED, Step.ATTEMPT): CommandState.ATTEMPTED,
    (CommandState.REQUESTED, Step.REFUSE): CommandState.REFUSED,
    (CommandState.REQUESTED, Step.FAIL): CommandState.FAILED,
    # Held ready below a higher priority: there is nothing to write.
    (CommandState.REQUESTED, Step.PROVE): CommandState.DONE,
    (CommandState.ATTEMPTED, Step.WRITE): CommandState.WRITTEN,
    (CommandState.ATTEMPTED, Step.FAIL): CommandState.FAILED,
    # After an interruption: the device is asked what it holds, and holds the value.
    (CommandState.ATTEMPTED, Step.PROVE): CommandState.DONE,
    (CommandState.WRITTEN, Step.PROVE): CommandState.DONE,
    (CommandState.WRITTEN, Step.FAIL): CommandState.FAILED,
    (CommandState.DONE, Step.REVERT): CommandState.REVERTED,
}
OPEN_STATES: Final = frozenset(
    {
        CommandState.SELECTED,
        CommandState.PROPOSED,
        CommandState.REQUESTED,
        CommandState.ATTEMPTED,
        CommandState.WRITTEN,
    }
)


def next_state(state: CommandState, step: Step) -> CommandState:
    """State after a step; :class:`RefusedError` where the table has none."""
    after = TRANSITIONS.get((state, step))
    if after is None:
        msg = f"指令狀態為 {state}，不能 {step} / a command that is {state} cannot {step}"
        raise RefusedError(msg)
    return after


@dataclass(frozen=True, slots=True)
class Command:
    """One command as it stands; the fold of its events. ``value`` none gives the priority up."""

    command: str
    point: str
    value: float | None
    priority: int
    reason: str
    by: str
    role: str
    state: CommandState
    begun_at: int
    until: int
    """Until when the present state may last: a selection, an approval, a request; µs UTC."""
    console: str = ""
    permit: str = ""
    bulk: str = ""
    token_sha256: str = ""
    approved_by: str = ""
    needs: tuple[str, ...] = ()
    collector: str = ""
    epoch: int = 0
    old: float | None = None
    written: float | None = None
    """What was sent to the device: of a point without priorities the value of the highest priority in use."""
    held: float | None = None
    holder: int | None = None
    in_effect: bool = True
    code: str = ""
    result: str = ""
    """Why it was refused or failed."""
    ended_at: int | None = None

    @property
    def relinquishes(self) -> bool:
        """Whether it gives its priority up."""
        return self.value is None

    def lapsed(self, now: int) -> bool:
        """Whether it waited too long for somebody: nothing was written, and nothing will be."""
        waits = {CommandState.SELECTED, CommandState.PROPOSED, CommandState.REQUESTED}
        return self.state in waits and now >= self.until


@dataclass(frozen=True, slots=True)
class Slot:
    """Who holds a point at one priority. ``until`` none: without end; ``expired``: it could not be given up."""

    priority: int
    value: float
    command: str
    by: str
    role: str
    reason: str
    since: int
    until: int | None = None
    expired: bool = False


@dataclass(frozen=True, slots=True)
class PointControl:
    """A point as it is commanded. ``version`` counts the events of its stream, ``position`` is that of the latest."""

    point: str
    version: int = 0
    position: int = 0
    slots: Mapping[int, Slot] = field(default_factory=dict)
    open: Command | None = None
    """The command that is under way; at most one."""
    last: Command | None = None
    """The one that ended last."""
    written_at: int = 0
    """When the device was written to last."""
    failures: int = 0
    """How many commands failed one after the other until now."""
    failed_at: int = 0

    @property
    def top(self) -> Slot | None:
        """The slot with the highest priority (the lowest number)."""
        return self.slots[min(self.slots)] if self.slots else None

    def next_id(self) -> str:
        """Name of the next command of this point."""
        return f"{self.point}-{self.version + 1}"


def command_stream(point: str) -> str:
    """Event stream of a commanded point."""
    return f"{COMMAND_STREAMS}{point}"


def point_of(command: str) -> str:
    """Point of a command by its name."""
    return command.rpartition("-")[0]


def fold(control: PointControl, entries: Iterable[StoredEvent]) -> PointControl:
    """Point after further entries of its stream, in order; those that it already contains change nothing.

    What cannot follow, or is of a newer version, changes nothing but the version: nobody can take an entry back.
    """
    for entry in entries:
        if entry.version > control.version:
            known = EVENT_TYPES.get(entry.type)
            if known is not None and issubclass(known, CommandEvent):
                event = cast("CommandEvent", entry.event())
                with suppress(RefusedError):
                    control = _after(control, event)
            control = replace(control, version=entry.version, position=entry.position)
    return control


def _after(control: PointControl, event: CommandEvent) -> PointControl:
    match event:
        case CommandSelected() | CommandRequested():
            return _begun(control, event)
        case OverrideExtended():
            return _extended(control, event)
        case OverrideExpired():
            return _expired(control, event)
        case CommandReverted():
            return _reverted(control, event)
        case CommandRefused() if control.open is None:
            return replace(control, last=refused_at_once(event))
    return _gone_on(control, event)


def _gone_on(control: PointControl, event: CommandEvent) -> PointControl:
    """Point after another event of the command that is under way."""
    command = control.open
    if command is None or command.command != event.command:
        msg = f"{event.command} is not under way"
        raise RefusedError(msg)
    match event:
        case CommandProposed():
            state = next_state(command.state, Step.PROPOSE)
            return replace(control, open=replace(command, state=state, needs=tuple(event.needs), until=event.until))
        case CommandAttempted():
            state = next_state(command.state, Step.ATTEMPT)
            tried = replace(
                command,
                state=state,
                written=event.value,
                old=event.old,
                collector=event.collector,
                epoch=event.epoch,
            )
            return replace(control, open=tried, written_at=event.at)
        case CommandWritten():
            state = next_state(command.state, Step.WRITE)
            return replace(control, open=replace(command, state=state, held=event.held, holder=event.holder))
    return _ended(control, command, event)


def _begun(control: PointControl, event: CommandSelected | CommandRequested) -> PointControl:
    command = control.open
    if isinstance(event, CommandRequested) and command is not None and command.command == event.command:
        state = next_state(command.state, Step.REQUEST)
        asked = replace(
            command, state=state, until=event.until, approved_by=event.approved_by, by=event.by, role=event.role
        )
        return replace(control, open=asked)
    if command is not None and not command.lapsed(event.at):
        msg = f"{command.command} is under way"
        raise RefusedError(msg)
    selected = isinstance(event, CommandSelected)
    fresh = Command(
        command=event.command,
        point=event.point,
        value=event.value,
        priority=event.priority,
        reason=event.reason,
        by=event.by,
        role=event.role,
        state=CommandState.SELECTED if selected else CommandState.REQUESTED,
        begun_at=event.at,
        until=event.until,
        console=event.console,
        permit=event.permit,
        bulk=event.bulk if isinstance(event, CommandRequested) else "",
        token_sha256=event.token_sha256 if isinstance(event, CommandSelected) else "",
        approved_by=event.approved_by if isinstance(event, CommandRequested) else "",
    )
    return replace(control, open=fresh)


def refused_at_once(event: CommandRefused) -> Command:
    """A command that never began: a check said no at once."""
    return Command(
        command=event.command,
        point=event.point,
        value=event.value,
        priority=event.priority,
        reason=event.reason,
        by=event.by,
        role=event.role,
        state=CommandState.REFUSED,
        begun_at=event.at,
        until=event.at,
        console=event.console,
        code=",".join(event.codes),
        result=joined(*event.reasons),
        ended_at=event.at,
    )


def _ended(control: PointControl, command: Command, event: CommandEvent) -> PointControl:
    match event:
        case CommandCancelled():
            return _closed(control, command, Step.CANCEL, at=event.at)
        case CommandRefused():
            result = joined(*event.reasons)
            return _closed(control, command, Step.REFUSE, at=event.at, code=",".join(event.codes), result=result)
        case CommandFailed():
            ended = replace(command, held=event.held)
            failed = _closed(control, ended, Step.FAIL, at=event.at, code=event.code, result=event.reason)
            return replace(failed, failures=control.failures + 1, failed_at=event.at)
        case CommandConfirmed():
            ended = replace(command, held=event.held, holder=event.holder, in_effect=event.in_effect)
            done = _closed(control, ended, Step.PROVE, at=event.at)
            slots = {**control.slots, command.priority: _slot(command, event)}
            return replace(done, slots=slots, failures=0)
        case CommandRelinquished():
            ended = replace(command, held=event.held, holder=event.holder)
            done = _closed(control, ended, Step.PROVE, at=event.at)
            slots = {priority: slot for priority, slot in control.slots.items() if priority != command.priority}
            return replace(done, slots=slots, failures=0)
    msg = f"{type(event).__name__} is none of a command's"
    raise RefusedError(msg)


def _closed(
    control: PointControl, command: Command, step: Step, *, at: int, code: str = "", result: str = ""
) -> PointControl:
    state = next_state(command.state, step)
    return replace(control, open=None, last=replace(command, state=state, ended_at=at, code=code, result=result))


def _slot(command: Command, event: CommandConfirmed) -> Slot:
    assert command.value is not None  # noqa: S101 - one that gives a priority up ends by CommandRelinquished
    who = (command.command, command.by, command.role, command.reason)
    return Slot(command.priority, command.value, *who, since=event.at, until=event.until)


def _reverted(control: PointControl, event: CommandReverted) -> PointControl:
    command = control.last
    if command is None or command.command != event.command:
        msg = f"{event.command} did not end last"
        raise RefusedError(msg)
    state = next_state(command.state, Step.REVERT)
    last = replace(command, state=state, held=event.held, code="reverted", result="", ended_at=event.at)
    return replace(control, last=last, failures=control.failures + 1, failed_at=event.at)


def _expired(control: PointControl, event: OverrideExpired) -> PointControl:
    """Its end stays known until it is given up; one that cannot be is kept without end."""
    slot = _slot_of(control, event.command)
    ended = replace(slot, until=None if event.kept else slot.until, expired=True)
    return replace(control, slots={**control.slots, slot.priority: ended})


def _extended(control: PointControl, event: OverrideExtended) -> PointControl:
    slot = _slot_of(control, event.command)
    longer = replace(slot, until=event.until, expired=False)
    return replace(control, slots={**control.slots, slot.priority: longer})


def _slot_of(control: PointControl, command: str) -> Slot:
    for slot in control.slots.values():
        if slot.command == command:
            return slot
    msg = f"no override of {command} stands"
    raise RefusedError(msg)
