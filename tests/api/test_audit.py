"""The record over HTTP, as auditors search it: who, what, when, in which words; its chain; its CSV."""

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
from tests.support.api_rig import TRIP, ApiRig

from cityhall_bms.adapters.postgres import audit as adapter
from cityhall_bms.domain.alarms import AlarmReturned, stream_of
from cityhall_bms.ports.event_log import Append

AUDIT = "/api/v1/audit"


async def found(rig: ApiRig, **asked: Any) -> list[tuple[str, str]]:
    answer = await rig.client.get(f"{AUDIT}/events", params=asked)
    assert answer.status_code == 200, answer.text
    return [(event["type"], event["actor"]) for event in answer.json()["items"]]


async def lived(rig: ApiRig) -> None:
    """An alarm rings, is acknowledged with words, and returns."""
    await rig.raise_alarm()
    answer = await rig.client.post(f"/api/v1/alarms/{TRIP}/acknowledge", json={"comment": "Vendor 到場"})
    assert answer.status_code == 200
    await rig.return_alarm()


async def test_events_are_found_by_kind_person_stream_and_words_the_newest_first(rig: ApiRig) -> None:
    await lived(rig)
    stream = stream_of(TRIP)
    ring, seen, over = ("AlarmRaised", "rules"), ("AlarmAcknowledged", "王小明"), ("AlarmReturned", "rules")
    assert await found(rig, stream=stream) == [over, seen, ring]
    assert await found(rig, stream="alarm/", type=["AlarmRaised", "AlarmReturned"]) == [over, ring]
    assert await found(rig, who="王小明", stream="alarm/") == [seen]
    assert await found(rig, people=True, stream="alarm/") == [seen]
    assert await found(rig, q="vendor") == [seen]
    assert await found(rig, q="vendor", type="AlarmRaised") == []


async def test_time_bounds_are_of_the_record(rig: ApiRig) -> None:
    await lived(rig)
    now = datetime.now(UTC)
    assert len(await found(rig, **{"from": (now - timedelta(minutes=5)).isoformat()}, stream="alarm/")) == 3
    assert await found(rig, **{"from": (now + timedelta(minutes=5)).isoformat()}) == []
    assert await found(rig, to=(now - timedelta(days=1)).isoformat()) == []


async def test_pages_hang_together_and_a_search_for_words_goes_on_part_by_part(rig: ApiRig, monkeypatch: Any) -> None:
    await lived(rig)
    whole = await found(rig)
    pages, cursor = [], None
    while True:
        page = (
            await rig.client.get(f"{AUDIT}/events", params={"limit": 1} | ({"cursor": cursor} if cursor else {}))
        ).json()
        pages += [(event["type"], event["actor"]) for event in page["items"]]
        if (cursor := page["next"]) is None:
            break
    assert pages == whole

    monkeypatch.setattr(adapter, "SCANNED_MAX", 1)
    words, cursor, asked = [], None, 0
    while True:
        page = (
            await rig.client.get(f"{AUDIT}/events", params={"q": "vendor"} | ({"cursor": cursor} if cursor else {}))
        ).json()
        words, asked = words + page["items"], asked + 1
        if (cursor := page["next"]) is None:
            break
    assert (len(words), asked) == (1, len(whole))
    assert (await rig.client.get(f"{AUDIT}/events", params={"cursor": "x"})).status_code == 400


async def test_the_csv_has_every_event_with_its_hash_and_no_formula(rig: ApiRig) -> None:
    await rig.raise_alarm()
    await rig.client.post(f"/api/v1/alarms/{TRIP}/acknowledge", json={"comment": "a,b"})
    await rig.events.append([Append(stream_of(TRIP), [AlarmReturned(observed_at=0)], "=1+1")])
    answer = await rig.client.get(f"{AUDIT}/events.csv", params={"stream": "alarm/"})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [row["type"] for row in rows] == ["AlarmReturned", "AlarmAcknowledged", "AlarmRaised"]
    assert rows[0]["actor"] == "'=1+1"
    log = await rig.events.read(stream=stream_of(TRIP))
    assert [row["hash"] for row in rows] == [event.hash.hex() for event in reversed(log)]


async def test_the_chain_is_checked_and_a_change_behind_the_service_is_found_at_its_place(rig: ApiRig) -> None:
    await lived(rig)
    chain = (await rig.client.get(f"{AUDIT}/chain", params={"check": 1000})).json()
    assert (chain["broken_at"], chain["checked"], chain["checked_from"]) == (None, chain["position"], 1)
    assert chain["signed"] is None
    changed = chain["position"] - 1
    connection = await asyncpg.connect(rig.dsn)
    await connection.execute("ALTER TABLE event DISABLE TRIGGER USER")
    await connection.execute("UPDATE event SET actor = '李小華' WHERE position = $1", changed)
    await connection.close()
    assert (await rig.client.get(f"{AUDIT}/chain", params={"check": 1000})).json()["broken_at"] == changed
    assert (await rig.client.get(f"{AUDIT}/chain")).json()["checked"] == 0


async def test_kinds_are_those_that_can_be_recorded(rig: ApiRig) -> None:
    kinds = (await rig.client.get(f"{AUDIT}/kinds")).json()["items"]
    assert {"AlarmRaised", "RulePromoted", "HandOverSigned"} <= set(kinds)
