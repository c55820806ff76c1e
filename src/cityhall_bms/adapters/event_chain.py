"""How appends become chained entries: pure, and the same for every event log adapter."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cityhall_bms.domain.errors import ConcurrencyError
from cityhall_bms.domain.events import GENESIS_HASH, Event, StoredEvent, canonical, chain_hash
from cityhall_bms.ports.event_log import ANY_VERSION, Append

NUL: Final = "\x00"
APPEND_EVENTS_MAX: Final = 10_000


@dataclass(frozen=True, slots=True)
class Head:
    """Newest entry of the log, to which the next one is chained."""

    position: int = 0
    recorded_at: int = 0
    hash: bytes = GENESIS_HASH


@dataclass(frozen=True, slots=True)
class Draft:
    """An event ready to be chained: its payload is proven to be canonical JSON."""

    stream: str
    expected_version: int
    type: str
    actor: str
    fields: dict[str, Any]
    payload: str
    """The fields as canonical JSON: what is hashed and stored."""


def draft(appends: Sequence[Append]) -> list[Draft]:
    """Prepare events; ``ValueError`` or ``TypeError`` when one cannot be stored and read again as it was."""
    drafts: list[Draft] = []
    for append in appends:
        expected = append.expected_version
        for event in append.events:
            fields, payload = _fields(event)
            _check_text(append.stream, append.actor, payload.replace("\\\\", "").replace("\\u0000", NUL))
            drafts.append(Draft(append.stream, expected, type(event).__name__, append.actor, fields, payload))
            expected = ANY_VERSION
    if len(drafts) > APPEND_EVENTS_MAX:
        msg = f"{len(drafts)} events in one append; {APPEND_EVENTS_MAX} are the most"
        raise ValueError(msg)
    return drafts


def _fields(event: Event) -> tuple[dict[str, Any], str]:
    payload = canonical(event.payload())
    fields: dict[str, Any] = json.loads(payload)
    if canonical(fields) != payload:
        # Otherwise the chain could not be recomputed from what is read: numbers as keys sort differently as text.
        msg = f"{type(event).__name__} has keys that are no text"
        raise TypeError(msg)
    return fields, payload


def _check_text(*texts: str) -> None:
    for text in texts:
        if NUL in text:
            msg = "an event cannot hold the character NUL"
            raise ValueError(msg)
        text.encode()


def chain(
    head: Head, versions: Mapping[str, int], drafts: Sequence[Draft], now: int
) -> tuple[Head, dict[str, int], list[StoredEvent]]:
    """Chain drafts to the head: the new head, the versions that changed, the entries.

    ``versions`` are those of the streams that have events; ``recorded_at`` is ``now`` (µs UTC), but never before the
    head's, so that the log's order is also the order of its times. ConcurrencyError when a version is not as expected.
    """
    changed: dict[str, int] = {}
    entries: list[StoredEvent] = []
    recorded_at = max(now, head.recorded_at)
    for item in drafts:
        version = changed.get(item.stream, versions.get(item.stream, 0))
        if item.expected_version not in {ANY_VERSION, version}:
            msg = f"{item.stream} is at version {version}, not {item.expected_version}"
            raise ConcurrencyError(msg)
        changed[item.stream] = version + 1
        entry = _entry(head, item, version + 1, recorded_at)
        head = Head(entry.position, recorded_at, entry.hash)
        entries.append(entry)
    return head, changed, entries


def _entry(head: Head, item: Draft, version: int, recorded_at: int) -> StoredEvent:
    position = head.position + 1
    digest = chain_hash(head.hash, position, recorded_at, item.stream, version, item.type, item.actor, item.payload)
    return StoredEvent(
        position, recorded_at, item.stream, version, item.type, item.actor, item.fields, head.hash, digest
    )


def selects(pattern: str | None, stream: str) -> bool:
    """Tell whether a stream is meant: by its name, or by a prefix that ends in ``/``; none means every stream."""
    if pattern is None:
        return True
    return stream.startswith(pattern) if pattern.endswith("/") else stream == pattern
