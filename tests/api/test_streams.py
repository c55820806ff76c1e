"""The stream of values: a snapshot, then every change; resumed without loss or repetition."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from anyio import BrokenResourceError
from fastapi import FastAPI
from fastapi.sse import EventSourceResponse, ServerSentEvent
from starlette.types import Message
from tests.support.api_rig import CHILLER, ApiRig, read_events

from cityhall_bms.api.stream_ends import StreamEnds
from cityhall_bms.domain.quality import Quality

SUPPLY, RUNS, AIR = f"{CHILLER}.CHWS_T", f"{CHILLER}.RunSts", "TCH.01.E.AHU01.SAT"


async def test_a_stream_begins_with_a_snapshot_of_what_it_watches(rig: ApiRig) -> None:
    now = rig.services.clock.now()
    await rig.measure(now, {SUPPLY: (7.0, Quality.GOOD), RUNS: (1.0, Quality.BAD_RANGE)})

    [snapshot] = await read_events(rig.client, f"/api/v1/points/stream?names={RUNS},{SUPPLY},{AIR}", 1)

    assert snapshot["event"] == "snapshot"
    data = snapshot["data"]
    assert data["names"] == [RUNS, SUPPLY, AIR]
    assert data["v"] == [None, 7.0, None]
    assert data["q"] == [Quality.BAD_RANGE, Quality.GOOD, Quality.BAD_NO_DATA]
    assert data["t"] == [now // 1000, now // 1000, 0]


async def test_only_watched_points_are_sent(rig: ApiRig) -> None:
    path = f"/api/v1/points/stream?names={SUPPLY}"
    async with asyncio.TaskGroup() as tasks:
        listening = tasks.create_task(read_events(rig.client, path, 3))
        value = 0.0
        while not listening.done():
            value += 1.0
            await rig.measure(rig.services.clock.now(), {AIR: (20.0, Quality.GOOD)})
            await rig.measure(rig.services.clock.now(), {AIR: (20.0, Quality.GOOD), SUPPLY: (value, Quality.GOOD)})

    snapshot, first, second = listening.result()
    assert [event["data"]["i"] for event in (first, second)] == [[0], [0]]
    assert second["data"]["v"][0] == first["data"]["v"][0] + 1.0
    assert snapshot["event"] == "snapshot"


async def test_a_reader_that_was_away_gets_what_it_missed_and_no_snapshot(rig: ApiRig) -> None:
    now = rig.services.clock.now()
    await rig.measure(now, {SUPPLY: (0.0, Quality.GOOD)})
    path = f"/api/v1/points/stream?names={SUPPLY}"
    [snapshot] = await read_events(rig.client, path, 1)
    for value in (1.0, 2.0, 3.0, 4.0):
        await rig.measure(now + round(value), {SUPPLY: (value, Quality.GOOD)})

    first = await read_events(rig.client, path, 2, {"Last-Event-ID": snapshot["id"]})
    rest = await read_events(rig.client, path, 2, {"Last-Event-ID": first[-1]["id"]})

    assert [event["event"] for event in first + rest] == ["values"] * 4
    assert [event["data"]["v"] for event in first + rest] == [[1.0], [2.0], [3.0], [4.0]]


async def test_a_reader_beyond_the_memory_is_served_from_the_log(rig: ApiRig) -> None:
    now = rig.services.clock.now()
    path = f"/api/v1/points/stream?names={SUPPLY}"
    for value in range(30):
        await rig.measure(now + value, {SUPPLY: (float(value), Quality.GOOD)})
    # As if the process had started just now: its memory begins at the end of the log.
    rig.services.live.tail._known_after = rig.services.live.tail.end
    rig.services.live.tail._items.clear()

    events = await read_events(rig.client, path, 20, {"Last-Event-ID": "10"})

    assert [event["data"]["v"][0] for event in events] == [float(value) for value in range(10, 30)]


async def test_a_place_that_the_log_has_let_go_of_gives_a_new_snapshot(rig: ApiRig) -> None:
    now = rig.services.clock.now()
    for value in range(5):
        await rig.measure(now + value, {SUPPLY: (float(value), Quality.GOOD)})
    await rig.telemetry.forget(through=3)
    rig.services.live.tail._known_after = rig.services.live.tail.end
    rig.services.live.tail._items.clear()

    [event] = await read_events(rig.client, f"/api/v1/points/stream?names={SUPPLY}", 1, {"Last-Event-ID": "1"})

    assert event["event"] == "snapshot"
    assert event["data"]["resumed"] is False
    assert event["data"]["v"] == [4.0]


async def leave(app: FastAPI) -> None:
    """Read the beginning of a stream, take no more of it, and go."""
    left = asyncio.Event()

    async def receive() -> Message:
        await left.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.body":
            # What writes runs full meanwhile: it is in the midst of writing when the reader goes.
            for _ in range(20):
                await asyncio.sleep(0)
            left.set()
            await asyncio.Event().wait()

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "path": "/endless",
        "raw_path": b"/endless", "root_path": "", "scheme": "http", "query_string": b"", "headers": [], "app": app,
    }  # fmt: skip
    await app(scope, receive, send)


async def test_a_reader_who_leaves_is_no_failure_of_the_service(rig: ApiRig) -> None:
    app = FastAPI()
    app.state.services = rig.services

    @app.get("/endless", response_class=EventSourceResponse)
    async def endless() -> AsyncIterator[ServerSentEvent]:
        while True:
            yield ServerSentEvent(comment="more")

    with pytest.raises(ExceptionGroup) as broken:
        await leave(app)
    assert broken.group_contains(BrokenResourceError, depth=None), "the library does so by itself"

    app.middleware_stack = None
    app.add_middleware(StreamEnds)
    await leave(app)
