"""Cursors: opaque to clients, a place in an order to us."""

import base64

from fastapi import HTTPException

PLACE_DIGITS_MAX = 18
NOT_OURS = "the cursor is not one of ours: take `next` of the page before, unchanged"


def encode(place: str) -> str:
    """Make a cursor of the last key of a page."""
    return base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")


def cursor_of(place: int | None) -> str | None:
    """Cursor of a place in the event log; none on the last page."""
    return None if place is None else encode(str(place))


def place_of(cursor: str | None) -> int | None:
    """Place in the event log of a cursor; 400 for anything that is no cursor of ours."""
    if cursor is None:
        return None
    place = decode(cursor)
    if not (place.isascii() and place.isdigit() and len(place) <= PLACE_DIGITS_MAX):
        raise HTTPException(400, NOT_OURS)
    return int(place)


def decode(cursor: str) -> str:
    """Give the key back; 400 for anything that is no cursor of ours."""
    try:
        return base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except ValueError:
        raise HTTPException(400, NOT_OURS) from None
