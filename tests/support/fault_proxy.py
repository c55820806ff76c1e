"""A wire between a driver and its device that can be cut, silenced, delayed, torn and worse, for TCP and for UDP."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from random import Random
from typing import Protocol, cast

from tests.support.spoiling import Fault, Misuse, Route, Spoiler, random_bytes

CLIENTS_MAX = 4


class FaultyWire(Protocol):
    port: int

    @property
    def spoilt(self) -> int:
        """How many answers it has made something else of."""
        ...

    async def fail(self, fault: Fault) -> None: ...

    async def restore(self) -> None: ...


@dataclass(eq=False)
class _Pipe(Route):
    """One TCP connection and the one behind it."""

    client: asyncio.StreamWriter | None = None
    device: asyncio.StreamWriter | None = None
    """None from the beginning, or ended without a word to the client, where the connection is half open."""
    held: bytes = b""

    def abort(self) -> None:
        for side in (self.client, self.device):
            if side is not None:
                side.transport.abort()

    def forget_device(self) -> None:
        if self.device is not None:
            self.device.transport.abort()
        self.device = None

    def tell_client(self, data: bytes) -> None:
        if self.client is not None and not self.client.is_closing():
            self.client.write(data)


class TcpWire:
    """Carries connections to a port of this machine.

    ``lag_s``: late answers come so much later, instead of when the wire is whole again.
    """

    def __init__(
        self,
        target: int,
        random: Random,
        misnumber: Misuse | None = None,
        garble: Misuse = random_bytes,
        lag_s: float | None = None,
    ) -> None:
        self.port = 0
        self._target = target
        self._random = random
        self._spoiler = Spoiler(random, misnumber, garble)
        self._lag_s = lag_s
        self._fault: Fault | None = None
        self._pipes: set[_Pipe] = set()
        self._server: asyncio.Server | None = None
        self._carriers: set[asyncio.Task[None]] = set()

    @property
    def spoilt(self) -> int:
        return self._spoiler.spoilt

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
        if fault is Fault.HALF_OPEN:
            for pipe in list(self._pipes):
                pipe.forget_device()

    async def restore(self) -> None:
        fault, self._fault = self._fault, None
        if fault is Fault.CUT:
            await self._listen()
        for pipe in list(self._pipes):
            if fault is Fault.LATE:
                pipe.tell_client(pipe.held)
                pipe.held = b""
            elif fault in {Fault.CUT, Fault.SILENT, Fault.TORN}:
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
        task = asyncio.current_task()
        assert task is not None
        self._carriers.add(task)
        pipe = _Pipe(client=writer)
        self._pipes.add(pipe)
        try:
            await self._carry(reader, pipe)
        finally:
            self._carriers.discard(task)
            self._pipes.discard(pipe)
            writer.close()

    async def _carry(self, reader: asyncio.StreamReader, pipe: _Pipe) -> None:
        if self._fault is Fault.HALF_OPEN:
            await self._ask(reader, pipe)
            return
        try:
            device_reader, device = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            pipe.abort()
            return
        pipe.device = device
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._ask(reader, pipe))
                tasks.create_task(self._answer(device_reader, pipe))
        finally:
            device.close()

    async def _ask(self, reader: asyncio.StreamReader, pipe: _Pipe) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65_536):
                if self._fault is not Fault.SILENT and pipe.device is not None:
                    pipe.device.write(data)
        pipe.abort()

    async def _answer(self, reader: asyncio.StreamReader, pipe: _Pipe) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65_536):
                self._deliver(data, pipe)
        if pipe.device is not None:
            pipe.abort()

    def _deliver(self, data: bytes, pipe: _Pipe) -> None:
        fault = self._fault
        if fault is None:
            pipe.tell_client(data)
        elif fault is Fault.LATE and self._lag_s is not None:
            asyncio.get_running_loop().call_later(self._lag_s, pipe.tell_client, data)
        elif fault is Fault.LATE:
            pipe.held += data
        elif fault is Fault.TORN:
            self._tear(data, pipe)
        else:
            for piece in self._spoiler.spoil(fault, data, pipe):
                pipe.tell_client(piece)

    def _tear(self, data: bytes, pipe: _Pipe) -> None:
        cut = self._random.randrange(len(data))
        pipe.tell_client(data[: cut // 2])
        pipe.tell_client(data[cut // 2 : cut])
        if pipe.client is not None:
            pipe.client.close()


class _Upstream(asyncio.DatagramProtocol):
    """The wire's own socket towards the device, one per client."""

    def __init__(self, wire: "UdpWire", client: tuple[str, int]) -> None:
        self.route = Route()
        self._wire, self._client = wire, client
        self.transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._wire.answered(data, self._client)


class UdpWire(asyncio.DatagramProtocol):
    """Carries datagrams to a port of this machine; what it held back comes doubled and out of order."""

    def __init__(
        self, target: int, random: Random, misnumber: Misuse | None = None, garble: Misuse = random_bytes
    ) -> None:
        self.port = 0
        self.target = target
        self._random = random
        self._spoiler = Spoiler(random, misnumber, garble)
        self._fault: Fault | None = None
        self._held: list[tuple[bytes, tuple[str, int]]] = []
        self._upstream: dict[tuple[str, int], _Upstream] = {}
        self._transport: asyncio.DatagramTransport | None = None
        self._waiting: set[asyncio.Task[None]] = set()

    @property
    def spoilt(self) -> int:
        return self._spoiler.spoilt

    @asynccontextmanager
    async def running(self) -> AsyncIterator["UdpWire"]:
        await self._listen()
        try:
            yield self
        finally:
            self._close()
            for upstream in self._upstream.values():
                if upstream.transport is not None:
                    upstream.transport.close()

    async def fail(self, fault: Fault) -> None:
        self._fault = fault
        if fault is Fault.CUT:
            self._close()
            # The port is free only when the loop has let go of it.
            await asyncio.sleep(0)

    async def restore(self) -> None:
        fault, self._fault = self._fault, None
        if fault is Fault.CUT:
            await self._listen()
        held, self._held = self._held, []
        late = held + held
        self._random.shuffle(late)
        for data, client in late:
            self._send(data, client)

    async def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, ("127.0.0.1", self.port))
        self.port = self._transport.get_extra_info("sockname")[1]

    def _close(self) -> None:
        if self._transport is not None:
            self._transport.close()
        self._transport = None

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if addr not in self._upstream:
            self._forget_oldest()
            self._upstream[addr] = _Upstream(self, addr)
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
        await loop.create_datagram_endpoint(lambda: upstream, remote_addr=("127.0.0.1", self.target))
        self._ask(first, client)

    def _ask(self, data: bytes, client: tuple[str, int]) -> None:
        transport = self._upstream[client].transport if client in self._upstream else None
        if transport is not None and self._fault is not Fault.SILENT:
            transport.sendto(data)

    def answered(self, data: bytes, client: tuple[str, int]) -> None:
        fault, upstream = self._fault, self._upstream.get(client)
        if fault is None:
            self._send(data, client)
        elif fault is Fault.LATE:
            self._held.append((data, client))
        elif fault is Fault.TORN:
            self._send(data[: self._random.randrange(len(data))], client)
        elif upstream is not None:
            for piece in self._spoiler.spoil(fault, data, upstream.route):
                self._send(piece, client)

    def _send(self, data: bytes, client: tuple[str, int]) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(data, client)
