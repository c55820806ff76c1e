"""The record of alarms is searched by time, point, person, words, system and priority."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from tests.support.api_rig import CHILLER, ME, TRIP, ApiRig, eventually

PATH = "/api/v1/alarms/history"


async def search(rig: ApiRig, **params: Any) -> list[tuple[str, str]]:
    answer = await rig.client.get(PATH, params=params)
    assert answer.status_code == 200, answer.text
    return [(item["type"].removeprefix("Alarm"), item["alarm"]["rule"]) for item in answer.json()["items"]]


async def act(rig: ApiRig, path: str, by: str = ME, **body: Any) -> None:
    answer = await rig.client.post(f"/api/v1/alarms/{path}", json=body, headers=await rig.known_as(by))
    assert answer.status_code == 200, answer.text
    await eventually(lambda: rig.services.feed.tail.end >= answer.json()["position"])


async def live(rig: ApiRig) -> None:
    await rig.raise_alarm(TRIP, priority=1)
    await rig.raise_alarm("SAT~TCH.01.E.AHU01.SAT", priority=3)
    await act(rig, f"{TRIP}/acknowledge", comment="廠商已到場 Vendor on site")
    await act(rig, "SAT~TCH.01.E.AHU01.SAT/shelve", by="李小華", duration_s=60, reason="濾網更換 100%")
    await rig.return_alarm(TRIP)


EVERYTHING = [
    ("Returned", "CHC_TRIP"), ("Shelved", "SAT"), ("Acknowledged", "CHC_TRIP"), ("Raised", "SAT"), ("Raised", "CHC_TRIP"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("params", "places"),
    [
        ({}, [0, 1, 2, 3, 4]),
        ({"point": "TCH.01.E.AHU01.SAT"}, [1, 3]),
        ({"point": CHILLER}, [0, 2, 4]),
        ({"equipment": CHILLER}, [0, 1, 2, 3, 4]),
        ({"operator": "李小華"}, [1]),
        ({"operator": "rules"}, [0, 3, 4]),
        ({"priority": 1}, [0, 2, 4]),
        ({"system": "lift"}, []),
        ({"q": "vendor ON"}, [2]),
        ({"q": "100%"}, [1]),
        ({"q": "冰水主機"}, [0, 1, 2, 3, 4]),
        ({"q": "sat~"}, [1, 3]),
        ({"q": "chc_trip", "operator": "王小明"}, [2]),
        ({"q": "nobody wrote this"}, []),
    ],
)
async def test_pain_32_the_record_is_searched(rig: ApiRig, params: dict[str, Any], places: list[int]) -> None:
    await live(rig)
    assert await search(rig, **params) == [EVERYTHING[place] for place in places]


async def test_pain_32_the_record_is_searched_by_the_time_at_which_it_was_written(rig: ApiRig) -> None:
    await live(rig)
    items = (await rig.client.get(PATH)).json()["items"]
    times = [datetime.fromisoformat(item["at"]) for item in items]
    after, before = times[-1] + timedelta(seconds=1), times[-1] - timedelta(seconds=1)
    assert await search(rig, **{"from": before.isoformat(), "to": (times[0] + timedelta(seconds=1)).isoformat()}) == (
        EVERYTHING
    )
    assert await search(rig, to=before.isoformat()) == []
    assert await search(rig, **{"from": max(after, times[0] + timedelta(seconds=1)).isoformat()}) == []


async def test_a_long_record_comes_in_pages_without_loss_or_repetition(rig: ApiRig) -> None:
    for _ in range(4):
        await rig.raise_alarm()
        await rig.return_alarm()
    positions, cursor = [], None
    while True:
        params = {"limit": 3, "q": "CHC"} | ({"cursor": cursor} if cursor else {})
        page = (await rig.client.get(PATH, params=params)).json()
        positions += [item["position"] for item in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert len(positions) == 8
    assert positions == sorted(set(positions), reverse=True)
    assert (await rig.client.get(PATH, params={"cursor": "x"})).status_code == 400
    assert (await rig.client.get(PATH, params={"q": "\x00"})).status_code == 422
