"""Where a stream of server-sent events goes on."""

from typing import Annotated, Final

from fastapi import Depends, Header, HTTPException

RECONNECT_MS: Final = 1_000
POSITION_DIGITS_MAX: Final = 18


def place_after(
    last_event_id: Annotated[str | None, Header(alias="Last-Event-ID", description="Go on after this event.")] = None,
) -> int | None:
    """Position to resume after. A dependency, because a refusal must come before the stream begins."""
    if last_event_id is None or not last_event_id.strip():
        return None
    if not last_event_id.isascii() or not last_event_id.isdigit() or len(last_event_id) > POSITION_DIGITS_MAX:
        raise HTTPException(400, "Last-Event-ID must be the id of an event of this stream")
    return int(last_event_id)


Place = Annotated[int | None, Depends(place_after)]
