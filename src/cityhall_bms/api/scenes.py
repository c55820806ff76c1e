"""Scenes: named sets of points and values, run by a person with a second one's agreement, or by a schedule."""

from typing import Annotated

from fastapi import APIRouter, Path

from cityhall_bms.api import command_models
from cityhall_bms.api import scene_models as models
from cityhall_bms.api.access import Who
from cityhall_bms.api.problems import responses
from cityhall_bms.api.schedule_models import ConflictAnswer
from cityhall_bms.api.schedule_models import Name as ScheduleName
from cityhall_bms.api.schedules import DryRun, IfMatch, version_of
from cityhall_bms.api.services import ApiServices, Services
from cityhall_bms.domain.commanding.control import OPERATOR
from cityhall_bms.domain.scheduling.programme import Kept, Programme, Scene
from cityhall_bms.ports.access import Permission
from cityhall_bms.ports.commands import BulkItem

router = APIRouter(prefix="/scenes", tags=["schedules"])

Name = Annotated[ScheduleName, Path()]


@router.get("", responses=responses(503))
async def list_scenes(services: Services) -> models.SceneList:
    """Every scene as it counts."""
    programme = (await services.scheduling.schedules.horizon()).programme
    return models.SceneList(items=[_answer(programme, kept) for kept in programme.scenes.values()])


@router.put("/{name}", responses=responses(403, 404, 409, 415, 422, 503))
async def save_scene(
    services: Services,
    who: Who,
    name: Name,
    body: models.SceneWish,
    dry_run: DryRun = False,  # noqa: FBT002
    if_match: IfMatch = None,
) -> models.SavedScene:
    """Make a scene, or say it anew. 409 with every problem: life safety and measured points are never part of one."""
    scene, desk = body.scene(name), services.scheduling.schedules
    conflicts = [ConflictAnswer.of(conflict) for conflict in await desk.try_scene(scene)]
    if dry_run:
        return models.SavedScene(scene=None, conflicts=conflicts)
    await _require(services, who, scene, Permission.EDIT_SCHEDULES)
    kept = await desk.save_scene(scene, by=who.name, expected=version_of(if_match))
    programme = (await desk.horizon()).programme
    return models.SavedScene(scene=_answer(programme, kept), conflicts=conflicts)


@router.delete("/{name}", status_code=204, responses=responses(403, 404, 409, 422, 503))
async def remove_scene(services: Services, who: Who, name: Name, if_match: IfMatch = None) -> None:
    """Take back what people said of a scene; 409 while a schedule runs it."""
    desk = services.scheduling.schedules
    scene = (await desk.horizon()).programme.scene(name).what
    await _require(services, who, scene, Permission.EDIT_SCHEDULES)
    await desk.remove_scene(name, by=who.name, expected=version_of(if_match))


@router.post("/{name}/runs", status_code=201, responses=responses(403, 404, 409, 415, 422, 503))
async def run_scene(services: Services, who: Who, name: Name, body: models.SceneRun) -> command_models.Bulk:
    """Ask for a scene at priority 8, or to let go of it: a bulk command, to which a second person must agree."""
    scene = (await services.scheduling.schedules.horizon()).programme.scene(name).what
    await _require(services, who, scene, Permission.COMMAND)
    first = next(iter(scene.values))
    requester = await who.requester(Permission.COMMAND, services.site.points[first].equipment, body.console)
    items = [BulkItem(point, None if body.release else value) for point, value in scene.values.items()]
    reason = f"場景 scene {name}{'（解除 release）' if body.release else ''}：{body.reason}"
    return command_models.Bulk.of(await services.commanding.bulks.propose(items, OPERATOR, reason, requester))


async def _require(services: ApiServices, who: Who, scene: Scene, permission: Permission) -> None:
    known = {services.site.points[point].equipment for point in scene.values if point in services.site.points}
    for equipment in sorted(known):
        await who.require(permission, equipment)


def _answer(programme: Programme, kept: Kept[Scene]) -> models.SceneAnswer:
    name = kept.what.name
    using = [each for each, schedule in programme.schedules.items() if schedule.what.targets.scene == name]
    return models.SceneAnswer.of(kept, using, from_site=any(scene.name == name for scene in programme.plan.scenes))
