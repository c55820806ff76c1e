"""The gap ledger over HTTP: asked by device, point, cause and time; page by page; as a file."""

import csv
import io
from typing import Any

from tests.support.api_rig import CHILLER, ApiRig

from cityhall_bms.api import cursors
from cityhall_bms.domain.batch import SampleBatch
from cityhall_bms.domain.gaps import Gap, GapCause
from cityhall_bms.ports.telemetry_log import LoggedBatch

T0 = 1_782_864_000_000_000
"""2026-07-01 00:00 UTC, 08:00 in Taipei."""
SECOND = 1_000_000
SUPPLY = f"{CHILLER}.CHWS_T"
AIR = "TCH.01.E.AHU01.SAT"


async def report(rig: ApiRig, *gaps: Gap) -> None:
    await rig.history.store([LoggedBatch(1, SampleBatch.gather("c1", 1, 0, T0, [], gaps=gaps))])


async def ask(rig: ApiRig, **filters: str) -> Any:
    answer = await rig.client.get("/api/v1/gaps", params=filters)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def three_gaps(rig: ApiRig) -> None:
    """One of a point, one of a device, one of everything that lasts."""
    await report(
        rig,
        Gap("chiller-1", GapCause.REFUSED, T0, 4, (rig.services.ids[SUPPLY],), T0 + 90 * SECOND),
        Gap("ahu-1", GapCause.DEVICE_DOWN, T0 + 100 * SECOND, 7, (), T0 + 160 * SECOND),
        Gap("", GapCause.OVERLOAD, T0 + 200 * SECOND, 1),
    )


async def test_a_gap_is_told_with_names_times_and_how_long_it_lasted(rig: ApiRig) -> None:
    await three_gaps(rig)
    (everything, device, point) = (await ask(rig))["items"]
    assert point == {
        "device": "chiller-1",
        "points": [SUPPLY],
        "cause": "refused",
        "since": "2026-07-01T00:00:00.000Z",
        "until": "2026-07-01T00:01:30.000Z",
        "lasted_s": 90.0,
        "polls": 4,
    }
    assert (device["device"], device["points"], device["lasted_s"]) == ("ahu-1", [], 60.0)
    assert (everything["device"], everything["until"]) == (None, None)
    assert everything["lasted_s"] > 0, "so far"


async def test_gaps_are_asked_by_device_point_cause_time_and_whether_they_last(rig: ApiRig) -> None:
    await three_gaps(rig)

    async def causes(**filters: str) -> list[str]:
        return [gap["cause"] for gap in (await ask(rig, **filters))["items"]]

    assert await causes(device="ahu-1") == ["device_down"]
    assert await causes(cause="refused") == ["refused"]
    assert await causes(point=SUPPLY) == ["overload", "refused"]
    assert await causes(point=AIR) == ["overload", "device_down"]
    assert await causes(**{"from": "2026-07-01T00:01:40Z", "to": "2026-07-01T00:03:00Z"}) == ["device_down"]
    assert await causes(**{"from": "2026-07-01T08:01:00+08:00", "to": "2026-07-01T08:01:40+08:00"}) == ["refused"]
    assert await causes(open="true") == ["overload"]
    assert await causes(device="nobody") == []


async def test_pages_follow_each_other_to_the_end(rig: ApiRig) -> None:
    await report(rig, *(Gap("ahu-1", GapCause.TIMEOUT, T0 + number, 1, (number,), T0 + 99) for number in range(1, 8)))
    found, cursor = [], ""
    while True:
        page = await ask(rig, limit="3", device="ahu-1", **({"cursor": cursor} if cursor else {}))
        found += [gap["points"] for gap in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert len(found) == len({tuple(points) for points in found}) == 7


BAD = [
    ("cause=bad_luck", 422, "query/cause"),
    ("point=NO.SUCH", 404, "no point is named NO.SUCH"),
    ("from=yesterday", 422, "query/from"),
    ("from=2026-07-01T00:00:00", 422, "query/from"),
    ("limit=0", 422, "query/limit"),
    ("open=perhaps", 422, "query/open"),
    ("cursor=%25%25", 400, "not one of ours"),
    ("cursor=" + cursors.encode('[1,"a\\u0000","b","c",[]]'), 400, "not one of ours"),
    ("device=%00", 422, "query/device"),
    ("cursor=" + cursors.encode("[1]"), 400, "not one of ours"),
    ("cursor=" + cursors.encode('[1e999,"a","b","c",[]]'), 400, "not one of ours"),
    ("cursor=" + cursors.encode('[99999999999999999999,"a","b","c",[]]'), 400, "not one of ours"),
    ("cursor=" + cursors.encode('[1,"a","b","c",[99999999999]]'), 400, "not one of ours"),
]


async def test_a_bad_question_is_a_problem_that_says_what_to_do(rig: ApiRig) -> None:
    for query, status, words in BAD:
        answer = await rig.client.get(f"/api/v1/gaps?{query}")
        assert answer.status_code == status, query
        assert answer.headers["content-type"] == "application/problem+json", query
        assert words in answer.json()["detail"], query


async def test_the_file_is_the_same_in_the_form_of_the_house(rig: ApiRig) -> None:
    await three_gaps(rig)
    answer = await rig.client.get("/api/v1/exports/gaps.csv", params={"language": "en", "device": "chiller-1"})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert "gaps-TCH.csv" in answer.headers["content-disposition"]
    text = answer.content.decode("utf-8")
    assert text.startswith("\ufeffDevice,Points,Cause,")
    assert text.count("\r\n") == text.count("\n") == 2
    (row,) = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    assert row == {
        "Device": "chiller-1",
        "Points": SUPPLY,
        "Cause": "refused",
        "Begin (local)": "2026-07-01T08:00:00.000+08:00",
        "Begin (UTC)": "2026-07-01T00:00:00.000Z",
        "End (local)": "2026-07-01T08:01:30.000+08:00",
        "End (UTC)": "2026-07-01T00:01:30.000Z",
        "Seconds": "90.000",
        "Polls missed": "4",
    }
    refused = await rig.client.get("/api/v1/exports/gaps.csv", params={"cause": "bad_luck"})
    assert refused.headers["content-type"] == "application/problem+json"
