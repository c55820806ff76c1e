"""Permits: works, drills and tests that somebody allowed, and their ends."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from cityhall_bms.api import cursors
from cityhall_bms.api.access import Caller, Who
from cityhall_bms.api.alarm_desk import Reason
from cityhall_bms.api.alarms import NO_NUL, Words
from cityhall_bms.api.models import Model, Time
from cityhall_bms.api.problems import responses
from cityhall_bms.api.services import ApiServices, Services
from cityhall_bms.api.times import Moment, to_rfc3339, to_us
from cityhall_bms.domain import permits
from cityhall_bms.domain.errors import NotFoundError
from cityhall_bms.domain.permits import PermitKind, Scope
from cityhall_bms.domain.site import System
from cityhall_bms.ports.access import EVERYWHERE, Permission
from cityhall_bms.ports.permits import PermitFilter, PermitWish

NAMES_MAX = 200

router = APIRouter(prefix="/permits", tags=["permits"])

Name = Annotated[str, StringConstraints(pattern=NO_NUL, min_length=1, max_length=200)]
Names = Annotated[list[Name], Field(max_length=NAMES_MAX)]


class NewPermit(BaseModel):
    """What is allowed, where, from when until when, and why.

    It covers the equipment that is named, and whatever lies in one of the zones and belongs to one of the systems; of
    zones and systems an empty list does not restrict the other.
    """

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {
                "kind": "drill", "systems": ["fire"], "zones": ["05"], "until": "2026-07-01T11:00:00+08:00",
                "reason": "五樓消防演練",
            }
        },
    )  # fmt: skip

    kind: PermitKind
    equipment: Names = []
    zones: Annotated[Names, Field(description="Floors (`05`) and zones of floors (`05.W`).")] = []
    systems: list[System] = []
    begin: Moment | None = Field(None, description="Null: now.")
    until: Moment
    reason: Reason

    def wish(self, services: ApiServices) -> PermitWish:
        """In our terms."""
        scope = Scope(tuple(self.equipment), tuple(self.zones), tuple(system.value for system in self.systems))
        begin = services.clock.now() if self.begin is None else to_us(self.begin)
        return PermitWish(self.kind, scope, begin, to_us(self.until), self.reason)


class Closure(BaseModel):
    """Who ends a permit, and what there is to say."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"comment": "完工，現場復原"}})

    comment: Words = ""


class Permit(Model):
    """One permit."""

    permit: str = Field(description="Day and number.", examples=["2026-07-01-1"])
    kind: PermitKind
    equipment: list[str] = Field(examples=[["TCH.05.W.AHU01"]])
    zones: list[str] = Field(examples=[["05.W"]])
    systems: list[str] = Field(examples=[["hvac"]])
    begin: Time
    until: Time
    in_force: bool
    reason: str = Field(examples=["更換濾網"])
    opened_by: str
    opened_at: Time
    closed_by: str = Field(description="`system` when its time was over; empty while it is open.")
    closed_at: Time | None
    comment: str
    version: int

    @classmethod
    def of(cls, permit: permits.Permit, at: int) -> "Permit":
        """Give the answer's form, as of a time (µs UTC)."""
        return cls(
            permit=permit.permit,
            kind=permit.kind,
            equipment=list(permit.scope.equipment),
            zones=list(permit.scope.zones),
            systems=list(permit.scope.systems),
            begin=to_rfc3339(permit.begin) or "",
            until=to_rfc3339(permit.until) or "",
            in_force=permit.in_force(at),
            reason=permit.reason,
            opened_by=permit.opened_by,
            opened_at=to_rfc3339(permit.opened_at) or "",
            closed_by=permit.closed_by,
            closed_at=to_rfc3339(permit.closed_at),
            comment=permit.comment,
            version=permit.version,
        )


class PermitPage(Model):
    """Some permits, the newest first, and where to go on."""

    items: list[Permit]
    next: str | None


@router.get("", responses=responses(400, 422, 503))
async def list_permits(
    services: Services,
    open_only: Annotated[bool, Query(alias="open", description="Only those that nobody closed yet.")] = True,  # noqa: FBT002
    kind: Annotated[PermitKind | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
    cursor: Annotated[str | None, Query(max_length=400)] = None,
) -> PermitPage:
    """Permits, the newest first."""
    page = await services.permits.page(PermitFilter(open_only, kind), limit, cursors.place_of(cursor))
    return PermitPage(
        items=[_answer(services, permit) for permit in page.permits], next=cursors.cursor_of(page.next_place)
    )


@router.post("", status_code=201, responses=responses(404, 409, 415, 422, 503))
async def open_permit(services: Services, who: Who, body: NewPermit) -> Permit:
    """Open a permit under the next number of the day; it ends by itself."""
    wish = body.wish(services)
    await _require(who, wish.scope)
    return _answer(services, await services.permit_desk.open(wish, by=who.name))


@router.get("/{permit}", responses=responses(404, 503))
async def get_permit(services: Services, permit: str) -> Permit:
    """One permit."""
    return _answer(services, await _found(services, permit))


@router.post("/{permit}/closure", responses=responses(404, 409, 415, 422, 503))
async def close_permit(services: Services, who: Who, permit: str, body: Closure) -> Permit:
    """End a permit before its time; what it hid comes back at once. 409 when it was closed already."""
    await _require(who, (await _found(services, permit)).scope)
    return _answer(services, await services.permit_desk.close(permit, by=who.name, comment=body.comment))


async def _found(services: ApiServices, permit: str) -> permits.Permit:
    found = await services.permits.get(permit)
    if found is None:
        msg = f"沒有許可 {permit} / no permit is named {permit}; GET /api/v1/permits?open=false lists them"
        raise NotFoundError(msg)
    return found


async def _require(who: Caller, scope: Scope) -> None:
    """Whoever opens or closes a permit may handle alarms wherever it hides any."""
    for equipment in scope.equipment:
        await who.require(Permission.HANDLE_ALARMS, equipment)
    mine = who.zones(Permission.HANDLE_ALARMS)
    within = scope.zones and all(mine & {EVERYWHERE, zone, zone.partition(".")[0]} for zone in scope.zones)
    if not within and (scope.zones or not scope.equipment):
        await who.require(Permission.HANDLE_ALARMS)


def _answer(services: ApiServices, permit: permits.Permit) -> Permit:
    return Permit.of(permit, services.clock.now())
