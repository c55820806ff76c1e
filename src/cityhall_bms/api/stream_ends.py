"""Ends streams with the session or token that opened them: reading for ever must not keep anybody signed in.

It also takes it calmly when a reader of a stream leaves.
"""

from anyio import BrokenResourceError
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cityhall_bms.api.access import may_read
from cityhall_bms.api.services import ApiServices

STREAM = b"text/event-stream"


class _OverError(Exception):
    """Whoever opened a stream is signed in no more."""


class StreamEnds:
    """Looks every so often, when a stream says something, whether its reader may still read; they say so themselves.

    A stream says something every 15 s at least, so that it ends that much later at most.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        services: ApiServices = scope["app"].state.services
        clock, every_s = services.clock, services.access.streams_checked_every_s
        due: float | None = None

        async def send_while_signed_in(message: Message) -> None:
            nonlocal due
            if message["type"] == "http.response.start" and _is_stream(message):
                due = clock.monotonic() + every_s
            elif due is not None and clock.monotonic() >= due:
                if not await may_read(HTTPConnection(scope)):
                    raise _OverError
                due = clock.monotonic() + every_s
            await send(message)

        try:
            await self._app(scope, receive, send_while_signed_in)
        except* _OverError:
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        except* BrokenResourceError:
            # FastAPI closes the reader's end of a stream before it cancels what still writes to it.
            if due is None:
                raise


def _is_stream(message: Message) -> bool:
    return any(name == b"content-type" and value.startswith(STREAM) for name, value in message["headers"])
