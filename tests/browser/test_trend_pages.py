"""Trends, points and exports in a real browser: what an engineer looks back with, and what an auditor takes away."""

import csv
import hashlib
import io
import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.async_api import Page
from tests.browser.conftest import until
from tests.browser.test_energy_pages import absolute, picture, violations
from tests.support.demo import Demo

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("demo"), pytest.mark.timeout(240)]

CHILLER = "TCH.B2.CN.CHC01"
SUPPLY, POWER, RUNS = f"{CHILLER}.CHWS_T", f"{CHILLER}.kW", f"{CHILLER}.RunSts"
INKED = """() => {
  const canvas = document.querySelector("[data-testid=trend] canvas");
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const colours = new Set();
  for (let place = 0; place < data.length; place += 4) if (data[place + 3]) colours.add(data[place] << 16 | data[place + 1] << 8 | data[place + 2]);
  return colours.size;
}"""


async def go(page: Page, address: str) -> None:
    await page.evaluate("address => { location.hash = address }", address)


async def trend(page: Page, pens: list[str], **more: str) -> None:
    await go(page, f"#/trends?{urlencode({'p': ','.join(pens), 'last': '15m'} | more)}")
    await page.wait_for_selector('[data-testid="trend"][data-waiting="false"]')
    await page.wait_for_selector("tr[data-pen] [data-value]")


async def legend(page: Page, pen: str) -> str:
    return await page.locator(f'tr[data-pen="{pen}"] [data-value]').get_attribute("data-value") or ""


async def test_a_trend_is_drawn_and_tells_the_value_that_the_record_has(page: Page, demo: Demo) -> None:
    await page.wait_for_timeout(6_000)
    await trend(page, [SUPPLY, POWER, RUNS])
    assert await page.evaluate(INKED) > 20, "three lines with their edges, grid and tags"
    here = page.locator('[data-testid="trend"]')
    await here.focus()
    await page.keyboard.press("ArrowLeft")
    at = float(await here.get_attribute("aria-valuenow") or "nan")
    span = urlencode({"from": _text(at - 60_000), "to": _text(at + 1)})
    found = demo.get(f"/points/{SUPPLY}/samples?{span}")
    assert float(await legend(page, SUPPLY)) == found["v"][-1]
    assert SUPPLY in await page.inner_text(f'tr[data-pen="{SUPPLY}"]')


async def test_a_view_is_nearer_by_key_and_drag_and_the_same_when_its_address_is_opened_again(page: Page) -> None:
    await trend(page, [SUPPLY])
    await page.locator('[data-testid="trend"]').focus()
    await page.keyboard.press("+")
    await until(lambda: _says(page, "from="))
    nearer = page.url
    box = await page.locator(".u-over").bounding_box()
    assert box is not None
    await page.mouse.move(box["x"] + box["width"] * 0.25, box["y"] + 50)
    await page.mouse.down()
    await page.mouse.move(box["x"] + box["width"] * 0.75, box["y"] + 60, steps=5)
    await page.mouse.up()

    async def is_nearer() -> bool:
        return page.url != nearer

    await until(is_nearer)
    kept = page.url
    before = await page.locator('[data-testid="trend"]').get_attribute("aria-valuemin")
    await page.reload()
    await page.wait_for_selector('[data-testid="trend"][data-waiting="false"]')
    assert page.url == kept
    assert await page.locator('[data-testid="trend"]').get_attribute("aria-valuemin") == before


async def test_a_pen_is_found_by_words_and_taken_away_again(page: Page) -> None:
    await trend(page, [SUPPLY])
    await page.fill('[data-testid="point-search"]', f"{CHILLER} kW")
    await page.wait_for_selector('[role="option"][aria-selected="true"]')
    await page.press('[data-testid="point-search"]', "Enter")
    await page.wait_for_selector(f'tr[data-pen="{POWER}"]')
    await page.locator(f'tr[data-pen="{SUPPLY}"] button').click()
    await until(lambda: _gone(page, f'tr[data-pen="{SUPPLY}"]'))


async def test_a_trend_looks_well_in_both_languages_and_themes(page: Page) -> None:
    await trend(page, [SUPPLY, POWER, f"{CHILLER}.CHWR_T", RUNS], table="1", over="day", limits="1")
    await picture(page, "trends-zh.png")
    assert await violations(page) == []
    await page.click('[data-testid="language"]')
    await page.click("text=Dark")
    await page.wait_for_selector("text=At the cursor")
    await page.wait_for_timeout(400)
    await picture(page, "trends-en-dark.png")
    assert await violations(page) == []


