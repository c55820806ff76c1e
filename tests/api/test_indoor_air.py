"""Indoor air over HTTP: a morning in which too many people sat in one hall, and one sensor was dead."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from tests.support.api_rig import ApiRig, eventually, running_api
from tests.support.databases import DatabaseServers
from tests.support.histories import HOUR, MINUTE, T0, Row, logged

from cityhall_bms.api.times import to_rfc3339
from cityhall_bms.domain.alarms import AlarmAcknowledged, AlarmRaised, alarm_id, stream_of
from cityhall_bms.ports.event_log import Append

HALL, OFFICE = "TCH.01.E.IAQ01", "TCH.B2.CN.IAQ02"
EQUIPMENT = "".join(f"{node},IAQ_Sensor_Equipment,environment,空氣,Air,,\n" for node in (HALL, OFFICE))
POINTS = "".join(
    f"{node}.{role},空氣,Air,{node},{role},AI,ppm,ahu-1,input:{address},uint16,,,,,,60,,\n"
    for node, role, address in (
        (HALL, "CO2", 20), (HALL, "HCHO", 22), (OFFICE, "CO2", 24), (OFFICE, "HCHO", 26),
    )
)  # fmt: skip
SITE = """\
[[indoor_air.area]]
name = "hall"
text_zh = "大廳"
text_en = "Hall"
area_m2 = 5000
places = ["01"]
open_space = true

