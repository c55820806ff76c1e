"""The web server: TLS, and what it does with callers that are slow, endless or do not speak HTTP.

uvicorn waits for ever for the rest of a head or body, and keeps a head of any size. A caller that sends a byte a minute
on a thousand connections (slowloris) would cost nothing and block everybody.
"""

import ssl
from asyncio import TimerHandle, Transport
from collections.abc import Callable
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, Final

import orjson
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from cityhall_bms.api.problems import MEDIA_TYPE, TITLES
from cityhall_bms.settings import ApiSettings, LimitSettings

BODY_BYTES_MAX: Final = 512 * 1024
"""Room for the names of a thousand alarms."""
HEAD_BYTES_MAX: Final = 64 * 1024
OPEN_STREAMS_END_WITHIN_S: Final = 1


class Server(uvicorn.Server):
    """A web server that leaves the signals to us."""

    @contextmanager
    def capture_signals(self):  # type: ignore[no-untyped-def]  # noqa: ANN201 - overrides the library's
        """Capture none."""
        yield


class PatientProtocol(HttpToolsProtocol):
    """HTTP with an end to its patience: heads and bodies in time, heads of a size, problems for what is no HTTP."""

    head_s: float
    body_s: float

    def __init__(self, *arguments: Any, **named: Any) -> None:  # noqa: ANN401 - the library's own
        super().__init__(*arguments, **named)
        self._deadline: TimerHandle | None = None
        self._head_bytes = 0

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Await the first head."""
        super().connection_made(transport)
        self._allow(self.head_s)

    def connection_lost(self, exc: Exception | None) -> None:
        """Await nothing any more."""
        self._await_nothing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes; whoever sends some between two requests has begun the next head."""
        if self._deadline is None and (self.cycle is None or self.cycle.response_complete):
            self._allow(self.head_s)
        self._head_bytes += len(data)
        super().data_received(data)
        if self._head_bytes > HEAD_BYTES_MAX and not self.transport.is_closing():
            self._refuse(431, f"the head of a request has {HEAD_BYTES_MAX // 1024} KiB at most")

    def on_headers_complete(self) -> None:
        """Await the body."""
        self._head_bytes = 0
        self._allow(self.body_s)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take some of the body, which is no head."""
        self._head_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Await nothing: the answer takes as long as it takes."""
        self._await_nothing()
        super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        """Leave the connection to the other protocol."""
        self._await_nothing()
        super().handle_websocket_upgrade()

    def send_400_response(self, msg: str) -> None:
        """Say that this is no HTTP."""
        self._refuse(400, msg)

    def _allow(self, seconds: float) -> None:
        self._await_nothing()
        self._deadline = self.loop.call_later(seconds, self._too_slow)

    def _await_nothing(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_slow(self) -> None:
        self._deadline = None
        if not self.transport.is_closing():
            self._refuse(408, "the request did not come in time")

    def _refuse(self, status: int, detail: str) -> None:
        """Say why, unless an answer is on its way already, and hang up."""
        if self.cycle is None or self.cycle.response_complete or not self.cycle.response_started:
            self.transport.write(_raw_problem(status, detail))
        self.transport.close()


def server_of(app: Callable[..., Any], api: ApiSettings, limits: LimitSettings) -> Server:
    """Build the server of an application; ``OSError`` (``ssl.SSLError`` is one) when certificate or key are no use."""

    class Protocol(PatientProtocol):
        head_s, body_s = limits.head_s, limits.body_s

    return Server(
        uvicorn.Config(
            app,
            host=api.host,
            port=api.port,
            http=Protocol,
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=bool(api.proxies),
            forwarded_allow_ips=[str(proxy) for proxy in api.proxies],
            limit_concurrency=limits.connections,
            timeout_graceful_shutdown=OPEN_STREAMS_END_WITHIN_S,
            ssl_certfile=api.tls_certificate or None,
            ssl_keyfile=api.tls_key or None,
            ssl_context_factory=_tls if api.tls_certificate else None,
            ws_max_size=BODY_BYTES_MAX,
            # Compressing the same text for each console anew would cost more than making it.
            ws_per_message_deflate=False,
            lifespan="off",
        )
    )


def _tls(_: uvicorn.Config, default: Callable[[], ssl.SSLContext]) -> ssl.SSLContext:
    """TLS 1.2 and later, whatever the machine's own configuration allows (RFC 9325 3.1.1)."""
    context = default()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _raw_problem(status: int, detail: str) -> bytes:
    """Give a whole answer (RFC 9457) for a request that never became one."""
    slug, title = TITLES[status]
    problem = {"type": f"/problems/{slug}", "title": title, "status": status, "detail": detail, "instance": ""}
    body = orjson.dumps(problem)
    head = (
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\ncontent-type: {MEDIA_TYPE}\r\n"
        f"content-length: {len(body)}\r\nconnection: close\r\nx-content-type-options: nosniff\r\n\r\n"
    )
    return head.encode() + body
