"""Nobody asks for more than their share: requests, tries to sign in, streams, exports."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
import websockets
from tests.support.api_rig import ApiRig, eventually, running_api
from tests.support.databases import DatabaseServers

from cityhall_bms.api.app import create_app
from cityhall_bms.api.limits import ACCOUNTS_PER_ADDRESS
from cityhall_bms.api.seats import OneExport, OneStream
from cityhall_bms.settings import LimitSettings

pytestmark = pytest.mark.asyncio(loop_scope="session")
LIMITS = LimitSettings(
    requests_per_s=0.01, requests_burst=30, sign_ins_per_minute=5, streams_each=2, streams_all=3, exports_each=1
)
CSV = "/api/v1/exports/gaps.csv"
STREAM = "/api/v1/alarms/feed"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def rig(database_servers: DatabaseServers, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ApiRig]:
    async with (
        database_servers.empty_database("postgres") as url,
        running_api(url, tmp_path_factory.mktemp("limits") / "site", limits=LIMITS) as running,
    ):
        yield running


async def anybody(rig: ApiRig, name: str) -> dict[str, str]:
    return await rig.known_as(name)


def problem(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    assert int(answer.headers["retry-after"]) >= 1
    return answer.status_code, answer.json()["type"]


async def test_a_token_has_its_burst_and_is_told_when_to_come_back(rig: ApiRig) -> None:
    hasty, other = await anybody(rig, "hasty"), await anybody(rig, "other")

    answers = [await rig.client.get("/api/v1/site", headers=hasty) for _ in range(31)]

    assert [answer.status_code for answer in answers[:30]] == [200] * 30
    assert problem(answers[30]) == (429, "/problems/too-many")
    assert (await rig.client.get("/api/v1/site", headers=other)).status_code == 200, "everybody has their own"


async def test_whoever_is_nobody_is_held_by_their_address(rig: ApiRig) -> None:
    async with rig.nobody() as client:
        answers = [await client.get("/api/v1/site", headers={"Authorization": f"Bearer {n}"}) for n in range(31)]

    assert [answer.status_code for answer in answers[:30]] == [401] * 30
    assert problem(answers[30]) == (429, "/problems/too-many")


async def test_an_account_opens_so_many_streams_and_gets_their_places_back(rig: ApiRig) -> None:
    viewer, other = await anybody(rig, "viewer"), await anybody(rig, "third")
    async with AsyncExitStack() as streams:
        for _ in range(2):
            answer = await streams.enter_async_context(rig.client.stream("GET", STREAM, headers=viewer))
            assert answer.status_code == 200
        assert problem(await rig.client.get(STREAM, headers=viewer)) == (429, "/problems/too-many")
        async with rig.client.stream("GET", "/api/v1/points/stream", headers=other) as answer:
            assert answer.status_code == 200, "somebody else has their own"
            third = await anybody(rig, "fourth")
            assert problem(await rig.client.get(STREAM, headers=third)) == (429, "/problems/too-many"), (
                "but not for ever"
            )

    await eventually(lambda: rig.services.limits.streams.taken == 0)
    async with rig.client.stream("GET", STREAM, headers=viewer) as answer:
        assert answer.status_code == 200
    await eventually(lambda: rig.services.limits.streams.taken == 0)


async def test_a_socket_takes_a_place_like_a_stream(rig: ApiRig) -> None:
    headers = await anybody(rig, "console")
    address = str(rig.client.base_url).replace("http", "ws") + "/api/v1/alarms/socket"
    async with AsyncExitStack() as sockets:
        for _ in range(2):
            await sockets.enter_async_context(websockets.connect(address, additional_headers=headers))
        assert rig.services.limits.streams.taken == 2
        with pytest.raises(websockets.exceptions.WebSocketException):
            await websockets.connect(address, additional_headers=headers)

    await eventually(lambda: rig.services.limits.streams.taken == 0)


async def test_an_export_waits_for_the_one_before(rig: ApiRig) -> None:
    headers = await anybody(rig, "exporter")
    assert rig.services.limits.exports.take("exporter")

    refused = await rig.client.get(CSV, headers=headers)
    rig.services.limits.exports.give_back("exporter")
    allowed = await rig.client.get(CSV, headers=headers)

    assert problem(refused) == (429, "/problems/too-many")
    assert allowed.status_code == 200
    await eventually(lambda: rig.services.limits.exports.taken == 0)


async def test_after_so_many_tries_to_sign_in_the_next_is_not_even_compared(
    tmp_path: Path, database_servers: DatabaseServers
) -> None:
    few = LIMITS.model_copy(update={"requests_burst": 1_000, "sign_ins_per_minute": 1})
    async with (
        database_servers.empty_database("postgres") as url,
        running_api(url, tmp_path / "site", limits=few) as rig,
        rig.nobody() as client,
    ):
        tried = ["王小明", "王小明", *(f"n{number}" for number in range(10))]
        answers = [await client.post("/api/v1/session", json={"name": name, "password": "x" * 12}) for name in tried]
        told = [stored for stored in await rig.events.read(0, 10_000) if stored.type == "SignInRefused"]

    statuses = [answer.status_code for answer in answers]
    assert statuses[:2] == [401, 429], "one account, by one address"
    assert statuses.count(401) == ACCOUNTS_PER_ADDRESS - 1, "and one password is not tried on all accounts"
    assert len(told) == statuses.count(401)
    assert problem(answers[-1]) == (429, "/problems/too-many")


async def test_every_stream_and_every_export_holds_a_seat(rig: ApiRig) -> None:
    """A route of this kind that is added without one would be the way around the limits."""
    streams, files, free = set(), set(), []
    included = [getattr(each, "original_router", None) for each in create_app(rig.services).routes]
    for route in [route for router in included if router is not None for route in router.routes]:
        name, path = getattr(route, "name", ""), getattr(route, "path", "")
        held = {each.dependency for each in getattr(route, "dependencies", ())}
        if path.endswith(("stream", "feed", "socket")):
            streams.add(name)
            free += [] if OneStream.dependency in held else [name]
        if path.endswith(".csv") or path == "/exports/{identity}/file":
            files.add(name)
            free += [] if OneExport.dependency in held else [name]

    assert streams >= {"point_stream", "alarm_feed", "alarm_socket", "command_stream", "demand_stream"}
    assert files >= {
        "export_samples",
        "export_gaps",
        "export_costs",
        "export_restatements",
        "get_export_file",
        "export_audit_events",
    }
    assert free == []
