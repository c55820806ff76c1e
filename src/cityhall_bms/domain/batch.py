"""The unit of the sample path: a batch of scans, as columns.

A *scan* is what one poll of one group of points gave: one time, many values. A batch is what one collector
publishes in one tick, all devices together. Nothing on the sample path is an object per sample.

Wire form (little-endian, `docs/reference/sample-batch.md`)::

    u8 version = 2 | u8 length of source | source in UTF-8 | i64 epoch | i64 sequence | i64 recorded_at
    u32 scans | u32 samples
    i64 scan_set[scans] | i64 scan_observed_at[scans] | u32 scan_length[scans]
    u32 point[samples] | f64 value[samples] | u8 quality[samples]
    u32 length of notes | notes in UTF-8 | u32 length of raw | raw

Version 1 ends with the samples; it is still read. Notes are rare beside samples and are JSON: gaps, and the scans whose
raw bytes follow one after the other.
"""

import hashlib
import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.domain.gaps import Gap, GapCause

WIRE_VERSION: Final = 2
OLD_VERSION: Final = 1
SCANS_MAX: Final = 1_000_000
SAMPLES_MAX: Final = 10_000_000
AD_HOC: Final = 0
"""Scan set of a scan whose points are a chance selection (pushed values, deadband): it names its points itself."""

ScalarT = TypeVar("ScalarT", bound=np.generic)

_TAIL: Final = struct.Struct("<qqqII")
_LENGTH: Final = struct.Struct("<I")


class BatchFormatError(ValueError):
    """Bytes that are no batch of a version we know."""


def point_set_id(points: NDArray[np.uint32]) -> int:
    """Name a fixed, ordered group of points by its content: 62 bits, never ``AD_HOC``.

    Content addressing lets every collector name its sets alone, and makes a set immutable by construction.
    """
    digest = hashlib.blake2b(points.astype("<u4").tobytes(), digest_size=8).digest()
    return (int.from_bytes(digest, "little") >> 2) + 1


@dataclass(frozen=True, slots=True)
class Readings:
    """What a driver got from one device: columns of equal length, in the order of the plan that was read.

    ``observed_at`` is µs since 1970 UTC; a value that was refused or could not be decoded is NaN with bad quality.
    """

    point: NDArray[np.uint32]
    observed_at: NDArray[np.int64]
    value: NDArray[np.float64]
    quality: NDArray[np.uint8]
    partial: bool = False
    """A chance selection (pushed values, what passed a deadband), which must not become a point set of its own."""
    raw: bytes = b""
    """What the device sent, in its driver's own self-describing form, so that a wrong decode can be put right later."""

    def __len__(self) -> int:
        return len(self.point)

    def pick(self, chosen: NDArray[np.bool_]) -> "Readings":
        """Some of these readings, as a chance selection."""
        return Readings(
            self.point[chosen], self.observed_at[chosen], self.value[chosen], self.quality[chosen], partial=True
        )


@dataclass(frozen=True, slots=True)
class RawRecord:
    """What a device sent for one scan (µs UTC), in its driver's own form."""

    device: str
    observed_at: int
    data: bytes


