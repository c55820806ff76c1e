"""The table of suppression over HTTP: a console can say in words why an alarm is hidden."""

from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest_asyncio
from tests.support.api_rig import CHILLER, ME, ApiRig, eventually

from cityhall_bms.adapters.site_files.suppression import shipped_rows
from cityhall_bms.api.app import create_app
from cityhall_bms.domain.alarms import AlarmRaised, AlarmSuppressed, stream_of
from cityhall_bms.domain.suppression import Suppression
from cityhall_bms.ports.event_log import Append

PATH = "/api/v1/suppressions"


@pytest_asyncio.fixture
async def client(rig: ApiRig) -> AsyncIterator[httpx.AsyncClient]:
    """The interface of a site with the shipped table."""
    services = replace(rig.services, suppression=Suppression([table.row() for table in shipped_rows()]))
    transport = httpx.ASGITransport(create_app(services))
    async with httpx.AsyncClient(
        transport=transport, base_url="http://localhost", headers=await rig.known_as(ME)
    ) as opened:
        yield opened


async def test_the_rows_come_in_their_order(client: httpx.AsyncClient) -> None:
    answer = await client.get(PATH)

    assert answer.status_code == 200
    assert [row["id"] for row in answer.json()["items"]] == [table.id for table in shipped_rows()]


async def test_a_row_says_what_causes_and_what_is_hidden(client: httpx.AsyncClient) -> None:
    rows = {row["id"]: row for row in (await client.get(PATH)).json()["items"]}

    assert rows["PLANT-DOWN"] == {
        "id": "PLANT-DOWN",
        "text": {"zh": "供應其冰水的主機全數跳脫", "en": "Everything that feeds it with chilled water has tripped"},
        "cause": {
            "rules": ["CH-TRIP", "G03"],
            "detects": [],
            "systems": [],
            "classes": ["Centrifugal_Chiller", "Chilled_Water_System", "Water_Cooled_Chiller"],
            "priorities": [1, 2, 3, 4],
        },
        "relations": ["downstream"],
        "hold_s": 1800.0,
        "permits": [],
        "hides": {"rules": [], "detects": [], "systems": ["hvac"], "classes": [], "priorities": [3, 4]},
        "tags_drill": False,
    }
    drill = rows["DRILL"]
    assert (drill["cause"], drill["permits"], drill["tags_drill"]) == (None, ["drill"], True)


async def test_a_site_without_a_table_says_so(rig: ApiRig) -> None:
    assert (await rig.client.get(PATH)).json() == {"items": []}


async def test_an_alarm_that_is_raised_hidden_for_the_first_time_is_listed_and_never_rings(rig: ApiRig) -> None:
    raised = AlarmRaised(
        "G02", 1, CHILLER, CHILLER, "hvac", 2, "不從命令", "Does not follow", False, 1, rig.services.clock.now()
    )
    hidden = AlarmSuppressed(rig.services.clock.now(), "E01-LOSS~TCH.B2.CS.HVM01", "SUPPLY-LOST")
    stored = await rig.events.append([Append(stream_of(f"G02~{CHILLER}"), [hidden, raised], "rules")])
    await eventually(lambda: rig.services.feed.tail.end >= stored[-1].position)

    seen = await rig.services.alarms.transitions(0, 10)
    assert [item.alarm.state for item in seen] == ["DSUPR", "DSUPR"]
    [listed] = (await rig.client.get("/api/v1/alarms", params={"state": "DSUPR"})).json()["items"]
    assert (listed["suppressed_by"], listed["suppressed_as"]) == ("E01-LOSS~TCH.B2.CS.HVM01", "SUPPLY-LOST")
