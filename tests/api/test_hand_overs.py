"""A shift is handed over: lists of one moment, two signatures, the same for ever."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.support.api_rig import CHILLER, TRIP, ApiRig, eventually

from cityhall_bms.adapters.postgres.connection import open_pool
from cityhall_bms.adapters.postgres.projections import PROJECTIONS
from cityhall_bms.adapters.postgres.rebuilding import Rebuilder

PATH = "/api/v1/shifts/hand-overs"


async def post(rig: ApiRig, path: str, by: str = "王小明", **body: Any) -> Any:
    answer = await rig.client.post(path, json=body, headers=await rig.known_as(by))
    assert answer.status_code in {200, 201}, answer.text
    return answer.json()


async def stand(rig: ApiRig) -> None:
    """One alarm of each list, one that is normal, and a permit."""
    until = (datetime.now(UTC) + timedelta(hours=2)).isoformat()
    permit = await post(rig, "/api/v1/permits", kind="works", equipment=[CHILLER], until=until, reason="軸承更換")
    for name in (TRIP, "SEEN~x", "ASIDE~x", "REPAIR~x", "OVER~x"):
        await rig.raise_alarm(name, priority=3)
    await post(rig, "/api/v1/alarms/SEEN~x/acknowledge", comment="<b>待料</b>")
    await post(rig, "/api/v1/alarms/ASIDE~x/shelve", duration_s=600, reason="濾網更換")
    await post(rig, "/api/v1/alarms/REPAIR~x/out-of-service", permit=permit["permit"], reason="軸承更換")
    await rig.return_alarm("OVER~x")
    last = await post(rig, "/api/v1/alarms/OVER~x/acknowledge")
    await eventually(lambda: rig.services.feed.tail.end >= last["position"])


def names(answer: Any) -> dict[str, list[str]]:
    return {name: [alarm["rule"] for alarm in alarms] for name, alarms in answer["alarms"].items()}


LISTS = {
    "unacknowledged": ["CHC_TRIP"], "open": ["SEEN"], "shelved": ["ASIDE"], "suppressed": [], "out_of_service": ["REPAIR"],
}  # fmt: skip


async def test_the_outgoing_operator_writes_down_what_stands_and_the_incoming_signs(rig: ApiRig) -> None:
    await stand(rig)
    made = await post(rig, PATH, notes="三號主機等料")
    assert (names(made), made["proven"], made["hand_over"]["signed_by"]) == (LISTS, True, "")
    assert [permit["reason"] for permit in made["permits"]] == ["軸承更換"]
    assert made["hand_over"]["counts"] == {name: len(rules) for name, rules in LISTS.items()} | {"permits": 1}

    address = f"{PATH}/{made['hand_over']['hand_over']}"
    same = await rig.client.post(f"{address}/signature", json={})
    signed = await post(rig, f"{address}/signature", by="李小華", comment="收到")
    again = await rig.client.post(f"{address}/signature", json={}, headers=await rig.known_as("張三"))

    assert (same.status_code, again.status_code) == (409, 409)
    assert (signed["signed_by"], signed["comment"]) == ("李小華", "收到")
    events = (await rig.client.get("/api/v1/events", params={"stream": "hand-over/"})).json()["items"]
    assert [(event["type"], event["actor"]) for event in events] == [
        ("HandOverPrepared", "王小明"),
        ("HandOverSigned", "李小華"),
    ]


async def test_its_lists_are_the_same_for_ever_whatever_happens_afterwards(rig: ApiRig) -> None:
    await stand(rig)
    made = await post(rig, PATH)
    address = f"{PATH}/{made['hand_over']['hand_over']}"

    await rig.return_alarm("SEEN~x")
    await post(rig, f"/api/v1/alarms/{TRIP}/acknowledge")
    await post(rig, "/api/v1/alarms/ASIDE~x/unshelve")
    await post(rig, f"/api/v1/permits/{made['permits'][0]['permit']}/closure")
    await rig.raise_alarm("NEW~x")
    pool = await open_pool(rig.dsn)
    for projection in ("alarms", "permits", "hand_overs"):
        assert not (await Rebuilder(rig.events, pool, PROJECTIONS).rebuild(projection)).differed
    pool.terminate()
    later = (await rig.client.get(address)).json()

    assert later == made
    assert (await post(rig, PATH))["hand_over"]["digest"] != made["hand_over"]["digest"]


async def test_it_is_printed_with_everything_on_it_and_nothing_that_runs(rig: ApiRig) -> None:
    await stand(rig)
    made = await post(rig, PATH, notes="<script>alert(1)</script>\n注意")
    answer = await rig.client.get(f"{PATH}/{made['hand_over']['hand_over']}/page")
    page = answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'; style-src 'sha256-" in answer.headers["content-security-policy"]
    for word in (TRIP.partition("~")[2], "軸承更換", "濾網更換", "王小明", "相符", "&lt;script&gt;", "&lt;b&gt;待料"):
        assert word in page, word
    assert "<script" not in page


async def test_hand_overs_are_listed_the_newest_first(rig: ApiRig) -> None:
    made = [(await post(rig, PATH))["hand_over"]["hand_over"] for _ in range(3)]
    while len((first := (await rig.client.get(PATH, params={"limit": 2})).json())["items"]) < 2 or not first["next"]:
        pass
    rest = (await rig.client.get(PATH, params={"limit": 2, "cursor": first["next"]})).json()
    assert [item["hand_over"] for item in first["items"] + rest["items"]] == made[::-1]
    assert (await rig.client.get(f"{PATH}/2026-01-01-9")).status_code == 404
