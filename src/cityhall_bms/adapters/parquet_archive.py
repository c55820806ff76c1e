"""Packed days as Parquet files outside of the database, each with a signed manifest (``docs/reference/archive.md``).

``samples-2026-07-01.parquet`` has every sample of a UTC day, those too that were restated later: point, when it was
observed and recorded, value, quality code. ``samples-2026-07-01.json`` says how many, with the file's SHA-256.
"""

import asyncio
import base64
import hashlib
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import asyncpg
import numpy as np

from cityhall_bms.adapters.disk import settle
from cityhall_bms.adapters.postgres import cold_reading
from cityhall_bms.adapters.postgres.connection import translated
from cityhall_bms.adapters.postgres.history_copy import TIME_MAX_US, day_begin
from cityhall_bms.adapters.postgres.sql import load
from cityhall_bms.adapters.signing import Signer, verify
from cityhall_bms.domain.errors import HistoryUnavailableError, RefusedError, SignatureError
from cityhall_bms.domain.events import canonical
from cityhall_bms.historian.columns import Samples
from cityhall_bms.historian.intervals import DAY_US
from cityhall_bms.ports.history import Window

QUERIES: Final = load("cold.sql")
FORMAT: Final = "cityhall-archive 1"
POINTS_AT_ONCE: Final = 64
"""A row group has the samples of so many points: a point of a day is found without reading the rest."""


@dataclass(frozen=True, slots=True)
class ArchivedDay:
    """A file that is safely on disk."""

    day: date
    file: Path
    samples: int
    sha256: str


class ParquetArchive:
    """Writes days that are packed and not in this folder yet; one that is written again takes the old one's place."""

    def __init__(self, pool: asyncpg.Pool, folder: Path, signer: Signer, site: str) -> None:
        self._pool = pool
        self._folder = folder
        self._signer = signer
        self._site = site

    async def next_day(self) -> date | None:
        """Oldest day to archive: also one that another folder has, or whose file was lost or cut here."""
        with translated(HistoryUnavailableError):
            days = await self._pool.fetch(QUERIES["to_archive"])
        return await asyncio.to_thread(self._missing, days)

    def _missing(self, days: Sequence[asyncpg.Record]) -> date | None:
        return next(
            (row["day"] for row in days if not (row["noted"] and self._has(row["day"], row["packed_at"]))), None
        )

    def _has(self, day: date, packed_at: datetime) -> bool:
        """Whether the day lies here as it was packed last. That every byte is right, :func:`check_archive` says."""
        file = self._file(day)
        try:
            body = json.loads(file.with_suffix(".json").read_text(encoding="utf-8"))
            return bool(body["packed_at"] == _told(packed_at) and body["bytes"] == file.stat().st_size)
        except (OSError, ValueError, LookupError, TypeError):
            return False

    def _file(self, day: date) -> Path:
        return self._folder / f"samples-{day}.parquet"

    async def write(self, day: date, now: int) -> ArchivedDay:
        """Archive a day. File and manifest are on disk before the database says so."""
        if find_spec("pyarrow") is None:
            msg = "an archive needs pyarrow: install cityhall-bms[export]"
            raise RefusedError(msg)
        self._folder.mkdir(parents=True, exist_ok=True)
        file = self._file(day)
        with translated(HistoryUnavailableError):
            async with self._pool.acquire() as connection:
                async with connection.transaction(isolation="repeatable_read", readonly=True):
                    packed_at = await connection.fetchval(QUERIES["packed_at"], day)
                    names = {row["point_id"]: row["name"] for row in await connection.fetch(QUERIES["names"])}
                    count = await _write_samples(connection, day, file, names)
                done = await asyncio.to_thread(self._seal, day, file, count, packed_at)
                await connection.execute(QUERIES["archived"], day, packed_at, now)
        return done

    def _seal(self, day: date, file: Path, count: int, packed_at: datetime | None) -> ArchivedDay:
        fresh = file.with_suffix(".new")
        digest = hashlib.sha256(fresh.read_bytes()).hexdigest()
        body = {
            "format": FORMAT,
            "site": self._site,
            "day": day.isoformat(),
            "packed_at": _told(packed_at),
            "file": file.name,
            "bytes": fresh.stat().st_size,
            "samples": count,
            "sha256": digest,
            "key": self._signer.key_id,
            "public_key": self._signer.public_pem,
        }
        signature = base64.b64encode(self._signer.sign(canonical(body).encode())).decode()
        manifest = file.with_suffix(".json")
        text = json.dumps(body | {"signature": signature}, indent=1, ensure_ascii=False) + "\n"
        manifest.with_suffix(".json.new").write_text(text, encoding="utf-8")
        for new, final in ((fresh, file), (manifest.with_suffix(".json.new"), manifest)):
            settle(new)
            new.replace(final)
        settle(self._folder)
        return ArchivedDay(day, file, count, digest)


