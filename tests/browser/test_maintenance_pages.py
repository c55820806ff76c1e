"""Maintenance on a phone: from an alarm to a verified repair, a round without a network, what is due."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page
from tests.api.test_maintenance import SITE
from tests.browser.conftest import ARTEFACTS, is_complaint, signed_in
from tests.browser.test_energy_pages import violations
from tests.support.api_rig import TRIP, ApiRig, running_api

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

DASHBOARD = Path(__file__).parents[2] / "src" / "cityhall_bms" / "web_dist"
PHONE = {"width": 390, "height": 844}
TECHNICIAN, SUPERVISOR = "陳技士", "李主任"
STATE = '[data-testid="order"][data-state="{}"]'


@dataclass
class Phones:
    """Phones in front of one interface, somebody signed in at each; what their pages complain about fails the test."""

    browser: Browser
    rig: ApiRig
    complaints: list[str]

    @asynccontextmanager
    async def of(self, who: str, place: str) -> AsyncIterator[Page]:
        address = str(self.rig.client.base_url)
        context = await signed_in(self.browser, address, await self.rig.session(who), viewport=PHONE)
        page = await context.new_page()
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda told: self.complaints.append(told.text) if is_complaint(told) else None)
        await page.goto(f"{address}/#/maintenance{place}")
        await page.wait_for_selector(".maintenance")
        yield page
        await context.close()


@pytest_asyncio.fixture
async def phones(browser: Browser, postgres_url: str, tmp_path: Path) -> AsyncIterator[Phones]:
    if not (DASHBOARD / "index.html").exists():
        pytest.skip("the dashboard is not built here: make web")
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "maintenance.toml").write_text(SITE, encoding="utf-8")
    async with running_api(postgres_url, folder, dashboard=DASHBOARD) as rig:
        opened = Phones(browser, rig, [])
        yield opened
        assert [told for told in opened.complaints if "ERR_INTERNET_DISCONNECTED" not in told] == []


async def picture(page: Page, name: str) -> None:
    ARTEFACTS.mkdir(exist_ok=True)
    await page.screenshot(path=str(ARTEFACTS / f"maintenance-{name}.png"), full_page=True)


async def both(page: Page, name: str) -> None:
    """Pictures in both languages and themes, and nothing against WCAG in either."""
    await picture(page, f"{name}-zh")
    assert await violations(page) == []
    await page.click('[data-testid="language"]')
    await page.click("text=Dark")
    await picture(page, f"{name}-en-dark")
    assert await violations(page) == []
    await page.click("text=Light")
    await page.click('[data-testid="language"]')


async def take(page: Page, step: str, state: str, **fields: str) -> None:
    """Choose a step, fill what it asks for, and see the order in its new state."""
    await page.click(f'[data-step="{step}"]')
    for selector, value in fields.items():
        await page.fill(f'[data-testid="{selector}"]', value)
    if await page.locator('[data-testid="confirm"]').count():
        await page.click('[data-testid="confirm"]')
    await page.wait_for_selector(STATE.format(state))


async def test_what_rang_is_repaired_with_a_photo_and_verified_by_somebody_else(phones: Phones, tmp_path: Path) -> None:
    await phones.rig.raise_alarm()
    async with phones.of(TECHNICIAN, f"?alarm={TRIP}") as page:
        await page.wait_for_selector(f'[data-testid="alarm"] option[value="{TRIP}"]', state="attached")
        await page.click('[data-testid="new-repair"] button[type="submit"]')
        await page.wait_for_selector(STATE.format("new"))
        order = page.url.rpartition("/")[2]
        await take(page, "triage", "triaged")
        await take(page, "assign", "assigned")
        await page.click('[data-step="arrive"]')
        await page.check('form input[type="checkbox"]')
        await page.click('[data-testid="confirm"]')
        await page.wait_for_selector(STATE.format("arrived"))
        await picture(page, "arrived-zh")
        photo = tmp_path / "photo.png"
        await page.screenshot(path=str(photo))
        await page.set_input_files('input[type="file"]', str(photo))
        await page.click('[data-testid="keep-photos"]')
        await page.wait_for_selector(".photos img")
        await take(page, "fix", "fixed", comment="更換軸封，試車正常")
        assert await page.locator('[data-step="verify"]').count() == 0, "not by who did the work"
    await phones.rig.return_alarm()
    async with phones.of(SUPERVISOR, f"/{order}") as page:
        await page.wait_for_selector(STATE.format("fixed"))
        await both(page, "order")
        await take(page, "verify", "verified")
        await take(page, "close", "closed")
        assert SUPERVISOR in await page.inner_text(".history")


async def test_a_round_walked_without_a_network_is_sent_when_it_is_back(phones: Phones) -> None:
    async with phones.of(TECHNICIAN, "?tab=patrol") as page:
        context: BrowserContext = page.context
        await page.click("text=開始巡檢")
        await context.set_offline(offline=True)
        await page.locator('[data-stop="hall"] button').first.click()
        await page.locator('[data-stop="b2_plant"] button').nth(1).click()
        await page.fill('[data-stop="b2_plant"] textarea', "走道堆置雜物")
        await page.click("text=加入缺失")
        await both(page, "round")
        await page.click("text=完成並送出")
        await page.wait_for_selector('[data-testid="unsent"]')
        await picture(page, "unsent-zh")
        await context.set_offline(offline=False)
        await page.wait_for_selector('[data-open="true"]')
        assert await page.locator('[data-testid="unsent"]').count() == 0
        await both(page, "findings")
    [round_] = (await phones.rig.client.get("/api/v1/maintenance/rounds")).json()["items"]
    assert (round_["by"], len(round_["stops"]), round_["missed"]) == (TECHNICIAN, 2, [])


async def test_work_that_is_due_is_begun_from_the_list_and_done_by_its_checklist(phones: Phones) -> None:
    async with phones.of(TECHNICIAN, "") as page:
        await page.wait_for_selector('[data-state="due"]')
        await both(page, "due")
        await page.click('[data-plan="chiller_log"] button')
        await page.wait_for_selector(STATE.format("triaged"))
        await take(page, "assign", "assigned")
        await take(page, "arrive", "arrived")
        await page.fill('[data-check="oil"] input', "140")
        await page.click('[data-check="oil"] button')
        await page.wait_for_selector('[data-check="oil"][data-ok="false"]')
        await both(page, "checklist")
        await take(page, "fix", "fixed")


async def test_fire_tests_and_assets_are_told_on_a_phone_and_a_tablet(phones: Phones) -> None:
    rig = phones.rig
    tested: dict[str, Any] = {
        "plan": "class_a_report", "tested_on": "2026-06-28", "tester": "安全消防公司",
        "results": [{"subject": "TCH.B2.CN.ACV01", "ok": True}],
    }  # fmt: skip
    await rig.client.post("/api/v1/maintenance/fire-tests", json=tested)
    await rig.client.put(
        "/api/v1/maintenance/assets/TCH.B2.CN.CHC01", json={"serial": "CH-1994-001", "maker": "Carrier"}
    )
    async with phones.of(TECHNICIAN, "?tab=fire") as page:
        await page.wait_for_selector("text=安全消防公司")
        await both(page, "fire")
        await page.click("text=財產")
        await page.wait_for_selector('[data-asset="TCH.B2.CN.CHC01"]')
        await both(page, "assets")
        await page.set_viewport_size({"width": 1024, "height": 768})
        await page.click("text=報修")
        await picture(page, "tablet-zh")
