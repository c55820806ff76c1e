"""Seats for what stays open: a route that streams or sends a file holds one until its answer has ended."""

from collections.abc import AsyncIterator

from fastapi import Depends, WebSocketException
from starlette.requests import HTTPConnection

from cityhall_bms.api.access import Who
from cityhall_bms.api.limits import seated
from cityhall_bms.domain.errors import TooManyError

TRY_AGAIN_LATER = 1013
"""What a socket is closed with (IANA's registry of WebSocket close codes)."""


async def _one_stream(connection: HTTPConnection, who: Who) -> AsyncIterator[None]:
    try:
        with seated(who.services.limits.streams, who.name, "太多即時連線 / too many open streams"):
            yield
    except TooManyError as error:
        if connection.scope["type"] == "websocket":
            raise WebSocketException(TRY_AGAIN_LATER, str(error)) from error
        raise


async def _one_export(who: Who) -> AsyncIterator[None]:
    with seated(who.services.limits.exports, who.name, "太多匯出同時進行 / too many exports at once"):
        yield


OneStream = Depends(_one_stream)
"""For every route whose answer has no end."""
OneExport = Depends(_one_export)
"""For every route that sends rows by the million."""
