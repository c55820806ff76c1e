"""The service asks itself whether it answers: by a name that it accepts, and not for ever."""

import asyncio
import socket

import pytest

from cityhall_bms import answering
from cityhall_bms.settings import ApiSettings


@pytest.mark.parametrize(
    ("allowed", "asked"),
    [
        (("bms.example", "127.0.0.1"), b"Host: bms.example\r\n"),
        (("*.example",), b"Host: supervisor.example\r\n"),
        (("*",), b"Host: supervisor\r\n"),
    ],
)
async def test_the_api_is_asked_by_a_name_that_it_accepts(allowed: tuple[str, ...], asked: bytes) -> None:
    heard: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        assert await answering.answers(ApiSettings(port=port, allowed_hosts=allowed))

    assert asked in heard[0]


async def test_an_api_that_never_answers_is_not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answering, "ANSWER_WITHIN_S", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert not await answering.answers(ApiSettings(port=silent.getsockname()[1]))
