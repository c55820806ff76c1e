"""Every route, every role, everywhere and in zones: who is let through, by tables that are written by hand.

What a route asks for is decided here by its method and address, and what a role may by a table of its own; neither is read
from the code under test. A route that changes something and is in no row of the table fails.
"""

import re
from collections.abc import AsyncIterator
from contextlib import suppress

import httpx
import pytest
import pytest_asyncio
from tests.support.api_rig import CHILLER, TRIP, ApiRig, running_api
from tests.support.databases import DatabaseServers
from tests.support.interface import DOCUMENT

from cityhall_bms.ports.access import Permission, Role

pytestmark = pytest.mark.asyncio(loop_scope="session")
AHU = "TCH.01.E.AHU01"
OPEN, ANYBODY = "open", "signed in"

ROUTES: tuple[tuple[str, str, str], ...] = (
    # method, address, what it asks for: the first row that fits
    ("*", r"/healthz|/readyz|/metrics", OPEN),
    ("POST", r"/session(/invitation)?", OPEN),
    ("GET", r"/session/(ways|oidc(/callback)?)", OPEN),
    ("*", r"/session(/.*)?", ANYBODY),
    ("*", r"/(accounts|sessions|tokens)(/.*)?", "administer"),
    ("POST", r"/notifications/test", "administer"),
    ("GET", r"/events|/audit/.*", "audit"),
    ("GET", r"/system", "administer"),
    ("POST", r"/rules/{rule}/check", "read"),
    ("GET", r"/exports/[a-z]+\.csv|/exports/{identity}/(file|manifest)", "export"),
    ("POST|DELETE", r"/exports.*", "export"),
    ("GET", r"/reports/preview|/reports/{report}/files/.*", "report"),
    ("POST", r"/reports", "report"),
    ("POST", r"/commands/.*approval|/bookings/.*/answer", "approve"),
    ("POST", r"/scenes/.*/runs", "command"),
    ("POST", r"/commands.*|/points/{name}/override/extension|/energy/demand/shedding/answer", "command"),
    ("POST", r"/(alarms|permits|shifts)(/.*)?", "handle_alarms"),
    ("POST|PUT|DELETE", r"/rules/.*", "edit_rules"),
    ("POST", r"/(counters|commissioning)/.*", "edit_points"),
    ("POST|PUT", r"/energy/.*", "edit_energy"),
    ("POST", r"/indoor-air/.*", "maintain"),
    ("POST|PUT|DELETE", r"/(schedules|calendars|bookings|scenes)(/.*)?", "edit_schedules"),
    ("POST|PUT|DELETE", r"/maintenance(/.*)?", "maintain"),
    ("GET", r"/.*", "read"),
)
EVERYBODY = "viewer operator engineer supervisor auditor admin"
ALLOWED = {
    "read": EVERYBODY,
    "handle_alarms": "operator engineer supervisor",
    "command": "operator engineer supervisor",
    "approve": "supervisor",
    "edit_rules": "engineer",
    "edit_points": "engineer",
    "edit_energy": "engineer",
    "edit_schedules": "operator engineer supervisor",
    "maintain": "operator engineer supervisor",
    "export": "engineer supervisor auditor",
    "report": "operator engineer supervisor auditor",
    "audit": "supervisor auditor admin",
    "administer": "admin",
}
BUILDING_WIDE = {"edit_rules", "edit_energy", "administer"}
"""What concerns the whole building: a role for a zone is not enough."""
ZONED = {"handle_alarms", "command", "approve", "edit_points", "edit_schedules", "maintain"}
"""What is looked at again where the equipment is known."""
ROLES = [Role(name) for name in EVERYBODY.split()]
OPERATIONS = [(method.upper(), path) for path, operations in DOCUMENT["paths"].items() for method in operations]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def rig(database_servers: DatabaseServers, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ApiRig]:
    async with (
        database_servers.empty_database("postgres") as url,
        running_api(url, tmp_path_factory.mktemp("matrix") / "site", MORE) as running,
    ):
        await running.raise_alarm()
        yield running


