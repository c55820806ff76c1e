"""Commands over the interface; what the collector does of them is played by the test."""

from collections.abc import AsyncIterator
from itertools import count
from typing import Any

import pytest
import pytest_asyncio
from tests.support.api_rig import ME, ApiRig, ToldArrays, eventually, read_events, running_api
from tests.support.databases import DatabaseServers

from cityhall_bms.domain.commanding.control import point_of
from cityhall_bms.domain.commanding.events import CommandAttempted, CommandConfirmed, CommandEvent, CommandFailed
from cityhall_bms.ports.commands import CommandFilter
from cityhall_bms.ports.event_log import Append

CHILLER = "TCH.B2.CN.CHC01"
SETPOINT, ENABLE = f"{CHILLER}.CHWS_SP", f"{CHILLER}.EnableCmd"
OTHERS = 12
MORE = "".join(
    [
        f"{SETPOINT},冰水設定,Set point,{CHILLER},CHWS_SP,SP,°C,chiller-1,holding:40,int16,,0.1,,3,20,10,,\n",
        f"{ENABLE},啟用,Enable,{CHILLER},EnableCmd,DO,,chiller-1,coil:9,bool,,,,,,10,,0=停用/Off;1=啟用/On\n",
        *(
            f"{CHILLER}.SP{n},設定,Set point,{CHILLER},SP{n},SP,°C,chiller-1,holding:{50 + n},int16,,0.1,,3,20,10,,\n"
            for n in range(OTHERS)
        ),
    ]
)
WANG = {"by": ME, "console": "控制室 1"}
LI = {"by": "李小華"}
RUNS, FLOW = f"{CHILLER}.RunSts", f"{CHILLER}.CHW_Flow"


pytestmark = pytest.mark.asyncio(loop_scope="session")
UNUSED = count()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def rig(database_servers: DatabaseServers, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ApiRig]:
    """One interface for all tests here; each commands a point of its own."""
    async with (
        database_servers.empty_database("postgres") as url,
        running_api(url, tmp_path_factory.mktemp("commands") / "site", MORE) as running,
    ):
        yield running


@pytest.fixture
def point() -> str:
    """A set point that no other test commands."""
    return f"{CHILLER}.SP{next(UNUSED)}"


async def post(rig: ApiRig, path: str, status: int = 201, by: str = ME, **body: Any) -> dict[str, Any]:
    answer = await rig.client.post(f"/api/v1{path}", json=body, headers=await rig.known_as(by))
    assert answer.status_code == status, answer.text
    return dict(answer.json())


async def test_what_a_point_may_be_given_is_told_before_anything_is_chosen(rig: ApiRig) -> None:
    offered = (await rig.client.get(f"/api/v1/points/{SETPOINT}/choices")).json()
    switch = (await rig.client.get(f"/api/v1/points/{ENABLE}/choices")).json()
    measured = (await rig.client.get(f"/api/v1/points/{FLOW}/choices")).json()

    assert (offered["low"], offered["high"], offered["refused"], offered["lasts_s"]) == (5.0, 12.0, "", 14_400.0)
    assert switch["states"] == [0.0, 1.0]
    assert "measured" in measured["refused"]


async def get(rig: ApiRig, path: str) -> dict[str, Any]:
    answer = await rig.client.get(f"/api/v1{path}")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def requested(rig: ApiRig, point: str, value: float | None = 7.5) -> str:
    """A command that its person has confirmed."""
    chosen = await post(rig, "/commands", point=point, value=value, reason="午後負載低", **WANG)
    name = str(chosen["command"]["command"])
    confirmed = await post(rig, f"/commands/{name}/confirmation", 202, token=chosen["token"], **WANG)
    assert confirmed["state"] == "REQUESTED"
    return name


async def collector(rig: ApiRig, point: str, *events: CommandEvent) -> None:
    """What a collector would tell, and its being in the lists."""
    [*_, last] = await rig.events.append([Append(f"command/{point}", events, "collector/collector-1")])
    await eventually(lambda: rig.services.commanding.feed.tail.end >= last.position)
    while True:
        applied = await rig.services.commanding.view.page(CommandFilter(point=point), 1, None)
        if applied.commands and applied.commands[0].ended_at is not None:
            return


async def carried_out(rig: ApiRig, name: str, value: float = 7.5) -> None:
    now = rig.services.clock.now()
    attempted = CommandAttempted(name, "collector-1", 1, value, 7.0, now)
    await collector(
        rig, point_of(name), attempted, CommandConfirmed(name, value, None, True, now, now + 14_400_000_000)
    )


async def test_a_command_is_selected_confirmed_and_followed_to_its_end(rig: ApiRig, point: str) -> None:
    name = await requested(rig, point)
    await carried_out(rig, name)
    done = await get(rig, f"/commands/{name}")
    assert (done["state"], done["held"], done["old"], done["by"]) == ("DONE", 7.5, 7.0, "王小明")
    listed = await get(rig, f"/commands?point={point}&state=DONE&priority=8")
    assert [item["command"] for item in listed["items"]] == [name]
    assert not (await get(rig, f"/commands?open=true&point={point}"))["items"]


async def test_who_holds_a_point_since_when_and_why(rig: ApiRig) -> None:
    await carried_out(rig, await requested(rig, SETPOINT))
    priorities = await get(rig, f"/points/{SETPOINT}/priorities")
    [slot] = priorities["slots"]
    assert (slot["priority"], slot["value"], slot["by"], slot["reason"]) == (8, 7.5, "王小明", "午後負載低")
    assert priorities["fallback"] == 7.0, "what the shipped file says of chillers"
    overrides = {item["point"]: item for item in (await get(rig, "/overrides?priority=8"))["items"]}
    assert overrides[SETPOINT]["until"] == slot["until"]
    longer = await post(rig, f"/points/{SETPOINT}/override/extension", 200, hours=8, reason="檢修未完", **LI)
    assert longer["slots"][0]["until"] > slot["until"]


