"""Equipment: the building's plant, where it stands, what feeds it and what it is part of."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from cityhall_bms.api import cursors
from cityhall_bms.api.models import Model, Text
from cityhall_bms.api.problems import responses
from cityhall_bms.api.services import ApiServices, Services
from cityhall_bms.domain import site
from cityhall_bms.domain.commands import is_read_only
from cityhall_bms.domain.errors import NotFoundError
from cityhall_bms.domain.topology import Topology

router = APIRouter(tags=["equipment"])


class Equipment(Model):
    """A piece of plant, with its relations: Brick's `feeds` and `hasPart`, both ways."""

    name: str = Field(examples=["TCH.01.E.AHU01"])
    text: Text
    equipment_class: str = Field(description="Brick class; `x:` for what Brick lacks.", examples=["Air_Handling_Unit"])
    system: str = Field(examples=["hvac"])
    floor: str = Field(description="Code of its floor; empty where its name tells none.", examples=["01"])
    zone: str = Field(description="Code of its zone on the floor.", examples=["E"])
    fed_by: list[str] = Field(description="What feeds it.", examples=[["TCH.B2.CN.PLT01"]])
    feeds: list[str]
    part_of: list[str]
    has_part: list[str]
    read_only: bool = Field(description="Life safety or supply of the building: nobody commands it from here.")


class EquipmentPage(Model):
    """Some equipment, and where to go on."""

    items: list[Equipment]
    next: str | None = Field(description="Cursor of the next page; null on the last one.")


@router.get("/equipment", responses=responses(400, 422))
async def list_equipment(
    services: Services,
    system: Annotated[site.System | None, Query(description="Only this system.")] = None,
    equipment_class: Annotated[str | None, Query(alias="class", max_length=200, description="Only this class.")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
    cursor: Annotated[str | None, Query(max_length=400)] = None,
) -> EquipmentPage:
    """List equipment by name, with what feeds it and what it feeds: the building's topology."""
    after = cursors.decode(cursor) if cursor else ""
    chosen = [
        item
        for name, item in sorted(services.site.equipment.items())
        if name > after and system in {None, item.system} and equipment_class in {None, item.brick_class}
    ]
    page, topology = chosen[:limit], Topology.of(services.site)
    return EquipmentPage(
        items=[_describe(item, topology) for item in page],
        next=cursors.encode(page[-1].name) if len(chosen) > limit else None,
    )


@router.get("/equipment/{name}", responses=responses(404))
async def get_equipment(services: Services, name: str) -> Equipment:
    """One piece of plant."""
    return _describe(_found(services, name), Topology.of(services.site))


def _found(services: ApiServices, name: str) -> site.Equipment:
    try:
        return services.site.equipment[name]
    except KeyError:
        msg = f"no equipment is named {name}; GET /api/v1/equipment lists it"
        raise NotFoundError(msg) from None


def _describe(item: site.Equipment, topology: Topology) -> Equipment:
    floor, _, zone = topology.zone_of(item.name).partition(".")
    return Equipment(
        name=item.name,
        text=Text.of(item.text),
        equipment_class=item.brick_class,
        system=item.system,
        floor=floor,
        zone=zone,
        fed_by=list(item.fed_by),
        feeds=sorted(topology.feeds.get(item.name, ())),
        part_of=list(item.part_of),
        has_part=sorted(topology.parts.get(item.name, ())),
        read_only=is_read_only(item),
    )