@dataclass(frozen=True, slots=True)
class SampleBatch:
    """Everything one collector measured in one tick.

    ``sequence`` is gap-free within ``epoch`` (the collector's start, µs UTC); a hole in it is data lost by the log.
    """

    source: str
    epoch: int
    sequence: int
    recorded_at: int
    scan_set: NDArray[np.int64]
    scan_observed_at: NDArray[np.int64]
    scan_length: NDArray[np.uint32]
    point: NDArray[np.uint32]
    value: NDArray[np.float64]
    quality: NDArray[np.uint8]
    gaps: tuple[Gap, ...] = ()
    raws: tuple[RawRecord, ...] = ()

    def __len__(self) -> int:
        return len(self.point)

    @property
    def message_id(self) -> str:
        """Unique name of this batch, by which logs recognise a repetition."""
        return f"{self.source}:{self.epoch}:{self.sequence}"

    @property
    def observed_at(self) -> NDArray[np.int64]:
        """Time of every sample, µs UTC."""
        return np.repeat(self.scan_observed_at, self.scan_length)

    @property
    def scan_start(self) -> NDArray[np.int64]:
        """Index of every scan's first sample."""
        ends = np.cumsum(self.scan_length, dtype=np.int64)
        return ends - self.scan_length

    @classmethod
    def gather(
        cls,
        source: str,
        epoch: int,
        sequence: int,
        recorded_at: int,
        scans: Sequence[Readings],
        *,
        gaps: Sequence[Gap] = (),
        raws: Sequence[RawRecord] = (),
    ) -> Self:
        """Join readings into one batch; readings with several times become one ad hoc scan per time."""
        parts = [part for scan in scans for part in _split_by_time(scan)]
        return cls(
            source=source,
            epoch=epoch,
            sequence=sequence,
            recorded_at=recorded_at,
            scan_set=np.array([set_id for set_id, _ in parts], dtype=np.int64),
            scan_observed_at=np.array([scan.observed_at[0] for _, scan in parts], dtype=np.int64),
            scan_length=np.array([len(scan) for _, scan in parts], dtype=np.uint32),
            point=_join([scan.point for _, scan in parts], np.uint32),
            value=_join([scan.value for _, scan in parts], np.float64),
            quality=_join([scan.quality for _, scan in parts], np.uint8),
            gaps=tuple(gaps),
            raws=tuple(raws),
        )

    def encode(self) -> bytes:
        """Give the wire form."""
        source = self.source.encode()
        notes = _notes(self.gaps, self.raws)
        raw = b"".join(record.data for record in self.raws)
        return b"".join(
            (
                bytes((WIRE_VERSION, len(source))),
                source,
                _TAIL.pack(self.epoch, self.sequence, self.recorded_at, len(self.scan_set), len(self.point)),
                self.scan_set.astype("<i8", copy=False).tobytes(),
                self.scan_observed_at.astype("<i8", copy=False).tobytes(),
                self.scan_length.astype("<u4", copy=False).tobytes(),
                self.point.astype("<u4", copy=False).tobytes(),
                self.value.astype("<f8", copy=False).tobytes(),
                self.quality.tobytes(),
                _LENGTH.pack(len(notes)),
                notes,
                _LENGTH.pack(len(raw)),
                raw,
            )
        )

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Read the wire form; :class:`BatchFormatError` for anything else, never a wrong batch."""
        if len(data) < 2 or data[0] not in {OLD_VERSION, WIRE_VERSION}:
            msg = f"not a sample batch of version {OLD_VERSION} or {WIRE_VERSION}"
            raise BatchFormatError(msg)
        head = 2 + data[1]
        if len(data) < head + _TAIL.size:
            msg = "sample batch ends inside its header"
            raise BatchFormatError(msg)
        epoch, sequence, recorded_at, scans, samples = _TAIL.unpack_from(data, head)
        if scans > SCANS_MAX or samples > SAMPLES_MAX:
            msg = f"sample batch claims {scans} scans and {samples} samples"
            raise BatchFormatError(msg)
        end = head + _TAIL.size + 20 * scans + 13 * samples
        if len(data) < end or (data[0] == OLD_VERSION and len(data) != end):
            msg = f"sample batch of {len(data)} bytes does not hold {scans} scans and {samples} samples"
            raise BatchFormatError(msg)
        gaps, raws = _read_notes(data, end) if data[0] == WIRE_VERSION else ((), ())
        columns = _columns(data, head + _TAIL.size, scans, samples)
        if int(columns[2].sum(dtype=np.int64)) != samples:
            msg = "scan lengths do not add up to the samples"
            raise BatchFormatError(msg)
        scan_set, scan_observed_at, scan_length, point, value, quality = columns
        return cls(
            source=_source(data[2:head]),
            epoch=epoch,
            sequence=sequence,
            recorded_at=recorded_at,
            scan_set=scan_set,
            scan_observed_at=scan_observed_at,
            scan_length=scan_length,
            point=point,
            value=value,
            quality=quality,
            gaps=gaps,
            raws=raws,
        )


def _source(name: bytes) -> str:
    try:
        return name.decode()
    except UnicodeDecodeError as error:
        msg = "source of a sample batch is not UTF-8"
        raise BatchFormatError(msg) from error


def _notes(gaps: Sequence[Gap], raws: Sequence[RawRecord]) -> bytes:
    """Gaps and heads of raw records as JSON; nothing when there are none, as in nearly every batch of a quiet site."""
    if not gaps and not raws:
        return b""
    table = {
        "gaps": [[gap.device, gap.cause.value, gap.since, gap.until, gap.polls, list(gap.points)] for gap in gaps],
        "raw": [[record.device, record.observed_at, len(record.data)] for record in raws],
    }
    return json.dumps(table, separators=(",", ":"), ensure_ascii=False).encode()


def _read_notes(data: bytes, place: int) -> tuple[tuple[Gap, ...], tuple[RawRecord, ...]]:
    notes, place = _sized(data, place)
    raw, place = _sized(data, place)
    if place != len(data):
        msg = "bytes behind the end of a sample batch"
        raise BatchFormatError(msg)
    if not notes and not raw:
        return (), ()
    try:
        table = json.loads(notes)
        gaps = tuple(_gap(*row) for row in table["gaps"])
        heads = [(str(device), int(at), int(size)) for device, at, size in table["raw"]]
    except (ValueError, TypeError, KeyError, RecursionError, OverflowError) as error:
        msg = f"notes of a sample batch that make no sense: {error}"
        raise BatchFormatError(msg) from error
    if any(size < 0 for _, _, size in heads) or sum(size for _, _, size in heads) != len(raw):
        msg = "raw records do not add up to the raw bytes"
        raise BatchFormatError(msg)
    records, start = [], 0
    for device, at, size in heads:
        records.append(RawRecord(device, at, raw[start : start + size]))
        start += size
    if _notes(gaps, records) != notes:
        msg = "notes of a sample batch in another form than ours"
        raise BatchFormatError(msg)
    return gaps, tuple(records)


def _gap(device: object, cause: object, since: object, until: object, polls: object, points: object) -> Gap:
    if not isinstance(cause, str) or not isinstance(points, list):
        msg = "a gap that is none"
        raise ValueError(msg)  # noqa: TRY004 - of a text, not of an argument
    if not {type(since), type(polls), *map(type, points)} <= {int}:
        msg = "a gap that is none"
        raise ValueError(msg)
    end = None if until is None else int(str(until))
    return Gap(str(device), GapCause(cause), int(str(since)), int(str(polls)), tuple(points), end)


def _sized(data: bytes, place: int) -> tuple[bytes, int]:
    start = place + _LENGTH.size
    if len(data) < start:
        msg = "sample batch ends before its notes"
        raise BatchFormatError(msg)
    (length,) = _LENGTH.unpack_from(data, place)
    if len(data) < start + length:
        msg = "sample batch ends inside its notes"
        raise BatchFormatError(msg)
    return data[start : start + length], start + length


def _columns(data: bytes, offset: int, scans: int, samples: int) -> list[NDArray[Any]]:
    """Columns in the order of the wire form, which is that of :class:`SampleBatch`; they share ``data``."""
    columns: list[NDArray[Any]] = []
    layout = (("<i8", scans), ("<i8", scans), ("<u4", scans), ("<u4", samples), ("<f8", samples), ("u1", samples))
    for dtype, count in layout:
        columns.append(np.frombuffer(data, dtype, count, offset))
        offset += columns[-1].nbytes
    return columns


def _split_by_time(readings: Readings) -> list[tuple[int, Readings]]:
    """Give (set, scan) pairs, each with one time; only whole polls keep a set of their own."""
    if not len(readings):
        return []
    if (readings.observed_at == readings.observed_at[0]).all():
        chance = readings.partial or len(readings) == 1
        return [(AD_HOC if chance else point_set_id(readings.point), readings)]
    times, group = np.unique(readings.observed_at, return_inverse=True)
    return [(AD_HOC, readings.pick(group == number)) for number in range(len(times))]


def _join(parts: list[NDArray[ScalarT]], dtype: type[ScalarT]) -> NDArray[ScalarT]:
    return np.concatenate(parts) if parts else np.empty(0, dtype)
