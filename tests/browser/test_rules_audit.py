"""Rules and audit in a real browser over the real interface: from a draft to its promotion, and who did it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser
from tests.api.test_rules import SILENT, backtested, put_draft
from tests.browser.conftest import ARTEFACTS, signed_in, until
from tests.browser.test_alarm_list import DASHBOARD, Console
from tests.browser.test_console import picture, violations
from tests.support.api_rig import ME, ApiRig, running_api

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


@pytest_asyncio.fixture
async def desk(browser: Browser, postgres_url: str, tmp_path: Path) -> AsyncIterator[Console]:
    """A page in front of an interface; anything that it complains about fails the test."""
    if not (DASHBOARD / "index.html").exists():
        pytest.skip("the dashboard is not built here: make web")
    complaints: list[str] = []
    async with running_api(postgres_url, tmp_path / "site", dashboard=DASHBOARD) as rig:
        context = await signed_in(
            browser, str(rig.client.base_url), await rig.session(), viewport={"width": 1440, "height": 1000}
        )
        page = await context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        yield Console(page, rig)
        await context.close()
    assert complaints == []


async def go(desk: Console, address: str) -> None:
    await desk.page.goto(f"{desk.rig.client.base_url}/{address}")
    await desk.page.wait_for_selector("main section.panel")


async def test_the_library_is_found_through_by_words_system_and_state(desk: Console) -> None:
    page = desk.page
    await go(desk, "#/rules")
    await page.wait_for_selector('tr[data-key="H13"], tr[data-key] >> nth=5')
    await picture(page, "rules-zh.png")
    assert await violations(page) == []
    await page.fill('[data-testid="rule-filter"]', "ch-trip")

    async def is_alone() -> bool:
        return await desk.count("tr[data-key]") == 1

    await until(is_alone)
    assert page.url.endswith("#/rules?q=ch-trip")
    await page.click('tr[data-key="CH-TRIP"] a')
    await page.wait_for_selector('[data-testid="rule-text"]')


async def test_mistakes_are_named_while_they_are_written_and_the_form_writes_the_text(desk: Console) -> None:
    page = desk.page
    await go(desk, "#/rules/CH-TRIP")
    check = page.locator('[data-testid="rule-check"]')

    async def has(mistakes: str) -> bool:
        return await check.get_attribute("data-mistakes") == mistakes

    await until(lambda: has("0"))
    await page.fill('[data-testid="on-delay"]', "45")
    await page.keyboard.press("Tab")
    assert "on_delay_s = 45" in await page.input_value('[data-testid="rule-text"]')
    text = await page.input_value('[data-testid="rule-text"]')
    await page.fill('[data-testid="rule-text"]', text.replace("condition = ", 'condition = "NOSUCH > 1" # '))
    await until(lambda: has("1"))
    assert "column" in await check.inner_text()
    assert await page.is_disabled('[data-testid="keep-draft"]')
    await page.fill('[data-testid="rule-text"]', text)
    await until(lambda: has("0"))
    await page.click('[data-testid="keep-draft"]')
    await page.wait_for_selector('[data-testid="promote-reason"]')
    assert await page.is_disabled('[data-testid="promote"]')
    await page.screenshot(path=str(ARTEFACTS / "rule-draft-zh.png"), full_page=True)
    assert await violations(page) == []


async def test_pain_35_a_draft_is_tested_runs_as_a_shadow_and_is_promoted_with_a_reason(desk: Console) -> None:
    page, rig = desk.page, desk.rig
    await put_draft(rig)
    await go(desk, "#/rules/QUIET")
    await page.wait_for_selector('[data-testid="promote"]:disabled')
    tested = await backtested(rig)
    assert tested["state"] == "done"
    await page.wait_for_selector('[data-testid="backtest-figures"]')
    await page.click('[data-testid="shadow"]')
    await page.wait_for_selector("text=結束影子執行")
    await page.screenshot(path=str(ARTEFACTS / "rule-backtest-zh.png"), full_page=True)
    assert await violations(page) == []
    await page.fill('[data-testid="promote-reason"]', "一週只響一次，無誤報")
    await page.click('[data-testid="promote"]:enabled')

    async def is_promoted() -> bool:
        rule = (await rig.client.get("/api/v1/rules/QUIET")).json()
        return rule["promotion"] is not None and rule["promotion"]["reason"] == "一週只響一次，無誤報"

    await until(is_promoted)
    await page.wait_for_selector('[data-testid="promote"]', state="detached")


async def changed_rule(rig: ApiRig) -> None:
    for delay in (60, 120):
        answer = await rig.client.put("/api/v1/rules/QUIET/draft", json={"definition": {**SILENT, "on_delay_s": delay}})
        assert answer.status_code == 200


@pytest.mark.parametrize(("language", "theme"), [("zh", "light"), ("en", "dark")])
async def test_an_auditor_sees_who_changed_what_from_what_and_that_the_chain_holds(
    desk: Console, language: str, theme: str
) -> None:
    page = desk.page
    await changed_rule(desk.rig)
    await page.add_init_script(
        f"localStorage.setItem('cityhall.language', '{language}'); localStorage.setItem('cityhall.theme', '{theme}')"
    )
    await go(desk, "#/audit")
    await page.select_option('[data-testid="topic"]', "rules")
    await page.fill('[data-testid="audit-who"]', ME)
    await page.click('[data-testid="search"]')

    async def lists_two() -> bool:
        return await desk.count("tr[data-key]") == 2

    await until(lists_two)
    await page.click("tr[data-key] >> nth=0")
    changed = page.locator('[data-testid="changes"] tr.changed', has_text="definition.on_delay_s")
    await changed.wait_for()
    assert [await cell.inner_text() for cell in await changed.locator("td").all()] == ["60", "120"]
    await page.click('[data-testid="check-chain"]')
    await page.wait_for_selector('[data-testid="chain"] b[role="status"]')
    assert await page.get_attribute('[data-testid="chain"]', "data-broken") == ""
    await picture(page, f"audit-{language}-{theme}.png")
    assert await violations(page) == []
    sheet = await page.request.get(f"{desk.rig.client.base_url}{await page.get_attribute('a[download]', 'href')}")
    assert (await sheet.text()).count("RuleDrafted") == 2


async def test_sign_ins_and_refusals_are_a_question_of_their_own(desk: Console) -> None:
    page, rig = desk.page, desk.rig
    async with rig.nobody() as stranger:
        await stranger.post("/api/v1/session", json={"name": ME, "password": "wrong-guess-of-a-stranger"})
    await go(desk, "#/audit?topic=refusals")
    await page.wait_for_selector("tr[data-key]")
    assert "登入被拒" in await page.inner_text("tr[data-key]")
