"""Permits over HTTP: opened for a place and a time, listed, closed; and kept in a view that can be built again."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.support.api_rig import CHILLER, ApiRig

from cityhall_bms.adapters.postgres.connection import open_pool
from cityhall_bms.adapters.postgres.projections import PROJECTIONS
from cityhall_bms.adapters.postgres.rebuilding import Rebuilder

PATH = "/api/v1/permits"


def soon(hours: float = 1.0) -> str:
    return (datetime.now(UTC) + timedelta(hours=hours)).isoformat()


async def ask(rig: ApiRig, **changes: Any) -> tuple[int, Any]:
    body = {"kind": "works", "equipment": [CHILLER], "until": soon(), "reason": "更換濾網"} | changes
    answer = await rig.client.post(PATH, json=body)
    return answer.status_code, answer.json()


async def listed(rig: ApiRig, expected: int, **params: Any) -> list[dict[str, Any]]:
    """Permits once the view has as many as expected."""
    while True:
        page = (await rig.client.get(PATH, params=params)).json()
        if len(page["items"]) == expected:
            items: list[dict[str, Any]] = page["items"]
            return items
        await asyncio.sleep(0.01)


async def test_a_permit_is_opened_listed_and_closed(rig: ApiRig) -> None:
    status, permit = await ask(rig, zones=["B2.CN"], systems=["hvac"])
    assert (status, permit["in_force"], permit["closed_by"]) == (201, True, "")
    assert permit["permit"].endswith("-1")
    [seen] = await listed(rig, 1)
    assert seen == permit
    assert (await rig.client.get(f"{PATH}/{permit['permit']}")).json() == permit

    closure = {"comment": "完工，現場復原"}
    headers = await rig.known_as("李小華")
    closed = await rig.client.post(f"{PATH}/{permit['permit']}/closure", json=closure, headers=headers)
    again = await rig.client.post(f"{PATH}/{permit['permit']}/closure", json=closure)

    assert (closed.json()["closed_by"], closed.json()["comment"], closed.json()["in_force"]) == (
        "李小華", "完工，現場復原", False,
    )  # fmt: skip
    assert again.status_code == 409
    assert await listed(rig, 0) == []
    assert [item["closed_by"] for item in await listed(rig, 1, open="false")] == ["李小華"]


async def test_permits_come_in_pages_the_newest_first_by_kind(rig: ApiRig) -> None:
    kinds = ["works", "drill", "test", "drill", "works"]
    for kind in kinds:
        await ask(rig, kind=kind)
    assert [item["kind"] for item in await listed(rig, 5)] == kinds[::-1]
    assert [item["permit"][-1] for item in await listed(rig, 2, kind="drill")] == ["4", "2"]
    first = (await rig.client.get(PATH, params={"limit": 3})).json()
    rest = (await rig.client.get(PATH, params={"limit": 3, "cursor": first["next"]})).json()
    assert [item["permit"][-1] for item in first["items"] + rest["items"]] == ["5", "4", "3", "2", "1"]
    assert rest["next"] is None
    assert (await rig.client.get(PATH, params={"cursor": "nonsense!"})).status_code == 400


@pytest.mark.parametrize(
    ("changes", "status", "said"),
    [
        ({"equipment": ["TCH.99.X.AHU99"]}, 404, "no equipment TCH.99.X.AHU99"),
        ({"zones": ["99"]}, 404, "no floor or zone 99"),
        ({"equipment": []}, 409, "scope"),
        ({"until": "2020-01-01T00:00:00Z"}, 409, "not in the past"),
        ({"until": soon(24 * 32)}, 409, "31 days"),
        ({"reason": ""}, 422, "reason"),
        ({"kind": "party"}, 422, "kind"),
        ({"systems": ["plumbing"]}, 422, "systems"),
        ({"until": "2026-07-01T10:00:00"}, 422, "timezone"),
    ],
)
async def test_a_permit_that_makes_no_sense_is_refused_in_words(
    rig: ApiRig, changes: dict[str, Any], status: int, said: str
) -> None:
    answer, problem = await ask(rig, **changes)
    assert (answer, said in problem["detail"]) == (status, True), problem
    assert await listed(rig, 0, open="false") == []


async def test_one_that_begins_later_is_not_in_force_yet(rig: ApiRig) -> None:
    _, permit = await ask(rig, begin=soon(1), until=soon(2))
    assert permit["in_force"] is False


async def test_one_that_nobody_opened_is_not_found(rig: ApiRig) -> None:
    for path in ("2026-01-01-9", "%00"):
        assert (await rig.client.get(f"{PATH}/{path}")).status_code == 404
        assert (await rig.client.post(f"{PATH}/{path}/closure", json={})).status_code == 404


async def test_the_view_built_again_is_the_same(rig: ApiRig) -> None:
    for kind in ("works", "drill"):
        _, permit = await ask(rig, kind=kind)
    await listed(rig, 2)
    assert (await rig.client.post(f"{PATH}/{permit['permit']}/closure", json={})).status_code == 200
    await listed(rig, 1)
    pool = await open_pool(rig.dsn)
    rebuilt = await Rebuilder(rig.events, pool, PROJECTIONS).rebuild("permits")
    pool.terminate()
    assert (rebuilt.rows, rebuilt.differed) == ({"permit": 2}, False)
