"""Comfort: occupied hours in which zones were warmer than their set points."""

from collections.abc import Callable

import numpy as np
from fastapi import APIRouter
from pydantic import Field

from cityhall_bms.api.indoor_air import Provisional, asked_window, coverage_min
from cityhall_bms.api.models import Model, Text, Time
from cityhall_bms.api.points import known_us
from cityhall_bms.api.problems import responses
from cityhall_bms.api.services import ApiServices, Services
from cityhall_bms.api.times import FromTime, KnownAt, ToTime, to_rfc3339
from cityhall_bms.energy.comfort import UnmetHours
from cityhall_bms.energy.interval_reading import whole_steps

router = APIRouter(prefix="/comfort", tags=["comfort"])


class Unmet(Model):
    """Unmet cooling hours; null where less is known than a figure needs."""

    unmet_hours: float | None = Field(examples=[3.25])
    known_hours: float = Field(description="Occupied hours of which the answer is known.", examples=[208.0])
    coverage: float | None = Field(description="Share of the occupied hours that is known, 0..1.", examples=[0.995])
    provisional: bool = Field(description="Less is known than a figure needs; given because it was asked for.")


class UnitUnmet(Unmet):
    """One zone, named by the equipment that serves it."""

    equipment: str = Field(examples=["TCH.05.W.VAV03"])
    text: Text
    floor: str = Field(examples=["05"])
    zone: str = Field(examples=["05.W"])
    worst_k: float | None = Field(description="Greatest excess over the set point, K.", examples=[2.4])


class GroupUnmet(Unmet):
    """A floor (`05`), or a zone of one (`05.W`): hours of all its units together."""

    place: str = Field(examples=["05"])
    units: int
    worst_k: float | None = Field(examples=[2.4])


class UnmetCooling(Model):
    """Occupied hours in which the mean of a quarter was more than `above_k` over the set point."""

    begin: Time
    end: Time
    as_known_at: Time | None
    schedule: str = Field(examples=["occupied"])
    above_k: float = Field(examples=[1.0])
    occupied_hours: float
    total: Unmet = Field(description="Hours of all units together.")
    floors: list[GroupUnmet]
    zones: list[GroupUnmet]
    items: list[UnitUnmet] = Field(description="The worst first.")


@router.get("/unmet-hours", responses=responses(400, 409, 422, 503))
async def get_unmet_hours(
    services: Services,
    start: FromTime,
    end: ToTime,
    provisional: Provisional = False,  # noqa: FBT002
    as_known_at: KnownAt = None,
) -> UnmetCooling:
    """Unmet cooling hours of every zone, floor by floor; the margin over the set point is the site's."""
    window, known_at = asked_window(start, end), known_us(services, as_known_at)
    found = await services.environment.comfort.unmet(window, known_at)
    whole = whole_steps(window)

    def sums(rows: list[int]) -> Unmet:
        return _sums(services, found, rows, provisional=provisional)

    items = [_unit(services, found, row, sums([row])) for row in range(len(found.units))]
    items.sort(key=lambda item: (-(item.unmet_hours or 0.0), item.equipment))
    plan = services.environment.comfort.plan
    return UnmetCooling(
        begin=to_rfc3339(whole.start) or "",
        end=to_rfc3339(whole.end) or "",
        as_known_at=to_rfc3339(known_at),
        schedule=plan.schedule,
        above_k=plan.above_k,
        occupied_hours=found.occupied_h,
        total=sums(list(range(len(found.units)))),
        floors=_groups(found, lambda unit: unit.split(".")[1], sums),
        zones=_groups(found, lambda unit: ".".join(unit.split(".")[1:3]), sums),
        items=items,
    )


def _sums(services: ApiServices, found: UnmetHours, rows: list[int], *, provisional: bool) -> Unmet:
    known, whole = float(found.known_h[rows].sum()), found.occupied_h * len(rows)
    coverage = known / whole if whole else None
    enough = coverage is not None and coverage >= coverage_min(services)
    told = known > 0.0 and (enough or provisional)
    return Unmet(
        unmet_hours=float(found.unmet_h[rows].sum()) if told else None,
        known_hours=known,
        coverage=coverage,
        provisional=told and not enough,
    )


def _unit(services: ApiServices, found: UnmetHours, row: int, sums: Unmet) -> UnitUnmet:
    name = found.units[row]
    _, floor, zone, _ = name.split(".")
    return UnitUnmet(
        **sums.model_dump(),
        equipment=name,
        text=Text.of(services.site.equipment[name].text),
        floor=floor,
        zone=f"{floor}.{zone}",
        worst_k=_worst(found, [row]),
    )


def _groups(found: UnmetHours, place_of: Callable[[str], str], sums: Callable[[list[int]], Unmet]) -> list[GroupUnmet]:
    rows: dict[str, list[int]] = {}
    for row, unit in enumerate(found.units):
        rows.setdefault(place_of(unit), []).append(row)
    return [
        GroupUnmet(**sums(chosen).model_dump(), place=place, units=len(chosen), worst_k=_worst(found, chosen))
        for place, chosen in sorted(rows.items())
    ]


def _worst(found: UnmetHours, rows: list[int]) -> float | None:
    known = found.worst_k[rows][~np.isnan(found.worst_k[rows])]
    return float(known.max()) if len(known) else None
