"""The plant in a real browser: from the building down to a register, back in time, and a command that is carried out."""

import asyncio
import time
from datetime import UTC, datetime
from urllib.parse import quote

import pytest
from playwright.async_api import Page
from tests.browser.conftest import ARTEFACTS, Demo, until
from tests.browser.test_energy_pages import violations

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("demo"), pytest.mark.timeout(240)]

CHILLER = "TCH.B2.CN.CHC01"
SUPPLY, SETPOINT = f"{CHILLER}.CHWS_T", f"{CHILLER}.CHWS_SP"
AHU, PANEL = "TCH.01.E.AHU01", "TCH.B1.CN.FACP01"


async def go(page: Page, hash_: str, awaited: str) -> None:
    await page.evaluate(f"location.hash = '{hash_}'")
    await page.wait_for_selector(awaited)


async def until_text(page: Page, selector: str, text: str, within_s: float = 60) -> None:
    async def is_told() -> bool:
        return text in await page.locator(selector).first.inner_text()

    await until(is_told, within_s)


async def test_three_clicks_lead_from_the_building_to_a_raw_register_and_one_key_leads_up(page: Page) -> None:
    await page.click('[data-system="hvac"] h2 a')
    await page.click(f'[data-testid="plant"] a[data-equipment="{CHILLER}"]')
    await page.click(f'main a[data-point="{SUPPLY}"]')

    assert await page.inner_text('[data-testid="address"]') == "input:100"
    await page.wait_for_selector('[data-testid="raw"]', timeout=30_000)
    assert len(bytes.fromhex(await page.inner_text('[data-testid="raw"]'))) in {2, 4}
    await page.wait_for_selector(f'[data-point-page="{SUPPLY}"] [data-quality="good"]')
    for key, above in (("Escape", "equipment"), ("Backspace", "hvac"), ("Escape", "overview")):
        await page.keyboard.press(key)
        await page.wait_for_selector(f'main[data-page="{above}"]')


