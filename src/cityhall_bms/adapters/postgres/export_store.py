"""Table ``export``: jobs, streams and their manifests."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import asyncpg

from cityhall_bms.adapters.postgres.connection import connect, translated
from cityhall_bms.adapters.postgres.history_rollups import HISTORY
from cityhall_bms.adapters.postgres.sql import load
from cityhall_bms.domain.errors import HistoryUnavailableError, NotFoundError
from cityhall_bms.domain.events import canonical
from cityhall_bms.exports.query import from_json, to_json
from cityhall_bms.ports.exports import Export, ExportKind, ExportState, FileFacts

QUERIES: Final = load("export_store.sql")
CHANGED: Final = "UPDATE 1"


class PostgresExportStore:
    """See :class:`~cityhall_bms.ports.exports.ExportStore`."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def begin(self, export: Export) -> None:
        """Enter a new export. From then on nothing that is stored counts as recorded by its ``known_at``."""
        query, context = canonical(to_json(export.query)), canonical(dict(export.context))
        row = (export.id, export.kind.value, export.actor, export.asked_at, query, context, export.state.value)
        with translated(HistoryUnavailableError):
            async with self._pool.acquire() as connection, connection.transaction():
                await connection.execute(HISTORY["lock"])
                await connection.execute(QUERIES["settle"], export.query.known_at)
                await connection.execute(QUERIES["enter"], *row)

    async def settle(self, known_at: int) -> None:
        """From now on nothing that is stored counts as recorded by a time (µs UTC)."""
        with translated(HistoryUnavailableError):
            async with self._pool.acquire() as connection, connection.transaction():
                await connection.execute(HISTORY["lock"])
                await connection.execute(QUERIES["settle"], known_at)

    async def get(self, identity: str) -> Export:
        """One export; ``NotFoundError``."""
        with translated(HistoryUnavailableError):
            row = await self._pool.fetchrow(QUERIES["get"], identity)
        if row is None:
            msg = f"there is no export {identity}; GET /api/v1/exports lists them"
            raise NotFoundError(msg)
        return _export(row)

    async def page(self, limit: int, before: str | None) -> list[Export]:
        """Exports, the newest first, those before a given one; of a manifest only that there is one (``""``)."""
        return await self._exports("page", limit, before)

    async def open_jobs(self) -> list[Export]:
        """Jobs that are not over, the oldest first."""
        return await self._exports("open_jobs")

    async def cut_off(self, asked_before: int) -> list[Export]:
        """Streams and commands that were asked for before a time (µs UTC), and whose process ended without a word."""
        return await self._exports("cut_off", asked_before)

    async def with_file(self, ended_before: int) -> list[Export]:
        """Jobs whose file is there, and that ended before a time (µs UTC)."""
        return await self._exports("with_file", ended_before)

    async def started(self, identity: str) -> bool:
        """Mark it as running; false when it is over already."""
        return await self._changes("start", identity)

    async def advance(self, identity: str, done_through: int, rows: int, size: int) -> bool:
        """Note how far the file is safe on disk; false when the export was cancelled meanwhile."""
        return await self._changes("advance", identity, done_through, rows, size)

    async def keep_manifest(self, identity: str, facts: FileFacts, manifest: str) -> None:
        """Keep the signed manifest, before the event that names it."""
        await self._changes("keep_manifest", identity, manifest, facts.sha256, facts.rows, facts.bytes)

    async def end(self, identity: str, state: ExportState, now: int, reason: str = "") -> bool:
        """End it so; false when it was over already."""
        return await self._changes("end", identity, state.value, now, reason)

    async def remove(self, identity: str) -> None:
        """Note that the file of a finished export is gone."""
        await self._changes("remove", identity)

    async def _changes(self, query: str, *arguments: object) -> bool:
        with translated(HistoryUnavailableError):
            status: str = await self._pool.execute(QUERIES[query], *arguments)
        return status == CHANGED

    async def _exports(self, query: str, *arguments: object) -> list[Export]:
        with translated(HistoryUnavailableError):
            return [_export(row) for row in await self._pool.fetch(QUERIES[query], *arguments)]


@asynccontextmanager
async def only_maker(dsn: str) -> AsyncIterator[bool]:
    """Tell whether we are the one maker of jobs on this database; we are until the block ends."""
    with translated(HistoryUnavailableError):
        connection = await connect(dsn)
    try:
        with translated(HistoryUnavailableError):
            alone = await connection.fetchval(QUERIES["only_one"])
        yield bool(alone)
    finally:
        connection.terminate()


def _export(row: asyncpg.Record) -> Export:
    return Export(
        id=row["id"],
        kind=ExportKind(row["kind"]),
        actor=row["actor"],
        asked_at=row["asked_at"],
        query=from_json(json.loads(row["query"])),
        context=json.loads(row["context"]),
        state=ExportState(row["state"]),
        done_through=row["done_through"],
        rows=row["rows"],
        bytes=row["bytes"],
        sha256=row["sha256"],
        reason=row["reason"],
        manifest=row["manifest"],
        ended_at=row["ended_at"],
    )