async def test_what_the_device_itself_keeps_is_asked_for(rig: ApiRig, point: str) -> None:
    arrays = rig.services.commanding.arrays
    assert isinstance(arrays, ToldArrays)
    arrays.arrays[point] = {5: 12.0, 8: 7.5}
    await carried_out(rig, await requested(rig, point))
    kept = await get(rig, f"/points/{point}/priorities/device")
    assert kept["keeps_priorities"]
    assert [(slot["priority"], slot["value"], slot["ours"]) for slot in kept["slots"]] == [
        (5, 12.0, False),
        (8, 7.5, True),
    ]
    arrays.arrays[point] = None
    assert not (await get(rig, f"/points/{point}/priorities/device"))["keeps_priorities"]
    silent = await rig.client.get(f"/api/v1/points/{CHILLER}.CHWS_T/priorities/device")
    assert silent.status_code == 503


async def test_every_reason_against_a_command_is_said_at_once(rig: ApiRig, point: str) -> None:
    await rig.measure(rig.services.clock.now(), {RUNS: (0.0, 0), FLOW: (0.0, 0)})
    problem = await post(rig, "/commands", 409, point=ENABLE, value=1.0, reason="開機", **WANG)
    assert "CHILLER-CHW" in problem["detail"]
    assert "CHILLER-TOWER" in problem["detail"]
    problem = await post(rig, "/commands", 409, point=point, value=2.0, reason="太冷", **WANG)
    assert "3–20 °C" in problem["detail"]
    stream = await get(rig, f"/events?stream=command/{point}")
    assert [item["type"] for item in stream["items"]] == ["CommandRefused"]


@pytest.mark.parametrize(
    ("point", "status"), [(f"{CHILLER}.CHWS_T", 403), (f"{CHILLER}.Nothing", 404), ("\u0000", 422)]
)
async def test_what_is_measured_or_unknown_is_not_commanded(rig: ApiRig, point: str, status: int) -> None:
    await post(rig, "/commands", status, point=point, value=1.0, reason="測試", **WANG)


@pytest.mark.parametrize(
    "changes",
    [{"value": "NaN"}, {"priority": 1}, {"priority": 5}, {"role": "service"}, {"reason": ""}, {"x": 1}],
)
async def test_what_makes_no_sense_is_refused(rig: ApiRig, changes: dict[str, Any]) -> None:
    wish = {"point": SETPOINT, "value": 7.5, "reason": "測試", "console": "控制室 1", **changes}
    answer = await rig.client.post("/api/v1/commands", json=wish)
    assert answer.status_code == 422


async def test_only_who_selected_confirms_and_only_once(rig: ApiRig, point: str) -> None:
    chosen = await post(rig, "/commands", point=point, value=7.5, reason="測試", **WANG)
    path = f"/commands/{chosen['command']['command']}"
    await post(rig, f"{path}/confirmation", 409, token="guess", **WANG)
    await post(rig, f"{path}/confirmation", 409, token=chosen["token"], **LI)
    await post(rig, "/commands", 409, point=point, value=8.0, reason="我也要", **LI)
    await post(rig, f"{path}/confirmation", 202, token=chosen["token"], **WANG)
    await post(rig, f"{path}/confirmation", 409, token=chosen["token"], **WANG)
    await post(rig, f"{path}/cancellation", 409, **WANG)
    events = await get(rig, f"/events?stream=command/{point}")
    assert chosen["token"] not in str(events), "the token is kept nowhere"


async def test_a_selection_is_let_go_of(rig: ApiRig, point: str) -> None:
    chosen = await post(rig, "/commands", point=point, value=7.5, reason="測試", **WANG)
    gone = await post(rig, f"/commands/{chosen['command']['command']}/cancellation", 200, **WANG)
    assert gone["state"] == "CANCELLED"


async def test_many_points_at_once_need_a_second_person(rig: ApiRig, point: str) -> None:
    bulk = await post(rig, "/commands/bulks", items=[{"point": point, "value": 9.0}], reason="需量", **WANG)
    path = f"/commands/bulks/{bulk['bulk']}"
    await post(rig, f"{path}/approval", 409, **WANG)
    agreed = await post(rig, f"{path}/approval", 200, **LI)
    [name] = agreed["commands"]
    assert (await get(rig, f"/commands/{name}"))["approved_by"] == "李小華"
    assert (await get(rig, path))["commands"] == [name]
    assert (await rig.client.get("/api/v1/commands/bulks/none")).status_code == 404


async def test_consoles_hear_of_every_step_and_where_to_go_on(rig: ApiRig, point: str) -> None:
    before = rig.services.commanding.feed.tail.end or await rig.events.end()
    name = await requested(rig, point)
    now = rig.services.clock.now()
    attempted = CommandAttempted(name, "collector-1", 1, 7.5, 7.0, now)
    await collector(rig, point_of(name), attempted, CommandFailed(name, "differs", "讀回 7 / 7 is read back", 7.0, now))
    told = await read_events(rig.client, "/api/v1/commands/stream", 4, {"Last-Event-ID": str(before)})
    assert [(item["data"]["type"], item["data"]["command"]["state"]) for item in told] == [
        ("CommandSelected", "SELECTED"),
        ("CommandRequested", "REQUESTED"),
        ("CommandAttempted", "ATTEMPTED"),
        ("CommandFailed", "FAILED"),
    ]
    [rest] = await read_events(rig.client, "/api/v1/commands/stream", 1, {"Last-Event-ID": told[2]["id"]})
    assert rest["id"] == told[3]["id"]
