"""What people and automation may do to a command as it stands. Pure: each gives the event, or says why there is none.

Limits, interlocks and permits are :mod:`~cityhall_bms.domain.commanding.checks`; this is about the procedure.
"""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cityhall_bms.domain.commanding.checks import check_standing
from cityhall_bms.domain.commanding.control import (
    OPERATOR,
    OPTIMIZER,
    SCHEDULE,
    Command,
    CommandState,
    PointControl,
    Slot,
)
from cityhall_bms.domain.commanding.events import (
    CommandCancelled,
    CommandProposed,
    CommandRefused,
    CommandRequested,
    CommandSelected,
    OverrideExpired,
    OverrideExtended,
)
from cityhall_bms.domain.commanding.policy import Times
from cityhall_bms.domain.commanding.refusals import Refusal
from cityhall_bms.domain.errors import NotFoundError, RefusedError

PRIORITIES: Final = (OPERATOR, OPTIMIZER, SCHEDULE)
SERVICE_ROLE: Final = "service"
SYSTEM: Final = "system"
SAME_REFUSAL_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Author:
    """Who asks: name, role and console."""

    name: str
    role: str
    console: str = ""


@dataclass(frozen=True, slots=True)
class Intent:
    """What is asked of a point: a value (none: give the priority up), at a priority, why, and under which permit."""

    value: float | None
    priority: int
    reason: str
    permit: str = ""


@dataclass(frozen=True, slots=True)
class Second:
    """The second person of a command that was asked for with others, and the name of all of them together."""

    name: str
    bulk: str


