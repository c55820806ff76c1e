"""What auditors ask of the event log: whether its chain holds, and who is no person."""

from collections.abc import Iterable
from typing import Final

from cityhall_bms.domain.events import StoredEvent, canonical, chain_hash

SERVICE_ACTORS: Final = frozenset(
    [
        "access",
        "api",
        "charging",
        "collector",
        "collectors",
        "commands",
        "demand",
        "energy",
        "floods",
        "historian",
        "import",
        "maintenance",
        "notices",
        "notifications",
        "reports",
        "rules",
        "schedule",
        "schedules",
        "spool",
        "system",
    ]
)
"""Names under which the service itself records; nobody can have an account of one of them."""


def first_break(events: Iterable[StoredEvent], after: bytes | None) -> int | None:
    """Position of the first event whose hash, or whose link to the one before, is not what the chain says.

    ``after`` is the hash of the event before the first one; none where nobody knows it. ``events`` are in order and
    without a gap, as the log has them. None: the chain holds (docs/reference/integrity.md).
    """
    previous: StoredEvent | None = None
    for event in events:
        wanted = after if previous is None else previous.hash
        follows = previous is None or event.position == previous.position + 1
        if not follows or (wanted is not None and event.prev_hash != wanted) or event.hash != _digest(event):
            return event.position
        previous = event
    return None


def _digest(event: StoredEvent) -> bytes:
    payload = canonical(dict(event.payload))
    return chain_hash(
        event.prev_hash, event.position, event.recorded_at, event.stream, event.version, event.type, event.actor,
        payload,
    )  # fmt: skip