def asked_by(method: str, path: str) -> str:
    """What a route asks for, by the table."""
    short = path.removeprefix("/api/v1")
    for methods, pattern, asked in ROUTES:
        if (methods == "*" or method in methods.split("|")) and re.fullmatch(pattern, short):
            return asked
    pytest.fail(f"{method} {path} changes something: say in the table what it asks for")


async def status_of(client: httpx.AsyncClient, method: str, path: str, headers: dict[str, str] | None = None) -> int:
    """How a request fares; a stream is not read to its end, which it has none of."""
    address = re.sub(r"{[^}]+}", "x", path)
    body = None if method == "GET" else {}
    with suppress(httpx.RemoteProtocolError):
        async with client.stream(method, address, json=body, headers=headers) as answer:
            return answer.status_code
    return 0


def expected(asked: str, role: Role) -> bool:
    return asked in {OPEN, ANYBODY} or role.value in ALLOWED[asked].split()


async def test_the_tables_are_whole() -> None:
    assert set(ALLOWED) == {permission.value for permission in Permission}
    assert {asked_by(*operation) for operation in OPERATIONS} <= set(ALLOWED) | {OPEN, ANYBODY}


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("zones", [("*",), ("01.E",)], ids=["everywhere", "in a zone"])
async def test_a_role_gets_through_where_it_should_and_nowhere_else(
    rig: ApiRig, role: Role, zones: tuple[str, ...]
) -> None:
    headers = await rig.known_as(f"{role} {'all' if zones == ('*',) else zones[0]}", role, zones=zones)
    wrong = []
    for method, path in OPERATIONS:
        asked = asked_by(method, path)
        allowed = expected(asked, role) and not (asked in BUILDING_WIDE and zones != ("*",))
        status = await status_of(rig.client, method, path, headers)
        if allowed and zones != ("*",) and asked in ZONED:
            continue  # It is let through to the route, which looks at the equipment: see below.
        if (status in {401, 403}) == allowed and not _refused_by_itself(path, status):
            wrong.append((method, path, asked, status))

    assert wrong == []


def _refused_by_itself(path: str, status: int) -> bool:
    """Whether somebody got through, and is told that what they sign in with is nothing."""
    return (status, path) in {(401, "/api/v1/session"), (401, "/api/v1/session/invitation")}


