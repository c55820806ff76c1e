"""No sequence of calls of the interface asks for a write of life safety: tried at random, over every address that could."""

from collections.abc import AsyncIterator
from random import Random
from typing import Any

import pytest
import pytest_asyncio
from tests.support.api_rig import ME, ApiRig, running_api
from tests.support.databases import DatabaseServers

pytestmark = pytest.mark.asyncio(loop_scope="session")
SYSTEMS = {
    "FACP01": ("Fire_Alarm_Control_Panel", "fire"),
    "SMK01": ("x:Smoke_Exhaust_Fan", "fire"),
    "ELV01": ("Elevator", "lift"),
    "ACS01": ("Access_Reader", "security"),
    "GIS01": ("Switchgear", "power"),
    "TR01": ("Transformer", "power"),
    "GEN01": ("x:Emergency_Generator", "power"),
    "ATS01": ("Automatic_Transfer_Switch", "power"),
    "HVM01": ("Building_Electrical_Meter", "power"),
}
FREE = "TCH.B2.CN.CHC01.SP1"
EQUIPMENT = "".join(f"TCH.B2.CN.{name},{kind},{system},{name},{name},,\n" for name, (kind, system) in SYSTEMS.items())
FORBIDDEN = [f"TCH.B2.CN.{name}.{role}" for name in SYSTEMS for role in ("Cmd", "SP")]
POINTS = f"{FREE},設定,Set,TCH.B2.CN.CHC01,SP1,SP,,chiller-1,holding:500,int16,,,,0,100,10,,\n" + "".join(
    f"{name},命令,Command,{name.rpartition('.')[0]},{name.rpartition('.')[2]},"
    f"{'DO' if name.endswith('Cmd') else 'SP'},,chiller-1,holding:{600 + place},int16,,,,0,100,10,,\n"
    for place, name in enumerate(FORBIDDEN)
)
CALLS = 200


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def rig(database_servers: DatabaseServers, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ApiRig]:
    async with (
        database_servers.empty_database("postgres") as url,
        running_api(url, tmp_path_factory.mktemp("safety") / "site", POINTS, more_equipment=EQUIPMENT) as running,
    ):
        yield running


PEOPLE = (ME, "李小華", "管理者")


def call(random: Random) -> tuple[str, dict[str, Any]]:
    """Some call, mostly about what is forbidden."""
    name = FREE if random.random() < 0.25 else random.choice(FORBIDDEN)
    who = {"console": random.choice(["", "控制室 1"])}
    command = f"{name}-{random.randint(1, 4)}"
    wish = {"value": random.choice([0, 1, 7, None]), "priority": random.choice([8, 12, 16]), "reason": "測試"}
    return random.choice(
        [
            ("/commands", {"point": name, **wish, **who}),
            (
                "/commands/bulks",
                {"items": [{"point": FREE, "value": 1}, {"point": name, "value": 1}], "reason": "r", **who},
            ),
            (f"/commands/{command}/confirmation", {"token": "guess", **who}),
            (f"/commands/{command}/approval", who),
            (f"/commands/{command}/cancellation", who),
            (f"/points/{name}/override/extension", {"hours": 1, "reason": "r", **who}),
        ]
    )


async def test_no_sequence_of_calls_asks_for_a_write_of_life_safety(rig: ApiRig) -> None:
    random, allowed = Random(7), 0
    for _ in range(CALLS):
        path, body = call(random)
        headers = await rig.known_as(random.choice(PEOPLE))
        answer = await rig.client.post(f"/api/v1{path}", json=body, headers=headers)
        assert answer.status_code < 500, answer.text
        if answer.status_code < 300:
            allowed += 1
            chosen = answer.json()
            assert FREE in str(chosen)
            assert not any(name in str(chosen) for name in FORBIDDEN)
            if "token" in chosen:
                confirm = {"token": chosen["token"]}
                path = f"/api/v1/commands/{chosen['command']['command']}/confirmation"
                await rig.client.post(path, json=confirm, headers=headers)
    assert allowed, "the same calls do something where they may"
    entries = await rig.events.read(0, 100_000, "command")
    kinds = {entry.type for name in FORBIDDEN for entry in await rig.events.read(0, 10_000, f"command/{name}")}
    assert not entries
    assert kinds == {"CommandRefused"}, "that somebody tried is kept"
    for name in FORBIDDEN:
        answer = await rig.client.post("/api/v1/commands", json={"point": name, "value": 1, "reason": "r"})
        assert answer.status_code == 403
