"""What the event log keeps for ever, and how its entries are chained.

An event is a frozen dataclass of JSON values. Its class name is stored with it and is part of the file format: an
added field needs a default, a changed meaning is a new class (`tests/unit/domain/golden_events.json` keeps one
example of each).
"""

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from typing import Any, Final, TypeVar

GENESIS_HASH: Final = bytes(32)


@dataclass(frozen=True, slots=True)
class Event:
    """Base of all events; its fields are JSON values."""

    def payload(self) -> dict[str, Any]:
        """Fields by name."""
        return dataclasses.asdict(self)


EventT = TypeVar("EventT", bound=type[Event])
EVENT_TYPES: Final[dict[str, type[Event]]] = {}


def stored(cls: EventT) -> EventT:
    """Class decorator: make an event readable again by its stored name."""
    EVENT_TYPES[cls.__name__] = cls
    return cls


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event with its place in the log. ``position`` is gap-free over the log, ``version`` over its stream."""

    position: int
    recorded_at: int
    stream: str
    version: int
    type: str
    actor: str
    payload: dict[str, Any]
    prev_hash: bytes
    hash: bytes

    def event(self) -> Event:
        """Give the event as its class. Unknown fields are of a newer version and are ignored."""
        cls = EVENT_TYPES[self.type]
        known = {field.name for field in dataclasses.fields(cls)}
        return cls(**{name: value for name, value in self.payload.items() if name in known})


def canonical(payload: dict[str, Any] | list[Any]) -> str:
    """One text per payload: sorted keys, no spaces, UTF-8 characters as they are, no NaN."""
    return json.dumps(payload, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def chain_hash(prev_hash: bytes, *columns: str | int) -> bytes:
    """SHA-256 over the previous hash and every column of an entry.

    The columns are position, recorded_at, stream, version, type, actor and the canonical payload; each is preceded
    by its length, so that no two entries can give the same bytes.
    """
    digest = hashlib.sha256(prev_hash)
    for column in columns:
        data = str(column).encode()
        digest.update(len(data).to_bytes(4, "little"))
        digest.update(data)
    return digest.digest()


@stored
@dataclass(frozen=True, slots=True)
class SiteApplied(Event):
    """A site folder took effect; the lists name points and devices."""

    site: str
    fingerprint: str
    points_added: list[str]
    points_changed: list[str]
    points_removed: list[str]
    devices: list[str]


@stored
@dataclass(frozen=True, slots=True)
class CollectorStarted(Event):
    """A collector began a new epoch (µs UTC)."""

    collector: str
    epoch: int


@stored
@dataclass(frozen=True, slots=True)
class LeaseTaken(Event):
    """A standby took over ``lease`` (``historian``, ``rules``, ``collector/NAME``) from a holder that fell silent.

    ``token`` fences ``before`` off: it is greater than any before, and nothing is written with a smaller one.
    """

    lease: str
    holder: str
    before: str
    token: int
    observed_at: int


@stored
@dataclass(frozen=True, slots=True)
class DeviceLost(Event):
    """A device stopped answering; written once per outage."""

    device: str
    reason: str
    observed_at: int


@stored
@dataclass(frozen=True, slots=True)
class DeviceRestored(Event):
    """A device answers again, or answered for the first time (``down_s`` is then 0)."""

    device: str
    observed_at: int
    down_s: float


@stored
@dataclass(frozen=True, slots=True)
class DeviceNoticed(Event):
    """A device raised an alarm, a fault or a return to normal of its own (:class:`~cityhall_bms.domain.notices`)."""

    device: str
    address: str
    kind: str
    from_state: str
    to_state: str
    observed_at: int
    message: str = ""
    priority: int | None = None
    reference: str = ""


@stored
@dataclass(frozen=True, slots=True)
class CollectorOverloaded(Event):
    """A collector began to skip scans: ``cause`` is what was too slow, ``devices`` or ``telemetry log``."""

    collector: str
    cause: str
    skipped: int
    observed_at: int


@stored
@dataclass(frozen=True, slots=True)
class CollectorRelieved(Event):
    """A collector keeps up again; ``skipped`` scans were lost in ``lasted_s``."""

    collector: str
    skipped: int
    lasted_s: float
    observed_at: int


@stored
@dataclass(frozen=True, slots=True)
class SamplesRestated(Event):
    """Samples were decoded again from what a device had sent; times are µs UTC, ``until`` excluded.

    ``encodings`` names each point's old and new encoding; ``changed`` counts the samples that differ.
    """

    device: str
    points: list[str]
    first: int
    until: int
    changed: int
    encodings: dict[str, list[str]]
    reason: str


@stored
@dataclass(frozen=True, slots=True)
class TelemetryLost(Event):
    """The telemetry log skipped batches of a source: sequences ``first`` to ``last`` never arrived."""

    source: str
    epoch: int
    first: int
    last: int


@stored
@dataclass(frozen=True, slots=True)
class HistoryImported(Event):
    """A file of past samples was loaded whole; ``digest`` (SHA-256 of its manifest) names it, ``until`` is excluded.

    ``provenance`` says where its values come from, as ``simulated``. Times are µs UTC.
    """

    digest: str
    provenance: str
    first: int
    until: int
    interval_s: int
    points: int
    samples: int


@stored
@dataclass(frozen=True, slots=True)
class ExportMade(Event):
    """A file left the house; times are µs UTC, ``until`` excluded. Its manifest has the whole question.

    ``interval`` is empty for raw samples; the digests are SHA-256 of the file and of its manifest as it was signed.
    """

    export: str
    format: str
    points: int
    first: int
    until: int
    interval: str
    known_at: int
    rows: int
    bytes: int
    sha256: str
    manifest_sha256: str


@stored
@dataclass(frozen=True, slots=True)
class ExportFailed(Event):
    """An export was asked for and not made to its end; a part of a stream may have left the house."""

    export: str
    reason: str


@stored
@dataclass(frozen=True, slots=True)
class RuleFailed(Event):
    """A rule could not be evaluated and is parked; the others go on."""

    rule: str
    reason: str


@stored
@dataclass(frozen=True, slots=True)
class RuleApplied(Event):
    """A rule took effect in this wording; ``fingerprint`` is the SHA-256 of the canonical ``definition``."""

    rule: str
    version: int
    fingerprint: str
    definition: dict[str, Any]


@stored
@dataclass(frozen=True, slots=True)
class RuleWithdrawn(Event):
    """A rule is in force no more."""

    rule: str
