"""What operators do to alarms over HTTP: many at once, asides with an end, repairs under a permit."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from tests.support.api_rig import CHILLER, TRIP, ApiRig

from cityhall_bms.domain.events import RuleApplied
from cityhall_bms.ports.event_log import Append

PATH = f"/api/v1/alarms/{quote(TRIP)}"


async def post(rig: ApiRig, path: str, **body: Any) -> tuple[int, Any]:
    answer = await rig.client.post(path, json=body)
    return answer.status_code, answer.json()


async def test_of_many_alarms_each_is_told_for_itself(rig: ApiRig) -> None:
    names = [f"R{number}~{CHILLER}" for number in range(20)]
    for name in names:
        await rig.raise_alarm(name)
    await post(rig, f"/api/v1/alarms/{names[0]}/acknowledge")

    status, answer = await post(rig, "/api/v1/alarms/acknowledgements", ids=[*names, "X~nothing"], comment="一併確認")

    assert (status, answer["done"]) == (200, 19)
    assert [item["id"] for item in answer["items"]] == [*names, "X~nothing"]
    assert [item["status"] for item in answer["items"]] == [409] + [200] * 19 + [404]
    refused, done, unknown = answer["items"][0], answer["items"][1], answer["items"][-1]
    assert (refused["alarm"], refused["refusal"]["type"]) == (None, "/problems/conflict")
    assert (done["alarm"]["state"], done["alarm"]["acknowledged_by"], done["refusal"]) == ("ACKED", "王小明", None)
    assert "no alarm is named X~nothing" in unknown["refusal"]["detail"]
    for name in names:
        events = (await rig.client.get("/api/v1/events", params={"stream": f"alarm/{name}"})).json()["items"]
        assert [event["type"] for event in events] == ["AlarmRaised", "AlarmAcknowledged"]


async def test_a_thousand_names_are_the_most(rig: ApiRig) -> None:
    names = [f"CHW-SUPPLY-TEMPERATURE-HIGH~TCH.B2.CN.CHC{number % 20:04}.CHWS_T" for number in range(1_001)]
    status, answer = await post(rig, "/api/v1/alarms/acknowledgements", ids=names[:1_000])
    assert (status, answer["done"], [item["status"] for item in answer["items"]]) == (200, 0, [404] * 20)
    assert (await post(rig, "/api/v1/alarms/acknowledgements", ids=names))[0] == 422
    assert (await post(rig, "/api/v1/alarms/resets", ids=[]))[0] == 422


async def test_latches_are_released_many_at_once(rig: ApiRig) -> None:
    for name in (TRIP, "B~x", "C~x"):
        await rig.raise_alarm(name, latching=True)
    for name in (TRIP, "B~x"):
        await rig.return_alarm(name)
    _, answer = await post(rig, "/api/v1/alarms/resets", ids=[TRIP, "B~x", "C~x"])
    assert [item["status"] for item in answer["items"]] == [200, 200, 409]


async def test_an_answer_says_each_thing_for_itself_and_until_when_people_are_to_act(rig: ApiRig) -> None:
    await rig.raise_alarm(priority=2)
    [alarm] = (await rig.client.get("/api/v1/alarms")).json()["items"]
    assert alarm["flags"] == {
        "active": True, "acked": False, "latched": False, "shelved_until": None, "suppressed_by": None,
        "out_of_service": False,
    }  # fmt: skip
    assert (alarm["acknowledge_within_s"], alarm["on_site_within_s"]) == (300.0, 600.0)
    raised = datetime.fromisoformat(alarm["raised_at"])
    assert datetime.fromisoformat(alarm["acknowledge_by"]) - raised == timedelta(minutes=5)
    assert datetime.fromisoformat(alarm["on_site_by"]) - raised == timedelta(minutes=10)
    assert alarm["age_s"] >= 0
    _, acknowledged = await post(rig, f"{PATH}/acknowledge")
    assert (acknowledged["acknowledge_by"], acknowledged["waiting_since"]) == (None, None)


async def test_a_comment_stands_with_the_alarm(rig: ApiRig) -> None:
    await rig.raise_alarm()
    status, alarm = await post(rig, f"{PATH}/comments", comment="已通知廠商")
    assert (status, alarm["comment"], alarm["state"]) == (200, "已通知廠商", "UNACK")
    assert (await post(rig, f"{PATH}/comments", comment="  "))[0] == 409
    assert (await post(rig, f"{PATH}/comments"))[0] == 422


async def test_a_shelf_ends_after_a_while_at_a_time_with_the_shift_or_with_the_occurrence(rig: ApiRig) -> None:
    ends = {}
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    for name, body in {
        "A~x": {"duration_s": 600},
        "B~x": {"until": later},
        "C~x": {"until": "end_of_shift"},
        "D~x": {"one_shot": True},
    }.items():
        await rig.raise_alarm(name, priority=4)
        status, alarm = await post(rig, f"/api/v1/alarms/{name}/shelve", reason="檢修", **body)
        assert (status, alarm["state"]) == (200, "SHLVD"), alarm
        ends[name] = datetime.fromisoformat(alarm["flags"]["shelved_until"])
    now = datetime.now(UTC)
    assert now < ends["A~x"] < ends["B~x"]
    local = ends["C~x"] + timedelta(hours=8)
    assert (f"{local:%H:%M}" in {"07:00", "15:00", "23:00"}, ends["C~x"] - now <= timedelta(hours=8)) == (True, True)
    assert ends["D~x"] - now > timedelta(hours=23)
    await rig.return_alarm("D~x")
    assert (await rig.client.get("/api/v1/alarms/D~x")).json()["alarm"]["state"] == "NORM"


async def test_a_shelf_says_one_end_and_a_reason(rig: ApiRig) -> None:
    await rig.raise_alarm(priority=4)
    for body in (
        {"reason": "檢修"},
        {"duration_s": 60},
        {"duration_s": 60, "until": "end_of_shift", "reason": "檢修"},
        {"until": "tomorrow", "reason": "檢修"},
        {"until": "2026-07-01T10:00:00", "reason": "檢修"},
    ):
        assert (await post(rig, f"{PATH}/shelve", **body))[0] == 422, body
    past = {"until": "2020-01-01T00:00:00Z", "reason": "檢修"}
    assert (await post(rig, f"{PATH}/shelve", **past))[0] == 409


async def test_a_repair_needs_a_permit_that_covers_it_and_comes_back(rig: ApiRig) -> None:
    await rig.raise_alarm()
    until = (datetime.now(UTC) + timedelta(hours=2)).isoformat()
    _, permit = await post(rig, "/api/v1/permits", kind="works", equipment=[CHILLER], until=until, reason="軸承更換")
    body = {"permit": permit["permit"], "reason": "軸承更換"}

    status, alarm = await post(rig, f"{PATH}/out-of-service", **body)
    twice, _ = await post(rig, f"{PATH}/out-of-service", **body)
    acknowledge, _ = await post(rig, f"{PATH}/acknowledge")
    _, back = await post(rig, f"{PATH}/return-to-service")
    unknown, problem = await post(rig, f"{PATH}/out-of-service", permit="2026-01-01-9", reason="x")

    assert (status, alarm["state"], alarm["permit"], alarm["out_of_service_until"]) == (
        200, "OOSRV", permit["permit"], permit["until"],
    )  # fmt: skip
    assert (twice, acknowledge, back["state"]) == (409, 409, "UNACK")
    assert (unknown, "no permit is named 2026-01-01-9" in problem["detail"]) == (404, True)


async def test_what_to_do_comes_with_the_alarm(rig: ApiRig) -> None:
    await rig.raise_alarm()
    life = (await rig.client.get(PATH)).json()
    assert life["guidance"] == {"cause": {"zh": "", "en": ""}, "procedure": {"zh": "", "en": ""}}

    old, new = (rule(version, f"第{version}版") for version in (1, 2))
    await rig.events.append([Append("rule/CHC_TRIP", [old, new], "rules")])
    life = (await rig.client.get(PATH)).json()
    assert life["guidance"]["procedure"] == {"zh": "第1版：停機", "en": "stop"}
    assert life["guidance"]["cause"]["zh"] == "第1版：高壓跳脫"


def rule(version: int, word: str) -> RuleApplied:
    definition = {
        "id": "CHC_TRIP", "version": version, "cause_zh": f"{word}：高壓跳脫", "cause_en": "high pressure",
        "sop_zh": f"{word}：停機", "sop_en": "stop",
    }  # fmt: skip
    return RuleApplied("CHC_TRIP", version, "f" * 64, definition)


async def test_nobody_acknowledges_under_a_name_of_blanks(rig: ApiRig) -> None:
    status, answer = await post(rig, f"{PATH}/acknowledge", by="  ")

    assert (status, answer["errors"][0]["pointer"]) == (422, "body/by")