def _told(packed_at: datetime | None) -> str | None:
    """None while somebody packs the day anew: what is written meanwhile counts for nothing, and is written again."""
    return None if packed_at is None else packed_at.astimezone(UTC).isoformat()


def check_archive(folder: Path) -> list[ArchivedDay]:
    """Check every day of an archive against its manifest; :class:`RefusedError` names the first that is wrong."""
    found = []
    for manifest in sorted(folder.glob("samples-*.json")):
        body = json.loads(manifest.read_text(encoding="utf-8"))
        file = folder / str(body.get("file"))
        signature = base64.b64decode(str(body.pop("signature", "")))
        try:
            verify(str(body.get("public_key")), canonical(body).encode(), signature)
        except SignatureError as error:
            msg = f"{manifest}: {error}"
            raise RefusedError(msg) from error
        if not file.is_file() or hashlib.sha256(file.read_bytes()).hexdigest() != body["sha256"]:
            msg = f"{file}: missing, or not as it was written; remove it, and archive again while its samples are kept"
            raise RefusedError(msg)
        found.append(ArchivedDay(date.fromisoformat(body["day"]), file, body["samples"], body["sha256"]))
    return found


async def _write_samples(connection: asyncpg.Connection, day: date, file: Path, names: Mapping[int, str]) -> int:
    import pyarrow as pa  # noqa: PLC0415 - an extra
    import pyarrow.parquet as pq  # noqa: PLC0415 - the same

    stamp = pa.timestamp("us", tz="UTC")
    schema = pa.schema(
        [
            ("point", pa.dictionary(pa.int32(), pa.string())),
            ("observed_at", stamp),
            ("recorded_at", stamp),
            ("value", pa.float64()),
            ("quality", pa.uint8()),
        ],
        metadata={b"cityhall_bms.archive": FORMAT.encode()},
    )
    count = 0
    with pq.ParquetWriter(file.with_suffix(".new"), schema, compression="zstd", version="2.6") as writer:
        async for samples in _groups(connection, day):
            await asyncio.to_thread(writer.write_table, _table(pa, schema, samples, names))
            count += len(samples)
    return count


async def _groups(connection: asyncpg.Connection, day: date) -> AsyncIterator[Samples]:
    """Samples of a day, some points at a time, in order of point, time and time of recording."""
    points = [row["point_id"] for row in await connection.fetch(QUERIES["points_of_day"], day)]
    window = Window(day_begin(day), day_begin(day) + DAY_US)
    for first in range(0, len(points), POINTS_AT_ONCE):
        chosen = points[first : first + POINTS_AT_ONCE]
        samples = await cold_reading.of_points(connection, chosen, window, TIME_MAX_US)
        order = np.lexsort((samples.value, samples.quality, samples.recorded_at, samples.at, samples.point))
        yield samples.select(order)


def _table(pa: Any, schema: Any, samples: Samples, names: Mapping[int, str]) -> Any:  # noqa: ANN401 - without types
    numbers, place = np.unique(samples.point, return_inverse=True)
    words = pa.array([names.get(number, str(number)) for number in numbers.tolist()], pa.string())
    columns = [
        pa.DictionaryArray.from_arrays(pa.array(place.astype(np.int32)), words),
        pa.array(samples.at, pa.timestamp("us", tz="UTC")),
        pa.array(samples.recorded_at, pa.timestamp("us", tz="UTC")),
        pa.array(samples.value, pa.float64(), mask=~np.isfinite(samples.value)),
        pa.array(samples.quality, pa.uint8()),
    ]
    return pa.Table.from_arrays(columns, schema=schema)
