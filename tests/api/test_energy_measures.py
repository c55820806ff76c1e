"""The register of measures over HTTP: proposed, put in place, measured, verified; kept in a view that can be built again."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from tests.support.api_rig import CHILLER, ME, ApiRig, running_api
from tests.support.databases import DatabaseServers

from cityhall_bms.adapters.postgres.connection import open_pool
from cityhall_bms.adapters.postgres.projections import PROJECTIONS
from cityhall_bms.adapters.postgres.rebuilding import Rebuilder

pytestmark = pytest.mark.asyncio(loop_scope="session")

PATH = "/api/v1/energy/measures"
METERS = """\
[[meter]]
name = "SIGN"
commodity = "electricity"
text_zh = "西側招牌"
text_en = "West sign"
manual = true
"""
SIGN = {
    "text_zh": "西側招牌燈 12 盞減為 4 盞", "text_en": "West sign: 12 to 4 lamps", "option": "A", "meters": ["SIGN"],
    "equipment": [CHILLER], "deemed": 9072, "price_ntd": "3.79005", "cost_ntd": 68766,
}  # fmt: skip
MEASURED = {
    "saved": 8900.5, "uncertainty": 120.0, "method": "before_after", "before_first": "2015-02-03",
    "before_until": "2015-03-03", "after_first": "2015-03-03", "after_until": "2015-03-31",
}  # fmt: skip


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def house(database_servers: DatabaseServers, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ApiRig]:
    folder: Path = tmp_path_factory.mktemp("site")
    (folder / "meters.toml").write_text(METERS, encoding="utf-8")
    async with database_servers.empty_database("postgres") as url, running_api(url, folder) as rig:
        yield rig


async def send(rig: ApiRig, path: str, expected: int = 200, verb: str = "POST", by: str = ME, **body: Any) -> Any:
    answer = await rig.client.request(verb, f"{PATH}{path}", json=body, headers=await rig.known_as(by))
    assert answer.status_code == expected, answer.text
    return answer.json()


async def listed(rig: ApiRig, expected: int, **question: Any) -> list[dict[str, Any]]:
    """Measures once the view has as many as expected."""
    while True:
        items: list[dict[str, Any]] = (await rig.client.get(PATH, params=question)).json()["items"]
        if len(items) == expected:
            return items
        await asyncio.sleep(0.01)


async def test_a_measure_goes_its_way_and_is_seen_by_all(house: ApiRig) -> None:
    measure = await send(house, "", 201, measure="ECM-104-01", **SIGN)
    assert (measure["status"], measure["saving_ntd"], measure["payback_years"]) == ("proposed", 34_383, 2.0)
    assert (measure["unit"], measure["verified_by"], measure["measurement"]) == ("kWh", None, None)
    assert (await listed(house, 1, status="proposed"))[0] == measure

    revised = await send(house, "/ECM-104-01", verb="PUT", **SIGN | {"option": "B"})
    assert (revised["option"], revised["version"]) == ("B", 2)
    await send(house, "/ECM-104-01/status", status="approved", by="陳主任")
    placed = await send(house, "/ECM-104-01/status", status="in_place", start="2015-03-03", by="陳主任")
    assert (placed["status"], placed["start"]) == ("in_place", "2015-03-03")
    told = await send(house, "/ECM-104-01/measurements", 201, **MEASURED)
    assert (told["saving"], told["saving_ntd"], told["deemed"]) == (8_900.5, 33_733, 9_072.0)
    verified = await send(house, "/ECM-104-01/status", status="verified", by="林技師", comment="符合 IPMVP")
    assert (verified["verified_by"], verified["comment"]) == ("林技師", "符合 IPMVP")
    assert (await house.client.get(f"{PATH}/ECM-104-01")).json() == verified
    assert (await listed(house, 1, status="verified", commodity="electricity"))[0] == verified


@pytest.mark.parametrize(
    ("path", "body", "status", "says"),
    [
        ("", {"measure": "M-9"} | SIGN | {"meters": ["X"]}, 404, "no meter is named X"),
        ("", {"measure": "M-9"} | SIGN | {"equipment": ["TCH.X"]}, 404, "no equipment TCH.X"),
        ("", {"measure": "M-9"} | SIGN | {"meters": [], "equipment": []}, 409, "scope"),
        ("", {"measure": "M-9"} | SIGN | {"commodity": "water"}, 409, "SIGN counts electricity"),
        ("", {"measure": "../x"} | SIGN, 422, "measure"),
        ("", {"measure": "M-9"} | SIGN | {"option": "E"}, 422, "option"),
        ("", {"measure": "M-9"} | SIGN | {"price_ntd": "1e400"}, 422, "price_ntd"),
        ("", {"measure": "M-9"} | SIGN | {"sved": 1}, 422, "sved"),
        ("", {"measure": "M-9"} | SIGN | {"deemed": 1e300}, 422, "deemed"),
        ("/M-404/status", {"status": "in_place", "start": "0001-01-01"}, 422, "start"),
        ("/M-404/status", {"status": "approved"}, 404, "no measure is named M-404"),
        ("/M-404/measurements", MEASURED, 404, "no measure is named M-404"),
    ],
)
async def test_what_makes_no_sense_is_refused_in_words(
    house: ApiRig, path: str, body: dict[str, Any], status: int, says: str
) -> None:
    assert says in str(await send(house, path, status, **body))


async def test_steps_out_of_order_and_names_that_are_taken_are_conflicts(house: ApiRig) -> None:
    await send(house, "", 201, measure="M-1", **SIGN)
    assert "there already" in (await send(house, "", 409, measure="M-1", **SIGN))["detail"]
    refused = await send(house, "/M-1/status", 409, status="verified", by="林技師")
    assert "it can become approved, withdrawn" in refused["detail"]
    await send(house, "/M-1/status", status="approved", by="陳主任")
    assert "from which day" in (await send(house, "/M-1/status", 409, status="in_place", by="陳主任"))["detail"]
    answer = await house.client.get(f"{PATH}/M-1/before-after")
    assert (answer.status_code, "is not in place yet" in answer.text) == (409, True)
    await send(house, "/M-1/status", status="in_place", start="2015-03-03", by="陳主任")
    answer = await house.client.get(f"{PATH}/M-1/before-after", params={"weeks": 4, "beside": "year_before"})
    assert (answer.status_code, "0 of 28 days are known" in answer.text) == (409, True)
    assert (await house.client.get(f"{PATH}/M-1/before-after", params={"weeks": 3})).status_code == 422
    await send(house, "/M-1/status", status="withdrawn", by="陳主任")
    assert "changes no more" in (await send(house, "/M-1", 409, verb="PUT", **SIGN))["detail"]


async def test_measures_come_in_pages_the_newest_first(house: ApiRig) -> None:
    for number in range(3):
        await send(house, "", 201, measure=f"P-{number}", **SIGN)
    await listed(house, 3, status="proposed")
    first = (await house.client.get(PATH, params={"status": "proposed", "limit": 2})).json()
    rest = (await house.client.get(PATH, params={"status": "proposed", "limit": 2, "cursor": first["next"]})).json()
    assert [item["measure"] for item in first["items"] + rest["items"]] == ["P-2", "P-1", "P-0"]
    assert rest["next"] is None
    assert (await house.client.get(PATH, params={"cursor": "nonsense!"})).status_code == 400


async def test_the_view_built_again_is_the_same(house: ApiRig) -> None:
    await send(house, "", 201, measure="R-1", **SIGN)
    await send(house, "/R-1/status", status="approved", by="陳主任")
    while (await listed(house, 1, status="approved"))[0]["measure"] != "R-1":
        pass
    pool = await open_pool(house.dsn)
    rebuilt = await Rebuilder(house.events, pool, PROJECTIONS).rebuild("measures")
    pool.terminate()
    assert (set(rebuilt.rows), rebuilt.differed) == ({"energy_measure"}, False)
