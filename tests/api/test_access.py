"""Getting in over HTTP: by a link, a password or a token; what one may do where; and how it ends."""

import asyncio
from contextlib import suppress
from typing import Any

import httpx
import pytest
from tests.support.api_rig import CHILLER, DEADLINE_S, ME, TRIP, ApiRig
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosedError

from cityhall_bms.api.access import COOKIE
from cityhall_bms.ports.access import Permission, Role

SESSION = "/api/v1/session"
PASSWORD = "冷卻水塔在頂樓 roof 12"


async def invited(rig: ApiRig, name: str, *grants: dict[str, Any]) -> str:
    """An account of the administrator's making; gives the secret of its link."""
    body = {"name": name, "grants": list(grants)}
    made = await rig.client.post("/api/v1/accounts", json=body)
    assert made.status_code == 201, made.text
    link = await rig.client.post(f"/api/v1/accounts/{name}/invitations")
    return str(link.json()["path"]).partition("invitation=")[2]


async def sign_in(client: httpx.AsyncClient, status: int = 201, **body: str) -> dict[str, Any]:
    answer = await client.post(SESSION, json=body)
    assert answer.status_code == status, answer.text
    return dict(answer.json())


async def events_of(rig: ApiRig, stream: str) -> list[str]:
    return [entry.type for entry in await rig.events.read(0, 1_000, stream)]


async def test_a_link_lets_somebody_choose_a_password_once_and_the_password_lets_them_in(rig: ApiRig) -> None:
    secret = await invited(rig, "林技師", {"role": "engineer", "zones": ["*"]})
    async with rig.nobody() as browser:
        assert (await browser.get(SESSION)).status_code == 401
        asked = (await browser.post(f"{SESSION}/invitation", json={"invitation": secret})).json()
        assert (asked["account"], asked["enters"]) == ("林技師", False)
        for poor in ("short", "aaaaaaaaaaaaaaaa", "password1234", "林技師林技師林技師林技師"):
            await sign_in(browser, 409, invitation=secret, password=poor)
        mine = await sign_in(browser, invitation=secret, password=PASSWORD)
        assert mine["account"] == "林技師"
        assert mine["permissions"]["edit_rules"] == ["*"]
        assert "administer" not in mine["permissions"]
        await sign_in(browser, 401, invitation=secret, password=PASSWORD + "x")
        assert (await browser.delete(SESSION)).status_code == 204
        assert (await browser.get(SESSION)).status_code == 401
        # Names are the same in whatever width and case.
        await sign_in(browser, name=" 林技師 ", password=PASSWORD)
        assert (await browser.get(SESSION)).json()["account"] == "林技師"

    assert await events_of(rig, "account/林技師") == [
        "AccountCreated", "RolesGranted", "AccountInvited", "PasswordChanged",
    ]  # fmt: skip
    assert await events_of(rig, "sign-in/林技師") == ["SignInAccepted", "SignedOut", "SignInAccepted"]


async def test_nothing_secret_is_in_the_log(rig: ApiRig) -> None:
    secret = await invited(rig, "林技師", {"role": "viewer"})
    async with rig.nobody() as browser:
        await sign_in(browser, invitation=secret, password=PASSWORD)
        cookie = browser.cookies[COOKIE]
        token = (await browser.post(f"{SESSION}/tokens", json={"name": "x", "scopes": ["read"]})).json()["secret"]
        await sign_in(browser, 401, name=PASSWORD, password=PASSWORD)

    told = str([entry.payload for entry in await rig.events.read(0, 10_000)])
    assert not [each for each in (secret, cookie, token, PASSWORD, "argon2") if each in told]


async def test_the_cookie_is_out_of_reach_of_scripts_and_of_other_sites(rig: ApiRig) -> None:
    secret = await invited(rig, "林技師", {"role": "viewer"})
    async with rig.nobody() as browser:
        answer = await browser.post(SESSION, json={"invitation": secret, "password": PASSWORD})
        words = answer.headers["set-cookie"]
        assert "HttpOnly" in words
        assert "samesite=strict" in words.lower()
        for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}):
            assert (await browser.delete(SESSION, headers=headers)).status_code == 403
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        refused = await browser.post(f"{SESSION}/password", content="old=a&new=b", headers=form)
        assert refused.status_code in {415, 422}
        assert (await browser.get(SESSION)).status_code == 200


