"""Bodies of our own over asyncua's secure channel: chunks, signing, encryption and time-outs stay the library's."""

# ruff: noqa: SLF001 - asyncua offers no way to send bytes that are encoded already

import asyncio
from typing import Any, TypeVar, cast

from asyncua import Client, ua
from asyncua.ua.ua_binary import nodeid_to_binary, struct_from_binary

from cityhall_bms.ports.clock import Clock
from cityhall_drivers.opcua.wire import request_header

AnswerT = TypeVar("AnswerT")


class Channel:
    """The channel and session of a connected client."""

    def __init__(self, client: Client, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._token = nodeid_to_binary(client.uaclient.session.authentication_token)

    async def ask(self, kind: bytes, parameters: bytes, timeout_s: float | None) -> bytes:
        """Body of the answer to one request; a ServiceFault is raised as asyncua's exception of its status."""
        hint_ms = int(timeout_s * 1e3) if timeout_s else 0
        protocol = self._client.uaclient.protocol
        if protocol is None or protocol.transport is None:
            msg = "the connection is lost"
            raise ConnectionError(msg)
        protocol._request_handle += 1
        protocol._request_id += 1
        number = protocol._request_id
        header = request_header(self._token, self._clock.now(), protocol._request_handle, hint_ms)
        protocol.revolve_security_token()
        message = protocol._connection.message_to_binary(
            b"".join((kind, header, parameters)), message_type=ua.MessageType.SecureMessage, request_id=number
        )
        # A late answer finds its future cancelled; without any future asyncua would hang up.
        answer: asyncio.Future[ua.utils.Buffer] = asyncio.get_running_loop().create_future()
        protocol._callbackmap[number] = answer
        protocol.transport.write(message)
        async with asyncio.timeout(timeout_s):
            body = await answer
        protocol.check_answer(body, "")
        return bytes(body)

    async def call(self, request: Any, answer: type[AnswerT]) -> AnswerT:  # noqa: ANN401 - any request of asyncua
        """One of the library's own requests; raised as its exception when the server refuses it."""
        body = await self._client.uaclient.session._send_request(request)
        response = struct_from_binary(answer, body)
        response.ResponseHeader.ServiceResult.check()
        return cast("AnswerT", response)
