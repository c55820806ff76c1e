"""Points: what is measured, its present value and its history."""

from datetime import UTC, datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import numpy as np
from fastapi import APIRouter, HTTPException, Query

from cityhall_bms.api import cursors, models
from cityhall_bms.api.problems import responses
from cityhall_bms.api.services import ApiServices, Services
from cityhall_bms.api.times import FromTime, KnownAt, ToTime, to_rfc3339, to_us
from cityhall_bms.domain import site
from cityhall_bms.domain.errors import NotFoundError
from cityhall_bms.domain.quality import Quality
from cityhall_bms.historian.filling import FILLED, Fill, fill
from cityhall_bms.historian.intervals import interval_edges
from cityhall_bms.historian.resampling import SCREEN_INTERVALS
from cityhall_bms.ports.history import Aggregation, Series, Window

SAMPLES_MAX = 100_000
HISTORY_BEGINS_US = 0
HISTORY_ENDS_US = to_us(datetime(2200, 1, 1, tzinfo=UTC))
"""Bounds of a question: the days of ten thousand years are counted one by one, while everybody else waits."""

INTERVALS = frozenset(SCREEN_INTERVALS)
UNFILLED = frozenset({Aggregation.DELTA, Aggregation.COUNT})
"""What was counted is never made up (estimates of meters: `docs/reference/history.md`)."""

router = APIRouter(prefix="/points", tags=["points"])


def find_point(services: ApiServices, name: str) -> site.Point:
    """Point of that name, or :class:`NotFoundError`."""
    try:
        return services.site.points[name]
    except KeyError:
        msg = f"no point is named {name}; GET /api/v1/points lists them"
        raise NotFoundError(msg) from None


def present_value(services: ApiServices, number: int) -> models.PresentValue:
    """Newest value of a point as it counts now: age takes its quality away."""
    value, code, observed_at = services.live.table.present(number, services.clock.now())
    quality = Quality(code)
    known = quality.severity != "bad" and np.isfinite(value)
    return models.PresentValue(
        value=float(value) if known else None,
        quality=quality.severity,
        reason=quality.reason,
        observed_at=to_rfc3339(observed_at),
    )


def describe(services: ApiServices, point: site.Point) -> models.Point:
    """Point with its present value."""
    equipment = services.site.equipment[point.equipment]
    return models.Point(
        name=point.name,
        text=models.Text.of(point.text),
        equipment=point.equipment,
        equipment_text=models.Text.of(equipment.text),
        equipment_class=equipment.brick_class,
        system=equipment.system,
        role=point.role,
        kind=point.kind,
        unit=point.unit,
        device=point.device,
        address=point.address,
        scan_s=point.scan_s,
        low=point.low,
        high=point.high,
        states={str(number): models.Text.of(text) for number, text in point.states.items()},
        present=present_value(services, services.ids[point.name]),
    )


def _matches(services: ApiServices, point: site.Point, wanted: dict[str, str | None], words: list[str]) -> bool:
    equipment = services.site.equipment[point.equipment]
    has = {"system": equipment.system, "equipment": point.equipment, "device": point.device, "role": point.role}
    if any(value is not None and has[key] != value for key, value in wanted.items()):
        return False
    text = f"{point.name} {point.text.zh} {point.text.en} {equipment.text.zh} {equipment.text.en}".lower()
    return all(word in text for word in words)


@router.get("", responses=responses(400, 422))
async def list_points(  # noqa: PLR0913, PLR0917 - one parameter per filter of the query string
    services: Services,
    system: Annotated[site.System | None, Query(description="Only this system.")] = None,
    equipment: Annotated[str | None, Query(description="Only this equipment.")] = None,
    device: Annotated[str | None, Query(description="Only this device.")] = None,
    role: Annotated[str | None, Query(description="Only this role.")] = None,
    q: Annotated[str, Query(max_length=200, description="Words that name or texts contain.")] = "",
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
    cursor: Annotated[str | None, Query(max_length=400)] = None,
) -> models.PointPage:
    """List points by name, with their present values."""
    after = cursors.decode(cursor) if cursor else ""
    wanted = {"system": system, "equipment": equipment, "device": device, "role": role}
    words = q.lower().split()
    chosen = [
        name
        for name in sorted(services.site.points)
        if name > after and _matches(services, services.site.points[name], wanted, words)
    ]
    page = chosen[:limit]
    return models.PointPage(
        items=[describe(services, services.site.points[name]) for name in page],
        next=cursors.encode(page[-1]) if len(chosen) > limit else None,
    )