async def test_what_was_wrong_is_not_said_and_too_many_wrong_ones_lock(rig: ApiRig) -> None:
    secret = await invited(rig, "林技師", {"role": "viewer"})
    async with rig.nobody() as browser:
        await sign_in(browser, invitation=secret, password=PASSWORD)
        unknown = await sign_in(browser, 401, name="nobody here", password="wrong password 1")
        wrong = [await sign_in(browser, 401, name="林技師", password="wrong password 1") for _ in range(5)]
        locked = await sign_in(browser, 401, name="林技師", password=PASSWORD)
        assert unknown["detail"] == wrong[0]["detail"] == locked["detail"]

        account = (await rig.client.get("/api/v1/accounts/林技師")).json()
        assert account["locked_until"] is not None
        assert (await rig.client.delete("/api/v1/accounts/林技師/lock")).status_code == 200
        await sign_in(browser, name="林技師", password=PASSWORD)
    kinds = await events_of(rig, "account/林技師")
    assert kinds[-2:] == ["AccountLocked", "AccountUnlocked"]


async def test_a_change_of_the_password_ends_the_other_sessions_and_remembers(rig: ApiRig) -> None:
    secret = await invited(rig, "林技師", {"role": "viewer"})
    async with rig.nobody() as browser, rig.nobody() as other:
        await sign_in(browser, invitation=secret, password=PASSWORD)
        await sign_in(other, name="林技師", password=PASSWORD)
        change = {"old": PASSWORD, "new": PASSWORD}
        assert (await browser.post(f"{SESSION}/password", json=change)).status_code == 409
        change = {"old": "not the password", "new": PASSWORD + "!"}
        assert (await browser.post(f"{SESSION}/password", json=change)).status_code == 409
        change = {"old": PASSWORD, "new": PASSWORD + "!"}
        assert (await browser.post(f"{SESSION}/password", json=change)).status_code == 204
        assert (await browser.get(SESSION)).status_code == 200
        assert (await other.get(SESSION)).status_code == 401


async def test_a_token_does_what_it_is_for_and_no_more_and_ends(rig: ApiRig) -> None:
    made = await rig.client.post("/api/v1/session/tokens", json={"name": "portal", "scopes": ["read"]})
    assert made.status_code == 409, "a token makes no tokens"
    headers = await rig.known_as("能源入口", Role.OPERATOR, scopes=[Permission.READ])

    assert (await rig.client.get("/api/v1/points", headers=headers)).status_code == 200
    acknowledged = await rig.client.post(f"/api/v1/alarms/{TRIP}/acknowledge", json={}, headers=headers)
    assert acknowledged.status_code == 403
    [token] = (await rig.client.get("/api/v1/tokens", params={"account": "能源入口"})).json()["items"]
    assert (token["scopes"], "secret" in token, token["used_at"] is None) == (["read"], False, False)
    assert (await rig.client.delete(f"/api/v1/tokens/{token['token']}")).status_code == 204
    assert (await rig.client.get("/api/v1/points", headers=headers)).status_code == 401
    assert await events_of(rig, "sign-in/能源入口") == ["TokenMade", "PermissionRefused", "TokenRevoked"]


async def test_a_role_holds_in_its_zones_only(rig: ApiRig) -> None:
    here = await rig.known_as("地下二樓", Role.OPERATOR, zones=["B2.CN"])
    there = await rig.known_as("一樓", Role.OPERATOR, zones=["01"])
    other = f"CHC_TRIP~{CHILLER.replace('B2.CN', '01.E')}"
    await rig.raise_alarm()

    refused = await rig.client.post(f"/api/v1/alarms/{TRIP}/acknowledge", json={}, headers=there)
    many = await rig.client.post("/api/v1/alarms/acknowledgements", json={"ids": [TRIP]}, headers=there)
    taken = await rig.client.post(f"/api/v1/alarms/{TRIP}/acknowledge", json={}, headers=here)

    assert (refused.status_code, taken.status_code) == (403, 200)
    assert [(item["id"], item["status"]) for item in many.json()["items"]] == [(TRIP, 403)]
    assert (await rig.client.post(f"/api/v1/alarms/{other}/acknowledge", json={}, headers=here)).status_code == 403
    draft = await rig.client.delete("/api/v1/rules/NONE/draft", headers=here)
    assert draft.status_code == 403
    mine = (await rig.client.get(SESSION, headers=here)).json()
    assert mine["permissions"]["command"] == ["B2.CN"]


