"""A wire between a driver and its device that can be cut, silenced, delayed and torn, for TCP and for UDP."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import StrEnum
from random import Random
from typing import Protocol, cast

CLIENTS_MAX = 4


class Fault(StrEnum):
    CUT = "cut"
    """Connections are reset and new ones refused; datagrams vanish."""
    SILENT = "silent"
    """Connections stay and nothing comes through any more."""
    LATE = "late"
    """Answers are held back, and come when the wire is whole again: after the driver has given up on them."""
    TORN = "torn"
    """Answers come in pieces and end in their middle."""


class FaultyWire(Protocol):
    port: int
    attempts: int
    """How often somebody began to talk: connections, or datagrams of a new client."""

    async def fail(self, fault: Fault) -> None: ...

    async def restore(self) -> None: ...


class _Pipe:
    """One TCP connection and the one behind it."""

    def __init__(self, client: asyncio.StreamWriter, device: asyncio.StreamWriter) -> None:
        self.client, self.device = client, device
        self.held = b""

    def abort(self) -> None:
        self.client.transport.abort()
        self.device.transport.abort()


class TcpWire:
    """Carries connections to a port of this machine."""

    def __init__(self, target: int, random: Random) -> None:
        self.port = 0
        self.attempts = 0
        self._target = target
        self._random = random
        self._fault: Fault | None = None
        self._pipes: set[_Pipe] = set()
        self._server: asyncio.Server | None = None
        self._carriers: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator["TcpWire"]:
        await self._listen()
        try:
            yield self
        finally:
            self._close()
            if self._carriers:
                await asyncio.wait(self._carriers)

    async def fail(self, fault: Fault) -> None:
        self._fault = fault
        if fault is Fault.CUT:
            self._close()
            await asyncio.sleep(0)

    async def restore(self) -> None:
        fault, self._fault = self._fault, None
        if fault is Fault.CUT:
            await self._listen()
        for pipe in list(self._pipes):
            if fault is Fault.LATE and not pipe.client.is_closing():
                pipe.client.write(pipe.held)
                pipe.held = b""
            elif fault is not None:
                pipe.abort()

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    def _close(self) -> None:
        if self._server is not None:
            self._server.close()
        for pipe in list(self._pipes):
            pipe.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.attempts += 1
        task = asyncio.current_task()
        assert task is not None
        self._carriers.add(task)
        try:
            await self._carry_both(reader, writer)
        finally:
            self._carriers.discard(task)
            writer.close()

    async def _carry_both(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            device_reader, device = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.transport.abort()
            return
        pipe = _Pipe(writer, device)
        self._pipes.add(pipe)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._ask(reader, pipe))
                tasks.create_task(self._answer(device_reader, pipe))
        finally:
            self._pipes.discard(pipe)
            device.close()

    async def _ask(self, reader: asyncio.StreamReader, pipe: _Pipe) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65_536):
                if self._fault is not Fault.SILENT:
                    pipe.device.write(data)
        pipe.abort()

    async def _answer(self, reader: asyncio.StreamReader, pipe: _Pipe) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65_536):
                self._deliver(data, pipe)
        pipe.abort()

    def _deliver(self, data: bytes, pipe: _Pipe) -> None:
        if self._fault is None:
            pipe.client.write(data)
        elif self._fault is Fault.LATE:
            pipe.held += data
        elif self._fault is Fault.TORN:
            cut = self._random.randrange(len(data))
            pipe.client.write(data[: cut // 2])
            pipe.client.write(data[cut // 2 : cut])
            pipe.client.close()


class _Upstream(asyncio.DatagramProtocol):
    """The wire's own socket towards the device, one per client."""

    def __init__(self, wire: "UdpWire", client: tuple[str, int]) -> None:
        self._wire, self._client = wire, client
        self.transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._wire.answered(data, self._client)


class UdpWire(asyncio.DatagramProtocol):
    """Carries datagrams to a port of this machine; while it fails late, answers come doubled and out of order."""

    def __init__(self, target: int, random: Random) -> None:
        self.port = 0
        self.attempts = 0
        self._target = target
        self._random = random
        self._fault: Fault | None = None
        self._held: list[tuple[bytes, tuple[str, int]]] = []
        self._upstream: dict[tuple[str, int], _Upstream] = {}
        self._transport: asyncio.DatagramTransport | None = None
        self._waiting: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator["UdpWire"]:
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, ("127.0.0.1", 0))
        self.port = self._transport.get_extra_info("sockname")[1]
        try:
            yield self
        finally:
            self._transport.close()
            for upstream in self._upstream.values():
                if upstream.transport is not None:
                    upstream.transport.close()

    async def fail(self, fault: Fault) -> None:
        self._fault = fault

    async def restore(self) -> None:
        self._fault = None
        held, self._held = self._held, []
        late = held + held
        self._random.shuffle(late)
        for data, client in late:
            self._send(data, client)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if addr not in self._upstream:
            self._forget_oldest()
            self._upstream[addr] = _Upstream(self, addr)
            self.attempts += 1
            task = asyncio.get_running_loop().create_task(self._connect(addr, data))
            self._waiting.add(task)
            task.add_done_callback(self._waiting.discard)
            return
        self._ask(data, addr)

    def _forget_oldest(self) -> None:
        """A driver has one or two sockets; those before are closed, and nobody would say so."""
        while len(self._upstream) >= CLIENTS_MAX:
            oldest = self._upstream.pop(next(iter(self._upstream)))
            if oldest.transport is not None:
                oldest.transport.close()

    async def _connect(self, client: tuple[str, int], first: bytes) -> None:
        upstream = self._upstream[client]
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(lambda: upstream, remote_addr=("127.0.0.1", self._target))
        self._ask(first, client)

    def _ask(self, data: bytes, client: tuple[str, int]) -> None:
        transport = self._upstream[client].transport if client in self._upstream else None
        if transport is not None and self._fault not in {Fault.CUT, Fault.SILENT}:
            transport.sendto(data)

    def answered(self, data: bytes, client: tuple[str, int]) -> None:
        if self._fault is None:
            self._send(data, client)
        elif self._fault is Fault.LATE:
            self._held.append((data, client))
        elif self._fault is Fault.TORN:
            self._send(data[: self._random.randrange(len(data))], client)

    def _send(self, data: bytes, client: tuple[str, int]) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(data, client)