@router.get("/{name}", responses=responses(404))
async def get_point(services: Services, name: str) -> models.Point:
    """One point."""
    return describe(services, find_point(services, name))


@router.get("/{name}/samples", responses=responses(400, 404, 422, 503))
async def get_samples(  # noqa: PLR0913, PLR0917 - one parameter per part of the question
    services: Services,
    name: str,
    start: FromTime,
    end: ToTime,
    interval: Annotated[str | None, Query(description="Length of an interval; without it raw samples.")] = None,
    agg: Annotated[Aggregation, Query(description="Figure per interval.")] = Aggregation.MEAN,
    how: Annotated[Fill, Query(alias="fill", description="What stands where nothing is known.")] = Fill.NONE,
    as_known_at: KnownAt = None,
    limit: Annotated[int, Query(ge=1, le=SAMPLES_MAX)] = 10_000,
) -> models.Samples:
    """History of one point, raw or per interval of the building's local time."""
    point = find_point(services, name)
    number, zone = services.ids[name], services.site.time_zone
    window = checked_window(to_us(start), to_us(end), interval)
    known_at = known_us(services, as_known_at)
    if how is not Fill.NONE and (interval is None or agg in UNFILLED):
        raise HTTPException(400, f"`fill={how}` is for mean, min, max, first and last of an interval")
    if interval is None:
        series = await services.history.samples(number, window, limit + 1, known_at)
    else:
        series = await services.history.intervals(number, window, interval, agg, zone, known_at)
        now = services.clock.now()
        ends_at = int(interval_edges(window, interval, ZoneInfo(zone))[-1])
        series = fill(series, how, ends_at, now if known_at is None else min(now, known_at))
    return _columns(point, zone, interval, agg, series, limit).model_copy(
        update={
            "fill": how,
            "filled": int((series.quality[:limit] == FILLED).sum()) if how is not Fill.NONE else 0,
            "as_known_at": to_rfc3339(known_at),
        }
    )


def checked_window(start: int, end: int, interval: str | None) -> Window:
    """Window of a question about history; 400 when it makes no sense."""
    if end <= start:
        raise HTTPException(400, "`to` must be later than `from`")
    if start < HISTORY_BEGINS_US or end > HISTORY_ENDS_US:
        raise HTTPException(400, "`from` and `to` must lie between the years 1970 and 2200")
    if interval is not None and interval not in INTERVALS:
        raise HTTPException(400, f"interval '{interval}' is unknown; take one of {', '.join(sorted(INTERVALS))}")
    return Window(start, end)


def known_us(services: ApiServices, time: datetime | None) -> int | None:
    """µs UTC of the moment whose record is asked for; 400 for one to come: its record is not complete.

    Before history begins nothing was known, however long before.
    """
    if time is None:
        return None
    if to_us(time) > services.clock.now():
        raise HTTPException(400, "`as_known_at` must not lie in the future")
    return max(to_us(time), HISTORY_BEGINS_US)


def _columns(
    point: site.Point, time_zone: str, interval: str | None, agg: Aggregation, series: Series, limit: int
) -> models.Samples:
    cut = slice(0, limit)
    severities = [Quality(code).severity for code in series.quality[cut].tolist()]
    values = [
        value if np.isfinite(value) and severity != "bad" else None
        for value, severity in zip(series.value[cut].tolist(), severities, strict=True)
    ]
    return models.Samples(
        point=point.name,
        unit=point.unit,
        interval=interval,
        aggregation=agg if interval else None,
        time_zone=time_zone,
        t=[to_rfc3339(at) or "" for at in series.at[cut].tolist()],
        v=values,
        q=severities,
        coverage=None if series.coverage is None else series.coverage[cut].tolist(),
        truncated=len(series.at) > limit,
    )
