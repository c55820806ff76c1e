"""The overview page in a real browser, over the whole service and its simulated hardware."""

import asyncio
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page
from tests.browser.conftest import ARTEFACTS, Demo, signed_in, until

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("demo"), pytest.mark.timeout(240)]

AXE = Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
SYSTEMS = ["hvac", "power", "lift", "water", "fire", "parking", "security", "environment"]
TRIP = '[data-alarm^="CH-TRIP~"]'


async def shown(page: Page, point: str) -> str:
    return await page.inner_text(f'[data-point="{point}"] .value')


async def test_every_system_is_at_a_glance_with_live_values_of_three_protocols(page: Page) -> None:
    tiles = await page.eval_on_selector_all("[data-system]", "tiles => tiles.map(tile => tile.dataset.system)")
    points = {"modbus": "TCH.B2.CS.HVM01.V12", "bacnet": "TCH.01.E.AHU01.RA_CO2", "opcua": "TCH.01.N.ELV01.CarPos"}
    before = {protocol: await shown(page, point) for protocol, point in points.items()}

    assert tiles == SYSTEMS
    for protocol, point in points.items():

        async def has_changed(protocol: str = protocol, point: str = point) -> bool:
            return await shown(page, point) != before[protocol]

        await until(has_changed, 60)


async def test_an_alarm_rings_is_acknowledged_and_returns_and_its_life_is_on_record(page: Page, demo: Demo) -> None:
    demo.fault("chiller_trip", on=True)
    await page.wait_for_selector(TRIP, timeout=20_000)
    await page.screenshot(path=_artefact("alarm-zh.png"))
    await page.click(f"{TRIP} button")
    await page.wait_for_selector(f'{TRIP}[data-state="ACKED"]', timeout=5_000)
    demo.fault("chiller_trip", on=False)
    await page.wait_for_selector(TRIP, state="detached", timeout=20_000)

    identity = "CH-TRIP~TCH.B2.CN.CHC01.AlmSum"
    events = demo.get(f"/events?stream=alarm/{identity}")["items"]
    assert [event["type"] for event in events] == ["AlarmRaised", "AlarmAcknowledged", "AlarmReturned"]
    assert events[1]["actor"] == "demo"


async def test_the_keyboard_is_enough_to_acknowledge_and_to_shelve(page: Page, demo: Demo) -> None:
    demo.fault("ahu_fan_fail", on=True)
    demo.fault("fire_trouble", on=True)
    try:
        await page.wait_for_selector('tr[data-state="UNACK"]', timeout=90_000)
        await page.keyboard.press("Escape")
        await page.locator("h1").click()
        chosen = await page.get_attribute("tr.selected", "data-alarm")
        await page.keyboard.press("a")
        await page.wait_for_selector(f'[data-alarm="{chosen}"][data-state="ACKED"]', timeout=5_000)
        await page.keyboard.press("s")
        await page.fill('[data-testid="reason"]', "現場維修中")
        await page.keyboard.press("Enter")
        await page.wait_for_selector('tr[data-state="SHLVD"]', timeout=5_000)
    finally:
        demo.fault("ahu_fan_fail", on=False)
        demo.fault("fire_trouble", on=False)


async def test_the_page_speaks_both_languages_and_remembers(page: Page) -> None:
    assert await page.inner_text("#tile-hvac") == "空調"
    await page.screenshot(path=_artefact("overview-zh.png"), full_page=True)
    await page.click('[data-testid="language"]')

    assert await page.inner_text("#tile-hvac") == "HVAC"
    assert await page.get_attribute("html", "lang") == "en"
    await page.screenshot(path=_artefact("overview-en.png"), full_page=True)
    await page.reload()
    await page.wait_for_selector("#tile-hvac")
    assert await page.inner_text("#tile-hvac") == "HVAC"


async def test_a_device_that_falls_silent_is_shown_as_offline_and_its_values_as_bad(page: Page, demo: Demo) -> None:
    demo.fault("device_silent", on=True)
    try:
        await page.wait_for_selector('tr[data-device][data-state="offline"]', timeout=60_000)
        device = await page.get_attribute('tr[data-device][data-state="offline"]', "data-device")
        point = demo.get(f"/points?device={device}&limit=1")["items"][0]
        assert (point["present"]["value"], point["present"]["quality"]) == (None, "bad")
    finally:
        demo.fault("device_silent", on=False)
    await page.wait_for_selector(f'tr[data-device="{device}"][data-state="online"]', timeout=90_000)


async def test_ten_tabs_share_one_connection_and_all_are_live(browser: Browser, demo: Demo) -> None:
    context = await signed_in(browser, demo.address, demo.session)
    tabs = [await context.new_page() for _ in range(10)]
    await asyncio.gather(*(tab.goto(demo.address) for tab in tabs))

    for tab in tabs:
        await tab.wait_for_selector('[data-quality="good"]', timeout=30_000)
        await tab.wait_for_selector('[data-connected="true"]', timeout=30_000)
    await context.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_nothing_bars_the_way_of_people_with_disabilities(page: Page, theme: str) -> None:
    if theme == "dark":
        await page.evaluate("localStorage.setItem('cityhall.theme', 'dark')")
        await page.reload()
        await page.wait_for_selector('[data-quality="good"]')
        await page.screenshot(path=_artefact("overview-dark.png"), full_page=True)
    await page.evaluate(AXE.read_text(encoding="utf-8"))
    found = await page.evaluate("axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa']})")

    assert [(item["id"], [node["html"] for node in item["nodes"]]) for item in found["violations"]] == []


def _artefact(name: str) -> str:
    ARTEFACTS.mkdir(exist_ok=True)
    return str(ARTEFACTS / name)
