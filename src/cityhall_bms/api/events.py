"""The event log, as auditors read it."""

from typing import Annotated

from fastapi import APIRouter, Query

from cityhall_bms.api import models
from cityhall_bms.api.problems import responses
from cityhall_bms.api.services import Services
from cityhall_bms.api.times import to_rfc3339
from cityhall_bms.domain.events import StoredEvent

router = APIRouter(prefix="/events", tags=["events"])


@router.get("", responses=responses(422, 503))
async def list_events(
    services: Services,
    after: Annotated[int, Query(ge=0, le=2**62, description="Position after which to read.")] = 0,
    stream: Annotated[str | None, Query(max_length=300, description="One stream; ending in `/`, all below it.")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> models.Events:
    """Events in order, oldest first; pass ``next`` as ``after`` to go on."""
    events = await services.events.read(after=after, limit=limit, stream=stream)
    return models.Events(
        items=[describe_event(event) for event in events], next=events[-1].position if events else after
    )


def describe_event(event: StoredEvent) -> models.Event:
    """Give the answer's form."""
    return models.Event(
        position=event.position,
        recorded_at=to_rfc3339(event.recorded_at) or "",
        stream=event.stream,
        version=event.version,
        type=event.type,
        actor=event.actor,
        payload=event.payload,
        hash=event.hash.hex(),
    )
