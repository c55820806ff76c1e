"""Notifications: who was told of an alarm, when, by which channel, and who answered."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from cityhall_bms.api.access import Who
from cityhall_bms.api.cursors import cursor_of, place_of
from cityhall_bms.api.problems import responses
from cityhall_bms.api.services import Services
from cityhall_bms.api.times import to_rfc3339
from cityhall_bms.domain.notifications import NotificationState, Occasion
from cityhall_bms.ports.notifications import NotificationFilter, ToldNotification

NO_NUL = r"^[^\x00]*$"

router = APIRouter(prefix="/notifications", tags=["notifications"])


class Notification(BaseModel):
    """One message to one person by one channel, and what became of it."""

    id: str
    occasion: Occasion
    person: str
    name: str = Field(description="The person in words, as notifications.toml has it now.")
    channel: str
    group: str
    priority: int
    alarm: str | None
    occurrence: int
    level: int = Field(description="Escalation level; 0 = at once.")
    title: str
    text: str
    queued_at: str
    state: NotificationState = Field(
        description="failed = is tried again; uncertain = nobody can know whether the channel took it."
    )
    attempts: int
    next_attempt_at: str | None
    may_have_arrived_twice: bool
    attempted_at: str | None
    ended_at: str | None = Field(description="When it was sent, given up or left uncertain.")
    reason: str
    acknowledged_by: str
    acknowledged_at: str | None = Field(description="When its alarm was acknowledged after this was queued.")

    @classmethod
    def of(cls, told: ToldNotification, name: str) -> "Notification":
        """Give the answer's form."""
        n = told.notification
        return cls(
            id=n.notification,
            occasion=n.occasion,
            person=n.person,
            name=name,
            channel=n.channel,
            group=n.group,
            priority=n.priority,
            alarm=n.alarm or None,
            occurrence=n.occurrence,
            level=n.level,
            title=n.title,
            text=n.text,
            queued_at=to_rfc3339(n.queued_at) or "",
            state=n.state,
            attempts=n.attempts,
            next_attempt_at=to_rfc3339(n.due),
            may_have_arrived_twice=n.may_repeat and n.attempts > 1,
            attempted_at=to_rfc3339(n.attempted_at),
            ended_at=to_rfc3339(n.ended_at),
            reason=n.reason,
            acknowledged_by=told.acknowledged_by,
            acknowledged_at=to_rfc3339(told.acknowledged_at),
        )


class NotificationList(BaseModel):
    """One page, the newest first."""

    items: list[Notification]
    next: str | None


class TestRequest(BaseModel):
    """Who is told for a test, and who asks for it."""

    __test__ = False  # no test of pytest's
    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"person": "wang"}})

    person: Annotated[str, StringConstraints(pattern=NO_NUL, min_length=1, max_length=100)]


class QueuedTest(BaseModel):
    """Ids of the messages; ``GET /notifications`` says what becomes of them."""

    notifications: list[str]


@router.get("", responses=responses(400, 422, 503))
async def list_notifications(
    services: Services,
    alarm: Annotated[str | None, Query(max_length=400, pattern=NO_NUL)] = None,
    person: Annotated[str | None, Query(max_length=100, pattern=NO_NUL)] = None,
    state: Annotated[NotificationState | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
    cursor: Annotated[str | None, Query(max_length=400)] = None,
) -> NotificationList:
    """Who was told, when, by which channel, what became of it, and who acknowledged; the newest first."""
    page = await services.notifications.page(NotificationFilter(alarm, person, state), limit, place_of(cursor))
    people = services.site.notifications.people
    items = [
        Notification.of(told, people[told.notification.person].text if told.notification.person in people else "")
        for told in page.notifications
    ]
    return NotificationList(items=items, next=cursor_of(page.next_place))


@router.post("/test", status_code=202, responses=responses(404, 415, 422, 503))
async def test_notification(services: Services, who: Who, body: TestRequest) -> QueuedTest:
    """Send a message to every channel of a person, to see whether it arrives."""
    queued = await services.notification_desk.test(body.person, by=who.name)
    return QueuedTest(notifications=list(queued))
