"""Cursors: opaque to clients, a place in an order to us."""

import base64

from fastapi import HTTPException


def encode(place: str) -> str:
    """Make a cursor of the last key of a page."""
    return base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")


def decode(cursor: str) -> str:
    """Give the key back; 400 for anything that is no cursor of ours."""
    try:
        return base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except ValueError:
        raise HTTPException(400, "the cursor is not one of ours: take `next` of the page before, unchanged") from None
