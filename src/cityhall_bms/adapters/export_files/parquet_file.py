"""Parquet with typed columns, in constant memory; the only file that imports its library."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.adapters.export_files.lines import HEADINGS, REASONS, SEVERITIES, time_cells
from cityhall_bms.adapters.export_files.sink import ExportFileError
from cityhall_bms.domain.events import canonical
from cityhall_bms.exports.query import to_json
from cityhall_bms.ports.exports import ExportQuery, Rows

ROWS_PER_GROUP: Final = 262_144
"""Fixed, so that a file does not depend on how its rows were read."""
METADATA_KEY: Final = b"cityhall_bms.query"
HEADING_KEY: Final = b"heading"


class ParquetFile:
    """Rows as columns: texts as dictionaries, times of UTC as timestamps with µs, no value as null.

    Column names are the same in every language; a column's metadata has its heading.
    """

    def __init__(self, path: Path, query: ExportQuery) -> None:
        import pyarrow as pa  # noqa: PLC0415 - an extra: CSV must work without it
        import pyarrow.parquet as pq  # noqa: PLC0415 - the same

        self._pa: Any = pa
        self._query = query
        self._path = path
        self._zone = ZoneInfo(query.time_zone)
        self._schema = self._make_schema()
        self._names = pa.array([point.name for point in query.points], pa.string())
        self._units = pa.array([point.unit for point in query.points], pa.string())
        self._severities = pa.array(SEVERITIES, pa.string())
        self._reasons = pa.array(REASONS, pa.string())
        self.made_by: Mapping[str, str] = {"pyarrow": pa.__version__}
        self._writer: Any = pq.ParquetWriter(path, self._schema, compression="zstd", version="2.6")
        self._waiting: list[Rows] = []
        self._count = 0

    def write(self, rows: Rows) -> None:
        """Add some rows."""
        self._waiting.append(rows)
        self._count += len(rows)
        while self._count >= ROWS_PER_GROUP:
            self._write_group(ROWS_PER_GROUP)

    def close(self) -> None:
        """Write what is left, and the end of the file."""
        if self._count:
            self._write_group(self._count)
        try:
            self._writer.close()
        except OSError as error:
            raise self._unwritable(error) from error

    def _write_group(self, count: int) -> None:
        rows = _joined(self._waiting)
        group, rest = _cut(rows, slice(0, count)), _cut(rows, slice(count, None))
        self._waiting, self._count = [rest], len(rest)
        try:
            self._writer.write_table(self._table(group), row_group_size=count)
        except OSError as error:
            raise self._unwritable(error) from error

    def _table(self, rows: Rows) -> Any:  # noqa: ANN401 - the library has no types
        pa = self._pa
        local_us, offsets, days = self._local(rows.at)
        place = pa.array(rows.place.astype(np.int32))
        code = pa.array(rows.quality.astype(np.int32))
        share = np.full(len(rows), np.nan) if rows.coverage is None else np.round(100 * rows.coverage, 1)
        columns = [
            pa.array(local_us, pa.timestamp("us")),
            pa.array(offsets, pa.int16()),
            pa.array(rows.at, pa.timestamp("us", tz="UTC")),
            days,
            self._names.take(place).dictionary_encode(),
            pa.array(rows.value, pa.float64(), mask=~np.isfinite(rows.value)),
            self._units.take(place).dictionary_encode(),
            self._severities.take(code).dictionary_encode(),
            self._reasons.take(code).dictionary_encode(),
            pa.array(share, pa.float64(), mask=np.isnan(share)),
        ]
        return pa.Table.from_arrays(columns, schema=self._schema)

    def _local(self, at: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int16], Any]:
        """Local wall time in µs, its offset in minutes, and the date of the Republic; worked out once per time."""
        times, which = np.unique(at, return_inverse=True)
        cells = [time_cells(time, self._zone).split(",") for time in times.tolist()]
        offset = np.array([_minutes(cell[0][-6:]) for cell in cells], np.int16)
        days = self._pa.array([cell[2] for cell in cells], self._pa.string())
        local = times + offset.astype(np.int64) * 60_000_000
        taken = days.take(self._pa.array(which.astype(np.int32))).dictionary_encode()
        return local[which], offset[which], taken

    def _make_schema(self) -> Any:  # noqa: ANN401 - the library has no types
        pa = self._pa
        text = pa.dictionary(pa.int32(), pa.string())
        local, utc, day, point, value, unit, quality, why, share = HEADINGS[self._query.language]
        fields = [
            ("local_time", pa.timestamp("us"), local),
            ("utc_offset_min", pa.int16(), "UTC"),
            ("utc_time", pa.timestamp("us", tz="UTC"), utc),
            ("roc_date", text, day),
            ("point", text, point),
            ("value", pa.float64(), value),
            ("unit", text, unit),
            ("quality", text, quality),
            ("reason", text, why),
            ("coverage_percent", pa.float64(), share),
        ]
        return pa.schema(
            [pa.field(name, kind, metadata={HEADING_KEY: head.encode()}) for name, kind, head in fields],
            metadata={METADATA_KEY: canonical(to_json(self._query)).encode()},
        )

    def _unwritable(self, error: OSError) -> ExportFileError:
        return ExportFileError(f"{self._path} cannot be written: {error.strerror or error}")


def _minutes(offset: str) -> int:
    sign = -1 if offset[0] == "-" else 1
    return sign * (60 * int(offset[1:3]) + int(offset[4:6]))


def _joined(parts: list[Rows]) -> Rows:
    if len(parts) == 1:
        return parts[0]
    shares = [part.coverage for part in parts if part.coverage is not None]
    return Rows(
        np.concatenate([part.at for part in parts]),
        np.concatenate([part.place for part in parts]),
        np.concatenate([part.value for part in parts]),
        np.concatenate([part.quality for part in parts]),
        np.concatenate(shares) if shares else None,
    )


def _cut(rows: Rows, part: slice) -> Rows:
    share = None if rows.coverage is None else rows.coverage[part]
    return Rows(rows.at[part], rows.place[part], rows.value[part], rows.quality[part], share)
