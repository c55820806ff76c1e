"""Commands to the plant: select, confirm, agree, extend; who holds what; and what becomes of it.

The API only records what is wanted. The collector checks it once more, writes it, and reads it back.
"""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.sse import EventSourceResponse, ServerSentEvent

from cityhall_bms.api import command_models as models
from cityhall_bms.api import cursors
from cityhall_bms.api.access import Who
from cityhall_bms.api.alarms import NO_NUL
from cityhall_bms.api.command_feed import CommandNews
from cityhall_bms.api.places import RECONNECT_MS, Place
from cityhall_bms.api.points import find_point
from cityhall_bms.api.problems import responses
from cityhall_bms.api.seats import OneStream
from cityhall_bms.api.services import ApiServices, Services
from cityhall_bms.api.times import to_rfc3339
from cityhall_bms.domain.commanding.choice import Choice
from cityhall_bms.domain.commanding.control import CommandState, PointControl, point_of
from cityhall_bms.domain.commands import CommandTarget
from cityhall_bms.domain.errors import ReadOnlyPointError
from cityhall_bms.ports.access import Permission
from cityhall_bms.ports.commands import BulkItem, CommandFilter

router = APIRouter(tags=["commands"])


@router.get("/commands/stream", response_class=EventSourceResponse, responses=responses(400), dependencies=[OneStream])
async def command_stream(services: Services, place: Place) -> AsyncIterator[ServerSentEvent]:
    """Everything that happens to commands, as it happens; ids are positions of the event log.

    A `command` event is what happened with the command as it stands after it (null where an override was extended or
    is over). A client that comes back after so long that memory does not reach it gets a `lost` event: read the lists.
    """
    yield ServerSentEvent(comment="commands", retry=RECONNECT_MS)
    tail = services.commanding.feed.tail
    position = tail.end if place is None else place
    while True:
        beginnings = tail.beginnings
        if not tail.reaches(position) or position > tail.end:
            position = tail.end
            yield ServerSentEvent(raw_data="{}", event="lost", id=str(position))
        for position, news in tail.after(position):  # noqa: B020 - the place moves with what was told
            yield ServerSentEvent(raw_data=_told(news).model_dump_json(), event="command", id=str(position))
        await tail.wait_beyond(position, beginnings)


@router.get("/commands", responses=responses(400, 422, 503))
async def list_commands(  # noqa: PLR0917 - one parameter per filter of the query string
    services: Services,
    point: Annotated[str | None, Query(max_length=200, pattern=NO_NUL)] = None,
    state: CommandState | None = None,
    priority: Annotated[int | None, Query(ge=1, le=16)] = None,
    open_only: Annotated[bool, Query(alias="open", description="Only those that are under way.")] = False,  # noqa: FBT002
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
    cursor: Annotated[str | None, Query(max_length=400)] = None,
) -> models.CommandPage:
    """Commands, the newest first: what was wanted, by whom, why, and what became of it."""
    which = CommandFilter(point, state, priority, open_only)
    page = await services.commanding.view.page(which, limit, cursors.place_of(cursor))
    items = [models.Command.of(command) for command in page.commands]
    return models.CommandPage(items=items, next=cursors.cursor_of(page.next_place))


@router.post("/commands", status_code=201, responses=responses(403, 404, 409, 415, 422, 503))
async def select_point(services: Services, who: Who, body: models.Wish) -> models.Selection:
    """First step: choose a point and a value. Everything is checked, nothing is written; confirm within 30 s.

    403 for a point that is measured, or belongs to life safety or the building's supply. 409 says what speaks against
    it, every reason of it; that is kept.
    """
    asker = await who.requester(Permission.COMMAND, _equipment(services, body.point), body.console)
    selection = await services.commanding.desk.select(body.wish(), asker)
    return models.Selection(command=models.Command.of(selection.command), token=selection.token)


@router.post("/commands/bulks", status_code=201, responses=responses(403, 404, 409, 415, 422, 503))
async def propose_bulk(services: Services, who: Who, body: models.BulkWish) -> models.Bulk:
    """Ask for one thing at up to 50 points; a second person must agree within 15 min."""
    items = [BulkItem(item.point, item.value) for item in body.items]
    asker = await who.requester(Permission.COMMAND, None, body.console)
    return models.Bulk.of(await services.commanding.bulks.propose(items, body.priority, body.reason, asker))


@router.get("/commands/bulks/{bulk}", responses=responses(404, 503))
async def get_bulk(services: Services, bulk: str) -> models.Bulk:
    """One of them; its commands say how they went."""
    return models.Bulk.of(await services.commanding.bulks.get(bulk))


@router.post("/commands/bulks/{bulk}/approval", responses=responses(404, 409, 415, 422, 503))
async def approve_bulk(services: Services, who: Who, bulk: str, body: models.At) -> models.Bulk:
    """Agree, as a second person; what a check does not allow any more is left out, and named."""
    asker = await who.requester(Permission.APPROVE, None, body.console)
    return models.Bulk.of(await services.commanding.bulks.approve(bulk, asker))


