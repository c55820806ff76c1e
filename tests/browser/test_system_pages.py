"""The pages of systems in a real browser: each one's main task on the small city hall, in both languages and themes."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Page
from tests.browser.conftest import Demo, until
from tests.browser.test_energy_pages import picture, violations

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("demo"), pytest.mark.timeout(240)]

PAGES = ["power", "lift", "water", "fire", "parking", "security", "environment"]


async def open_page(page: Page, name: str) -> None:
    await page.click(f'nav a[href^="#/{name}"]')
    await page.wait_for_selector(f'main[data-page="{name}"] .panel')


@pytest_asyncio.fixture
async def healthy(demo: Demo) -> AsyncIterator[Demo]:
    """The demo, with every fault of this file taken back afterwards."""
    yield demo
    for fault in ("lift_entrapment", "fire_alarm", "sos_pressed"):
        demo.fault(fault, on=False)


async def test_power_is_drawn_from_who_feeds_whom_and_each_part_leads_on(page: Page, demo: Demo) -> None:
    await open_page(page, "power")
    drawing = page.locator('[data-testid="single-line"]')
    elements = await drawing.locator("[data-element]").evaluate_all("all => all.map(one => one.dataset.element)")
    assert sorted(elements) == [
        "TCH.01.E.EM01", "TCH.01.N.EM03", "TCH.B1.N.EM04", "TCH.B2.CS.HVM01", "TCH.B2.N.EM02",
    ]  # fmt: skip
    mains = drawing.locator('[data-element="TCH.B2.CS.HVM01"]')

    async def is_live() -> bool:
        return await mains.get_attribute("data-liveness") == "live"

    await until(is_live)
    power = demo.points()["TCH.B2.CS.HVM01.kW"]["present"]["value"]
    shown = await mains.locator('[data-point="TCH.B2.CS.HVM01.kW"] .value').text_content() or ""
    assert float(shown.removesuffix("kW").replace(",", "")) == pytest.approx(power, rel=0.2)
    assert await mains.locator("a").first.get_attribute("href") == "#/equipment/TCH.B2.CS.HVM01"
    loads = await page.locator("tr[data-load] td:nth-child(2) .value").all_inner_texts()
    sizes = [float(text.replace(",", "")) for text in loads]
    assert sizes == sorted(sizes, reverse=True)


async def test_somebody_shut_in_stands_on_top_of_the_lifts_until_the_car_is_free(page: Page, healthy: Demo) -> None:
    await open_page(page, "lift")
    assert await page.locator("[data-car]").count() == 2
    healthy.fault("lift_entrapment", on=True)
    trapped = page.locator('[data-testid="trapped"]')
    await trapped.wait_for(timeout=60_000)
    assert "ELV01" in await trapped.inner_text()
    first = page.locator("tr[data-lift]").first

    async def is_first() -> bool:
        return await first.get_attribute("data-lift") == "TCH.01.N.ELV01"

    await until(is_first, 30)
    await page.wait_for_selector("[data-bank] .p1", timeout=60_000)
    mark = await page.locator("[data-bank] .p1").bounding_box()
    assert mark is not None
    assert mark["width"] < 30
    await picture(page, "lifts-trapped-zh.png")
    assert await violations(page) == []
    healthy.fault("lift_entrapment", on=False)
    await trapped.wait_for(state="detached", timeout=60_000)


async def test_a_tank_shows_its_level_with_the_limits_of_the_rules_in_force(page: Page, demo: Demo) -> None:
    await open_page(page, "water")
    tank = page.locator('[data-tank="TCH.B2.N.TNK01"]')
    level = demo.points()["TCH.B2.N.TNK01.Lvl"]["present"]["value"]
    assert float(await tank.locator(".level .value").inner_text()) == pytest.approx(level, abs=3.0)

    async def has_limits() -> bool:
        return await tank.locator(".limit").count() == 4

    await until(has_limits, 30)
    night = page.locator('tr[data-night="TCH.WATER.WM01"]')
    await night.wait_for(timeout=30_000)
    assert "未知" in await night.inner_text(), "the demo has seen no night yet"


async def test_a_zone_in_alarm_stands_out_and_the_fire_page_only_reads(page: Page, healthy: Demo) -> None:
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.method) if request.method != "GET" else None)
    await open_page(page, "fire")
    assert "唯讀" in await page.locator("#fire-title").inner_text()
    zone = page.locator('[data-zone="TCH.01.E.FZN01"]')
    assert await zone.get_attribute("data-state") == "0"
    healthy.fault("fire_alarm", on=True)
    await page.wait_for_selector('[data-zone="TCH.01.E.FZN01"].active .p1', timeout=60_000)
    assert "火警" in await zone.inner_text()
    await picture(page, "fire-alarm-zh.png")
    assert await violations(page) == []
    assert sent == []
    assert await page.locator('main[data-page="fire"] button').count() == 0


async def test_parking_tells_bays_air_fans_and_what_the_chargers_take(page: Page, demo: Demo) -> None:
    await open_page(page, "parking")
    points = demo.points()
    free = await page.locator('tr[data-parking] [data-point="TCH.B1.N.PMS01.Free"] .value').inner_text()
    assert float(free.replace(",", "")) == pytest.approx(points["TCH.B1.N.PMS01.Free"]["present"]["value"], abs=10)
    quarters = await page.locator("[data-quarter]").evaluate_all("all => all.map(one => one.dataset.quarter)")
    assert sorted(quarters) == ["B1.N", "B1.S"]
    assert await page.locator("tr[data-charger]").count() == 2

    async def has_limits() -> bool:
        return await page.locator('[data-quarter="B1.N"] .limit').count() == 3

    await until(has_limits, 30)


async def test_a_pressed_call_button_is_the_first_of_the_one_security_list(page: Page, healthy: Demo) -> None:
    await open_page(page, "security")
    assert await page.locator("tr[data-security]").count() == 4
    healthy.fault("sos_pressed", on=True)
    first = page.locator("tr[data-security]").first

    async def is_first() -> bool:
        told = await first.get_attribute("data-security"), await first.get_attribute("data-rank")
        return told == ("TCH.01.S.SOS01", "1")

    await until(is_first, 60)
    await page.click('[data-kind="sys_kind_doors"]')
    assert page.url.endswith("#/security?kind=sys_kind_doors")
    assert await page.locator("tr[data-security]").count() == 2
    await page.check("input[type=checkbox]")
    assert await page.locator("tr[data-security]").count() == 0


async def test_a_room_without_enough_valid_data_is_not_called_compliant(page: Page) -> None:
    await open_page(page, "environment")
    room = page.locator('tr[data-node="TCH.01.CS.IAQ01"]')
    assert await room.locator('[data-point="TCH.01.CS.IAQ01.CO2"]').count() == 1

    async def has_limits() -> bool:
        return "1000 ppm" in await page.locator("thead").first.inner_text()

    await until(has_limits, 30)
    assert "資料不足" in await room.inner_text()
    assert await page.locator('tbody[data-floor="01"]').get_attribute("data-state") == "unknown"


async def test_before_the_building_was_watched_nothing_is_drawn_as_known(page: Page) -> None:
    await page.goto(page.url.split("#")[0] + "#/lift?at=2026-01-01T00:00Z")
    await page.wait_for_selector('main[data-page="lift"] .panel')

    async def is_unknown() -> bool:
        return await page.locator("[data-car]").count() == 0

    await until(is_unknown, 30)
    await page.click('[data-testid="past-now"]')
    await page.wait_for_selector("[data-car]")


@pytest.mark.parametrize("name", PAGES)
async def test_a_page_is_calm_legible_and_usable_in_both_languages_themes_and_on_a_tablet(
    page: Page, name: str
) -> None:
    await open_page(page, name)
    await page.wait_for_timeout(1_500)
    await picture(page, f"{name}-zh-light.png")
    assert await violations(page) == []
    await page.set_viewport_size({"width": 1024, "height": 768})
    await page.click('[data-testid="language"]')
    await page.click("text=Dark")
    await page.wait_for_timeout(300)
    await picture(page, f"{name}-en-dark-1024.png")
    assert await violations(page) == []
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
