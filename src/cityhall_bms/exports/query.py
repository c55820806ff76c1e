"""The question of an export as JSON, as it stands in manifests, and what may be asked."""

import fnmatch
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from cityhall_bms.domain.errors import NotFoundError, RefusedError
from cityhall_bms.ports.exports import ExportFormat, ExportPoint, ExportQuery
from cityhall_bms.ports.history import Aggregation, Window

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
POINTS_MAX: Final = 20_000
WIDE_POINTS_MAX: Final = 2_000
"""A line of a wide file is held in memory, with two cells per point."""
WILD: Final = frozenset("*?[")
LANGUAGES: Final = ("zh", "en")
SUFFIX: Final = {
    ExportFormat.CSV_LONG: "csv",
    ExportFormat.CSV_WIDE: "csv",
    ExportFormat.XLSX: "xlsx",
    ExportFormat.PARQUET: "parquet",
}


def choose(patterns: Iterable[str], names: Iterable[str]) -> list[str]:
    """Names in the order in which they are asked for; ``*`` and ``?`` stand for many and one character.

    ``NotFoundError`` for a pattern that no name fits.
    """
    chosen: dict[str, None] = {}
    every = list(names)
    known = set(every)
    for pattern in patterns:
        found = [pattern] if pattern in known else fnmatch.filter(every, pattern) if WILD & set(pattern) else []
        if not found:
            msg = f"no point is named {pattern}; GET /api/v1/points lists them"
            raise NotFoundError(msg)
        chosen.update(dict.fromkeys(found))
    return list(chosen)


def checked(query: ExportQuery, now: int) -> ExportQuery:
    """Give the query back; ``RefusedError`` when no such export is made."""
    most = WIDE_POINTS_MAX if query.format is ExportFormat.CSV_WIDE else POINTS_MAX
    if not query.points:
        msg = "the query names no point"
    elif len(query.points) > most:
        msg = f"{len(query.points)} points are too many for {query.format}: {most} are the most"
    elif query.window.end <= query.window.start:
        msg = "`to` must be later than `from`"
    elif query.language not in LANGUAGES:
        msg = f"language '{query.language}' is not one of {', '.join(LANGUAGES)}"
    elif query.known_at > now:
        msg = "as_known_at is in the future: nobody knows yet what the record will say then"
    else:
        return query
    raise RefusedError(msg)


def file_name(identity: str, query: ExportQuery) -> str:
    """Name of the file, the same for the same export."""
    days = "-".join(f"{_time(at):%Y%m%dT%H%M%S}" for at in (query.window.start, query.window.end))
    return f"samples-{query.site}-{days}-{identity}.{SUFFIX[query.format]}"


def time_text(at: int) -> str:
    """µs UTC as RFC 3339 with microseconds: ``2026-07-01T00:00:00.000000Z``."""
    return _time(at).isoformat(timespec="microseconds").replace("+00:00", "Z")


def time_us(text: str) -> int:
    """µs UTC of such a text; ``ValueError`` for anything else."""
    return (datetime.fromisoformat(text) - EPOCH) // timedelta(microseconds=1)


def to_json(query: ExportQuery) -> dict[str, Any]:
    """Query as JSON values (`docs/reference/export-manifest.md`)."""
    return {
        "site": query.site,
        "points": [
            {"number": point.number, "name": point.name, "unit": point.unit, "device": point.device}
            for point in query.points
        ],
        "from": time_text(query.window.start),
        "to": time_text(query.window.end),
        "as_known_at": time_text(query.known_at),
        "time_zone": query.time_zone,
        "interval": query.interval or None,
        "aggregation": query.aggregation.value if query.interval else None,
        "format": query.format.value,
        "language": query.language,
    }


def from_json(values: Mapping[str, Any]) -> ExportQuery:
    """Query of JSON values; ``KeyError``, ``TypeError`` or ``ValueError`` when it is none."""
    return ExportQuery(
        site=values["site"],
        points=[
            ExportPoint(point["number"], point["name"], point["unit"], point["device"]) for point in values["points"]
        ],
        window=Window(time_us(values["from"]), time_us(values["to"])),
        known_at=time_us(values["as_known_at"]),
        time_zone=values["time_zone"],
        interval=values["interval"] or "",
        aggregation=Aggregation(values["aggregation"] or Aggregation.MEAN),
        format=ExportFormat(values["format"]),
        language=values["language"],
    )


def _time(at: int) -> datetime:
    return EPOCH + timedelta(microseconds=at)
