"""A wire to PostgreSQL that is cut at the worst moment: around the commit."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import Enum, auto
from urllib.parse import parse_qs, urlsplit


class Cut(Enum):
    """What becomes of the next commit."""

    NOTHING = auto()
    BEFORE_COMMIT = auto()
    """The server never hears of it."""
    AFTER_COMMIT = auto()
    """The server does it, and its answer is lost."""


class CuttingProxy:
    """Carries connections to a Unix socket until told to cut one."""

    def __init__(self, dsn: str) -> None:
        parts = urlsplit(dsn)
        self._socket = f"{parse_qs(parts.query)['host'][0]}/.s.PGSQL.5432"
        self._account = f"{parts.username}@"
        self._database = parts.path
        self._port = 0
        self.next_cut = Cut.NOTHING
        self.cuts = 0

    @property
    def dsn(self) -> str:
        return f"postgresql://{self._account}127.0.0.1:{self._port}{self._database}?sslmode=disable"

    @asynccontextmanager
    async def running(self) -> AsyncIterator["CuttingProxy"]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self._port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        up_reader, up_writer = await asyncio.open_unix_connection(self._socket)
        try:
            async with asyncio.TaskGroup() as tasks:
                back = tasks.create_task(self._carry(up_reader, writer))
                await self._watch(reader, up_writer, back)
                back.cancel()
        finally:
            up_writer.close()
            writer.close()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            writer.write(data)

    async def _watch(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, back: asyncio.Task[None]
    ) -> None:
        while data := await reader.read(65_536):
            cut = self.next_cut if b"COMMIT;" in data else Cut.NOTHING
            if cut is not Cut.NOTHING:
                self.next_cut = Cut.NOTHING
                self.cuts += 1
                back.cancel()
            if cut is not Cut.BEFORE_COMMIT:
                writer.write(data)
                await writer.drain()
            if cut is not Cut.NOTHING:
                return
