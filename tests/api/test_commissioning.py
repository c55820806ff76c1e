"""Commissioning over HTTP: how a device is read, what it says now, and the walk past every point."""

import asyncio
from collections.abc import Mapping
from typing import Any

from tests.support.api_rig import CHILLER, ME, ApiRig

from cityhall_bms.adapters.postgres.connection import open_pool
from cityhall_bms.adapters.postgres.projections import PROJECTIONS
from cityhall_bms.adapters.postgres.rebuilding import Rebuilder
from cityhall_bms.domain.quality import Quality

PATH = "/api/v1/commissioning"
SUPPLY = f"{CHILLER}.CHWS_T"


def points_of(rig: ApiRig) -> list[str]:
    return sorted(name for name, point in rig.services.site.points.items() if point.equipment == CHILLER)


async def check(rig: ApiRig, point: str, *, passed: bool = True, note: str = "") -> tuple[int, Any]:
    answer = await rig.client.post(f"{PATH}/walks/checks", json={"point": point, "passed": passed, "note": note})
    return answer.status_code, answer.json()


async def summary(rig: ApiRig, **expected: Any) -> Mapping[str, Any]:
    """The chiller's line once the view has what is expected."""
    while True:
        items = (await rig.client.get(f"{PATH}/walks")).json()["items"]
        [mine] = [item for item in items if item["equipment"] == CHILLER]
        if expected.items() <= mine.items():
            return mine
        await asyncio.sleep(0.01)


async def test_a_read_plan_says_what_each_scan_asks_and_costs(rig: ApiRig) -> None:
    device = rig.services.site.points[SUPPLY].device
    plan = (await rig.client.get(f"{PATH}/devices/{device}/read-plan")).json()
    assert sum(one["points"] for scan in plan["scans"] for one in scan["requests"]) == len(
        rig.services.site.points_of(device)
    )
    assert plan["bytes_per_s"] > 0
    assert (await rig.client.get(f"{PATH}/devices/nobody/read-plan")).status_code == 404


async def test_a_device_is_asked_for_a_point_and_every_reading_of_its_bytes_is_shown(rig: ApiRig) -> None:
    device = rig.services.site.points[SUPPLY].device
    answer = await rig.client.post(f"{PATH}/devices/{device}/examination", json={"points": [SUPPLY]})
    [point] = answer.json()["points"]
    assert (point["point"], point["raw"], point["value"], point["quality"]) == (SUPPLY, "40e8 0000", 7.25, "good")
    assert point["candidates"] == [{"encoding": "float32 CDAB", "value": None, "plausible": False}]
    others = await rig.client.post(f"{PATH}/devices/nobody/examination", json={"points": [SUPPLY]})
    none = await rig.client.post(f"{PATH}/devices/{device}/examination", json={"points": []})
    assert (others.status_code, none.status_code) == (404, 422)


async def test_equipment_is_signed_by_somebody_else_once_every_point_of_it_passed(rig: ApiRig) -> None:
    await rig.measure(1_782_864_000_000_000, {SUPPLY: (7.25, Quality.GOOD)})
    points = points_of(rig)
    assert (await check(rig, SUPPLY, passed=False))[0] == 409, "a failure says what is wrong"
    status, walk = await check(rig, SUPPLY, passed=False, note="現場 8.1 °C")
    assert status == 201
    [seen] = [point for point in walk["points"] if point["point"] == SUPPLY]
    assert (seen["passed"], seen["note"], seen["by"]) == (False, "現場 8.1 °C", ME)
    await summary(rig, failed=1, passed=0, points=len(points))
    for name in points:
        await check(rig, name)
    own = await rig.client.post(f"{PATH}/walks/{CHILLER}/sign-off", json={})
    assert (own.status_code, "somebody else" in own.json()["detail"]) == (409, True)

    other = await rig.known_as("李小華")
    signed = await rig.client.post(f"{PATH}/walks/{CHILLER}/sign-off", json={"note": "驗收合格"}, headers=other)
    assert (signed.status_code, signed.json()["signed_by"]) == (201, "李小華")
    told = await summary(rig, passed=len(points), failed=0, signed_by="李小華")
    assert told["signed_at"] is not None
    await check(rig, SUPPLY, passed=False, note="感測器更換中")
    await summary(rig, failed=1, signed_by="")


async def test_walks_can_be_built_again_from_the_log(rig: ApiRig) -> None:
    await check(rig, SUPPLY, note="相符")
    before = await summary(rig, passed=1)
    pool = await open_pool(rig.dsn)
    rebuilt = await Rebuilder(rig.events, pool, PROJECTIONS).rebuild("walks")
    pool.terminate()
    assert (rebuilt.rows, rebuilt.differed) == ({"walk": 1, "walked_point": 1}, False)
    assert await summary(rig, passed=1) == before
    assert (await rig.client.get(f"{PATH}/walks/{CHILLER}")).json()["points"] != []
    assert (await rig.client.get(f"{PATH}/walks/TCH.XX.XX.NO01")).status_code == 404
