"""Signing in by a certified OpenID provider, through the interface: in, by groups, or turned away and recorded."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from tests.support.api_rig import ApiRig, running_api
from tests.support.databases import DatabaseServers
from tests.support.oidc_provider import Provider, running_provider

from cityhall_bms.adapters.oidc import OidcClient, OidcProvider
from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.api.access_services import ProviderWay
from cityhall_bms.api.app import create_app
from cityhall_bms.domain.access.grants import parse_grant
from cityhall_bms.domain.errors import SiteError
from cityhall_bms.settings import load_settings

pytestmark = pytest.mark.asyncio(loop_scope="session")
HERE = "http://127.0.0.1"
BACK = f"{HERE}/api/v1/session/oidc/callback"
GRANTS = {
    "bms-operators": [parse_grant("operator@B2.CN"), parse_grant("viewer")],
    "bms-supervisors": [parse_grant("supervisor")],
    "bms-never": [parse_grant("admin")],
}


@dataclass
class Way:
    """A rig whose people come by a provider."""

    rig: ApiRig
    provider: Provider
    app: Any

    def browser(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url=HERE)

    async def arrive(self, browser: httpx.AsyncClient, login: str) -> httpx.Response:
        """Go to the provider as a person, and come back."""
        going = await browser.get("/api/v1/session/oidc")
        assert going.status_code == 303, going.text
        answer = self.provider.visit(going.headers["location"], login, BACK)
        return await browser.get("/api/v1/session/oidc/callback", params=answer)

    async def told(self, kind: str) -> list[dict[str, Any]]:
        return [dict(each.payload) for each in await self.rig.events.read(0, 10_000) if each.type == kind]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def way(database_servers: DatabaseServers, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Way]:
    async with (
        database_servers.empty_database("postgres") as url,
        running_api(url, tmp_path_factory.mktemp("oidc") / "site") as rig,
    ):
        with running_provider(BACK) as provider:
            ours = OidcProvider(OidcClient(provider.issuer, "bms", "secret-of-bms"), SystemClock())
            access = replace(rig.services.access, provider=ProviderWay(ours, "單一登入 / Sign-on", GRANTS))
            yield Way(rig, provider, create_app(replace(rig.services, access=access)))


async def test_who_is_in_a_group_is_let_in_with_what_the_group_may_do(way: Way) -> None:
    async with way.browser() as browser:
        assert (await browser.get("/api/v1/session/ways")).json() == {"provider": "單一登入 / Sign-on"}
        arrived = await way.arrive(browser, "wang")
        who = (await browser.get("/api/v1/session")).json()

    assert (arrived.status_code, arrived.headers["location"]) == (303, "/")
    assert "samesite=strict" in arrived.headers["set-cookie"].lower()
    assert (who["account"], who["provider"]) == ("周大華", f"{way.provider.issuer}#wang")
    assert who["permissions"]["command"] == ["B2.CN"]
    assert "administer" not in who["permissions"], "of groups that the person is not in nothing is given"
    assert [each["how"] for each in await way.told("SignInAccepted") if each["account"] == "周大華"]


async def test_an_account_by_a_provider_has_no_password(way: Way) -> None:
    async with way.browser() as browser:
        await way.arrive(browser, "chen")
        tried = await browser.post("/api/v1/session", json={"name": "陳主任", "password": "x" * 12})

    assert tried.status_code == 401


async def test_who_is_in_no_group_of_ours_is_turned_away_and_it_is_recorded(way: Way) -> None:
    async with way.browser() as browser:
        arrived = await way.arrive(browser, "stranger")
        assert (await browser.get("/api/v1/session")).status_code == 401

    assert arrived.headers["location"] == "/#/sign-in?refused=provider"
    assert "in no group" in (await way.told("SignInRefused"))[-1]["reason"]
    assert not [each for each in await way.told("AccountCreated") if each["account"] == "路人"]


async def test_a_name_that_is_somebody_else_s_is_not_taken_over(way: Way) -> None:
    """A provider that gives a name again, or one that is the name of an account with a password here."""
    async with way.browser() as browser:
        await way.arrive(browser, "wang")
        arrived = await way.arrive(browser, "other-wang")

    assert arrived.headers["location"] == "/#/sign-in?refused=provider"
    assert (await way.told("SignInRefused"))[-1]["reason"] == "provider"


async def test_an_answer_to_another_browser_lets_nobody_in(way: Way) -> None:
    async with way.browser() as mine, way.browser() as theirs:
        going = await theirs.get("/api/v1/session/oidc")
        answer = way.provider.visit(going.headers["location"], "chen", BACK)
        await mine.get("/api/v1/session/oidc")
        arrived = await mine.get("/api/v1/session/oidc/callback", params=answer)
        assert (await mine.get("/api/v1/session")).status_code == 401

    assert arrived.headers["location"] == "/#/sign-in?refused=provider"


async def test_what_anybody_writes_into_the_address_is_refused(way: Way) -> None:
    async with way.browser() as browser:
        for query in ({}, {"code": "x"}, {"code": "x", "state": "y"}, {"error": "access_denied"}):
            arrived = await browser.get("/api/v1/session/oidc/callback", params=query)
            assert arrived.headers["location"] == "/#/sign-in?refused=provider"


async def test_without_a_provider_there_is_no_such_way(way: Way) -> None:
    async with way.rig.nobody() as client:
        assert (await client.get("/api/v1/session/ways")).json() == {"provider": None}
        assert (await client.get("/api/v1/session/oidc")).status_code == 404
        assert (await client.get("/api/v1/session/oidc/callback")).status_code == 404


async def test_settings_that_are_not_whole_are_refused(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s")
    whole = {
        "issuer": "https://login.example", "client_id": "bms", "client_secret_file": str(secret),
        "grants": {"ops": ["operator@05.W"]},
    }  # fmt: skip
    found = load_settings(oidc=whole).oidc
    assert found.grants["ops"] == (parse_grant("operator@05.W"),)
    for change in ({"issuer": "http://login.example"}, {"client_id": ""}, {"client_secret_file": "/none"}, {"grants": {}},
                   {"grants": {"ops": ["root"]}}, {"grants": {"ops": ["service"]}}):  # fmt: skip
        with pytest.raises(SiteError):
            load_settings(oidc=whole | change)
