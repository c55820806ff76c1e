"""Alarms over HTTP: list, life, operators, and a feed that misses and repeats nothing."""

import asyncio
from urllib.parse import quote

from tests.support.api_rig import CHILLER, TRIP, ApiRig, eventually, read_events

PATH = f"/api/v1/alarms/{quote(TRIP)}"


async def test_an_alarm_is_listed_acknowledged_returned_and_its_life_is_in_the_events(rig: ApiRig) -> None:
    await rig.raise_alarm()

    listed = (await rig.client.get("/api/v1/alarms")).json()["items"]
    acknowledged = (await rig.client.post(f"{PATH}/acknowledge", json={"comment": "查看中"})).json()
    await rig.return_alarm()
    events = (await rig.client.get("/api/v1/events", params={"stream": f"alarm/{TRIP}"})).json()["items"]

    assert [(item["id"], item["state"], item["priority"]) for item in listed] == [(TRIP, "UNACK", 2)]
    assert (acknowledged["state"], acknowledged["acknowledged_by"]) == ("ACKED", "王小明")
    assert [(event["type"], event["actor"]) for event in events] == [
        ("AlarmRaised", "rules"),
        ("AlarmAcknowledged", "王小明"),
        ("AlarmReturned", "rules"),
    ]
    life = (await rig.client.get(PATH)).json()
    assert life["alarm"]["state"] == "NORM"
    assert [item["alarm"]["state"] for item in life["transitions"]] == ["UNACK", "ACKED", "NORM"]


async def test_what_the_state_does_not_allow_is_a_conflict(rig: ApiRig) -> None:
    await rig.raise_alarm(priority=1)
    await rig.client.post(f"{PATH}/acknowledge", json={})

    again = await rig.client.post(f"{PATH}/acknowledge", json={})
    shelve = await rig.client.post(f"{PATH}/shelve", json={"duration_s": 60, "reason": "works"})
    unshelve = await rig.client.post(f"{PATH}/unshelve", json={})

    assert [answer.status_code for answer in (again, shelve, unshelve)] == [409, 409, 409]
    assert "priority 1" in shelve.json()["detail"]


async def test_a_shelved_alarm_is_hidden_with_its_reason_and_comes_back(rig: ApiRig) -> None:
    await rig.raise_alarm(priority=3)

    shelved = (await rig.client.post(f"{PATH}/shelve", json={"duration_s": 1800, "reason": "濾網更換"})).json()
    position = shelved["position"]
    await eventually(lambda: rig.services.feed.tail.end >= position)
    listed = (await rig.client.get("/api/v1/alarms", params={"state": "shelved"})).json()["items"]
    back = (await rig.client.post(f"{PATH}/unshelve", json={})).json()

    assert (shelved["state"], shelved["shelf_reason"]) == ("SHLVD", "濾網更換")
    assert [item["id"] for item in listed] == [TRIP]
    assert back["state"] == "UNACK"


async def test_a_latched_alarm_stays_until_it_is_reset(rig: ApiRig) -> None:
    await rig.raise_alarm(latching=True)
    early = await rig.client.post(f"{PATH}/reset", json={})
    await rig.return_alarm()
    latched = (await rig.client.get(PATH)).json()["alarm"]["state"]
    await rig.client.post(f"{PATH}/acknowledge", json={})
    after = (await rig.client.post(f"{PATH}/reset", json={})).json()

    assert early.status_code == 409
    assert (latched, after["state"]) == ("LATUN", "NORM")


async def test_two_operators_at_once_acknowledge_once(rig: ApiRig) -> None:
    await rig.raise_alarm()

    answers = await asyncio.gather(*(rig.client.post(f"{PATH}/acknowledge", json={}) for number in range(8)))

    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 7


async def test_a_console_that_resumes_misses_and_repeats_nothing(rig: ApiRig) -> None:
    positions = []
    for occurrence in range(1, 6):
        positions.append(await rig.raise_alarm(occurrence=occurrence))
        positions.append(await rig.return_alarm())

    first = await read_events(rig.client, "/api/v1/alarms/feed?after=0", 4)
    rest = await read_events(rig.client, "/api/v1/alarms/feed", 6, {"Last-Event-ID": first[-1]["id"]})

    assert [int(event["id"]) for event in first + rest] == positions
    assert [event["data"]["type"] for event in first] == ["AlarmRaised", "AlarmReturned"] * 2
    assert [event["data"]["alarm"]["state"] for event in first] == ["UNACK", "RTNUN", "UNACK", "RTNUN"]


async def test_the_feed_brings_an_alarm_as_it_rings(rig: ApiRig) -> None:
    async with asyncio.TaskGroup() as tasks:
        listening = tasks.create_task(read_events(rig.client, "/api/v1/alarms/feed", 1))
        while not listening.done():
            await rig.raise_alarm()
            await rig.return_alarm()
            await asyncio.sleep(0)

    assert listening.result()[0]["data"]["alarm"]["equipment"] == CHILLER


async def test_the_list_is_in_the_operators_order(rig: ApiRig) -> None:
    for rule, priority in (("A1", 3), ("A2", 1), ("A3", 2), ("A4", 1)):
        await rig.raise_alarm(f"{rule}~{CHILLER}", priority=priority)
    acknowledged = await rig.client.post(f"/api/v1/alarms/A2~{CHILLER}/acknowledge", json={})
    position = acknowledged.json()["position"]
    await eventually(lambda: rig.services.feed.tail.end >= position)

    pages = []
    cursor = None
    for _ in range(2):
        params = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = (await rig.client.get("/api/v1/alarms", params=params)).json()
        pages += [item["rule"] for item in page["items"]]
        cursor = page["next"]

    assert pages == ["A4", "A3", "A1", "A2"]
    assert cursor is None


async def test_names_with_a_nul_are_answered_as_any_other_unknown_name(rig: ApiRig) -> None:
    body = {}
    assert (await rig.client.post("/api/v1/alarms/%00/acknowledge", json=body)).status_code == 404
    assert (await rig.client.get("/api/v1/events?stream=%00")).json()["items"] == []
    assert (await rig.client.get("/api/v1/alarms?equipment=%00")).status_code == 422