async def test_the_past_is_sepia_keeps_its_moment_in_the_address_and_takes_no_command(page: Page, demo: Demo) -> None:
    await go(page, f"#/point/{SETPOINT}", "[data-command]")
    moment, value = "", None

    async def was_known() -> bool:
        nonlocal moment, value
        moment = datetime.fromtimestamp(int(time.time()) - 4, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        stood = demo.get(f"/state?at={moment}&system=lift")["points"]
        value = stood["v"][stood["names"].index("TCH.01.N.ELV01.CarPos")]
        return value is not None

    await until(was_known, 40)
    await go(page, f"#/point/TCH.01.N.ELV01.CarPos?at={moment}", ".past")
    await until_text(page, "[data-point-page] .value", f"{value:.1f}", 20)
    await page.evaluate(f"location.hash = '#/point/{SETPOINT}'")
    await page.wait_for_selector(f'[data-point-page="{SETPOINT}"]')
    assert f"at={quote(moment, safe='')}" in page.url
    assert await page.locator("[data-command]").count() == 0
    colour = "getComputedStyle(document.querySelector('main').parentElement).backgroundColor"
    sepia = await page.evaluate(colour)
    await page.click('[data-testid="past-now"]')
    await page.wait_for_selector("[data-command]")
    assert "at=" not in page.url
    assert await page.evaluate(colour) != sepia


async def test_sliding_asks_for_one_moment_after_another_and_shows_the_last(page: Page) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/state?" in request.url else None)
    await page.click('[data-testid="past-back"]')
    slider = page.locator('[data-testid="past-slider"]')
    for _ in range(20):
        await slider.press("ArrowLeft")
    await page.wait_for_selector(".past")

    async def is_settled() -> bool:
        return "不能下指令" in await page.inner_text('[data-testid="time-machine"]')

    await until(is_settled)
    assert 1 <= len(asked) <= 22
    await page.click('[data-testid="past-now"]')


async def test_a_set_point_is_chosen_confirmed_read_back_and_given_up(page: Page) -> None:
    await go(page, f"#/point/{SETPOINT}", f'[data-command="{SETPOINT}"]')
    await page.click("[data-command]")
    await page.fill('[data-testid="value"]', "7.5")
    await page.fill('[data-testid="command-reason"]', "午後負載低")
    await page.click('[data-testid="select"]')
    await page.wait_for_selector('[data-step="confirm"]')
    await page.screenshot(path=str(ARTEFACTS / "command-zh.png"))
    assert await violations(page) == []
    await page.click('[data-testid="confirm"]')
    await page.wait_for_selector('[data-testid="progress"][data-state="DONE"]', timeout=60_000)
    assert "7.5" in await page.inner_text('[data-testid="progress"] dl')
    await page.click('[data-testid="close"]')
    await page.wait_for_selector('[data-testid="priorities"] [data-priority="8"]')
    await go(page, "#/hvac", f'[data-override="{SETPOINT}"]')

    await go(page, f"#/point/{SETPOINT}", "[data-command]")
    await page.click("[data-command]")
    await page.fill('[data-testid="release-reason"]', "恢復自動")

    async def is_taken() -> bool:
        """A point is written once in five seconds; until then the dialog says so, and may be asked again."""
        if await page.locator('[data-testid="release"]:enabled').count() > 0:
            await page.click('[data-testid="release"]')
        return await page.locator('[data-testid="confirm"]').count() > 0

    await until(is_taken, 30)
    await page.click('[data-testid="confirm"]')
    await page.wait_for_selector('[data-testid="progress"][data-state="DONE"]', timeout=60_000)
    await page.keyboard.press("Escape")
    await page.wait_for_selector('[data-testid="priorities"] [data-priority="8"]', state="detached")


async def test_a_value_out_of_range_is_refused_in_words_and_a_silent_device_fails_the_command(
    page: Page, demo: Demo
) -> None:
    await go(page, f"#/equipment/{CHILLER}", f'[data-command="{SETPOINT}"]')
    await page.click(f'[data-command="{SETPOINT}"]')
    await page.wait_for_selector('[data-step="choose"]')
    # The browser would refuse it before the service does.
    await page.evaluate("document.querySelector('[data-step=choose]').noValidate = true")
    await page.fill('[data-testid="command-reason"]', "試驗")
    await page.fill('[data-testid="value"]', "40")
    await page.click('[data-testid="select"]')
    await until_text(page, '[data-testid="refusal"]', "點位範圍")
    await asyncio.sleep(2)
    assert "點位範圍" in await page.inner_text('[data-testid="refusal"]'), "its event wiped the refusal away"

    await page.fill('[data-testid="value"]', "8")

    async def is_chosen() -> bool:
        """A point is written once in five seconds: what was written just before is waited for."""
        await page.click('[data-testid="select"]')
        await page.wait_for_selector('[data-step="confirm"], [data-testid="refusal"]')
        return await page.locator('[data-step="confirm"]').count() == 1

    await until(is_chosen, 40)
    demo.fault("device_silent", on=True)
    try:
        await page.click('[data-testid="confirm"]')
        await page.wait_for_selector('[data-testid="progress"][data-state="FAILED"]', timeout=90_000)
        assert await page.inner_text('[data-testid="result"]') != ""
    finally:
        demo.fault("device_silent", on=False)
    await page.click('[data-testid="close"]')
    await go(page, "#/", f'[data-point="{SUPPLY}"][data-quality="good"]')


async def test_a_value_stands_between_the_limits_of_the_rules_in_force(page: Page) -> None:
    leak = f"{CHILLER}.RefLeak"
    await go(page, f"#/equipment/{CHILLER}", f'.analog:has([data-point="{leak}"]) [data-limit="high 500"]')
    bar = page.locator(f'.analog:has([data-point="{leak}"])')
    assert await bar.locator(".limit").evaluate_all("ticks => ticks.map((tick) => tick.dataset.limit)") == [
        "high 30", "high 500",
    ]  # fmt: skip
    assert await bar.locator(".beyond").count() == 0
    await page.screenshot(path=str(ARTEFACTS / "equipment-limits-zh.png"))
    await go(page, f"#/point/{leak}", '[data-limit-of="H07"]')
    assert "30" in await page.locator('[data-limit-of="H07"]').first.inner_text()
    await page.screenshot(path=str(ARTEFACTS / "point-limits-zh.png"))
    assert await violations(page) == []


async def test_life_safety_says_that_it_is_read_only_and_offers_no_command(page: Page) -> None:
    await go(page, f"#/equipment/{PANEL}", f'[data-equipment-page="{PANEL}"]')
    assert "唯讀" in await page.inner_text("[data-equipment-page]")
    assert await page.locator("[data-command]").count() == 0


PAGES = {
    "overview": ("#/", '[data-testid="building-section"]'),
    "hvac": ("#/hvac", '[data-testid="air-matrix"] [data-equipment]'),
    "equipment": (f"#/equipment/{AHU}", "[data-operating]"),
    "point": (f"#/point/{SETPOINT}", '[data-testid="raw"]'),
}


@pytest.mark.parametrize("name", PAGES)
async def test_each_page_is_readable_by_everybody_in_both_languages_and_themes(page: Page, name: str) -> None:
    hash_, awaited = PAGES[name]
    ARTEFACTS.mkdir(exist_ok=True)
    await page.set_viewport_size({"width": 1920, "height": 1080})
    await go(page, hash_, awaited)
    if name == "overview":
        assert await page.evaluate("document.documentElement.scrollHeight") <= 1080
    await page.screenshot(path=str(ARTEFACTS / f"plant-{name}-zh.png"))
    assert await violations(page) == []
    await page.click('[data-testid="language"]')
    await page.click("text=Dark")
    await page.screenshot(path=str(ARTEFACTS / f"plant-{name}-en-dark.png"))
    assert await violations(page) == []
    await page.set_viewport_size({"width": 1024, "height": 768})
    assert await page.evaluate("document.documentElement.scrollWidth") <= 1024
    await page.screenshot(path=str(ARTEFACTS / f"plant-{name}-tablet.png"), full_page=True)
