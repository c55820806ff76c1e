"""Schedules, scenes, special days and bookings over HTTP: kept, tried, refused, and seen by whoever looks."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from tests.support.api_rig import ApiRig, running_api
from tests.support.databases import DatabaseServers

from cityhall_bms.ports.access import Role

pytestmark = pytest.mark.asyncio(loop_scope="session")

AHU, PANEL = "TCH.01.E.AHU01", "TCH.B2.CN.FACP01"
START, RESET = f"{AHU}.StartCmd", f"{PANEL}.Reset"
MORE_EQUIPMENT = f"{PANEL},Fire_Alarm_Control_Panel,fire,火警受信總機,Fire panel,,\n"
MORE_POINTS = (
    f"{START},啟動命令,Start,{AHU},StartCmd,DO,,ahu-1,coil:3,bool,,,,,,30,,\n"
    f"{AHU}.DuctSmoke,風管偵煙,Duct smoke,{AHU},DuctSmoke,DI,,ahu-1,input:9,bool,,,,,,30,,\n"
    f"{RESET},復歸,Reset,{PANEL},Reset,DO,,ahu-1,coil:4,bool,,,,,,30,,\n"
)
CALENDAR = """
[[calendar]]
name = "office"
[[calendar.day]]
date = 2099-01-01
kind = "holiday"
text_zh = "元旦"
"""
SITE = """\
[[schedule]]
name = "AHU-OFFICE"
text_zh = "空調箱上班時間"
text_en = "Air handlers, office hours"
roles = ["StartCmd"]
classes = ["Air_Handling_Unit"]
workdays = ["08:00 = 1", "17:30 = 0"]
default = 0.0
[[schedule.exception]]
calendar_day = "holiday"
precedence = 5
entries = ["00:00 = 0"]

