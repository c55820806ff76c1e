"""The folder of a history (`docs/reference/history-file.md`), checked against the site that it is loaded into."""

import hashlib
import struct
import zlib
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Final, Literal
from zoneinfo import ZoneInfo

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cityhall_bms.domain.errors import HistoryFileError, Problem, SiteError
from cityhall_bms.domain.quality import Quality
from cityhall_bms.domain.site import Site
from cityhall_bms.historian.importing import point_sets
from cityhall_bms.historian.intervals import midnight_us
from cityhall_bms.ports.history import Window
from cityhall_bms.ports.history_import import DayOfSamples, ImportPlan

MANIFEST: Final = "manifest.json"
MAGIC: Final = b"CHBHIST\x01"
COUNTS: Final = struct.Struct("<III")

FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ChunkEntry(_Table):
    """One day's file."""

    file: FileName
    bytes: Annotated[int, Field(gt=0)]
    sha256: Sha256


class TruthEntry(_Table):
    """The record of what was wrong when; not loaded."""

    file: FileName
    sha256: Sha256


class Manifest(_Table):
    """``manifest.json``."""

    format: Literal["cityhall-history"]
    version: Literal[1]
    provenance: Literal["simulated"]
    site: str
    time_zone: str
    seed: int
    first: Annotated[date, Field(alias="from")]
    until: Annotated[date, Field(alias="to")]
    interval_s: Annotated[int, Field(ge=1, le=3600)]
    points: Annotated[list[str], Field(min_length=1, max_length=1_000_000)]
    truth: TruthEntry
    chunks: list[ChunkEntry]


