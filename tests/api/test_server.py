"""The web server's patience: what comes slowly, without end, in the clear or as nonsense."""

import asyncio
import json
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.support.api_rig import eventually
from tests.support.certificates import write_certificate

from cityhall_bms.api.server import HEAD_BYTES_MAX, server_of
from cityhall_bms.settings import ApiSettings, LimitSettings

LIMITS = LimitSettings(head_s=1.0, body_s=1.0, connections=50)
WITHIN_S = 20.0


async def echo(scope: dict[str, Any], receive: Callable[..., Any], send: Callable[..., Any]) -> None:
    """Answers with the scheme, the caller's address and the number of bytes that it was sent."""
    count, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        count, more = count + len(message.get("body", b"")), message.get("more_body", False)
    client = scope["client"][0]
    body = f"{scope['scheme']} {client} {count}".encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})


@asynccontextmanager
async def serving(api: ApiSettings | None = None) -> AsyncIterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = server_of(echo, api or ApiSettings(), LIMITS)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(server.serve(sockets=[listener]))
            await eventually(lambda: server.started)
            try:
                yield listener.getsockname()[1]
            finally:
                server.should_exit = True


async def told(port: int, *parts: bytes, tls: ssl.SSLContext | None = None) -> bytes:
    """What comes back for some bytes until the server hangs up."""
    async with asyncio.timeout(WITHIN_S):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls)
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0)
        found = await reader.read()
        writer.close()
        return found


def problem(answer: bytes) -> dict[str, Any]:
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"content-type: application/problem+json" in head
    return dict(json.loads(body))


SLOW = {
    "nothing at all": b"",
    "half a head": b"GET / HTTP/1.1\r\nHost: x\r\nX-A: b",
    "empty lines": b"\r\n\r\n",
    "half a body": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345",
    "a chunk without end": b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc",
}


@pytest.mark.parametrize("begun", SLOW.values(), ids=SLOW.keys())
async def test_who_does_not_come_to_an_end_is_hung_up_on(begun: bytes) -> None:
    async with serving() as port:
        found = problem(await told(port, begun))

    assert (found["status"], found["type"]) == (408, "/problems/too-slow")


async def test_a_connection_that_is_used_again_is_held_to_the_same() -> None:
    async with serving() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        async with asyncio.timeout(WITHIN_S):
            writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            first = await reader.readuntil(b"127.0.0.1 0")
            writer.write(b"GET / HT")
            second = await reader.read()
            writer.close()

    assert first.startswith(b"HTTP/1.1 200")
    assert problem(second)["status"] == 408


async def test_a_hundred_slow_callers_keep_nobody_out() -> None:
    async with serving() as port, asyncio.TaskGroup() as tasks:
        slow = [tasks.create_task(told(port, b"GET / HTTP/1.1\r\nX-A: ")) for _ in range(100)]
        answer = b""
        while not answer.startswith(b"HTTP/1.1 200"):
            answer = await told(port, b"GET / HTTP/1.0\r\n\r\n")
            await asyncio.sleep(0.05)

    assert all(b" 408 " in task.result() for task in slow)


async def test_a_head_without_end_is_refused_before_it_is_kept() -> None:
    async with serving() as port:
        start, field = b"GET / HTTP/1.1\r\nHost: x\r\n", b"X-A: " + b"a" * 1017 + b"\r\n"
        found = problem(await told(port, start, *[field] * (HEAD_BYTES_MAX // len(field))))

    assert (found["status"], found["type"]) == (431, "/problems/head-too-large")


async def test_a_large_body_is_no_head() -> None:
    body = b"x" * (3 * HEAD_BYTES_MAX)
    async with serving() as port:
        found = await told(port, b"POST / HTTP/1.0\r\nContent-Length: %d\r\n\r\n" % len(body), body)

    assert found.endswith(b"http 127.0.0.1 %d" % len(body))


@pytest.mark.parametrize(
    "sent", [b"\x16\x03\x01 hello\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"GET " + b"a" * 70_000 + b"\r\n"]
)
async def test_what_is_no_http_is_told_so_as_a_problem(sent: bytes) -> None:
    async with serving() as port:
        assert problem(await told(port, sent))["status"] in {400, 431}


async def test_with_a_certificate_the_service_speaks_tls_and_nothing_else(tmp_path: Path) -> None:
    certificate, key = write_certificate(tmp_path)
    context = ssl.create_default_context(cafile=str(certificate))
    api = ApiSettings(host="0.0.0.0", tls_certificate=str(certificate), tls_key=str(key))
    async with serving(api) as port:
        found = await told(port, b"GET / HTTP/1.0\r\n\r\n", tls=context)
        plain = await told(port, b"GET / HTTP/1.0\r\n\r\n")
        old = ssl.create_default_context(cafile=str(certificate))
        old.maximum_version = ssl.TLSVersion.TLSv1_2
        assert b" 200 " in await told(port, b"GET / HTTP/1.0\r\n\r\n", tls=old)

    assert found.endswith(b"https 127.0.0.1 0")
    assert not plain.startswith(b"HTTP/1.1 200")


FORWARDED = b"GET / HTTP/1.0\r\nX-Forwarded-For: 203.0.113.9\r\nX-Forwarded-Proto: https\r\n\r\n"


async def test_only_a_proxy_that_is_named_is_believed_who_the_caller_is() -> None:
    async with serving() as port:
        unnamed = await told(port, FORWARDED)
    async with serving(ApiSettings(proxies=("127.0.0.1",))) as port:  # type: ignore[arg-type] - as it is written
        named = await told(port, FORWARDED)

    assert unnamed.endswith(b"http 127.0.0.1 0")
    assert named.endswith(b"https 203.0.113.9 0")