async def test_nobody_gets_through_to_anything_but_the_door(rig: ApiRig) -> None:
    async with rig.nobody() as client:
        for method, path in OPERATIONS:
            status = await status_of(client, method, path)
            if asked_by(method, path) == OPEN:
                assert status != 403, (method, path)
            else:
                assert status == 401, (method, path)


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer bms_guessed"},
        {"Authorization": "Bearer"},
        {"Authorization": "Basic YWRtaW46YWRtaW4="},
        {"Cookie": "bms-session=guessed"},
        {"Cookie": "bms-session="},
        {"X-Forwarded-User": "admin", "X-Remote-User": "admin"},
    ],
)
async def test_what_only_looks_like_a_pass_is_none(rig: ApiRig, headers: dict[str, str]) -> None:
    async with rig.nobody() as client:
        for method, path in OPERATIONS[:: len(OPERATIONS) // 20]:
            if asked_by(method, path) != OPEN:
                assert await status_of(client, method, path, headers) == 401, (method, path)


async def test_a_revoked_token_and_a_session_that_ended_are_nobody(rig: ApiRig) -> None:
    made = await rig.known_as("leaver", Role.ENGINEER)
    mine = (await rig.client.get("/api/v1/session/tokens", headers=made)).json()["items"]
    cookie = {"Cookie": f"bms-session={await rig.session('leaver')}"}
    async with rig.nobody() as client:
        assert (await client.get("/api/v1/site", headers=cookie)).status_code == 200
        assert (await client.request("DELETE", "/api/v1/session", headers=cookie)).status_code == 204
        assert (await client.get("/api/v1/site", headers=cookie)).status_code == 401
        for token in mine:
            answer = await client.delete(f"/api/v1/session/tokens/{token['token']}", headers=made)
            assert answer.status_code in {204, 401}
        assert (await client.get("/api/v1/site", headers=made)).status_code == 401


@pytest.mark.parametrize("scope", [Permission.READ, Permission.COMMAND, Permission.EXPORT, Permission.ADMINISTER])
async def test_a_token_does_what_its_scope_says_whatever_its_owner_may(rig: ApiRig, scope: Permission) -> None:
    headers = await rig.known_as("owner of everything", scopes=[scope])
    wrong = []
    for method, path in OPERATIONS:
        asked = asked_by(method, path)
        if asked not in {OPEN, ANYBODY}:
            status = await status_of(rig.client, method, path, headers)
            if (status == 403) == (asked == scope) and not _refused_by_itself(path, status):
                wrong.append((method, path, asked, status))

    assert wrong == []


MORE = (
    f"{CHILLER}.SP1,設定,Set,{CHILLER},SP1,SP,,chiller-1,holding:500,int16,,,,0,100,10,,\n"
    f"{AHU}.SP1,設定,Set,{AHU},SP1,SP,,ahu-1,holding:510,int16,,,,0,100,10,,\n"
    f"{CHILLER}.kWh,電量,Energy,{CHILLER},kWh,CI,kWh,chiller-1,input:9,float32,,,,,,60,,\n"
)
REASON = {"reason": "測試"}
UNTIL = "2199-01-01T00:00:00Z"
ACTS: dict[str, tuple[str, dict[str, object]]] = {
    "acknowledge": (f"/alarms/{TRIP}/acknowledge", {}),
    "comment": (f"/alarms/{TRIP}/comments", {"comment": "看過"}),
    "shelve": (f"/alarms/{TRIP}/shelve", {"duration_s": 600} | REASON),
    "unshelve": (f"/alarms/{TRIP}/unshelve", {}),
    "out of service": (f"/alarms/{TRIP}/out-of-service", {"permit": "2026-01-01-1"} | REASON),
    "return to service": (f"/alarms/{TRIP}/return-to-service", {}),
    "reset": (f"/alarms/{TRIP}/reset", {}),
    "permit": ("/permits", {"kind": "works", "equipment": [CHILLER], "until": UNTIL} | REASON),
    "select": ("/commands", {"point": f"{CHILLER}.SP1", "value": 7} | REASON),
    "extend": (f"/points/{CHILLER}.SP1/override/extension", {"hours": 1} | REASON),
    "exchange": (
        f"/counters/{CHILLER}.kWh/exchanges",
        {"at": "2026-01-01T00:00:00Z", "last_old": 1.0, "first_new": 0.0} | REASON,
    ),
}


@pytest.mark.parametrize(("path", "body"), ACTS.values(), ids=ACTS.keys())
async def test_one_acts_on_what_is_in_one_s_own_zone_only(rig: ApiRig, path: str, body: dict[str, object]) -> None:
    here = await rig.known_as("here", Role.ENGINEER, zones=("B2.CN",))
    there = await rig.known_as("there", Role.ENGINEER, zones=("01.E",))

    refused = await rig.client.post(f"/api/v1{path}", json=body, headers=there)
    allowed = await rig.client.post(f"/api/v1{path}", json=body, headers=here)

    assert refused.status_code == 403, refused.text
    assert allowed.status_code not in {401, 403, 422}, allowed.text


@pytest.mark.parametrize("act", ["acknowledgements", "resets"])
async def test_of_many_alarms_only_those_of_one_s_own_zone_are_touched(rig: ApiRig, act: str) -> None:
    there = await rig.known_as("there", Role.ENGINEER, zones=("01.E",))

    answer = await rig.client.post(f"/api/v1/alarms/{act}", json={"ids": [TRIP]}, headers=there)

    assert answer.status_code in {200, 403}
    if answer.status_code == 200:
        assert [item["status"] for item in answer.json()["items"]] == [403]


async def test_a_bulk_is_proposed_for_one_s_own_zone_only(rig: ApiRig) -> None:
    there = await rig.known_as("there", Role.ENGINEER, zones=("01.E",))
    items = [{"point": f"{AHU}.SP1", "value": 1}, {"point": f"{CHILLER}.SP1", "value": 1}]

    answer = await rig.client.post("/api/v1/commands/bulks", json={"items": items} | REASON, headers=there)

    assert answer.status_code in {403, 409}, answer.text
    assert "there may not do this" in answer.json()["detail"]