[[indoor_air.area]]
name = "office"
text_zh = "辦公室"
text_en = "Office"
area_m2 = 1900
places = ["B2.CN"]
"""
MIDNIGHT = T0 - 8 * HOUR
"""2026-07-01, a Wednesday, begins in Taipei."""
NOON = "2026-07-01T12:00:00+08:00"
DAY = {"from": "2026-07-01T00:00:00+08:00", "to": "2026-07-01T18:00:00+08:00"}
RULE = "I01-CO2-8H"


pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def air(database_servers: DatabaseServers, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ApiRig]:
    """A day and a half by quarters: 600 ppm, in the hall 1400 from six to three; the office lost its formaldehyde."""
    folder = tmp_path_factory.mktemp("air") / "site"
    folder.mkdir()
    (folder / "environment.toml").write_text(SITE, encoding="utf-8")
    async with (
        database_servers.empty_database("postgres") as url,
        running_api(url, folder, POINTS, more_equipment=EQUIPMENT) as rig,
    ):
        ids = rig.services.ids
        rows: list[Row] = []
        for quarter in range(-48, 4 * 18 + 1):
            at = MIDNIGHT + quarter * 15 * MINUTE
            crowd = 4 * 6 <= quarter < 4 * 15
            rows += [
                (ids[f"{HALL}.CO2"], at, 1400.0 if crowd else 600.0, 0),
                (ids[f"{HALL}.HCHO"], at, 0.03, 0),
                (ids[f"{OFFICE}.CO2"], at, 600.0, 0),
            ]
        await rig.history.store([logged(1, rows)])
        yield rig


async def ask(rig: ApiRig, path: str, **parameters: str) -> Any:
    answer = await rig.client.get(f"/api/v1/indoor-air{path}", params=parameters)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def tell(rig: ApiRig, path: str, **body: object) -> int:
    answer = await rig.client.post(f"/api/v1/indoor-air{path}", json={**body})
    assert answer.status_code == 201, answer.text
    return int(answer.json()["entry"])


async def test_means_stand_beside_their_limits_and_unknown_is_no_number(air: ApiRig) -> None:
    found = await ask(air, "", at=NOON)

    limits = {item["role"]: (item["limit"], item["hours"], item["indicative"]) for item in found["limits"]}
    assert limits["CO2"] == (1000.0, 8.0, False)
    assert limits["HCHO"] == (0.08, 1.0, True)
    hall, office = found["items"]
    # Six hours of 1400 and two of 600: 1200.
    assert (hall["equipment"], hall["floor"], hall["zone"], hall["state"]) == (HALL, "01", "01.E", "exceeded")
    assert [(mean["role"], mean["mean"], mean["state"]) for mean in hall["means"]] == [
        ("CO2", 1200.0, "exceeded"),
        ("HCHO", 0.03, "inside"),
    ]
    assert [(mean["role"], mean["mean"], mean["state"]) for mean in office["means"]] == [
        ("CO2", 600.0, "inside"),
        ("HCHO", None, "unknown"),
    ]
    assert office["state"] == "unknown"


async def test_compliance_counts_occupied_hours_and_refuses_what_is_not_covered(air: ApiRig) -> None:
    found = await ask(air, "/compliance", **DAY)

    assert (found["schedule"], found["occupied_hours"]) == ("occupied", 9.5)
    hall, office = found["items"]
    # The mean passes 1000 at ten (four hours of 1400 make 1000 exactly, a quarter more 1025) and stands to 17:30.
    assert hall["roles"][0] == {
        "role": "CO2", "indicative": False, "percent": 100 * 2.0 / 9.5, "coverage": 1.0, "known_hours": 9.5,
        "inside_hours": 2.0, "provisional": False,
    }  # fmt: skip
    assert hall["overall"]["percent"] == 100 * 2.0 / 9.5
    assert office["roles"][0]["percent"] == 100.0
    assert office["roles"][1]["percent"] is None
    assert office["overall"]["percent"] is None, "a limit of which nothing is known leaves all of them open"
    assert found["overall"]["percent"] is None

    asked = await ask(air, "/compliance", **DAY, provisional="true")
    assert asked["overall"]["percent"] == 100 * 2.0 / 9.5
    assert asked["overall"]["provisional"] is True
    assert asked["items"][1]["overall"]["percent"] is None, "nothing at all is known of it"


async def test_an_exceedance_has_its_worst_its_alarm_and_what_was_done(air: ApiRig) -> None:
    subject = f"{HALL}.CO2"
    stream = stream_of(alarm_id(RULE, subject))
    raised = AlarmRaised(
        rule=RULE, rule_version=1, subject=subject, equipment=HALL, system="environment", priority=3, text_zh="高",
        text_en="High", latching=False, occurrence=1, observed_at=MIDNIGHT + 10 * HOUR,
    )  # fmt: skip
    seen = AlarmAcknowledged(at=MIDNIGHT + 11 * HOUR, by="李小華", comment="開外氣")
    stored = await air.events.append([Append(stream, [raised, seen], "rules")])
    await eventually(lambda: air.services.feed.tail.end >= stored[-1].position)
    at = "2026-07-01T14:00:00+08:00"
    entry = await tell(air, "/actions", equipment=HALL, role="CO2", at=at, action="疏散部分人員")
    wrong = await tell(air, "/actions", equipment=HALL, role="CO2", at=at, action="寫錯")
    await until_known(air, wrong)
    await tell(air, f"/entries/{wrong}/withdrawal", reason="重複")
    await until_recorded(air, wrong)

    [found] = (await ask(air, "/exceedances", **DAY))["items"]

    assert (found["equipment"], found["role"], found["limit"], found["unit"]) == (HALL, "CO2", 1000.0, "ppm")
    assert (found["begin"], found["end"]) == ("2026-07-01T02:15:00.000Z", None), "it lasts beyond what was asked"
    assert (found["worst"], found["worst_at"]) == (1400.0, "2026-07-01T06:00:00.000Z")
    assert found["hours"] == 8.0
    assert found["occupied_hours"] == 7.5
    assert found["alarm"] == {
        "alarm_id": alarm_id(RULE, subject), "raised_at": "2026-07-01T02:00:00.000Z", "acknowledged_by": "李小華",
        "comments": ["開外氣"],
    }  # fmt: skip
    assert found["actions"] == [{"entry": entry, "by": "王小明", "action": "疏散部分人員"}]


async def until_known(rig: ApiRig, entry: int) -> None:
    """The projector works in another task."""
    async with asyncio.timeout(20):
        while await rig.services.environment.air_record.get(entry) is None:  # noqa: ASYNC110 - it lives in a database
            await asyncio.sleep(0.02)


async def until_recorded(rig: ApiRig, withdrawn: int) -> None:
    """The projector works in another task."""
    async with asyncio.timeout(20):
        while True:
            found = await rig.services.environment.air_record.get(withdrawn)
            if found is not None and found.withdrawn_at is not None:
                return
            await asyncio.sleep(0.02)


async def test_areas_are_told_how_many_monitors_they_need(air: ApiRig) -> None:
    hall, office = (await ask(air, "/monitors"))["items"]
    # 5000 m2 begin three times 2000; in one space half of that, but two at least.
    assert (hall["needed"], hall["nodes"], hall["enough"]) == (2, [HALL], False)
    assert (office["needed"], office["nodes"], office["enough"]) == (1, [OFFICE], True)


async def test_samples_and_inspections_are_written_down_and_withdrawn(air: ApiRig) -> None:
    at = "2026-06-20T10:00:00+08:00"
    good = await tell(air, "/samples", place="01", name="bacteria", value=620, sampled_at=at, method="NIEA E301")
    wrong = await tell(air, "/samples", place="B2.CN", name="fungi", value=1001, sampled_at=at)
    before = air.services.clock.now()
    await tell(air, "/inspections", kind="test", day="2026-06-20", report="115-0620")
    await until_known(air, wrong)
    last = await tell(air, f"/entries/{wrong}/withdrawal", reason="樓層寫錯")
    await until_recorded(air, wrong)

    [sample] = (await ask(air, "/samples"))["items"]
    assert (sample["entry"], sample["value"], sample["limit"], sample["exceeded"]) == (good, 620.0, 1500.0, False)
    both = (await ask(air, "/samples", withdrawn="true"))["items"]
    assert [(item["entry"], item["exceeded"], item["withdrawn_why"]) for item in both] == [
        (wrong, True, "樓層寫錯"),
        (good, False, ""),
    ]
    then = (await ask(air, "/samples", as_known_at=str(to_rfc3339(before))))["items"]
    assert [item["withdrawn_at"] for item in then] == [None, None], "the withdrawal came later"
    dates = await ask(air, "/inspections")
    assert [item["day"] for item in dates["items"]] == ["2026-06-20"]
    assert (dates["last_test"], dates["next_test"]) == ("2026-06-20", "2028-06-20")
    assert (dates["inspection_from"], dates["inspected"]) == ("2028-04-20", False)
    for path, body, status in (
        ("/samples", {"place": "09", "name": "bacteria", "value": 1, "sampled_at": at}, 404),
        ("/samples", {"place": "01", "name": "mites", "value": 1, "sampled_at": at}, 404),
        ("/samples", {"place": "01", "name": "fungi", "value": 1, "sampled_at": "2199-01-01T00:00:00Z"}, 409),
        ("/inspections", {"kind": "test", "day": "2199-01-01"}, 409),
        ("/actions", {"equipment": HALL, "role": "XYZ", "at": at, "action": "x"}, 404),
        (f"/entries/{wrong}/withdrawal", {"reason": "again"}, 409),
        (f"/entries/{last + 1000}/withdrawal", {"reason": "none"}, 404),
    ):
        answer = await air.client.post(f"/api/v1/indoor-air{path}", json={**body})
        assert answer.status_code == status, (path, answer.text)
