"""The alarm feed over HTTP: filtered by the server, marked, and with what a console shows and sounds."""

import asyncio

from tests.support.api_rig import CHILLER, DEADLINE_S, TRIP, ApiRig, read_events

URGENT = f"A1~{CHILLER}"


async def test_a_filtered_feed_tells_what_concerns_it_and_what_leaves_it(rig: ApiRig) -> None:
    await rig.raise_alarm(TRIP, priority=3)
    ringing = await rig.raise_alarm(URGENT, priority=1)
    await rig.client.post(f"/api/v1/alarms/{TRIP}/acknowledge", json={})
    seen = (await rig.client.post(f"/api/v1/alarms/{URGENT}/acknowledge", json={})).json()["position"]
    await rig.return_alarm(URGENT)

    path = "/api/v1/alarms/feed?after=0&zone=B2.CN&zone=99&system=hvac&priority=1&priority=2&state=unacknowledged"
    first, second = await read_events(rig.client, path, 2)

    assert [int(first["id"]), int(second["id"])] == [ringing, seen]
    assert (first["data"]["sound"], first["data"]["colour"], first["data"]["shape"]) == ("repeat", "red", "square")
    assert second["data"]["sound"] == "none"


async def test_a_feed_that_nothing_concerns_marks_how_far_it_has_come(rig: ApiRig) -> None:
    position = await rig.raise_alarm(TRIP)

    async with asyncio.timeout(DEADLINE_S), rig.client.stream("GET", "/api/v1/alarms/feed?after=0&zone=99") as answer:
        lines = answer.aiter_lines()
        found = [line async for line in lines_until(lines, f"id: {position}")]

    assert answer.headers["content-type"].startswith("text/event-stream")
    assert found[:2] == [": alarm feed", "retry: 1000"]
    assert "event: position" in found
    assert "event: alarm" not in found


async def lines_until(lines, last):  # noqa: ANN001, ANN201 - a helper of one test
    async for line in lines:
        yield line
        if line == last:
            return


async def test_a_filter_that_is_none_is_refused_before_the_stream_begins(rig: ApiRig) -> None:
    for query in ("priority=7", "system=plumbing", "state=loud"):
        answer = await rig.client.get(f"/api/v1/alarms/feed?{query}")

        assert answer.status_code == 422, query
        assert answer.headers["content-type"] == "application/problem+json"