class HistoryFolder:
    """A checked folder; its days are read one at a time."""

    def __init__(self, folder: Path, manifest: Manifest, plan: ImportPlan, ids: Mapping[str, int]) -> None:
        self._folder = folder
        self._manifest = manifest
        self._plan = plan
        point = np.array([ids[name] for name in manifest.points], np.uint32)
        self._order = np.argsort(point)
        self._point = point[self._order]

    @property
    def plan(self) -> ImportPlan:
        """What the folder holds."""
        return self._plan

    def read_day(self, number: int) -> DayOfSamples:
        """Samples of a day; :class:`HistoryFileError` for a file that is not what the manifest says."""
        entry = self._manifest.chunks[number - 1]
        path = self._folder / entry.file
        data = _require_unchanged(path, entry)
        try:
            return self._decode(data, self._plan.day(number))
        except (ValueError, struct.error, zlib.error) as error:
            msg = f"{path}: {error}; {REMEDY}"
            raise HistoryFileError(msg) from error

    def _decode(self, data: bytes, day: Window) -> DayOfSamples:
        # More than fit into the day at the file's interval are none of it, and would take any memory.
        moments_max = -(-(day.end - day.start) // self._plan.interval_us)
        points, moments, bad = _counts(data, len(self._point), moments_max)
        content = _unpressed(data[len(MAGIC) + COUNTS.size :], 8 * moments * (points + 1) + 4 * bad)
        at = np.frombuffer(content, "<i8", moments).astype(np.int64)
        if at[0] < day.start or at[-1] >= day.end or (np.diff(at) <= 0).any():
            msg = "its moments are not those of its day, in order"
            raise ValueError(msg)
        planes = np.frombuffer(content, np.uint8, 8 * points * moments, 8 * moments).reshape(8, points, moments)
        value = np.ascontiguousarray(planes.transpose(1, 2, 0)[self._order]).view("<f8")[..., 0]
        places = np.frombuffer(content, "<u4", bad, 8 * moments * (points + 1))
        if bad and places.max() >= points * moments:
            msg = "it calls values bad that it does not have"
            raise ValueError(msg)
        quality = np.zeros(points * moments, np.uint8)
        quality[places] = Quality.BAD_DEVICE_FAULT
        quality = quality.reshape(points, moments)[self._order]
        quality[~np.isfinite(value)] = Quality.BAD_DEVICE_FAULT
        return DayOfSamples(self._point, at, value, quality)


def check_history(folder: Path, site: Site) -> tuple[bytes, Manifest]:
    """Check a folder against the site and against its own digests, whole, before anything is loaded of it.

    :class:`SiteError` with every mistake of the manifest, :class:`HistoryFileError` for a missing or changed file.
    """
    path = folder / MANIFEST
    data = _read(path)
    manifest = _manifest(path, data)
    problems = list(_problems(str(path), manifest, site))
    if problems:
        raise SiteError(problems)
    for entry in manifest.chunks:
        _require_unchanged(folder / entry.file, entry)
    return data, manifest


def open_history(folder: Path, site: Site, ids: Mapping[str, int]) -> HistoryFolder:
    """Open a folder, checked as by :func:`check_history`."""
    data, manifest = check_history(folder, site)
    zone = ZoneInfo(manifest.time_zone)
    edges = [midnight_us(manifest.first + timedelta(days=day), zone) for day in range(len(manifest.chunks) + 1)]
    plan = ImportPlan(
        digest=hashlib.sha256(data).hexdigest(),
        provenance=manifest.provenance,
        interval_us=manifest.interval_s * 1_000_000,
        edges=tuple(edges),
        sets=point_sets(site, ids, set(manifest.points)),
    )
    return HistoryFolder(folder, manifest, plan, ids)


def _manifest(path: Path, data: bytes) -> Manifest:
    try:
        return Manifest.model_validate_json(data)
    except ValidationError as error:
        raise SiteError(
            [
                Problem(str(path), 0, ".".join(str(part) for part in item["loc"]), item["msg"], REMEDY)
                for item in error.errors()
            ]
        ) from error


REMEDY: Final = "see docs/reference/history-file.md"


def _problems(place: str, manifest: Manifest, site: Site) -> Iterable[Problem]:
    if manifest.site != site.code:
        yield Problem(place, 0, "site", f"'{manifest.site}' is not this site, '{site.code}'", "name the site it is of")
    if manifest.time_zone != site.time_zone:
        message = f"days are those of {manifest.time_zone}, the site's are those of {site.time_zone}"
        yield Problem(place, 0, "time_zone", message, "make the history for this site")
    if not site.simulated:
        message = "a simulated history does not belong into the record of a real building"
        yield Problem(place, 0, "provenance", message, "load it into a site whose site.toml says simulated = true")
    days = (manifest.until - manifest.first).days
    if days < 1 or days != len(manifest.chunks):
        yield Problem(place, 0, "chunks", f"{len(manifest.chunks)} files for {days} days", REMEDY)
    if len(set(manifest.points)) != len(manifest.points):
        yield Problem(place, 0, "points", "a point is named twice", REMEDY)
    for name in manifest.points:
        if name not in site.points:
            yield Problem(place, 0, "points", f"the site has no point '{name}'", "make the history for this site")


def _counts(data: bytes, points_expected: int, moments_max: int) -> tuple[int, int, int]:
    if not data.startswith(MAGIC):
        msg = "it is no chunk of version 1"
        raise ValueError(msg)
    points, moments, bad = COUNTS.unpack_from(data, len(MAGIC))
    if points != points_expected or not 0 < moments <= moments_max or bad > points * moments:
        msg = f"it claims {moments} moments of {points} points, {bad} bad; "
        msg += f"the manifest names {points_expected} points, and a day has {moments_max} moments at its interval"
        raise ValueError(msg)
    return points, moments, bad


def _unpressed(data: bytes, size: int) -> bytes:
    """Content of exactly this size: no file may take more memory than its counts say."""
    unpressed = zlib.decompressobj()
    content = unpressed.decompress(data, size + 1)
    if len(content) != size or not unpressed.eof or unpressed.unused_data:
        msg = "its content is not of the size that its counts say"
        raise ValueError(msg)
    return content


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        msg = f"{path}: {error.strerror or error}"
        raise HistoryFileError(msg) from error


def _require_unchanged(path: Path, entry: ChunkEntry) -> bytes:
    data = _read(path)
    if len(data) != entry.bytes or hashlib.sha256(data).hexdigest() != entry.sha256:
        msg = f"{path} is not the file that the manifest names: make or copy the folder anew"
        raise HistoryFileError(msg)
    return data
