"""Energy and reports in a real browser: what an engineer steers by, and what an auditor takes away."""

import pytest
from playwright.async_api import Page
from tests.browser.conftest import ARTEFACTS, until
from tests.browser.test_overview import AXE

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("demo"), pytest.mark.timeout(240)]


async def violations(page: Page) -> list[tuple[str, list[str]]]:
    await page.evaluate(AXE.read_text(encoding="utf-8"))
    found = await page.evaluate("axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa']})")
    return [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in found["violations"]]


async def picture(page: Page, name: str) -> None:
    ARTEFACTS.mkdir(exist_ok=True)
    await page.screenshot(path=str(ARTEFACTS / name), full_page=True)


async def open_page(page: Page, address: str) -> None:
    await page.click(f'nav a[href="#/{address}"]')
    await page.wait_for_selector(f'main[data-page="{address}"] .panel')


async def test_the_running_quarter_hour_stands_beside_the_contract_and_is_unknown_until_it_is_seen(page: Page) -> None:
    """The demo was started within it: what nobody measured is not shown as good."""
    await open_page(page, "energy")
    panel = page.locator("section[data-state]")
    await page.wait_for_selector('[data-testid="forecast"]')

    async def is_told() -> bool:
        text = await panel.inner_text()
        return "5,000 kW" in text and "%" in text

    await until(is_told, 60)
    known = await panel.get_attribute("data-state") != "unknown"
    assert ("kW" in await page.inner_text('[data-testid="forecast"]')) is known
    assert await page.locator("li[data-step]").count() >= 4
    await picture(page, "energy-zh.png")
    assert await violations(page) == []
    await page.click('[data-testid="language"]')
    await page.wait_for_selector("text=Contract capacity")
    await page.click("text=Dark")
    await picture(page, "energy-en-dark.png")
    assert await violations(page) == []


async def test_a_comparison_says_what_it_rests_on_or_why_there_is_none_and_keeps_its_address(page: Page) -> None:
    await open_page(page, "energy")
    rows = page.locator('tr[data-commodity="electricity"]')
    await rows.first.wait_for()
    await page.fill('input[name="period"]', "115-06")
    await page.keyboard.press("Enter")
    assert page.url.endswith("#/energy?period=115-06")

    async def is_told() -> bool:
        return "載入" not in await rows.first.inner_text()

    await until(is_told)
    assert await rows.count() == 2
    await page.reload()
    assert await page.input_value('input[name="period"]') == "115-06"


async def test_every_panel_tells_its_answer_or_why_there_is_none(page: Page) -> None:
    await open_page(page, "energy")
    panels = page.locator("section[data-panel]")

    async def are_told() -> bool:
        texts = await panels.all_inner_texts()
        return len(texts) == 7 and not any("載入" in text for text in texts)

    await until(are_told, 60)
    assert "還沒有措施" in await page.locator('[data-panel="measures"]').inner_text()
    await picture(page, "energy-panels-zh.png")
    assert await violations(page) == []
    await page.set_viewport_size({"width": 1024, "height": 768})
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")


async def test_a_report_is_asked_for_made_and_downloaded_with_its_manifest(page: Page) -> None:
    await open_page(page, "reports")
    await page.select_option("select", "shift")
    await page.fill('input[aria-describedby="report-period-help"]', "115-06-30")
    await page.click('[data-testid="order"]')
    made = page.locator('tr[data-state="made"]')
    await made.first.wait_for(timeout=90_000)
    addresses = await made.first.locator("a").evaluate_all("links => links.map(link => link.getAttribute('href'))")
    pdf, manifest = [await page.request.get(address) for address in absolute(page, addresses[:2])]
    assert (await pdf.body()).startswith(b"%PDF-")
    assert "sha256" in await manifest.text()
    await picture(page, "reports-zh.png")
    assert await violations(page) == []


def absolute(page: Page, addresses: list[str]) -> list[str]:
    return [page.url.split("/#")[0] + address for address in addresses]
