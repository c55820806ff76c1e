"""Getting in and administration in a real browser: link, password, lock-out, accounts with roles in zones."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page
from tests.browser.conftest import ARTEFACTS, signed_in
from tests.support.api_rig import ApiRig, running_api

DASHBOARD = Path(__file__).parents[2] / "src" / "cityhall_bms" / "web_dist"
AXE = Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
PASSWORD = "冷卻水塔在頂樓 roof 12"

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]


@dataclass
class Door:
    """A browser that nobody signed in, in front of the service."""

    page: Page
    rig: ApiRig
    context: BrowserContext
    complaints: list[str]

    @property
    def address(self) -> str:
        return str(self.rig.client.base_url).rstrip("/")

    async def shot(self, name: str) -> None:
        """In both languages and themes."""
        ARTEFACTS.mkdir(exist_ok=True)
        for theme in ("light", "dark"):
            for language in ("zh", "en"):
                await self.page.screenshot(path=str(ARTEFACTS / f"access-{name}-{language}-{theme}.png"))
                await self.page.click('[data-testid="language"]')
            await self.page.click(".tools button:nth-last-child(2)")

    async def check(self) -> None:
        """Nothing bars the way of people with disabilities."""
        await self.page.evaluate(AXE.read_text(encoding="utf-8"))
        found = await self.page.evaluate("axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa']})")
        assert [(item["id"], [node["html"] for node in item["nodes"]]) for item in found["violations"]] == []


@pytest_asyncio.fixture
async def door(browser: Browser, postgres_url: str, tmp_path: Path) -> AsyncIterator[Door]:
    if not (DASHBOARD / "index.html").exists():
        pytest.skip("the dashboard is not built here: make web")
    complaints: list[str] = []
    async with running_api(postgres_url, tmp_path / "site", dashboard=DASHBOARD) as rig:
        context = await browser.new_context(viewport={"width": 1280, "height": 860})
        page = await context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        yield Door(page, rig, context, complaints)
        await context.close()
    assert complaints == []


async def test_a_link_leads_to_a_password_and_wrong_ones_lock(door: Door) -> None:
    rig, page = door.rig, door.page
    body = {"name": "林技師", "grants": [{"role": "operator", "zones": ["B2"]}]}
    assert (await rig.client.post("/api/v1/accounts", json=body)).status_code == 201
    link = (await rig.client.post("/api/v1/accounts/林技師/invitations")).json()["path"]

    await page.goto(door.address + link)
    await page.wait_for_selector('[data-testid="new-password"]')
    await door.shot("invitation")
    await door.check()
    await page.fill('[data-testid="new-password"]', "password1234")
    await page.fill('[data-testid="again"]', "password1234")
    await page.click('[data-testid="enter"]')
    await page.wait_for_selector('[data-testid="problem"]:not(:empty)')
    await page.fill('[data-testid="new-password"]', PASSWORD)
    await page.fill('[data-testid="again"]', PASSWORD)
    await page.click('[data-testid="enter"]')
    await page.wait_for_selector('[data-testid="who"]')
    assert "invitation" not in page.url, "what was secret does not stay in the address"
    assert await page.locator('nav a[href="#/admin"]').count() == 0

    await page.click('[data-testid="sign-out"]')
    await page.wait_for_selector('[data-testid="password"]')
    await door.check()
    for _ in range(5):
        await page.fill('[data-testid="name"]', "林技師")
        await page.fill('[data-testid="password"]', "not the password")
        await page.click('[data-testid="enter"]')
        await page.wait_for_selector('[data-testid="problem"]:not(:empty)')
        await page.wait_for_selector('[data-testid="enter"]:not([disabled])')
    await door.shot("refused")
    await page.fill('[data-testid="password"]', PASSWORD)
    await page.click('[data-testid="enter"]')
    await page.wait_for_selector('[data-testid="problem"]:not(:empty)')
    assert (await rig.client.get("/api/v1/accounts/林技師")).json()["locked_until"] is not None
    await rig.client.delete("/api/v1/accounts/林技師/lock")
    await page.fill('[data-testid="password"]', PASSWORD)
    await page.click('[data-testid="enter"]')
    await page.wait_for_selector('[data-testid="who"]')


async def test_an_administrator_makes_an_account_and_sees_how_the_service_is(door: Door, browser: Browser) -> None:
    rig = door.rig
    context = await signed_in(browser, door.address, await rig.session(), viewport={"width": 1280, "height": 860})
    page = door.page = await context.new_page()
    page.on("pageerror", lambda error: door.complaints.append(str(error)))
    await page.goto(f"{door.address}/#/admin")
    await page.click('[data-testid="new-account"]')
    await page.fill('[data-testid="account-name"]', "陳值班")
    await page.click('[data-role="operator"]')
    await door.shot("new-account")
    await page.click('[data-testid="save"]')
    link = await page.locator('[data-testid="link"]').input_value()
    assert link.startswith(f"{door.address}/#/sign-in?invitation=")
    await page.wait_for_selector('tr[data-account="陳值班"][data-state="waiting"]')
    await door.shot("accounts")
    await door.check()

    for part in ("sessions", "tokens", "system"):
        await page.goto(f"{door.address}/#/admin/{part}")
        await page.wait_for_selector("[data-session], tr td, [data-part]")
        await door.check()
        await door.shot(part)
    await page.wait_for_selector('[data-part="event_log"]')
    await page.goto(f"{door.address}/#/account")
    await page.wait_for_selector('input[autocomplete="current-password"]')
    await door.check()
    await door.shot("own")

    # Whoever is signed out while they work goes on where they were.
    [own] = (await rig.client.get("/api/v1/sessions")).json()["items"]
    await rig.client.delete(f"/api/v1/sessions/{own['session']}")
    await page.wait_for_selector('[data-testid="password"]', timeout=30_000)
    assert page.url.endswith("#/account")
    await context.close()