def digest_of(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def select(
    control: PointControl, intent: Intent, author: Author, token: str, *, at: int, times: Times
) -> CommandSelected:
    """Decide a selection; the checks have been made."""
    return CommandSelected(
        command=control.next_id(),
        point=control.point,
        value=intent.value,
        priority=intent.priority,
        reason=intent.reason,
        by=author.name,
        role=author.role,
        console=author.console,
        permit=intent.permit,
        token_sha256=digest_of(token),
        until=at + _us(times.select_s),
        at=at,
    )


def refuse(
    control: PointControl, intent: Intent, author: Author, refusals: Sequence[Refusal], at: int
) -> CommandRefused:
    """Record that a wish was refused."""
    return CommandRefused(
        command=control.next_id(),
        point=control.point,
        value=intent.value,
        priority=intent.priority,
        by=author.name,
        role=author.role,
        codes=[refusal.code for refusal in refusals],
        reasons=[str(refusal) for refusal in refusals],
        at=at,
        reason=intent.reason,
        console=author.console,
    )


def is_told(control: PointControl, author: Author, refusals: Sequence[Refusal], at: int) -> bool:
    """Whether the same was refused to the same person just now: asking again and again does not fill the log."""
    last = control.last
    if last is None or last.state is not CommandState.REFUSED or last.by != author.name:
        return False
    same = last.code == ",".join(refusal.code for refusal in refusals)
    return same and at - last.begun_at < _us(SAME_REFUSAL_S)


def refuse_open(command: Command, refusals: Sequence[Refusal], at: int) -> CommandRefused:
    """Record that a command which is under way was refused."""
    return CommandRefused(
        command=command.command,
        point=command.point,
        value=command.value,
        priority=command.priority,
        by=command.by,
        role=command.role,
        codes=[refusal.code for refusal in refusals],
        reasons=[str(refusal) for refusal in refusals],
        at=at,
        reason=command.reason,
        console=command.console,
    )


def request(
    control: PointControl, intent: Intent, author: Author, *, at: int, times: Times, second: Second | None = None
) -> CommandRequested:
    """Decide a request in one step: automation's, or one of many that were approved."""
    return CommandRequested(
        command=control.next_id(),
        point=control.point,
        value=intent.value,
        priority=intent.priority,
        reason=intent.reason,
        by=author.name,
        role=author.role,
        console=author.console,
        permit=intent.permit,
        until=at + _us(times.request_s),
        at=at,
        approved_by="" if second is None else second.name,
        bulk="" if second is None else second.bulk,
    )


def check_confirmable(control: PointControl, command: str, token: str, author: Author, now: int) -> Command:
    """The selection that somebody may confirm; :class:`RefusedError` for another's, a wrong token or one too late."""
    selected = _waiting(control, command, CommandState.SELECTED, now)
    if selected.by != author.name:
        msg = f"由 {selected.by} 選取 / it was selected by {selected.by}, who alone confirms it"
        raise RefusedError(msg)
    if not hmac.compare_digest(selected.token_sha256, digest_of(token)):
        msg = "確認碼不符 / the token is not that of the selection"
        raise RefusedError(msg)
    return selected


def check_approvable(control: PointControl, command: str, author: Author, now: int) -> Command:
    """The command that somebody may agree to; :class:`RefusedError` for one's own."""
    proposed = _waiting(control, command, CommandState.PROPOSED, now)
    if proposed.by == author.name:
        msg = "須由第二人核准 / a second person approves, not whoever asked"
        raise RefusedError(msg)
    return proposed


def propose(command: Command, needs: Sequence[str], *, at: int, times: Times) -> CommandProposed:
    """Decide that a confirmed command waits for a second person."""
    return CommandProposed(command.command, list(needs), at + _us(times.approval_s), command.by, at)


def go_on(command: Command, *, at: int, times: Times, approved_by: str = "") -> CommandRequested:
    """Decide that a selected or proposed command is requested."""
    return CommandRequested(
        command=command.command,
        point=command.point,
        value=command.value,
        priority=command.priority,
        reason=command.reason,
        by=command.by,
        role=command.role,
        console=command.console,
        permit=command.permit,
        until=at + _us(times.request_s),
        at=at,
        approved_by=approved_by,
    )


def cancel(control: PointControl, command: str, author: Author, at: int) -> CommandCancelled:
    """Decide to let go of what nobody has requested yet."""
    under_way = control.open
    if under_way is None or under_way.command != command:
        raise _not_open(control, command)
    if under_way.state not in {CommandState.SELECTED, CommandState.PROPOSED}:
        msg = f"指令已送出（{under_way.state}） / it was requested already; relinquish it when it is done"
        raise RefusedError(msg)
    return CommandCancelled(command, author.name, at)


def extend(
    control: PointControl, lasts_s: float, reason: str, author: Author, *, at: int, times: Times
) -> OverrideExtended:
    """Decide to let a manual override stand longer, from now."""
    slot = _override(control)
    if not 0 < lasts_s <= times.extension_max_s:
        hours = times.extension_max_s / 3_600
        msg = f"一次最多延長 {hours:g} 小時 / an override is extended by {hours:g} h at most at a time"
        raise RefusedError(msg)
    return OverrideExtended(slot.command, at + _us(lasts_s), reason, author.name, author.role, at)


def expire(control: PointControl, at: int, times: Times) -> Sequence[OverrideExpired | CommandRequested]:
    """Decide what follows from an override whose time is over; nothing while nothing can be done yet."""
    slot = control.slots.get(OPERATOR)
    busy = control.open is not None and not control.open.lapsed(at)
    if slot is None or slot.until is None or slot.until > at or busy:
        return []
    if any(check_standing(control, at, times, automatic=True)):
        return []  # it failed just now: not again and again
    last = control.last
    if last is not None and last.by == SYSTEM and last.relinquishes and last.code == "no-fallback":
        return [OverrideExpired(slot.command, at, kept=True)]
    events: list[OverrideExpired | CommandRequested] = []
    if not slot.expired:
        events.append(OverrideExpired(slot.command, at))
    reason = "手動超控到期 / the manual override is over"
    asked = request(control, Intent(None, OPERATOR, reason), Author(SYSTEM, SERVICE_ROLE), at=at, times=times)
    events.append(asked)
    return events


def _override(control: PointControl) -> Slot:
    slot = control.slots.get(OPERATOR)
    if slot is None:
        msg = f"{control.point} 沒有手動超控 / no manual override of {control.point} stands"
        raise RefusedError(msg)
    return slot


def _waiting(control: PointControl, command: str, state: CommandState, now: int) -> Command:
    under_way = control.open
    if under_way is None or under_way.command != command:
        raise _not_open(control, command)
    if under_way.state is not state:
        msg = f"指令狀態為 {under_way.state} / the command is {under_way.state}, not {state}"
        raise RefusedError(msg)
    if under_way.lapsed(now):
        msg = "已逾時，請重新選取 / its time is over; select again"
        raise RefusedError(msg)
    return under_way


def _not_open(control: PointControl, command: str) -> RefusedError | NotFoundError:
    last = control.last
    if last is not None and last.command == command:
        return RefusedError(f"指令已結束（{last.state}） / the command has ended: {last.state}")
    return NotFoundError(f"沒有進行中的指令 {command} / no command {command} is under way")


def _us(seconds: float) -> int:
    return round(seconds * 1e6)
