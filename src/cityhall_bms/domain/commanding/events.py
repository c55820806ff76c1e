"""The events that a command's life is made of, in the stream of its point, ``command/<point>``. Times are µs UTC."""

from dataclasses import dataclass

from cityhall_bms.domain.events import Event, stored


@dataclass(frozen=True, slots=True)
class CommandEvent(Event):
    """Base of the events in a point's stream of commands; ``command`` is ``<point>-<number>``."""

    command: str


@stored
@dataclass(frozen=True, slots=True)
class CommandSelected(CommandEvent):
    """Somebody chose a point and a value; nothing is written before it is confirmed with the token, until ``until``.

    Of the token only its SHA-256 is kept: the log is read by many. ``value`` none gives the priority up.
    """

    point: str
    value: float | None
    priority: int
    reason: str
    by: str
    role: str
    console: str
    permit: str
    token_sha256: str
    until: int
    at: int


@stored
@dataclass(frozen=True, slots=True)
class CommandCancelled(CommandEvent):
    """Somebody let go of a selection, or of a command that waits for its approval."""

    by: str
    at: int


@stored
@dataclass(frozen=True, slots=True)
class CommandProposed(CommandEvent):
    """Confirmed, and what it asks for needs a second person until ``until``; ``needs`` says why."""

    needs: list[str]
    until: int
    by: str
    at: int


@stored
@dataclass(frozen=True, slots=True)
class CommandRequested(CommandEvent):
    """The service is to carry it out before ``until``, and not later. ``approved_by`` is the second person, if any."""

    point: str
    value: float | None
    priority: int
    reason: str
    by: str
    role: str
    console: str
    permit: str
    until: int
    at: int
    approved_by: str = ""
    bulk: str = ""


@stored
@dataclass(frozen=True, slots=True)
class CommandRefused(CommandEvent):
    """A check said no, before anything was written. ``codes`` and ``reasons`` go together; ``reason`` is the wish's."""

    point: str
    value: float | None
    priority: int
    by: str
    role: str
    codes: list[str]
    reasons: list[str]
    at: int
    reason: str = ""
    console: str = ""


@stored
@dataclass(frozen=True, slots=True)
class CommandAttempted(CommandEvent):
    """A collector is about to write ``value``: the only write there will be, whatever happens to it then."""

    collector: str
    epoch: int
    value: float | None
    old: float | None
    at: int


@stored
@dataclass(frozen=True, slots=True)
class CommandWritten(CommandEvent):
    """The device took it; what it holds has not been proved yet. ``holder`` is the priority in use, if it has any."""

    held: float | None
    holder: int | None
    at: int


@stored
@dataclass(frozen=True, slots=True)
class CommandConfirmed(CommandEvent):
    """Read back: the point holds the value, or holds it ready while a higher priority (``holder``) is in effect.

    ``until`` is when it expires, if it is a manual override.
    """

    held: float | None
    holder: int | None
    in_effect: bool
    at: int
    until: int | None = None


@stored
@dataclass(frozen=True, slots=True)
class CommandRelinquished(CommandEvent):
    """Read back: the priority was given up, and ``holder`` (none: the plant itself, or a default) has the point now."""

    held: float | None
    holder: int | None
    at: int


@stored
@dataclass(frozen=True, slots=True)
class CommandFailed(CommandEvent):
    """It was not done, or nobody can tell: ``code`` is the kind of failure, ``held`` what was read back last."""

    code: str
    reason: str
    held: float | None
    at: int


@stored
@dataclass(frozen=True, slots=True)
class CommandReverted(CommandEvent):
    """The device held the value, and then another one, within the time in which it was watched."""

    held: float | None
    at: int


@stored
@dataclass(frozen=True, slots=True)
class OverrideExtended(CommandEvent):
    """Somebody lets a manual override stand longer, until ``until``; ``command`` is the one that set it."""

    until: int
    reason: str
    by: str
    role: str
    at: int


@stored
@dataclass(frozen=True, slots=True)
class OverrideExpired(CommandEvent):
    """The time of a manual override is over. ``kept``: it could not be given up, and stands until somebody acts."""

    at: int
    kept: bool = False


@stored
@dataclass(frozen=True, slots=True)
class BulkProposed(Event):
    """Somebody asked for one thing at many points, which needs a second person until ``until``."""

    bulk: str
    points: list[str]
    values: list[float | None]
    priority: int
    reason: str
    by: str
    role: str
    console: str
    until: int
    at: int


@stored
@dataclass(frozen=True, slots=True)
class BulkApproved(Event):
    """A second person agreed: ``commands`` were requested, ``refused`` names the points that checks left out."""

    bulk: str
    commands: list[str]
    refused: list[str]
    by: str
    role: str
    at: int
