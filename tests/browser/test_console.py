"""The alarm console in a real browser over the real interface: by keyboard alone, in a flood, after an absence, at the wall."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page
from tests.browser.conftest import ARTEFACTS, signed_in, until
from tests.browser.test_alarm_list import AIR_HANDLER, AXE, DASHBOARD, Console
from tests.support.api_rig import CHILLER, running_api

from cityhall_bms.domain.alarms import AlarmReturned, alarm_id, stream_of
from cityhall_bms.ports.event_log import Append

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

AWAY = 1_000


@pytest_asyncio.fixture
async def console(browser: Browser, postgres_url: str, tmp_path: Path) -> AsyncIterator[Console]:
    """The console's page, loaded and live; anything that it complains about fails the test."""
    if not (DASHBOARD / "index.html").exists():
        pytest.skip("the dashboard is not built here: make web")
    complaints: list[str] = []
    async with running_api(postgres_url, tmp_path / "site", dashboard=DASHBOARD) as rig:
        address, session = str(rig.client.base_url), await rig.session()
        context = await signed_in(browser, address, session, viewport={"width": 1440, "height": 1000})
        page = await context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        await page.goto(f"{rig.client.base_url}/#/alarms")
        await page.wait_for_selector('[data-connected="true"]', timeout=30_000)
        yield Console(page, rig)
        await context.close()
    assert complaints == []


async def picture(page: Page, name: str) -> None:
    ARTEFACTS.mkdir(exist_ok=True)
    await page.screenshot(path=str(ARTEFACTS / name))


async def violations(page: Page) -> list[tuple[str, list[str]]]:
    await page.evaluate(AXE.read_text(encoding="utf-8"))
    found = await page.evaluate("axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa']})")
    return [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in found["violations"]]


async def events_of(console: Console, identity: str) -> list[tuple[str, str, dict[str, Any]]]:
    events = await console.rig.events.read(stream=stream_of(identity))
    return [(event.type, event.actor, event.payload) for event in events]


async def test_the_keyboard_alone_leads_from_the_ring_to_a_note_a_shelf_and_back(console: Console) -> None:
    page = console.page
    await console.ring("A1", priority=2)
    await console.ring("A2", priority=3)
    await page.wait_for_selector('[data-alarm^="A2~"]')
    for key in ("j", "k", "j", "a"):
        await page.keyboard.press(key)
    await page.wait_for_selector('[data-alarm^="A2~"][data-state="ACKED"]')
    await page.keyboard.press("n")
    await page.keyboard.type("已通知廠商")
    await page.keyboard.press("Enter")
    await page.wait_for_selector('[data-testid="words"]', state="detached")
    await page.keyboard.press("s")
    await page.keyboard.type("濾網更換")
    await page.keyboard.press("Enter")
    await page.wait_for_selector('[data-alarm^="A2~"]', state="detached")
    await page.keyboard.press("2")
    await page.wait_for_selector('[data-alarm^="A2~"][data-state="SHLVD"]')
    assert await page.inner_text("#tab-shelved .number") == "1"

    told = [(kind, actor) for kind, actor, _ in await events_of(console, f"A2~{CHILLER}")]
    assert told[1:] == [("AlarmAcknowledged", "王小明"), ("AlarmCommented", "王小明"), ("AlarmShelved", "王小明")]


async def test_ticked_alarms_are_acknowledged_together_with_a_comment_each_as_an_event_of_its_own(
    console: Console,
) -> None:
    page = console.page
    await console.ring("A1", "A2", "A3")
    await page.wait_for_selector('[data-alarm^="A3~"]')
    for key in ("x", "j", "x", "A"):
        await page.keyboard.press(key)
    await page.keyboard.type("同一原因")
    await page.keyboard.press("Enter")
    await page.wait_for_selector('[data-state="ACKED"] >> nth=1')
    assert await console.count('[data-state="UNACK"]') == 1
    comments = [payload["comment"] for rule in ("A1", "A2", "A3") for kind, _, payload in
                await events_of(console, f"{rule}~{CHILLER}") if kind == "AlarmAcknowledged"]  # fmt: skip
    assert comments == ["同一原因"] * 2