async def test_all_points_scroll_and_are_narrowed_down(page: Page, demo: Demo) -> None:
    everything = demo.points()
    await go(page, "#/points")
    table = page.get_by_role("grid")
    await table.wait_for()
    assert int(await table.get_attribute("aria-rowcount") or 0) == len(everything) + 1
    drawn = await page.locator("tbody tr[data-key]").count()
    assert drawn < len(everything)
    await table.focus()
    await page.keyboard.press("End")
    last = max(everything)
    await page.wait_for_selector(f'tr[data-key="{last}"][aria-selected="true"]')
    # A row that is half below the heading would be called too small to be hit.
    await page.keyboard.press("Home")
    await page.wait_for_selector(f'tr[data-key="{min(everything)}"][aria-selected="true"]')
    await picture(page, "points-zh.png")
    assert await violations(page) == []
    await page.fill('[data-testid="points-search"]', "chwr_t")
    wanted = [name for name in everything if "chwr_t" in name.lower()]

    async def are_found() -> bool:
        return await page.locator("tbody tr[data-key]").count() == len(wanted)

    await until(are_found)
    assert page.url.endswith("q=chwr_t")
    await page.keyboard.press("Tab")
    await page.click('[data-testid="language"]')
    await page.click("text=Dark")
    await page.fill('[data-testid="points-search"]', "")
    await page.wait_for_timeout(400)
    await picture(page, "points-en-dark.png")
    assert await violations(page) == []


async def test_devices_gaps_and_restatements_are_told(page: Page) -> None:
    for part in ("devices", "gaps", "quarantine", "restatements"):
        await go(page, f"#/points/{part}")
        await page.wait_for_selector(f'.tabs a[href="#/points/{part}"][aria-current="page"]')
        await page.wait_for_selector("table")
        assert await violations(page) == [], part
    await go(page, "#/points/devices")
    await page.locator('tr[data-key="chc01-panel"]').click()
    await page.wait_for_selector("dl dt:has-text('scans')")
    await page.wait_for_selector('[data-testid="read-plan"] td')
    await page.click('[data-testid="examine"]')
    await page.wait_for_selector('[data-testid="examined"] td')
    await picture(page, "devices-zh.png")
    assert await violations(page) == []


async def test_a_point_is_walked_past_and_the_walker_does_not_sign(page: Page) -> None:
    await go(page, "#/points/walk")
    await page.fill('.filters input[type="search"]', CHILLER)
    await page.locator(f'tr[data-key="{CHILLER}"]').click()
    row = page.locator(f'[data-testid="walk"] tr[data-point="{SUPPLY}"]')
    await row.get_by_test_id("pass").click()
    await page.wait_for_selector(f'[data-testid="walk"] tr[data-point="{SUPPLY}"][data-passed="true"]')
    await page.get_by_role("button", name="簽認此設備").click()
    assert "尚有" in await page.inner_text('section [role="alert"]')
    await picture(page, "walk-zh.png")
    assert await violations(page) == []


async def test_an_export_is_built_previewed_made_and_proven(page: Page) -> None:
    await page.wait_for_timeout(3_000)
    await go(page, f"#/exports?points={CHILLER}.CHW*")
    await page.wait_for_selector('[data-testid="export-order"]:not([disabled])')
    exact = await page.inner_text('[data-testid="export-exact"]')
    assert "Asia/Taipei" in exact
    await page.click('[data-testid="export-preview"]')
    await page.wait_for_selector('[data-testid="preview"] tbody td + td')
    await page.click('[data-testid="export-order"]')
    made = page.locator('tr[data-export][data-state="done"]').first
    await made.wait_for(timeout=60_000)
    await picture(page, "exports-zh.png")
    assert await violations(page) == []
    told = await made.locator('[data-testid="sha256"]').inner_text()
    links = await made.locator("a").evaluate_all("links => links.map(link => link.getAttribute('href'))")
    file, manifest = [await page.request.get(address) for address in absolute(page, links[:2])]
    body = await file.body()
    proven: dict[str, Any] = json.loads(await manifest.text())
    assert hashlib.sha256(body).hexdigest() == told == proven["file"]["sha256"]
    rows = list(csv.reader(io.StringIO(body.decode("utf-8-sig"))))
    assert len(rows) - 1 == proven["file"]["rows"] > 0
    await made.get_by_role("button", name="檢視憑證").click()
    await page.wait_for_selector("text=Ed25519")
    await page.click('[data-testid="language"]')
    await page.click("text=Dark")
    await page.wait_for_timeout(400)
    await picture(page, "exports-en-dark.png")
    assert await violations(page) == []


async def _says(page: Page, text: str) -> bool:
    return text in page.url


async def _gone(page: Page, selector: str) -> bool:
    return await page.locator(selector).count() == 0


def _text(at_ms: float) -> str:
    return datetime.fromtimestamp(at_ms / 1_000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
