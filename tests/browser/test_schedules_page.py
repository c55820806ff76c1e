"""Schedules in a real browser: hours of a week by keyboard, days of a month, bookings, scenes, conflicts before saving."""

import pytest
from playwright.async_api import Page
from tests.browser.conftest import ARTEFACTS, until
from tests.browser.test_overview import AXE

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("demo"), pytest.mark.timeout(240)]

PART = '[role="tabpanel"][data-part="{}"]'


async def violations(page: Page) -> list[tuple[str, list[str]]]:
    await page.evaluate(AXE.read_text(encoding="utf-8"))
    found = await page.evaluate("axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa']})")
    return [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in found["violations"]]


async def picture(page: Page, name: str) -> None:
    ARTEFACTS.mkdir(exist_ok=True)
    await page.screenshot(path=str(ARTEFACTS / f"schedules-{name}.png"), full_page=True)


async def open_part(page: Page, part: str) -> None:
    await page.click('nav a[href="#/schedules"]')
    await page.click(f"#part-{part}")
    await page.wait_for_selector(PART.format(part))


async def test_hours_are_moved_by_keyboard_checked_and_saved_and_can_be_taken_back(page: Page) -> None:
    await open_part(page, "weekly")
    await page.click('[data-schedule="AHU-OFFICE"]')
    monday = page.locator('[data-testid="week"] [role="slider"]').first
    await monday.wait_for()
    await picture(page, "weekly-zh")
    assert await violations(page) == []
    assert await monday.get_attribute("aria-valuetext") == "08:00"
    await monday.focus()
    await page.keyboard.press("ArrowLeft")
    await page.keyboard.press("ArrowLeft")
    assert await monday.get_attribute("aria-valuetext") == "07:30"
    save = page.locator('[data-testid="save-schedule"]')

    async def may_save() -> bool:
        return await save.is_enabled()

    await until(may_save)
    await save.click()
    await page.wait_for_selector("text=已儲存")
    assert await page.locator('[data-testid="week"] [role="slider"]').first.get_attribute("aria-valuetext") == "07:30"
    await page.click("text=恢復案場設定")

    async def is_back() -> bool:
        return await monday.get_attribute("aria-valuetext") == "08:00"

    await until(is_back)


async def test_a_conflict_is_shown_before_anything_is_saved(page: Page) -> None:
    await open_part(page, "weekly")
    await page.click('[data-testid="new-schedule"]')
    await page.fill('[data-testid="schedule-name"]', "LATE-AIR")
    await page.fill('[data-testid="target-roles"]', "StartCmd")
    await page.fill('[data-testid="target-classes"]', "Air_Handling_Unit")
    await page.keyboard.press("Tab")
    await page.click('[data-testid="weekday-add"]')
    await page.click("text=套用到每天")
    times = page.locator("fieldset input.time").first
    await times.fill("0900")
    await page.keyboard.press("Tab")
    value = page.locator("fieldset select").first

    async def is_known() -> bool:
        return await value.count() > 0

    await until(is_known)
    await value.select_option("0")
    await page.click("text=套用到每天")
    await page.wait_for_selector('[data-code="overlap"]')
    assert "AHU-OFFICE" in await page.inner_text('[data-testid="conflicts"]')
    assert await page.locator('[data-testid="save-schedule"]').is_disabled()
    await picture(page, "conflict-zh")
    assert await violations(page) == []


async def test_a_day_is_declared_closed_on_the_month_s_sheet_and_withdrawn(page: Page) -> None:
    await open_part(page, "calendar")
    chosen = page.locator('[data-testid="month"] button[aria-pressed="true"]')
    await chosen.focus()
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("ArrowDown")
    await page.fill('[data-testid="day-text"]', "颱風停班")
    await page.click('[data-testid="declare-holiday"]')
    await page.wait_for_selector('[data-testid="withdraw-day"]')
    assert "颱風停班" in (await chosen.get_attribute("aria-label") or "")
    await picture(page, "calendar-zh")
    assert await violations(page) == []
    await page.click('[data-testid="language"]')
    await page.click("text=Dark")
    await picture(page, "calendar-en-dark")
    assert await violations(page) == []
    await page.click('[data-testid="withdraw-day"]')
    await page.wait_for_selector('[data-testid="withdraw-day"]', state="detached")


async def test_a_booking_shows_what_speaks_against_it_and_is_asked_for(page: Page) -> None:
    await open_part(page, "bookings")
    await page.select_option('[data-testid="booking-space"]', "hall")
    await page.fill('[data-testid="booking-purpose"]', "里民大會")
    begin = await page.input_value('[data-testid="booking-begin"]')
    await page.fill('[data-testid="booking-until"]', begin)
    await page.wait_for_selector('[data-code="times"]')
    assert await page.locator('[data-testid="ask-booking"]').is_disabled()
    await page.fill('[data-testid="booking-until"]', begin.replace("T18", "T20"))
    await page.wait_for_selector('[data-testid="conflicts"]:not(:has([data-code="times"]))')
    await page.click('[data-testid="ask-booking"]')
    row = page.locator('tr[data-state="requested"]').first
    await row.wait_for()
    assert "里民大會" in await row.inner_text()
    await picture(page, "bookings-zh")
    assert await violations(page) == []
    await row.locator("text=取消").click()
    await page.wait_for_selector('tr[data-state="cancelled"]')


async def test_scenes_are_run_with_a_second_person_and_what_is_in_force_tells_what_comes_next(page: Page) -> None:
    await open_part(page, "scenes")
    await page.wait_for_selector('[data-scene="EVENING-MEETING"]')
    await picture(page, "scenes-zh")
    assert await violations(page) == []
    await page.click("#part-inForce")
    row = page.locator("text=TCH.01.E.AHU01.StartCmd").first
    await row.wait_for()
    await picture(page, "in-force-zh")
    assert await violations(page) == []
    await page.click('[data-testid="language"]')
    await page.click("text=Dark")
    await picture(page, "in-force-en-dark")
    await page.click("#part-weekly")
    await page.wait_for_selector('[data-testid="week"]')
    await picture(page, "weekly-en-dark")
    assert await violations(page) == []