async def test_an_alarm_is_looked_into_with_enter_and_its_address_leads_to_it_again(console: Console) -> None:
    page = console.page
    await console.ring("A1", priority=2)
    await page.wait_for_selector('[data-alarm^="A1~"]')
    await page.click('[data-alarm^="A1~"] td >> nth=5')
    await page.keyboard.press("Enter")
    await page.wait_for_selector(f'[data-details="A1~{CHILLER}"] [data-testid="why"]')
    assert page.url.endswith(f"#/alarms/A1~{CHILLER}")
    assert "發生" in await page.inner_text(".life")
    await page.keyboard.press("p")

    async def reads_the_procedure() -> bool:
        return bool(await page.evaluate("document.activeElement?.dataset.testid === 'procedure'"))

    await until(reads_the_procedure)
    await picture(page, "console-details-zh.png")
    assert await violations(page) == []
    await page.reload()
    await page.wait_for_selector(f'[data-details="A1~{CHILLER}"]')
    await page.keyboard.press("Escape")
    await page.wait_for_selector("[data-details]", state="detached")
    assert page.url.endswith("#/alarms")


async def test_new_alarms_move_neither_the_chosen_row_nor_what_a_key_reaches(console: Console) -> None:
    page = console.page
    await console.ring(*(f"B{number:02}" for number in range(60)), priority=3)
    await page.wait_for_selector("[data-alarm]")
    for _ in range(3):
        await page.keyboard.press("j")
    chosen = await page.get_attribute("tr.selected", "data-alarm")
    before = await page.eval_on_selector("tr.selected", "row => row.getBoundingClientRect().top")
    await console.ring("U1", "U2", "U3", priority=2)
    await page.wait_for_selector("text=↑ 3 筆新警報")
    assert await page.get_attribute("tr.selected", "data-alarm") == chosen
    assert abs(await page.eval_on_selector("tr.selected", "row => row.getBoundingClientRect().top") - before) < 2
    await page.click("text=↑ 3 筆新警報")
    await page.wait_for_selector('[data-alarm^="U1~"]')


LINE = """
    delete window.SharedWorker;
    const streams = [];
    let isCut = false;
    window.EventSource = class extends EventSource {
      constructor(url) { super(isCut ? "/api/v1/nothing" : url); streams.push(this); }
    };
    window.cut = (now) => {
      isCut = now;
      for (const stream of now ? streams.splice(0) : []) { stream.close(); stream.dispatchEvent(new Event("error")); }
    };
"""
"""A line to the service that a test can cut: the streams are opened in the page itself."""


async def test_pain_28_after_a_long_absence_a_thousand_alarms_are_all_there_and_none_twice(console: Console) -> None:
    """And while it hears nothing the console says so, in a red frame."""
    page = console.page
    await page.add_init_script(LINE)
    await page.reload()
    await page.wait_for_selector('[data-connected="true"]')
    await console.ring("BEFORE")
    await page.wait_for_selector('[data-alarm^="BEFORE~"]')
    await page.evaluate("cut(true)")
    rules = [f"R{number:04}" for number in range(AWAY)]
    await console.ring(*rules)
    now = console.rig.services.clock.now()
    gone = [stream_of(alarm_id(rule, CHILLER)) for rule in ("BEFORE", *rules[:100])]
    await console.rig.events.append([Append(stream, [AlarmReturned(observed_at=now)], "rules") for stream in gone])
    await page.wait_for_selector('.lost [data-testid="lost"]')
    await picture(page, "console-lost-zh.png")
    await page.evaluate("cut(false)")

    async def knows_all() -> bool:
        return await page.inner_text("#tab-active .number") == str(AWAY + 1)

    await until(knows_all, within_s=60)
    assert await page.get_attribute('[role="region"] table', "aria-rowcount") == str(AWAY + 2)
    await page.wait_for_selector('[data-testid="lost"]', state="detached")
    await page.fill('[data-testid="filter"]', "BEFORE")
    await page.wait_for_selector('[data-alarm^="BEFORE~"][data-state="RTNUN"]')
    assert await console.count("[data-alarm]") == 1


async def test_a_shift_is_handed_over_by_two_people(console: Console, browser: Browser) -> None:
    page = console.page
    await console.ring("A1", priority=2)
    await page.wait_for_selector('[data-alarm^="A1~"]')
    await page.keyboard.press("6")
    await page.fill('[data-testid="hand-over-notes"]', "三號主機等料，週四到貨")
    await page.click('[data-testid="prepare"]')
    await page.wait_for_selector('[data-signed="false"]')
    await page.click('[data-testid="sign"]')
    await page.wait_for_selector(".message:not(:empty)")
    assert await console.count('[data-signed="false"]') == 1

    address = str(console.rig.client.base_url)
    context = await signed_in(browser, address, await console.rig.session("李小華"))
    relief = await context.new_page()
    await relief.goto(f"{address}/#/alarms?tab=hand_over")
    await relief.click('[data-testid="sign"]')
    await relief.wait_for_selector('[data-signed="true"]')
    await context.close()
    await page.wait_for_selector('[data-signed="true"]')
    await picture(page, "console-hand-over-zh.png")
    assert await violations(page) == []
    (kept,) = (await console.rig.client.get("/api/v1/shifts/hand-overs")).json()["items"]
    assert (kept["prepared_by"], kept["signed_by"], kept["counts"]["unacknowledged"]) == ("王小明", "李小華", 1)