@router.get("/commands/{command}", responses=responses(404, 503))
async def get_command(services: Services, command: str) -> models.Command:
    """One command as it stands."""
    return models.Command.of(await services.commanding.desk.get(command))


@router.post("/commands/{command}/confirmation", status_code=202, responses=responses(404, 409, 415, 422, 503))
async def confirm_command(services: Services, who: Who, command: str, body: models.Confirmation) -> models.Command:
    """Second step: it is carried out now, or waits for a second person (`PROPOSED`). Follow it until it has ended."""
    asker = await who.requester(Permission.COMMAND, _equipment(services, point_of(command)), body.console)
    confirmed = await services.commanding.desk.confirm(command, body.token, asker)
    return models.Command.of(confirmed)


@router.post("/commands/{command}/approval", status_code=202, responses=responses(404, 409, 415, 422, 503))
async def approve_command(services: Services, who: Who, command: str, body: models.At) -> models.Command:
    """Agree, as a second person, to a command that needs it; it is carried out now."""
    asker = await who.requester(Permission.APPROVE, _equipment(services, point_of(command)), body.console)
    return models.Command.of(await services.commanding.desk.approve(command, asker))


@router.post("/commands/{command}/cancellation", responses=responses(404, 409, 415, 422, 503))
async def cancel_command(services: Services, who: Who, command: str, body: models.At) -> models.Command:
    """Let go of a selection, or of a command that waits for its approval."""
    asker = await who.requester(Permission.COMMAND, _equipment(services, point_of(command)), body.console)
    return models.Command.of(await services.commanding.desk.cancel(command, asker))


@router.get("/points/{name}/priorities", responses=responses(404, 503))
async def point_priorities(services: Services, name: str) -> models.Priorities:
    """Who holds which priority of a point, since when, and why."""
    find_point(services, name)
    return _priorities(services, name, await services.commanding.view.control(name))


@router.get("/points/{name}/choices", responses=responses(404))
async def command_choices(services: Services, name: str) -> models.Choices:
    """What a point may be given, before anything is chosen. What the plant allows just now is told by selecting."""
    point, policy = find_point(services, name), services.site.commanding
    try:
        target = CommandTarget(services.ids[name], point, services.site.equipment[point.equipment])
    except ReadOnlyPointError as refusal:
        return models.Choices.of(name, Choice(), policy.times.override_s, str(refusal))
    return models.Choices.of(name, Choice.of(target, policy), policy.times.override_s)


@router.get("/points/{name}/priorities/device", responses=responses(404, 503))
async def device_priorities(services: Services, name: str) -> models.DevicePriorities:
    """What the device itself keeps, asked for now: every slot in use, 1 to 16, also those that others hold.

    503 when no collector, or not the device, answers.
    """
    find_point(services, name)
    slots = await services.commanding.arrays.of(name)
    return models.DevicePriorities.of(name, slots, await services.commanding.view.control(name))


@router.post("/points/{name}/override/extension", responses=responses(403, 404, 409, 415, 422, 503))
async def extend_override(services: Services, who: Who, name: str, body: models.Extension) -> models.Priorities:
    """Let a manual override (priority 8) stand longer, from now."""
    asker = await who.requester(Permission.COMMAND, _equipment(services, name), body.console)
    control = await services.commanding.desk.extend(name, 3_600.0 * body.hours, body.reason, asker)
    return _priorities(services, name, control)


@router.get("/overrides", responses=responses(422, 503))
async def list_overrides(
    services: Services,
    priority: Annotated[int | None, Query(ge=1, le=16, description="8: manual; null: whatever is held.")] = None,
) -> models.Overrides:
    """Priorities that are held, those that end first first."""
    held = await services.commanding.view.held(priority)
    return models.Overrides(
        items=[models.Override(point=each.point, **models.Slot.of(each.slot).model_dump()) for each in held]
    )


def _equipment(services: ApiServices, point: str) -> str | None:
    """Equipment that a point is of; none for a point that nobody knows, of which the desk will say so."""
    found = services.site.points.get(point)
    return None if found is None else found.equipment


def _priorities(services: ApiServices, name: str, control: PointControl) -> models.Priorities:
    point = services.site.points[name]
    brick_class = services.site.equipment[point.equipment].brick_class
    return models.Priorities.of(control, services.site.commanding.fallback(name, point.role, brick_class))


def _told(news: CommandNews) -> models.CommandNews:
    return models.CommandNews(
        position=news.entry.position,
        at=to_rfc3339(news.entry.recorded_at) or "",
        type=news.entry.type,
        point=news.point,
        command=None if news.command is None else models.Command.of(news.command),
    )