async def test_what_is_taken_away_is_gone_with_the_next_request(rig: ApiRig) -> None:
    secret = await invited(rig, "林技師", {"role": "operator"})
    async with rig.nobody() as browser:
        await sign_in(browser, invitation=secret, password=PASSWORD)
        await rig.client.put("/api/v1/accounts/林技師/grants", json={"grants": [{"role": "viewer"}]})
        answer = await browser.post(f"/api/v1/alarms/{TRIP}/acknowledge", json={})
        assert answer.status_code == 403
        ended = await rig.client.post("/api/v1/accounts/林技師/disablement", json={"reason": "離職"})
        assert ended.json()["disabled"] is True
        assert (await browser.get(SESSION)).status_code == 401
        await sign_in(browser, 401, name="林技師", password=PASSWORD)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"name": "a", "grants": [{"role": "viewer"}]}, "2 to 64"),
        ({"name": "system", "grants": [{"role": "viewer"}]}, "service itself"),
        ({"name": ME, "grants": [{"role": "viewer"}]}, "there already"),
        ({"name": "林技師", "grants": [{"role": "service"}]}, "cannot be granted"),
        ({"name": "林技師", "grants": [{"role": "viewer", "zones": ["99"]}]}, "no zone 99"),
        ({"name": "電視牆", "wall": True, "grants": [{"role": "operator"}]}, "only views"),
    ],
)
async def test_an_account_that_cannot_be_is_refused_with_words(rig: ApiRig, body: dict[str, Any], words: str) -> None:
    answer = await rig.client.post("/api/v1/accounts", json=body)

    assert answer.status_code == 409
    assert words in answer.json()["detail"]


async def test_the_last_administrator_stays(rig: ApiRig) -> None:
    answer = await rig.client.put(f"/api/v1/accounts/{ME}/grants", json={"grants": [{"role": "viewer"}]})
    ended = await rig.client.post(f"/api/v1/accounts/{ME}/disablement", json={"reason": "x"})

    assert (answer.status_code, ended.status_code) == (409, 409)


async def test_sessions_are_listed_and_ended_one_s_own_and_others(rig: ApiRig) -> None:
    secret = await invited(rig, "林技師", {"role": "viewer"})
    async with rig.nobody() as browser, rig.nobody() as other:
        await sign_in(browser, invitation=secret, password=PASSWORD)
        await sign_in(other, name="林技師", password=PASSWORD)
        mine = (await browser.get(f"{SESSION}/sessions")).json()["items"]
        assert [each["own"] for each in mine] == [False, True]
        assert (await browser.delete(f"{SESSION}/sessions/{mine[0]['session']}")).status_code == 204
        assert (await other.get(SESSION)).status_code == 401
        [left] = (await rig.client.get("/api/v1/sessions", params={"account": "林技師"})).json()["items"]
        assert (await browser.delete(f"{SESSION}/sessions/{'0' * 12}")).status_code == 404
        assert (await rig.client.delete(f"/api/v1/sessions/{left['session']}")).status_code == 204
        assert (await browser.get(SESSION)).status_code == 401


async def test_nobody_sees_anything_but_the_door(rig: ApiRig) -> None:
    async with rig.nobody() as browser:
        for path in ("/healthz", "/readyz", "/metrics"):
            assert (await browser.get(path)).status_code == 200, path
        for path in ("points", "points/stream", "alarms/feed", "site", "events", "accounts", "energy/documents/x"):
            answer = await browser.get(f"/api/v1/{path}")
            assert (answer.status_code, answer.json()["type"]) == (401, "/problems/not-signed-in"), path
        for words in ("Bearer bms_x", "Bearer", "Basic YTpi", "bms_x"):
            answer = await browser.get("/api/v1/site", headers={"Authorization": words})
            assert answer.status_code == 401, words


async def test_a_stream_ends_with_the_session_that_opened_it(rig: ApiRig) -> None:
    secret = await invited(rig, "林技師", {"role": "viewer"})
    async with rig.nobody() as browser:
        await sign_in(browser, invitation=secret, password=PASSWORD)
        async with browser.stream("GET", "/api/v1/alarms/feed") as feed:
            lines = feed.aiter_lines()
            assert await anext(lines)
            [session] = (await rig.client.get("/api/v1/sessions", params={"account": "林技師"})).json()["items"]
            await rig.client.delete(f"/api/v1/sessions/{session['session']}")
            async with asyncio.timeout(DEADLINE_S):
                async for _ in lines:
                    pass


async def test_a_socket_closes_with_the_token_that_opened_it(rig: ApiRig) -> None:
    headers = await rig.known_as("林技師", Role.VIEWER)
    address = str(rig.client.base_url).replace("http", "ws").rstrip("/")
    async with connect(f"{address}/api/v1/alarms/socket", proxy=None, additional_headers=headers) as socket:
        await socket.send('{"kind": "follow"}')
        [token] = (await rig.client.get("/api/v1/tokens", params={"account": "林技師"})).json()["items"]
        await rig.client.delete(f"/api/v1/tokens/{token['token']}")
        async with asyncio.timeout(DEADLINE_S):
            with suppress(ConnectionClosedError):
                async for _ in socket:
                    pass
        assert socket.close_code == 1008
