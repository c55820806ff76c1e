"""Fuel that people enter: approved by others, proven by documents, corrected, and imported from a file."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest_asyncio
from tests.support.api_rig import ApiRig, running_api

METERS = """\
[[meter]]
name = "TCH.FUEL.FLEET"
commodity = "fuel"
text_zh = "公務車油料"
text_en = "Fuel of official vehicles"
manual = true

[[meter]]
name = "TCH.FUEL.OTHER"
commodity = "fuel"
text_zh = "其他油料"
text_en = "Other fuel"
manual = true

[[meter]]
name = "TCH.FUEL.ALL"
commodity = "fuel"
text_zh = "油料合計"
text_en = "All fuel"
expression = "TCH.FUEL.FLEET + TCH.FUEL.OTHER"
"""
FLEET = "TCH.FUEL.FLEET"
HALF_YEAR = {"from": "2015-01-01T00:00:00+08:00", "to": "2015-07-01T00:00:00+08:00"}
MONTHS_2015 = (1_500.0, 1_380.0, 1_620.0, 1_518.0, 1_490.0, 1_590.0)
"""Litres of the first half of 2015: 9,098 together, as the city published."""
PDF = b"%PDF-1.7\n1 0 obj\n"


def describe(folder: Path) -> Path:
    folder.mkdir()
    (folder / "meters.toml").write_text(METERS, encoding="utf-8")
    return folder


@pytest_asyncio.fixture
async def rig(postgres_url: str, tmp_path: Path) -> AsyncIterator[ApiRig]:
    async with running_api(postgres_url, describe(tmp_path / "site")) as running:
        yield running


async def enter(rig: ApiRig, first: str, last: str, amount: float, **more: Any) -> httpx.Response:
    body = {"meter": FLEET, "first_day": first, "last_day": last, "amount": amount}
    return await rig.client.post("/api/v1/energy/readings", json=body | more)


async def approve(rig: ApiRig, *numbers: int, by: str = "李大華") -> httpx.Response:
    body = {"readings": [{"meter": FLEET, "number": number} for number in numbers]}
    return await rig.client.post("/api/v1/energy/readings/approval", json=body, headers=await rig.known_as(by))


async def settled(rig: ApiRig, **states: int) -> list[dict[str, Any]]:
    """Readings, once as many of each state are in the list."""
    async with asyncio.timeout(20):
        while True:
            items = (await rig.client.get("/api/v1/energy/readings")).json()["items"]
            found = [item["state"] for item in items]
            if all(found.count(state) == count for state, count in states.items()):
                return list(items)
            await asyncio.sleep(0.02)  # the projector works in another task


async def amounts(rig: ApiRig, meter: str = FLEET, interval: str = "1mo", **more: str) -> dict[str, Any]:
    answer = await rig.client.get(
        f"/api/v1/energy/meters/{meter}/amounts", params={**HALF_YEAR, "interval": interval, **more}
    )
    assert answer.status_code == 200, answer.text
    return dict(answer.json()["meters"][0])


async def test_fuel_counts_when_somebody_else_approved_it(rig: ApiRig) -> None:
    entered = await enter(rig, "2015-01-01", "2015-01-31", 1_500.0, note="一月份帳單")
    assert entered.status_code == 201, entered.text
    assert entered.json() | {"entered_at": ""} == {
        "meter": FLEET, "number": 1, "first_day": "2015-01-01", "last_day": "2015-01-31", "amount": 1_500.0,
        "unit": "L", "state": "pending", "note": "一月份帳單", "corrects": None, "source": None, "document": None,
        "entered_by": "王小明", "entered_at": "", "decided_by": "", "decided_at": None, "comment": "",
    }  # fmt: skip
    await settled(rig, pending=1)
    assert (await amounts(rig))["v"] == [None] * 6

    assert (await approve(rig, 1, by="王小明")).status_code == 409
    assert (await approve(rig, 1, 2)).status_code == 404
    assert (await approve(rig, 1)).json()["items"][0]["decided_by"] == "李大華"
    await settled(rig, approved=1)
    found = await amounts(rig)
    assert (found["v"], found["coverage"]) == ([1_500.0] + [None] * 5, [1.0] + [0.0] * 5)
    assert (await amounts(rig, "TCH.FUEL.ALL"))["v"] == [None] * 6

    assert (await approve(rig, 1)).status_code == 409
    overlapping = await enter(rig, "2015-01-31", "2015-02-28", 1.0)
    assert overlapping.status_code == 409
    assert "#1" in overlapping.json()["detail"]
    assert (await enter(rig, "2200-01-01", "2200-01-31", 1.0)).status_code == 409
    assert (await enter(rig, "2015-02-01", "2015-02-28", 1.0, meter="NONE")).status_code == 404
    assert (await enter(rig, "2015-02-01", "2015-02-28", 1.0, meter="TCH.FUEL.ALL")).status_code == 409

    days = await amounts(rig, interval="1d")
    assert days["v"][:31] == [None] * 31
    days = await amounts(rig, interval="1d", estimate="linear")
    assert [round(value, 6) for value in days["v"][:31]] == [round(1_500 / 31, 6)] * 31
    assert days["estimated"][:31] == days["v"][:31]
    assert days["coverage"] == [0.0] * 181


async def test_a_correction_restates_and_what_was_known_stays(rig: ApiRig) -> None:
    await enter(rig, "2015-01-01", "2015-01-31", 1_500.0)
    await approve(rig, 1)
    await settled(rig, approved=1)
    before = (await rig.client.get("/api/v1/energy/readings/TCH.FUEL.FLEET/1")).json()["decided_at"]

    assert (await enter(rig, "2015-01-01", "2015-01-31", 1_450.0, corrects=1)).status_code == 201
    await settled(rig, approved=1, pending=1)
    assert (await amounts(rig))["v"][0] == 1_500.0
    moment = "2026-07-01T00:00:00Z"  # long before anything of it was entered
    assert (await amounts(rig, as_known_at=moment))["v"][0] is None
    approved = (await approve(rig, 2)).json()["items"][0]
    items = await settled(rig, approved=1, superseded=1)
    assert {item["number"]: item["state"] for item in items} == {1: "superseded", 2: "approved"}
    assert (await amounts(rig))["v"][0] == 1_450.0
    assert approved["decided_at"] > before
    [first, _, second] = await approvals(rig)
    between = (first + second) // 2
    assert (await amounts(rig, as_known_at=text_of(between)))["v"][0] == 1_500.0


async def approvals(rig: ApiRig) -> list[int]:
    """When approvals and entries after the first were recorded."""
    entries = await rig.events.read(stream=f"meter_reading/{FLEET}")
    return [entry.recorded_at for entry in entries][1:]


def text_of(at: int) -> str:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at)).isoformat()


async def test_a_rejected_one_never_counts(rig: ApiRig) -> None:
    await enter(rig, "2015-01-01", "2015-01-31", 15_000.0)
    answer = await rig.client.post(
        f"/api/v1/energy/readings/{FLEET}/1/rejection",
        json={"reason": "與帳單金額不符"},
        headers=await rig.known_as("李大華"),
    )
    assert (answer.status_code, answer.json()["state"], answer.json()["comment"]) == (200, "rejected", "與帳單金額不符")
    await settled(rig, rejected=1)
    assert (await amounts(rig))["v"] == [None] * 6
    assert (await enter(rig, "2015-01-01", "2015-01-31", 1_500.0)).status_code == 201


async def test_documents_are_kept_by_their_content(rig: ApiRig) -> None:
    async def keep(data: bytes, name: str = "../../發票 六月;rm -rf.exe") -> httpx.Response:
        return await rig.client.post("/api/v1/energy/documents", params={"name": name}, content=data)

    kept = await keep(PDF)
    digest = hashlib.sha256(PDF).hexdigest()
    assert (kept.status_code, kept.json()) == (
        201,
        {"sha256": digest, "name": "發票_六月_rm_-rf.pdf", "type": "application/pdf", "bytes": len(PDF)},
    )
    assert (await keep(PDF)).json()["sha256"] == digest
    assert [path.name for path in (rig.folder / "documents").iterdir()] == [digest]

    entered = await enter(rig, "2015-01-01", "2015-01-31", 1_500.0, document={"sha256": digest, "name": "發票.pdf"})
    assert entered.json()["document"]["name"] == "發票.pdf"
    given = await rig.client.get(f"/api/v1/energy/documents/{digest}")
    assert (given.content, given.headers["content-type"]) == (PDF, "application/pdf")
    assert given.headers["content-disposition"].startswith("attachment;")
    assert given.headers["x-content-type-options"] == "nosniff"

    assert (await keep(b"MZ\x90\x00 a program")).status_code == 409
    assert (await keep(b"%PDF-" + bytes(5_000_000))).status_code == 413
    assert (await keep(b"%PDF-" + bytes(4_999_995))).status_code == 201
    assert (await rig.client.get(f"/api/v1/energy/documents/{'0' * 64}")).status_code == 404
    nowhere = await enter(rig, "2015-02-01", "2015-02-28", 1.0, document={"sha256": "0" * 64, "name": "x"})
    assert nowhere.status_code == 404
    (rig.folder / "documents" / digest).write_bytes(b"%PDF-1.7 changed")
    assert (await rig.client.get(f"/api/v1/energy/documents/{digest}")).status_code == 404


def half_year(*changed: tuple[int, float]) -> str:
    rows = ["meter,first_day,last_day,amount,unit,note"]
    for month, amount in enumerate(MONTHS_2015, 1):
        last = (31, 28, 31, 30, 31, 30)[month - 1]
        value = dict(changed).get(month, amount)
        rows.append(f"{FLEET},2015-{month:02}-01,2015-{month:02}-{last},{value},L,加油卡帳單")
    return "\r\n".join(rows) + "\r\n"


async def test_a_file_is_tried_entered_once_and_approved(rig: ApiRig) -> None:
    async def send(text: str, *, dry_run: bool = False) -> dict[str, Any]:
        answer = await rig.client.post(
            "/api/v1/energy/readings/import",
            params={"dry_run": dry_run},
            content=text.encode(),
            headers={"content-type": "text/csv"},
        )
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    tried = await send(half_year(), dry_run=True)
    assert (tried["entered"], [row["outcome"] for row in tried["rows"]]) == (False, ["entered"] * 6)
    assert await rig.events.read(stream=f"meter_reading/{FLEET}") == []

    broken = await send(half_year().replace("1380.0", "many").replace("2015-03-31", "2015-04-02"))
    assert broken["entered"] is False
    assert [(p["line"], p["column"], p["field"]) for p in broken["problems"]] == [(3, 4, "amount"), (5, 1, "row")]
    assert await rig.events.read(stream=f"meter_reading/{FLEET}") == []

    entered = await send(half_year())
    assert (entered["entered"], entered["problems"]) == (True, [])
    assert {row["reading"]["source"] for row in entered["rows"]} == {entered["sha256"]}
    again = await send(half_year())
    assert (again["entered"], [row["outcome"] for row in again["rows"]]) == (False, ["unchanged"] * 6)

    assert (await approve(rig, *range(1, 7))).status_code == 200
    await settled(rig, approved=6)
    found = await amounts(rig)
    assert (found["v"], sum(found["v"])) == (list(MONTHS_2015), 9_098.0)

    corrected = await send(half_year((2, 1_400.0)))
    assert [row["outcome"] for row in corrected["rows"]] == ["unchanged", "corrects", *["unchanged"] * 4]
    assert (corrected["rows"][1]["before"], corrected["rows"][1]["reading"]["corrects"]) == (1_380.0, 2)
    await settled(rig, approved=6, pending=1)
    page = (await rig.client.get("/api/v1/energy/readings", params={"limit": 4})).json()
    rest = (await rig.client.get("/api/v1/energy/readings", params={"limit": 4, "cursor": page["next"]})).json()
    assert [item["number"] for item in page["items"] + rest["items"]] == [7, 6, 5, 4, 3, 2, 1]
    assert rest["next"] is None
    one = (await rig.client.get("/api/v1/energy/readings", params={"state": "pending", "meter": FLEET})).json()
    assert [item["number"] for item in one["items"]] == [7]
