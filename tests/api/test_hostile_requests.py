"""What nobody should send, made up by chance: the door stays shut, nothing fails inside, nothing is told."""

import json
import string
from collections.abc import AsyncIterator
from typing import Any, Final

import httpx
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.api.test_hardening import SECRET, UNSAFE, filled, raw, serving_pages
from tests.support.api_rig import ApiRig
from tests.support.databases import DatabaseServers

from cityhall_bms.api.access import COOKIE

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.xdist_group("hostile_requests")]

SESSION: Final = "/api/v1/session"
PASSWORD: Final = "冷卻水塔在頂樓 roof 12"
NAME: Final = "林技師"
DOORS: Final = [
    ("POST", SESSION),
    ("POST", f"{SESSION}/invitation"),
    ("POST", f"{SESSION}/password"),
    ("POST", f"{SESSION}/tokens"),
    ("DELETE", SESSION),
    ("DELETE", f"{SESSION}/tokens/x"),
    ("POST", "/api/v1/accounts"),
    ("POST", f"/api/v1/accounts/{NAME}/invitations"),
    ("DELETE", f"/api/v1/accounts/{NAME}/lock"),
]
by_chance = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
few = settings(by_chance, max_examples=12)
"""Each costs two hashes made slow on purpose."""

words = st.text(max_size=40)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | words | st.just(NAME) | st.just(PASSWORD),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=8,
)
fields = st.sampled_from(["name", "password", "invitation", "old", "new", "scopes", "wall", "grants", "x"])
bodies = st.one_of(
    st.binary(max_size=200),
    anything.map(lambda value: json.dumps(value).encode()),
    st.dictionaries(fields, anything, max_size=5).map(lambda value: json.dumps(value).encode()),
)
kinds = st.sampled_from(
    ["application/json", "application/json; charset=utf-16", "text/plain", "application/x-www-form-urlencoded", "x"]
)
spoken = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=60).map(str.strip)
"""What may stand in a header."""
strangers = st.fixed_dictionaries(
    {},
    optional={
        "Authorization": spoken | spoken.map("Bearer x{}".format),
        "Cookie": spoken | spoken.map((COOKIE + "={}").format) | spoken.map(("__Host-" + COOKIE + "={}").format),
        "X-Forwarded-For": spoken,
    },
)


class House:
    """The running interface, a client of nobody's, and somebody's session.

    No record: each made-up request would be told with all of it.
    """

    def __init__(self, rig: ApiRig, stranger: httpx.AsyncClient, session: str) -> None:
        self.rig = rig
        self.session = session
        self._stranger = stranger

    async def asked(self, method: str, path: str, **what: Any) -> httpx.Response:
        """What a stranger is answered, who keeps nothing of it."""
        answer = await self._stranger.request(method, path, **what)
        self._stranger.cookies.clear()
        return answer


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def house(database_servers: DatabaseServers, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """A house with an account that has a password."""
    async with serving_pages(database_servers, tmp_path_factory.mktemp("hostile")) as rig, rig.nobody() as browser:
        made = await rig.client.post("/api/v1/accounts", json={"name": NAME, "grants": [{"role": "viewer"}]})
        assert made.status_code == 201, made.text
        link = (await rig.client.post(f"/api/v1/accounts/{NAME}/invitations")).json()["path"]
        mine = {"invitation": link.partition("invitation=")[2], "password": PASSWORD}
        entered = await browser.post(SESSION, json=mine)
        assert entered.status_code == 201, entered.text
        browser.cookies.clear()
        yield House(rig, browser, await rig.session())


def assert_refused(answer: httpx.Response, told: object) -> None:
    assert 400 <= answer.status_code < 500, (told, answer.status_code, answer.text)
    assert answer.headers["content-type"] == "application/problem+json", told
    assert "set-cookie" not in answer.headers, told
    for inside in ("Traceback", "asyncpg", "site-packages", "argon2"):
        assert inside not in answer.text, told


@given(door=st.sampled_from(DOORS), body=bodies, kind=kinds, headers=strangers)
@by_chance
async def test_nothing_made_up_opens_a_door(
    house: House, door: tuple[str, str], body: bytes, kind: str, headers: dict[str, str]
) -> None:
    answer = await house.asked(*door, content=body, headers={"Content-Type": kind} | headers)
    assert_refused(answer, (door, body, kind, headers))


names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=40)


@given(name=names.filter(lambda name: name.strip() not in {"", NAME}), password=names)
@few
async def test_who_has_an_account_is_not_told(house: House, name: str, password: str) -> None:
    def about(answer: httpx.Response) -> dict[str, Any]:
        told = answer.json()
        return {key: told.get(key) for key in ("type", "title", "status", "detail")}

    unknown = await house.asked("POST", SESSION, json={"name": name, "password": password})
    wrong = await house.asked("POST", SESSION, json={"name": NAME, "password": password + "!"})
    assert about(unknown) == about(wrong)
    assert_refused(unknown, name)


origins = st.one_of(
    spoken,
    st.sampled_from(["null", "http://[", "http://127.0.0.1", "https://127.0.0.1", "//", "http://user@127.0.0.1"]),
    st.builds("http://{}".format, st.text(string.ascii_letters + string.digits + ".:@[]/\\-_%", max_size=30)),
)


@given(
    route=st.sampled_from(UNSAFE),
    says=st.fixed_dictionaries(
        {}, optional={"Origin": origins, "Sec-Fetch-Site": st.sampled_from(["cross-site", "same-site"])}
    ).filter(bool),
    method=st.sampled_from(["", "", "X-HTTP-Method-Override"]),
)
@by_chance
async def test_no_page_of_another_origin_changes_anything(
    house: House, route: tuple[str, str], says: dict[str, str], method: str
) -> None:
    if says.get("Origin", "").strip() == str(house.rig.client.base_url).rstrip("/"):
        says["Sec-Fetch-Site"] = "cross-site"
    cookie = {"Cookie": f"{COOKIE}={house.session}"}
    headers = cookie | says | ({method: route[0]} if method else {})
    answer = await house.asked("POST" if method else route[0], filled(route[1]), json={}, headers=headers)
    assert answer.status_code == 403, (route, says, answer.text)


steps = st.sampled_from(
    ["..", "%2e%2e", "..%2f", "..%5c", "....", "%252e%252e", "%c0%ae%c0%ae", "..%00", "．．", ".", "", "secret.txt",
     "assets", "etc", "passwd", "%2f", "\\..", "C:", "index.html", "%uff0e%uff0e", "..;", "~"]
)  # fmt: skip
places = st.sampled_from(["/", "/assets/", "/api/v1/energy/documents/", "/api/v1/exports/", "/api/v1/reports/"])


@given(place=places, climb=st.lists(steps, min_size=1, max_size=6), joint=st.sampled_from(["/", "\\", "%2f", "//"]))
@by_chance
async def test_no_way_of_writing_a_path_leads_out_of_the_folder(
    house: House, place: str, climb: list[str], joint: str
) -> None:
    target = (place + joint.join(climb)).encode("utf-8", "ignore").decode("latin-1")
    answer = await raw(house.rig, target)
    assert SECRET.encode() not in answer, target
    assert not answer.startswith((b"HTTP/1.1 5", b"HTTP/1.0 5")), (target, answer[:200])
