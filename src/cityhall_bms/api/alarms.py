"""Alarms: the list, the record of all that happened to them, one alarm's life."""

from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException, Query
from pydantic import BaseModel, Field, StringConstraints

from cityhall_bms.api import cursors, models
from cityhall_bms.api.problems import responses
from cityhall_bms.api.services import ApiServices, Services
from cityhall_bms.api.times import Moment, to_rfc3339, to_us
from cityhall_bms.domain.alarms import Alarm
from cityhall_bms.domain.errors import NotFoundError
from cityhall_bms.domain.events import RuleApplied
from cityhall_bms.domain.rule_book import stream_of_rule
from cityhall_bms.domain.rule_events import RulePromoted
from cityhall_bms.domain.site import System
from cityhall_bms.ports.alarm_search import AlarmSearch
from cityhall_bms.ports.read_models import AlarmFilter, AlarmTransition

TRANSITIONS_MAX = 1_000
RULE_EVENTS_MAX = 10_000
NO_NUL = r"^[^\x00]*$"
"""The event log and its views keep every character but NUL."""

StateFilter = Literal[
    "open", "active", "unacknowledged", "shelved", "all",
    "NORM", "UNACK", "ACKED", "RTNUN", "LATUN", "LATAK", "SHLVD", "DSUPR", "OOSRV",
]  # fmt: skip

router = APIRouter(prefix="/alarms", tags=["alarms"])


Words = Annotated[str, StringConstraints(pattern=NO_NUL, max_length=1000)]
"""Text for people."""


def describe_transition(transition: AlarmTransition) -> models.Transition:
    """Give the answer's form."""
    return models.Transition(
        position=transition.position,
        at=to_rfc3339(transition.recorded_at) or "",
        type=transition.type,
        actor=transition.actor,
        alarm=models.Alarm.of(transition.alarm, transition.recorded_at),
    )


@router.get("", responses=responses(400, 422, 503))
async def list_alarms(  # noqa: PLR0917 - one parameter per filter of the query string
    services: Services,
    state: Annotated[StateFilter, Query(description="A displayed state, or a group of them.")] = "open",
    system: Annotated[System | None, Query()] = None,
    priority: Annotated[int | None, Query(ge=1, le=4)] = None,
    equipment: Annotated[str | None, Query(max_length=200, pattern=NO_NUL)] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
    cursor: Annotated[str | None, Query(max_length=400)] = None,
) -> models.AlarmPage:
    """Alarms in the operator's order: unacknowledged first, by priority, newest first."""
    which = AlarmFilter(state=state, system=system, priority=priority, equipment=equipment)
    try:
        page = await services.alarms.page(which, limit, cursor)
    except ValueError as error:
        raise HTTPException(400, str(error)) from error
    return models.AlarmPage(
        items=[models.Alarm.of(alarm, services.clock.now()) for alarm in page.alarms],
        next=page.next_cursor,
        position=page.position,
    )


class Searched(BaseModel):
    """What to look for in the record; every condition must hold."""

    start: Moment | None = Field(None, alias="from", description="Recorded then or later (RFC 3339).")
    end: Moment | None = Field(None, alias="to", description="Recorded before then (RFC 3339).")
    point: str | None = Field(None, max_length=200, pattern=NO_NUL, description="Point or equipment it is about.")
    equipment: str | None = Field(None, max_length=200, pattern=NO_NUL)
    operator: str | None = Field(
        None, max_length=100, pattern=NO_NUL, description="Who did it; also `rules` and `system`."
    )
    system: System | None = None
    priority: int | None = Field(None, ge=1, le=4)
    q: str | None = Field(
        None, min_length=1, max_length=100, pattern=NO_NUL,
        description="Part of the alarm's name or text, or of a comment or reason.",
    )  # fmt: skip
    limit: int = Field(200, ge=1, le=1000)
    cursor: str | None = Field(None, max_length=400, description="`next` of the page before.")

    @property
    def search(self) -> AlarmSearch:
        """In our terms."""
        return AlarmSearch(
            start=None if self.start is None else to_us(self.start),
            end=None if self.end is None else to_us(self.end),
            subject=self.point,
            equipment=self.equipment,
            actor=self.operator,
            system=self.system,
            priority=self.priority,
            text=self.q,
        )


@router.get("/history", responses=responses(400, 422, 503))
async def search_alarm_history(services: Services, asked: Annotated[Searched, Query()]) -> models.TransitionPage:
    """Everything that ever happened to alarms, the newest first: by time, point, person, words, system, priority."""
    page = await services.alarm_record.search(asked.search, asked.limit, cursors.place_of(asked.cursor))
    return models.TransitionPage(
        items=[describe_transition(item) for item in page.transitions], next=cursors.cursor_of(page.next_place)
    )


@router.get("/{alarm_id}", responses=responses(404, 503))
async def get_alarm(services: Services, alarm_id: str) -> models.AlarmHistory:
    """One alarm with what to do about it, and its latest thousand transitions."""
    alarm = await services.alarms.get(alarm_id)
    if alarm is None:
        raise NotFoundError(_unknown(alarm_id))
    transitions = await services.alarms.newest_transitions_of(alarm_id, TRANSITIONS_MAX)
    return models.AlarmHistory(
        alarm=models.Alarm.of(alarm, services.clock.now()),
        guidance=await _guidance(services, alarm),
        transitions=[describe_transition(item) for item in transitions],
    )


async def _guidance(services: ApiServices, alarm: Alarm) -> models.Guidance:
    """Cause and procedure of the rule in the version by which it last rang; empty where the rule says nothing."""
    entries = await services.events.read(limit=RULE_EVENTS_MAX, stream=stream_of_rule(alarm.rule))
    wordings = [
        entry.payload["definition"]
        for entry in entries
        if entry.type in {RuleApplied.__name__, RulePromoted.__name__}
        and entry.payload["version"] == alarm.rule_version
    ]
    definition = wordings[-1] if wordings else {}
    cause, procedure = (
        models.Text(zh=definition.get(f"{name}_zh", ""), en=definition.get(f"{name}_en", ""))
        for name in ("cause", "sop")
    )
    return models.Guidance(cause=cause, procedure=procedure)


def _unknown(alarm_id: str) -> str:
    return f"no alarm is named {alarm_id}; GET /api/v1/alarms?state=all lists them"