async def test_an_alarm_goes_out_of_service_under_a_permit_and_returns_with_it(console: Console) -> None:
    page = console.page
    await console.ring("A1", priority=2)
    await page.keyboard.press("7")
    await page.fill('input[name="equipment"]', CHILLER)
    await page.fill('input[name="reason"]', "更換感測器")
    await page.click("form button")
    await page.wait_for_selector("tr[data-permit]")
    await page.locator("h1").click()
    await page.keyboard.press("1")
    await page.wait_for_selector('[data-alarm^="A1~"]')
    await page.keyboard.press("Enter")
    await page.click("text=停用維修")
    await page.wait_for_selector('[data-testid="permit"] option', state="attached")
    await page.keyboard.type("送校")
    await page.keyboard.press("Enter")
    await page.wait_for_selector('[data-testid="permit"]', state="detached")
    await page.keyboard.press("3")
    await page.wait_for_selector('[data-alarm^="A1~"][data-state="OOSRV"]')
    await page.click("text=恢復使用")
    await page.wait_for_selector("[data-alarm]", state="detached")


async def test_a_flood_is_grouped_by_cause_and_its_forensics_say_what_would_have_removed_it(console: Console) -> None:
    page = console.page
    await console.ring("COMPRESSOR", priority=2)
    await console.ring(*(f"WARM{number:02}" for number in range(14)), equipment=AIR_HANDLER)
    await console.begin_flood()
    await page.wait_for_selector('[data-testid="flood"]')
    await page.wait_for_selector(f'[data-group="{CHILLER}"]')
    await picture(page, "console-flood-zh.png")
    assert await violations(page) == []
    await page.locator("h1").click()
    await page.keyboard.press("5")
    await page.wait_for_selector('[data-testid="judged"] tr[data-figure="per_hour"]')
    await page.click("tr[data-flood] button")
    await page.wait_for_selector('[data-testid="forensics"]')
    assert "首發" in await page.inner_text('[data-testid="forensics"] li >> nth=0')
    await page.screenshot(path=str(ARTEFACTS / "console-figures-zh.png"), full_page=True)
    assert await violations(page) == []


async def test_years_of_the_record_are_searched_and_the_search_is_in_the_address(console: Console) -> None:
    page = console.page
    await console.ring("A1", "B1")
    await page.wait_for_selector('[data-alarm^="B1~"]')
    await page.keyboard.press("4")
    await page.wait_for_selector("tr[data-position] >> nth=1")
    await page.fill('[data-testid="history-words"]', "A1 ab")
    day = datetime.now(UTC) - timedelta(days=400)
    await page.fill('input[name="from"]', day.strftime("%Y-%m-%dT%H:%M"))
    await page.keyboard.press("Enter")

    async def finds_one() -> bool:
        return await console.count("tr[data-position]") == 1

    await until(finds_one)
    assert "q=A1+ab" in page.url
    await picture(page, "console-history-zh.png")
    assert await violations(page) == []


@pytest.mark.parametrize(("language", "theme"), [("en", "dark"), ("zh", "light")])
async def test_the_wall_view_is_large_and_has_nothing_to_press(console: Console, language: str, theme: str) -> None:
    page = console.page
    await console.ring("A1", priority=1)
    await console.ring("A2", "A3", priority=3)
    await page.evaluate(f"localStorage.setItem('cityhall.language', '{language}')")
    await page.evaluate(f"localStorage.setItem('cityhall.theme', '{theme}')")
    await page.reload()
    await page.wait_for_selector('[data-alarm^="A3~"]')
    await picture(page, f"console-{language}-{theme}.png")
    assert await violations(page) == []
    await page.goto(f"{console.rig.client.base_url}/?wall#/alarms?kiosk=1")
    await page.wait_for_selector('.large [data-alarm^="A3~"]')
    assert await console.count("button:visible, input:visible, nav a:visible") == 0
    await picture(page, f"console-wall-{language}-{theme}.png")
    assert await violations(page) == []
