"""The alarm feed over a WebSocket: the same transitions in the same order, and a console answers where it hears.

Messages are JSON texts with a ``kind``. The first one of a client is ``follow``; then it is told ``news``, and may send
``acknowledge`` any time, which is answered by an ``answer`` or a ``problem`` with the same ``ref``.
"""

import asyncio
from contextlib import suppress
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cityhall_bms.api.access import Caller, Who, may_read
from cityhall_bms.api.alarm_desk import Acknowledgements, in_order, split
from cityhall_bms.api.alarm_feed import ZONES_MAX
from cityhall_bms.api.alarms import StateFilter
from cityhall_bms.api.feed_texts import message_of
from cityhall_bms.api.models import Model
from cityhall_bms.api.problems import Refusal, invalid, refusal_of
from cityhall_bms.api.seats import OneStream
from cityhall_bms.api.services import ApiServices
from cityhall_bms.domain.alarm_selection import Console, StateSelection
from cityhall_bms.domain.errors import CityHallError
from cityhall_bms.domain.site import System
from cityhall_bms.ports.alarm_desk import Outcome

FIRST_MESSAGE_WITHIN_S: Final = 10.0
POLICY_VIOLATION: Final = 1008

router = APIRouter()


class Follow(BaseModel):
    """From where on, and what a console wants to hear; empty lists do not matter."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["follow"]
    after: Annotated[int | None, Field(ge=0, lt=10**18)] = None
    zones: Annotated[list[str], Field(max_length=ZONES_MAX)] = []
    systems: list[System] = []
    priorities: list[Annotated[int, Field(ge=1, le=4)]] = []
    state: StateFilter = "all"

    @property
    def console(self) -> Console:
        """In our terms."""
        states = StateSelection.of(self.state)
        return Console(frozenset(self.zones), frozenset(self.systems), frozenset(self.priorities), states)


class Acknowledge(Acknowledgements):
    """Which alarms were seen; ``ref`` comes back with the answer."""

    kind: Literal["acknowledge"]
    ref: Annotated[str, Field(max_length=100)]


class Acknowledged(Model):
    """How one alarm fared: position of its transition on this very feed, or why nothing was recorded."""

    id: str
    status: int
    position: int | None
    refusal: Refusal | None

    @classmethod
    def of(cls, outcome: Outcome) -> "Acknowledged":
        """Give the answer's form."""
        if outcome.failure is not None:
            status, refusal = refusal_of(outcome.failure)
            return cls(id=outcome.alarm_id, status=status, position=None, refusal=refusal)
        position = None if outcome.alarm is None else outcome.alarm.position
        return cls(id=outcome.alarm_id, status=200, position=position, refusal=None)


class Answer(Model):
    """What became of a request."""

    kind: Literal["answer"] = "answer"
    ref: str
    items: list[Acknowledged]


class SocketProblem(Model):
    """Why nothing became of a message; without a ``ref`` where the message had none that could be read."""

    kind: Literal["problem"] = "problem"
    ref: str | None
    status: int
    refusal: Refusal


@router.websocket("/alarms/socket", dependencies=[OneStream])
async def alarm_socket(socket: WebSocket, who: Who) -> None:
    """Serve one console until it leaves."""
    if _is_foreign(socket):
        await socket.close(POLICY_VIOLATION)
        return
    await socket.accept()
    with suppress(WebSocketDisconnect):
        follow = await _first(socket)
        if follow is None:
            await socket.close(POLICY_VIOLATION, "say first what to follow")
            return
        async with asyncio.TaskGroup() as tasks:
            telling = tasks.create_task(_tell(socket, who.services, follow))
            await _listen(socket, who)
            telling.cancel()


def _is_foreign(socket: WebSocket) -> bool:
    """Whether a page of another site opened it: browsers let any page open a socket anywhere, and say whose it is."""
    origin = socket.headers.get("origin")
    return origin is not None and urlsplit(origin).netloc != socket.headers.get("host")


async def _first(socket: WebSocket) -> Follow | None:
    """What the console wants to hear; none, and told why, when it does not say so in time or sense."""
    try:
        async with asyncio.timeout(FIRST_MESSAGE_WITHIN_S):
            return Follow.model_validate_json(await _receive(socket))
    except TimeoutError:
        return None
    except ValidationError as error:
        await _send(socket, SocketProblem(ref=None, status=422, refusal=invalid(error)))
        return None


async def _tell(socket: WebSocket, services: ApiServices, follow: Follow) -> None:
    position = await services.feed.place(follow.after)
    every_s = services.access.streams_checked_every_s
    due = services.clock.monotonic() + every_s
    with suppress(WebSocketDisconnect):  # the listening side learns of it too, and ends both
        async for news in services.feed.news(position, follow.console):
            if services.clock.monotonic() >= due:
                if not await may_read(socket):
                    await socket.close(POLICY_VIOLATION, "signed out")
                    return
                due = services.clock.monotonic() + every_s
            await socket.send({"type": "websocket.send", "text": message_of(news).decode()})


async def _listen(socket: WebSocket, who: Caller) -> None:
    """Do what the console asks for, one after another, until it leaves."""
    with suppress(WebSocketDisconnect):
        while True:
            await _send(socket, await _answer(who, await _receive(socket)))


async def _answer(who: Caller, text: str) -> Answer | SocketProblem:
    try:
        asked = Acknowledge.model_validate_json(text)
    except ValidationError as error:
        return SocketProblem(ref=None, status=422, refusal=invalid(error))
    try:
        mine, refused = await split(who, asked.ids)
        done = await who.services.desk.acknowledge_each(mine, by=who.name, comment=asked.comment)
    except CityHallError as error:
        status, refusal = refusal_of(error)
        return SocketProblem(ref=asked.ref, status=status, refusal=refusal)
    return Answer(ref=asked.ref, items=[Acknowledged.of(outcome) for outcome in in_order(asked.ids, done, refused)])


async def _receive(socket: WebSocket) -> str:
    """Text of the next message; of a binary one none, which is no JSON either."""
    message = await socket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code", 1000))
    return message.get("text") or ""


async def _send(socket: WebSocket, answer: Model) -> None:
    await socket.send_text(answer.model_dump_json())
