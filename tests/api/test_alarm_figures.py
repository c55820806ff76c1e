"""Alarm load over HTTP: figures beside targets, bad actors, floods with forensics, stale alarms, groups."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from tests.support.api_rig import CHILLER, TRIP, ApiRig, eventually, read_events

from cityhall_bms.alarms.flood_keeper import FloodKeeper
from cityhall_bms.domain.alarms import AlarmRaised, stream_of
from cityhall_bms.ports.event_log import Append

DAY = timedelta(days=1)


def stretch(**more: Any) -> dict[str, Any]:
    now = datetime.now(UTC)
    return {"from": (now - DAY).isoformat(), "to": (now + DAY).isoformat()} | more


async def get(rig: ApiRig, path: str, **params: Any) -> dict[str, Any]:
    answer = await rig.client.get(f"/api/v1/alarms/{path}", params=params)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def caught_up(rig: ApiRig) -> None:
    """What rang is in the figures: they follow the alarms in one transaction, which the feed was told of."""
    end = await rig.events.end()
    async with asyncio.timeout(20):
        while await rig.services.annunciations.position() < end:  # noqa: ASYNC110 - it lives in the database
            await asyncio.sleep(0.01)


async def flood(rig: ApiRig) -> None:
    """Eleven alarms of one chiller."""
    for number in range(11):
        await rig.raise_alarm(f"R{number:02}~{CHILLER}", priority=3)
    await caught_up(rig)


async def test_figures_stand_beside_their_targets(rig: ApiRig) -> None:
    await rig.raise_alarm(priority=2)
    await rig.client.post(f"/api/v1/alarms/{TRIP}/acknowledge", json={})
    await caught_up(rig)

    found = await get(rig, "figures", **stretch())

    judged = {each["name"]: each for each in found["judged"]}
    assert (found["annunciations"], found["bad_actors"]) == (1, [{"alarm": TRIP, "count": 1, "share": 1.0}])
    assert (judged["per_day"]["verdict"], judged["per_day"]["good"], judged["per_day"]["limit"]) == ("good", 144, 288)
    assert (judged["acknowledged_in_time_2"]["value"], judged["acknowledged_in_time_1"]["value"]) == (1.0, None)
    assert [each["acknowledged"]["number"] for each in found["responses"]] == [0, 1, 0, 0]


async def test_a_console_is_what_it_shows(rig: ApiRig) -> None:
    await rig.raise_alarm(priority=2)
    await caught_up(rig)

    numbers = [
        (await get(rig, "figures", **stretch(**console)))["annunciations"]
        for console in ({"system": "hvac"}, {"system": "lift"}, {"zone": "B2.CN"}, {"zone": "05"}, {"priority": 1})
    ]

    assert numbers == [1, 0, 1, 0, 0]


async def test_bad_actors_are_told_with_how_they_stand(rig: ApiRig) -> None:
    for occurrence in range(1, 4):
        await rig.raise_alarm(occurrence=occurrence)
        await rig.return_alarm()
    await rig.raise_alarm(f"OTHER~{CHILLER}")
    await caught_up(rig)

    found = await get(rig, "figures/bad-actors", **stretch(limit=1))

    assert (found["annunciations"], found["share"]) == (4, 0.75)
    assert [(each["alarm"], each["count"], each["as_it_stands"]["state"]) for each in found["items"]] == [
        (TRIP, 3, "RTNUN")
    ]


async def test_pain_28_a_flood_is_listed_and_its_forensics_tell_what_would_have_tamed_it(rig: ApiRig) -> None:
    await flood(rig)

    [one] = (await get(rig, "floods", **stretch()))["items"]
    found = await get(rig, f"floods/{one['id']}/forensics")

    assert (one["total"], one["peak_10_min"], one["ended"]) == (11, 11, None)
    assert (found["first_up"], len(found["order"]), found["order"][0]["first_up"]) == (f"R00~{CHILLER}", 11, True)
    assert {each["cause"] for each in found["order"]} == {CHILLER}
    [best, *_] = found["candidates"]
    assert (best["kind"], best["removes"], best["flood_remains"]) == ("same_device", 10, False)
    assert best["text"]["zh"].startswith("設備 ")


async def test_a_flood_that_never_was_is_not_found(rig: ApiRig) -> None:
    answer = await rig.client.get("/api/v1/alarms/floods/1782864300000000/forensics")

    assert answer.status_code == 404
    assert "GET /api/v1/alarms/floods" in answer.json()["detail"]
    assert (await rig.client.get("/api/v1/alarms/floods/x/forensics")).status_code == 422


async def test_a_flood_is_on_the_feed_as_it_begins(rig: ApiRig) -> None:
    keeper = FloodKeeper(rig.services.annunciations, rig.events, rig.services.clock)
    await flood(rig)
    await keeper.look()
    await eventually(lambda: rig.services.feed.in_flood)

    [told] = await read_events(rig.client, "/api/v1/alarms/feed", 1)

    assert (told["event"], told["data"]["on"], told["data"]["count"]) == ("flood", True, 11)
    assert "id" not in told
    assert (await get(rig, "floods", **stretch()))["on"]


async def test_pain_29_the_feed_marks_what_chatters_and_keeps_every_transition(rig: ApiRig) -> None:
    start = rig.services.feed.tail.end
    for occurrence in range(1, 4):
        await rig.raise_alarm(occurrence=occurrence)
        await rig.return_alarm()

    events = await read_events(rig.client, f"/api/v1/alarms/feed?after={start}", 6)

    assert [event["data"]["changes"] for event in events] == [0, 0, 3, 4, 5, 6]
    assert {(event["data"]["group"], event["data"]["first_up"]) for event in events} == {(CHILLER, True)}
    [group] = (await get(rig, "groups"))["items"]
    assert [member["changes"] for member in group["items"]] == [6]


async def test_open_alarms_are_grouped_under_their_cause_with_the_first_on_top(rig: ApiRig) -> None:
    await rig.raise_alarm(f"B~{CHILLER}", priority=3)
    await rig.raise_alarm(f"A~{CHILLER}", priority=1)
    await rig.client.post(f"/api/v1/alarms/B~{CHILLER}/acknowledge", json={})
    position = await rig.raise_alarm(f"C~{CHILLER}", priority=4)

    found = await get(rig, "groups")

    [group] = found["items"]
    assert (found["position"], found["in_flood"]) == (position, False)
    assert (group["cause"], group["priority"], group["unacknowledged"]) == (CHILLER, 1, 2)
    assert group["text"]["zh"] != CHILLER
    assert [(member["alarm"]["rule"], member["first_up"]) for member in group["items"]] == [
        ("B", True), ("A", False), ("C", False),
    ]  # fmt: skip
    assert (await get(rig, "groups", system="lift"))["items"] == []


async def test_what_has_stood_for_more_than_a_day_is_listed(rig: ApiRig) -> None:
    long_ago = rig.services.clock.now() - 2 * 86_400_000_000
    for number, age_us in (("1", 0), ("2", 1), ("3", 86_400_000_000 + 60_000_000)):
        event = AlarmRaised(
            rule=f"OLD{number}", rule_version=1, subject=CHILLER, equipment=CHILLER, system="hvac", priority=3,
            text_zh="濾網阻塞", text_en="Filter clogged", latching=False, occurrence=1, observed_at=long_ago + age_us,
        )  # fmt: skip
        await rig.events.append([Append(stream_of(f"OLD{number}~{CHILLER}"), [event], "rules")])
    await caught_up(rig)

    whole = await get(rig, "stale")
    first = await get(rig, "stale", limit=1)

    assert ([each["rule"] for each in whole["items"]], whole["truncated"]) == (["OLD1", "OLD2"], False)
    assert ([each["rule"] for each in first["items"]], first["truncated"]) == (["OLD1"], True)


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2026-07-02T00:00:00Z", "2026-07-01T00:00:00Z"),
        ("2026-07-01T00:00:00Z", "2026-07-01T00:00:00Z"),
        ("2010-07-01T00:00:00Z", "2026-07-01T00:00:00Z"),
    ],
)
async def test_a_stretch_that_is_none_or_too_long_is_refused(rig: ApiRig, start: str, end: str) -> None:
    answers: list[httpx.Response] = [
        await rig.client.get(f"/api/v1/alarms/{path}", params={"from": start, "to": end})
        for path in ("figures", "figures/bad-actors", "floods")
    ]

    assert [answer.status_code for answer in answers] == [400] * 3
