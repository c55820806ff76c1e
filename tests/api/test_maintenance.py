"""Maintenance over HTTP: from an alarm to a verified repair, work of plans, patrols, fire tests and assets."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest_asyncio
from tests.support.api_rig import CHILLER, TRIP, ApiRig, running_api

from cityhall_bms.adapters.postgres.connection import open_pool
from cityhall_bms.adapters.postgres.projections import PROJECTIONS
from cityhall_bms.adapters.postgres.rebuilding import Rebuilder
from cityhall_bms.ports.access import Role

PATH = "/api/v1/maintenance"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)
SITE = """\
[rules]
quiet_s = 0.0

[[plan]]
name = "chiller_log"
text_zh = "冰水主機抄表"
text_en = "Chiller log sheet"
class = "Centrifugal_Chiller"
every = "day"
first = 2026-01-01

[[plan.check]]
name = "oil"
text_zh = "油壓"
text_en = "Oil pressure"
unit = "kPa"
low = 150.0

[[plan]]
name = "ahu_year"
text_zh = "空調箱年保養"
text_en = "Yearly service"
class = "Air_Handling_Unit"
every = "year"
first = 2099-01-01

[[route]]
name = "night"
text_zh = "夜間巡檢"
text_en = "Night round"

[[route.stop]]
name = "b2_plant"
place = "B2.CN"
text_zh = "機房"
text_en = "Plant room"

[[route.stop]]
name = "hall"
place = "01"
text_zh = "大廳"
text_en = "Hall"