[[bookings.space]]
name = "hall"
text_zh = "一樓大廳"
text_en = "Hall"
places = ["01.E"]
"""
HOURS = [[{"at": "07:30", "value": 1.0}, {"at": "18:00", "value": 0.0}]] * 5 + [[], []]
AIR = {"targets": {"points": [START]}, "weekly": HOURS, "default": 0.0, "text_zh": "夏季"}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def house(database_servers: DatabaseServers, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ApiRig]:
    folder: Path = tmp_path_factory.mktemp("site")
    (folder / "schedules.toml").write_text(SITE, encoding="utf-8")
    async with (
        database_servers.empty_database("postgres") as url,
        running_api(url, folder, MORE_POINTS, more_equipment=MORE_EQUIPMENT, more_site=CALENDAR) as rig,
    ):
        yield rig


async def send(
    rig: ApiRig, verb: str, path: str, expected: int = 200, headers: dict[str, str] | None = None, **body: Any
) -> Any:
    answer = await rig.client.request(verb, f"/api/v1{path}", json=body or None, headers=headers)
    assert answer.status_code == expected, answer.text
    return answer.json() if answer.content else None


async def test_a_site_s_own_schedule_counts_until_it_is_changed_and_again_when_that_is_taken_back(
    house: ApiRig,
) -> None:
    path = "/schedules/AHU-OFFICE"
    found = await house.client.get(f"/api/v1{path}")
    own = found.json()
    assert (found.headers["etag"], own["version"], own["by"], own["points"]) == ('"0"', 0, "site", [START])
    changed = (await send(house, "PUT", path, headers={"If-Match": '"0"'}, **AIR, reason="夏季時間"))["schedule"]
    assert (changed["definition"]["weekly"][0][0]["at"], changed["from_site"], changed["by"] != "site") == (
        "07:30",
        True,
        True,
    )
    stale = await send(house, "PUT", path, 409, headers={"If-Match": '"0"'}, **AIR)
    assert "it was changed meanwhile" in stale["detail"]
    [event] = [each for each in await house.events.read(0, 100, "scheduling") if each.type == "ScheduleChanged"]
    assert event.payload["before"]["weekly"][0][0]["at"] == "08:00"
    assert event.payload["definition"]["weekly"][0][0]["at"] == "07:30"
    await send(house, "DELETE", path, 204, headers={"If-Match": f'"{changed["version"]}"'})
    assert (await send(house, "GET", path))["definition"] == own["definition"]
    assert "switch it off instead" in (await send(house, "DELETE", path, 409))["detail"]


async def test_a_trial_tells_conflicts_points_and_a_week_and_saves_nothing(house: ApiRig) -> None:
    late = AIR | {"weekly": [[{"at": "17:00", "value": 1.0}]] * 7}
    answer = await send(house, "PUT", "/schedules/LATE?dry_run=true", **late)
    assert answer["schedule"] is None
    assert [(each["severity"], each["code"], each["points"]) for each in answer["trial"]["conflicts"]] == [
        ("problem", "overlap", [START])
    ]
    assert answer["trial"]["points"] == [START]
    assert {span["value"] for span in answer["trial"]["preview"]} == {0.0, 1.0}
    assert "排程 AHU-OFFICE 同時要不同的值" in (await send(house, "PUT", "/schedules/LATE", 409, **late))["detail"]
    await send(house, "GET", "/schedules/LATE", 404)


@pytest.mark.parametrize(
    ("changes", "status", "says"),
    [
        ({"targets": {"points": [RESET]}}, 409, "life safety"),
        ({"targets": {"points": ["TCH.X"]}}, 409, "no point is named"),
        ({"targets": {"points": [START], "scene": "NONE"}}, 409, "no scene is named"),
        ({"weekly": [[{"at": "08:00", "value": 7.0}]] * 7}, 409, "states"),
        ({"weekly": HOURS[:6]}, 422, "weekly"),
        ({"weekly": [[{"at": "24:00", "value": 1.0}]] * 7}, 422, "at"),
        ({"weekly": [[{"at": "08:00", "value": 1.0}] * 2] * 7}, 422, "a time stands twice"),
        ({"exceptions": [{"days": {"form": "dates"}, "entries": []}]}, 422, "need a first one"),
        ({"valid_from": "2026-03-02", "valid_until": "2026-03-01"}, 422, "before valid_from"),
        ({"by": "somebody else"}, 422, "by"),
        ({"default": "NaN"}, 422, "default"),
    ],
)
async def test_what_makes_no_sense_is_refused_in_words(
    house: ApiRig, changes: dict[str, Any], status: int, says: str
) -> None:
    assert says in str(await send(house, "PUT", "/schedules/WRONG", status, **AIR | changes))


async def test_what_is_in_force_tells_who_wants_what_who_is_above_and_what_comes_next(house: ApiRig) -> None:
    [found] = (await send(house, "GET", "/schedules/in-force"))["items"]
    assert (found["point"], found["wanted"]["source"], found["held"], found["above"]) == (
        START,
        "schedule/AHU-OFFICE",
        None,
        None,
    )
    assert found["next"]["wanted"]["value"] == 1.0 - found["wanted"]["value"]
    assert (await send(house, "GET", "/schedules/in-force?schedule=AHU-OFFICE"))["items"] == [found]
    await send(house, "GET", "/schedules/in-force?schedule=NONE", 404)


async def test_a_declared_day_closes_the_building_for_every_schedule_that_looks_at_it(house: ApiRig) -> None:
    monday, path = "2098-06-02", "/schedules/AHU-OFFICE/preview"
    window = f"?from={monday}T00:00:00%2B08:00&to={monday}T23:59:00%2B08:00"
    open_ = (await send(house, "GET", path + window))["spans"]
    assert [(span["begin"], span["value"], span["precedence"]) for span in open_][1] == (
        "2098-06-02T00:00:00.000Z",
        1.0,
        17,
    )
    await send(house, "PUT", f"/schedules/days/{monday}", 204, kind="holiday", text_zh="颱風停班", text_en="Typhoon")
    assert [span["value"] for span in (await send(house, "GET", path + window))["spans"]] == [0.0]
    days = (await send(house, "GET", "/schedules/days?first=2098-01-01&last=2099-12-31"))["items"]
    assert [(day["day"], day["declared"]) for day in days] == [(monday, True), ("2099-01-01", False)]
    await send(house, "DELETE", f"/schedules/days/{monday}", 204)
    await send(house, "DELETE", f"/schedules/days/{monday}", 404)
    await send(house, "GET", path + window.replace("2098-06-02T23", "2099-06-02T23"), 422)


async def test_a_scene_is_kept_and_run_as_a_bulk_command_that_a_second_person_must_agree_to(house: ApiRig) -> None:
    evening = {"text_zh": "晚間會議", "text_en": "Evening meeting", "values": {START: 1.0}}
    assert (await send(house, "PUT", "/scenes/EVENING?dry_run=true", **evening))["scene"] is None
    saved = (await send(house, "PUT", "/scenes/EVENING", **evening))["scene"]
    assert (saved["values"], saved["from_site"]) == ({START: 1.0}, False)
    assert "life safety" in (await send(house, "PUT", "/scenes/FIRE", 409, values={RESET: 1.0}))["detail"]
    now = house.services.clock.now()
    await house.measure(now, {f"{AHU}.DuctSmoke": (0.0, 0)})
    run = await send(house, "POST", "/scenes/EVENING/runs", 201, reason="里民大會")
    assert ([item["point"] for item in run["items"]], run["approved_by"]) == ([START], "")
    assert "場景 scene EVENING" in run["reason"]
    weekly = [[{"at": "19:00", "value": 1.0}, {"at": "21:00", "value": 0.0}]] * 7
    by_scene = {"targets": {"scene": "EVENING"}, "weekly": weekly, "exceptions": []}
    trial = await send(house, "PUT", "/schedules/EVENINGS?dry_run=true", **by_scene)
    assert trial["trial"]["points"] == [START]
    await send(house, "DELETE", "/scenes/EVENING", 204)
    await send(house, "POST", "/scenes/EVENING/runs", 404, reason="里民大會")


def booking(days: float = 3, **changes: Any) -> dict[str, Any]:
    begin = (datetime.now(UTC) + timedelta(days=days)).replace(hour=11, minute=0, second=0, microsecond=0)
    plain = {
        "kind": "event", "space": "hall", "begin": begin.isoformat(), "until": (begin + timedelta(hours=2)).isoformat(),
        "people": 80, "purpose": "里民大會",
    }  # fmt: skip
    return plain | changes


async def test_a_booking_is_tried_asked_for_and_answered_and_its_space_is_taken(house: ApiRig) -> None:
    rules = await send(house, "GET", "/bookings/rules")
    assert (rules["people_min"], rules["spaces"][0]["places"]) == (10, ["01.E"])
    tried = await send(house, "POST", "/bookings?dry_run=true", 201, **booking())
    assert (tried["booking"], tried["conflicts"], tried["equipment"]) == (None, [], [AHU])
    made = (await send(house, "POST", "/bookings", 201, **booking()))["booking"]
    assert (made["state"], made["places"]) == ("requested", ["01.E"])
    again = await send(house, "POST", "/bookings", 409, **booking())
    assert made["booking"] in again["detail"]
    few = booking(kind="after_hours", space="", places=["01.E"], people=9)
    assert "10 people and more" in (await send(house, "POST", "/bookings", 409, **few))["detail"]
    assert "ask 4 h ahead" in (await send(house, "POST", "/bookings", 409, **booking(days=-1)))["detail"]
    await send(house, "POST", "/bookings", 404, **booking(space="", places=["99.X"]))
    assert [each["booking"] for each in (await send(house, "GET", "/bookings"))["items"]] == [made["booking"]]
    path = f"/bookings/{made['booking']}"
    assert "second person" in (await send(house, "POST", f"{path}/answer", 409, approved=True))["detail"]
    ended = await send(house, "POST", f"{path}/cancellation", comment="改期")
    assert (ended["state"], ended["comment"]) == ("cancelled", "改期")
    assert (await send(house, "GET", path)) == ended
    assert (await send(house, "GET", "/bookings?state=approved"))["items"] == []


async def test_whoever_acts_in_another_zone_changes_nothing_here_and_a_second_person_approves(house: ApiRig) -> None:
    there = await house.known_as("地下二樓", Role.OPERATOR, zones=["B2.CN"])
    viewer = await house.known_as("來賓", Role.VIEWER)
    boss = await house.known_as("李小華", Role.SUPERVISOR, zones=["01"])
    path = "/schedules/AHU-OFFICE"
    for headers in (there, viewer):
        await send(house, "PUT", path, 403, headers, **AIR)
        await send(house, "PUT", "/scenes/EVENING", 403, headers, values={START: 1.0})
        await send(house, "POST", "/bookings", 403, headers, **booking(days=5))
        await send(house, "PUT", "/schedules/days/2098-06-02", 403, headers, kind="holiday")
    assert (await send(house, "GET", path, headers=viewer))["version"] == 0
    made = (await send(house, "POST", "/bookings", 201, **booking(days=5)))["booking"]["booking"]
    await send(house, "POST", f"/bookings/{made}/answer", 403, there, approved=True)
    answered = await send(house, "POST", f"/bookings/{made}/answer", headers=boss, approved=True, comment="同意")
    assert (answered["state"], answered["answered_by"]) == ("approved", "李小華")
    assert "already" in (await send(house, "POST", f"/bookings/{made}/answer", 409, boss, approved=False))["detail"]


@pytest.mark.parametrize(
    "targets", [{"points": [RESET]}, {"points": [START, RESET]}, {"roles": ["Reset"]}, {"roles": ["Reset", "StartCmd"]}]
)
async def test_no_schedule_that_means_life_safety_is_saved_however_it_means_it(
    house: ApiRig, targets: dict[str, Any]
) -> None:
    for enabled in (True, False):
        answer = await send(house, "PUT", "/schedules/FIRE", 409, **AIR | {"targets": targets, "enabled": enabled})
        assert f"{RESET} 不可寫入" in answer["detail"]
    await send(house, "GET", "/schedules/FIRE", 404)
    assert await house.events.read(0, 10, f"command/{RESET}") == []
