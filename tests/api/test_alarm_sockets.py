"""The alarm feed over a WebSocket: the same order as over SSE, and an answer over the same connection."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from tests.support.api_rig import CHILLER, DEADLINE_S, ME, TRIP, ApiRig, read_events
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

ALARMS = [f"A{number}~{CHILLER}" for number in range(1, 8)]


def address(rig: ApiRig) -> str:
    return str(rig.client.base_url).replace("http:", "ws:") + "/api/v1/alarms/socket"


@asynccontextmanager
async def console(rig: ApiRig, **follow: object) -> AsyncIterator[ClientConnection]:
    async with (
        asyncio.timeout(DEADLINE_S),
        connect(address(rig), proxy=None, additional_headers=await rig.known_as(ME)) as socket,
    ):
        await socket.send(json.dumps({"kind": "follow", **follow}))
        yield socket


async def next_of(socket: ClientConnection, *kinds: str) -> dict[str, Any]:
    while True:
        message: dict[str, Any] = json.loads(await socket.recv())
        if message["kind"] in kinds:
            return message


async def transitions(socket: ClientConnection, count: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while len(found) < count:
        found += (await next_of(socket, "news"))["transitions"]
    return found


async def test_twenty_consoles_of_both_kinds_hear_the_same_in_the_same_order(rig: ApiRig) -> None:
    async def over_socket() -> list[dict[str, Any]]:
        async with console(rig, after=0) as socket:
            return await transitions(socket, 2 * len(ALARMS))

    async def over_sse() -> list[dict[str, Any]]:
        events = await read_events(rig.client, "/api/v1/alarms/feed?after=0", 2 * len(ALARMS))
        return [event["data"] for event in events]

    async with asyncio.TaskGroup() as tasks:
        consoles = [tasks.create_task(over_socket() if n % 2 else over_sse()) for n in range(20)]
        positions = [await rig.raise_alarm(alarm) for alarm in ALARMS]
        positions += [await rig.return_alarm(alarm) for alarm in ALARMS]

    heard = [[told["position"] for told in task.result()] for task in consoles]
    assert heard == [positions] * 20
    assert len({json.dumps(told["alarm"]) for task in consoles for told in task.result()[:1]}) == 1


async def test_a_console_acknowledges_where_it_hears_and_all_others_hear_of_it(rig: ApiRig) -> None:
    ringing = await rig.raise_alarm(TRIP)
    async with console(rig, after=ringing) as one, console(rig, after=ringing) as other:
        body = {"kind": "acknowledge", "ref": "7", "ids": [TRIP, "NO~SUCH"], "comment": "現場查看中"}
        await one.send(json.dumps(body))
        answer = await next_of(one, "answer", "problem")
        [told] = await transitions(other, 1)

    done, refused = answer["items"]
    assert answer["ref"] == "7"
    assert (done["id"], done["status"], done["position"]) == (TRIP, 200, told["position"])
    assert (told["type"], told["alarm"]["acknowledged_by"]) == ("AlarmAcknowledged", "王小明")
    assert (refused["status"], refused["position"]) == (404, None)
    assert refused["refusal"]["type"] == "/problems/not-found"


async def test_a_console_resumes_from_its_position_and_hears_only_what_concerns_it(rig: ApiRig) -> None:
    first = await rig.raise_alarm(ALARMS[0], priority=1)
    await rig.raise_alarm(ALARMS[1], priority=4)
    second = await rig.raise_alarm(ALARMS[2], priority=1)

    async with console(rig, after=0, priorities=[1], zones=["B2"], systems=["hvac"], state="open") as socket:
        heard = await next_of(socket, "news")
    async with console(rig, after=first, priorities=[1]) as socket:
        resumed = await next_of(socket, "news")

    assert [told["position"] for told in heard["transitions"]] == [first, second]
    assert [told["position"] for told in resumed["transitions"]] == [second]
    assert heard["position"] == resumed["position"] == second


async def test_a_console_that_nothing_happens_to_hears_that_its_socket_lives(rig: ApiRig) -> None:
    async with console(rig) as socket:
        first, second = await next_of(socket, "news"), await next_of(socket, "news")

    assert (first["transitions"], second["transitions"]) == ([], [])
    assert first["at"] < second["at"]


@pytest.mark.parametrize(
    "message", ["", "no json", "[]", '{"kind":"follow","color":"red"}', '{"kind":"follow","after":-1}']
)
async def test_a_first_message_that_makes_no_sense_is_told_why_and_the_socket_closes(rig: ApiRig, message: str) -> None:
    async with (
        asyncio.timeout(DEADLINE_S),
        connect(address(rig), proxy=None, additional_headers=await rig.known_as(ME)) as socket,
    ):
        await socket.send(message)
        problem = await next_of(socket, "problem")
        with pytest.raises(ConnectionClosed) as closed:
            await socket.recv()

    assert (problem["status"], problem["refusal"]["type"]) == (422, "/problems/invalid")
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1008


async def test_a_later_message_that_makes_no_sense_is_told_why_and_the_feed_goes_on(rig: ApiRig) -> None:
    async with console(rig) as socket:
        for message in ('{"kind":"acknowledge"}', "no json", b"\x00\x01", '{"kind":"follow"}'):
            await socket.send(message)
            assert (await next_of(socket, "problem"))["status"] == 422
        position = await rig.raise_alarm(TRIP)
        [told] = await transitions(socket, 1)

    assert told["position"] == position


async def test_nobody_opens_a_socket_who_is_not_signed_in(rig: ApiRig) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with connect(address(rig), proxy=None):
            pass
    assert refused.value.response.status_code == 403


async def test_a_page_of_another_site_cannot_open_a_socket(rig: ApiRig) -> None:
    me = await rig.known_as(ME)
    with pytest.raises(InvalidStatus) as refused:
        async with connect(address(rig), origin="https://evil.example", proxy=None, additional_headers=me):
            pass
    assert refused.value.response.status_code == 403

    own = str(rig.client.base_url).rstrip("/")
    async with connect(address(rig), origin=own, proxy=None, additional_headers=me):
        pass


async def test_the_feed_does_not_hold_a_console_that_left(rig: ApiRig) -> None:
    async with console(rig):
        pass
    position = await rig.raise_alarm(TRIP)
    async with console(rig, after=position - 1) as socket:
        assert [told["position"] for told in await transitions(socket, 1)] == [position]