[[fire_test]]
name = "class_a_report"
text_zh = "甲類場所檢修申報"
text_en = "Class-A place report"
every = "day"
first = 2026-06-30
file_within_days = 15
"""


@pytest_asyncio.fixture
async def rig(postgres_url: str, tmp_path: Path) -> AsyncIterator[ApiRig]:
    (tmp_path / "maintenance.toml").write_text(SITE, encoding="utf-8")
    async with running_api(postgres_url, tmp_path) as running:
        yield running


def now() -> str:
    return datetime.now(ZoneInfo("Asia/Taipei")).isoformat()


async def say(client: httpx.AsyncClient, path: str, status: int = 200, **body: Any) -> Any:
    answer = await client.post(PATH + path, json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


async def photo(rig: ApiRig) -> str:
    kept = await rig.client.post(f"{PATH}/documents", params={"name": "a.png"}, content=PNG)
    assert kept.status_code == 201, kept.text
    sha256: str = kept.json()["sha256"]
    return sha256


async def seen(rig: ApiRig, path: str, expected: int, **params: Any) -> list[dict[str, Any]]:
    """Items of a list once the view has as many as expected."""
    while True:
        items: list[dict[str, Any]] = (await rig.client.get(PATH + path, params=params)).json()["items"]
        if len(items) == expected:
            return items
        await asyncio.sleep(0.01)


async def test_from_an_alarm_to_a_verified_repair(rig: ApiRig, other: httpx.AsyncClient) -> None:
    await rig.raise_alarm()
    order = await say(rig.client, "/orders", 201, alarm=TRIP)
    assert (order["kind"], order["source"], order["state"], order["priority"]) == ("repair", "alarm", "new", 2)
    assert (order["equipment"], order["place"], order["late"]) == (CHILLER, "B2.CN", None)
    explanation = await rig.client.get(order["evidence"]["explanation"])
    assert (explanation.status_code, explanation.json()["occurrence"]) == (200, 1)
    second = await rig.client.post(f"{PATH}/orders", json={"alarm": TRIP})
    assert (second.status_code, order["order"] in second.json()["detail"]) == (409, True)

    steps = f"/orders/{order['order']}/steps"
    await say(rig.client, steps, step="triage")
    me = (await say(rig.client, steps, step="assign", assignee="陳技士"))["history"][-1]["by"]
    there = await say(rig.client, steps, step="arrive", lock_out_h=2, key="arrive-0001")
    assert there["late"] is False
    [permit] = [p for p in (await rig.client.get("/api/v1/permits")).json()["items"] if p["equipment"] == [CHILLER]]
    assert there["permit"] == permit["permit"]
    assert await say(rig.client, steps, step="arrive", key="arrive-0001") == there

    sha256 = await photo(rig)
    record = {"documents": [{"sha256": sha256, "what": "after"}], "comment": "換軸封"}
    await say(rig.client, f"/orders/{order['order']}/records", **record)
    fixed = await say(rig.client, steps, step="fix", comment="更換軸封，試車正常")
    assert (fixed["fixed_by"], fixed["permit"], fixed["documents"][0]["what"]) == (me, None, "after")
    while (await rig.client.get(f"/api/v1/permits/{permit['permit']}")).json()["closed_at"] is None:
        pass
    assert "still stands" in (await say(other, steps, 409, step="verify"))["detail"]
    await rig.return_alarm()
    assert "somebody else" in (await say(rig.client, steps, 409, step="verify"))["detail"]
    await say(other, steps, step="verify")
    closed = await say(other, steps, step="close")
    assert (closed["state"], closed["steps"]) == ("closed", ["reopen"])
    assert await seen(rig, "/orders", 0) == []
    assert await seen(rig, "/orders", 1, open="false", alarm=TRIP) == [closed]
    assert (await rig.client.get(f"/api/v1/energy/documents/{sha256}")).content == PNG


async def test_work_of_a_plan_is_due_done_by_its_checklist_and_waits_for_the_next_time(rig: ApiRig) -> None:
    [due] = (await rig.client.get(f"{PATH}/due")).json()["items"]
    assert (due["plan"], due["equipment"], due["state"]) == ("chiller_log", CHILLER, "due")
    refused = await rig.client.post(f"{PATH}/orders", json={"plan": "ahu_year", "equipment": "TCH.01.E.AHU01"})
    assert (refused.status_code, "not due" in refused.json()["detail"]) == (409, True)
    order = await say(rig.client, "/orders", 201, plan="chiller_log", equipment=CHILLER)
    assert (order["state"], [check["ok"] for check in order["checks"]]) == ("triaged", [None])
    steps, records = (f"/orders/{order['order']}/{what}" for what in ("steps", "records"))
    await say(rig.client, steps, step="assign", assignee="陳技士")
    await say(rig.client, steps, step="arrive")
    assert "checklist" in (await say(rig.client, steps, 409, step="fix"))["detail"]
    low = await say(rig.client, records, results=[{"check": "oil", "value": 140.0, "note": "偏低"}])
    assert (low["checks"][0]["ok"], low["checks"][0]["value"]) == (False, 140.0)
    await say(rig.client, steps, step="fix")
    while True:
        tasks = (await rig.client.get(f"{PATH}/due", params={"state": "waiting"})).json()["items"]
        if any(task["plan"] == "chiller_log" for task in tasks):
            break
    [plan, _] = (await rig.client.get(f"{PATH}/plans")).json()["items"]
    assert (plan["equipment"], plan["every"], plan["checks"][0]["low"]) == ([CHILLER], "day", 150.0)


async def test_the_figures_of_a_period_say_what_was_late(rig: ApiRig) -> None:
    for text in ("漏水", "跳電"):
        order = await say(rig.client, "/orders", 201, text=text, place="01", priority=1)
    steps = f"/orders/{order['order']}/steps"
    for step in ({"step": "triage"}, {"step": "assign", "assignee": "陳技士"}, {"step": "arrive"}):
        await say(rig.client, steps, **step)
    await seen(rig, "/orders", 1, state="arrived")
    today = datetime.now(ZoneInfo("Asia/Taipei")).date()
    asked = {"from": today.isoformat(), "to": (today + timedelta(1)).isoformat()}
    found = (await rig.client.get(f"{PATH}/figures", params=asked)).json()
    assert (found["urgent"], found["late"], found["in_time"], found["in_time_target"]) == (1, 0, 1.0, 0.87)
    assert found["preventive"]["share"] is None, "the day is not over"
    assert (await rig.client.get(f"{PATH}/figures", params=asked | {"to": "2099-01-01"})).status_code == 422


async def test_a_round_sent_twice_is_recorded_once_and_its_findings_are_closed_with_a_photo(rig: ApiRig) -> None:
    begun = now()
    body: dict[str, Any] = {
        "round": "phone-0001", "route": "night", "begun": begun, "ended": begun,
        "stops": [{"stop": "b2_plant", "ok": False, "at": begun}],
        "findings": [
            {"place": "B2.CN", "category": "clear_corridors", "severity": "safety", "text": "走道堆置雜物"},
            {"place": "01", "category": "ceiling_and_floor", "text": "天花板滲水"},
        ],
    }  # fmt: skip
    first = await say(rig.client, "/rounds", 201, **body)
    assert (first["missed"], len(first["findings"])) == (["hall"], 2)
    assert await say(rig.client, "/rounds", 201, **body) == first
    leak, corridor = await seen(rig, "/findings", 2)
    assert len(await seen(rig, "/rounds", 1)) == 1
    assert (corridor["category"], corridor["overdue"], leak["severity"]) == ("clear_corridors", False, "other")
    assert corridor["due_at"] < leak["due_at"]
    closure = f"/findings/{corridor['finding']}/closure"
    assert "photo" in (await say(rig.client, closure, 409, comment="已清除"))["detail"]
    given = [{"sha256": await photo(rig), "what": "after"}]
    closed = await say(rig.client, closure, comment="已清除", documents=given)
    assert (closed["comment"], closed["documents"][0]["media_type"]) == ("已清除", "image/png")
    assert (await say(rig.client, closure, 409, comment="x", documents=given))["status"] == 409
    order = await say(rig.client, "/orders", 201, finding=leak["finding"], text="天花板滲水", place="01")
    assert (order["source"], order["finding"]) == ("patrol", leak["finding"])
    done = await say(rig.client, f"/findings/{leak['finding']}/closure", comment="已派工", order=order["order"])
    assert done["order"] == order["order"]
    assert await seen(rig, "/findings", 0) == []


async def test_a_fire_test_is_entered_filed_and_due_again(rig: ApiRig) -> None:
    page = (await rig.client.get(f"{PATH}/fire-tests")).json()
    [due] = page["due"]
    assert (due["plan"], due["state"], due["equipment"]) == ("class_a_report", "due", None)
    day = due["due"]
    results = [{"subject": "TCH.B2.CN.ACV01", "ok": True, "response_s": 32.0}]
    today = now()[:10]
    body = {"plan": "class_a_report", "due": day, "tested_on": today, "tester": "安全消防公司", "results": results}
    test = await say(rig.client, "/fire-tests", 201, **body)
    assert (test["passed"], test["filed_on"], test["filing_overdue"]) == (True, None, False)
    assert test["file_until"] > today
    filed = await say(rig.client, f"/fire-tests/{test['test']}/filing", filed_on=today, number="第1號")
    assert filed["filed_on"] == today
    assert (await say(rig.client, f"/fire-tests/{test['test']}/filing", 409, filed_on=today))["status"] == 409
    assert await seen(rig, "/fire-tests", 1) == [filed]
    assert (await rig.client.get(f"{PATH}/fire-tests")).json()["due"][0]["last_done"] == today


async def test_an_asset_is_exchanged_and_its_history_is_kept(rig: ApiRig) -> None:
    path = f"{PATH}/assets/{CHILLER}"
    known = {"serial": "CH-1994-001", "maker": "Carrier", "installed": "1994-05-01"}
    first = (await rig.client.put(path, json=known)).json()
    assert (first["asset_class"], first["place"], first["epoch"]) == ("Centrifugal_Chiller", "B2.CN", 1)
    exchange = {"serial": "CH-2026-001", "reason": "屆齡汰換", "counters": []}
    second = await say(rig.client, f"/assets/{CHILLER}/exchanges", 201, **exchange)
    assert (second["unit"]["serial"], second["epoch"], second["earlier"][0]["serial"]) == (
        "CH-2026-001", 2, "CH-1994-001",
    )  # fmt: skip
    assert "stands there" in (await say(rig.client, f"/assets/{CHILLER}/exchanges", 409, **exchange))["detail"]
    foreign = {"point": "TCH.01.E.AHU01.SAT", "last_old": 1.0, "first_new": 0.0}
    other = exchange | {"serial": "X", "counters": [foreign]}
    assert (await say(rig.client, f"/assets/{CHILLER}/exchanges", 404, **other))["status"] == 404
    tagged = {"asset_class": "Fire_Extinguisher", "place": "01.E", "text_zh": "滅火器", "serial": "E-21"}
    assert (await rig.client.put(f"{PATH}/assets/EXT-21", json=tagged)).json()["tag"] == "EXT-21"
    assert (await rig.client.put(f"{PATH}/assets/EXT-22", json={})).status_code == 409
    assert [a["tag"] for a in await seen(rig, "/assets", 1, **{"class": "Fire_Extinguisher"})] == ["EXT-21"]


async def test_an_order_that_makes_no_sense_is_refused_in_words(rig: ApiRig) -> None:
    cases: list[tuple[dict[str, Any], int, str]] = [
        ({}, 400, "name either"),
        ({"alarm": "x", "plan": "y"}, 400, "name either"),
        ({"alarm": "no~such"}, 404, "no~such"),
        ({"plan": "none", "equipment": CHILLER}, 404, "none"),
        ({"plan": "chiller_log", "equipment": "TCH.01.E.AHU01"}, 404, "does not cover"),
        ({"text": "漏水"}, 409, "place"),
        ({"text": "漏水", "place": "99"}, 404, "no floor or zone"),
        ({"text": "漏水", "equipment": "TCH.99.X.Y01"}, 404, "no equipment"),
        ({"finding": "none", "place": "01"}, 404, "no finding"),
        ({"text": "漏水", "place": "01", "priority": 5}, 422, "priority"),
    ]
    for body, status, said in cases:
        assert said in (await say(rig.client, "/orders", status, **body))["detail"]


async def test_what_a_phone_sends_twice_is_one_order(rig: ApiRig) -> None:
    given = [{"sha256": await photo(rig), "what": "before"}]
    body = {"text": "漏水", "place": "01", "key": "phone-0002", "documents": given}
    first = await say(rig.client, "/orders", 201, **body)
    assert first["documents"][0]["what"] == "before"
    assert (await say(rig.client, "/orders", 201, **body))["order"] == first["order"]


async def test_the_view_built_again_is_the_same(rig: ApiRig) -> None:
    for place in ("01", "B2"):
        order = await say(rig.client, "/orders", 201, text="漏水", place=place)
    await say(rig.client, f"/orders/{order['order']}/steps", step="dismiss", comment="重複通報")
    await seen(rig, "/orders", 1)
    pool = await open_pool(rig.dsn)
    rebuilt = await Rebuilder(rig.events, pool, PROJECTIONS).rebuild("maintenance")
    pool.terminate()
    assert (rebuilt.rows, rebuilt.differed) == ({"maintenance_record": 2}, False)


@pytest_asyncio.fixture
async def other(rig: ApiRig) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody else, who may maintain too."""
    async with rig.nobody() as client:
        client.headers.update(await rig.known_as("李主任", Role.SUPERVISOR))
        yield client


async def test_who_maintains_one_floor_does_so_there_alone(rig: ApiRig) -> None:
    async with rig.nobody() as client:
        client.headers.update(await rig.known_as("林技士", Role.OPERATOR, zones=["01"]))
        await say(client, "/orders", 201, text="漏水", place="01.E")
        for where in ({"place": "B2"}, {"equipment": CHILLER}):
            await say(client, "/orders", 403, text="漏水", **where)
        order = await say(rig.client, "/orders", 201, text="漏水", place="B2")
        await say(client, f"/orders/{order['order']}/steps", 403, step="triage")
