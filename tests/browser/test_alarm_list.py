"""The alarm list in a real browser over the real interface: by keyboard, in a flood, with chattering, and very long."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page
from tests.browser.conftest import ARTEFACTS, signed_in, until
from tests.support.api_rig import CHILLER, ApiRig, running_api

from cityhall_bms.alarms.flood_keeper import FloodKeeper
from cityhall_bms.domain.alarms import AlarmRaised, AlarmReturned, alarm_id, stream_of
from cityhall_bms.ports.event_log import Append

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

DASHBOARD = Path(__file__).parents[2] / "src" / "cityhall_bms" / "web_dist"
AXE = Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
AIR_HANDLER = "TCH.01.E.AHU01"
MANY = 5_000


@dataclass
class Console:
    """A page in front of an interface into which a test writes alarms."""

    page: Page
    rig: ApiRig

    async def ring(self, *rules: str, equipment: str = CHILLER, priority: int = 3, occurrence: int = 1) -> None:
        """Alarms that ring in one append, as those of one step of the engine do."""
        now = self.rig.services.clock.now()
        await self.rig.events.append(
            [
                Append(
                    stream_of(alarm_id(rule, equipment)),
                    [
                        AlarmRaised(
                            rule=rule, rule_version=1, subject=equipment, equipment=equipment, system="hvac",
                            priority=priority, text_zh=f"{rule} 異常", text_en=f"{rule} abnormal", latching=False,
                            occurrence=occurrence, observed_at=now + number,
                        )
                    ],
                    "rules",
                )
                for number, rule in enumerate(rules)
            ]
        )  # fmt: skip

    async def return_(self, rule: str) -> None:
        event = AlarmReturned(observed_at=self.rig.services.clock.now())
        await self.rig.events.append([Append(stream_of(alarm_id(rule, CHILLER)), [event], "rules")])

    async def begin_flood(self) -> None:
        """The keeper of the rules role looks, once the figures have caught up."""

        async def caught_up() -> bool:
            return await self.rig.services.annunciations.position() >= await self.rig.events.end()

        await until(caught_up)
        await FloodKeeper(self.rig.services.annunciations, self.rig.events, self.rig.services.clock).look()

    async def count(self, selector: str) -> int:
        return await self.page.locator(selector).count()


@pytest_asyncio.fixture
async def console(browser: Browser, postgres_url: str, tmp_path: Path) -> AsyncIterator[Console]:
    """The page, loaded and live; anything that it complains about fails the test."""
    if not (DASHBOARD / "index.html").exists():
        pytest.skip("the dashboard is not built here: make web")
    complaints: list[str] = []
    async with running_api(postgres_url, tmp_path / "site", dashboard=DASHBOARD) as rig:
        address, session = str(rig.client.base_url), await rig.session()
        context = await signed_in(browser, address, session, viewport={"width": 1440, "height": 1000})
        page = await context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        await page.goto(address)
        await page.wait_for_selector('[data-connected="true"]', timeout=30_000)
        yield Console(page, rig)
        await context.close()
    assert complaints == []


async def test_the_keyboard_chooses_acknowledges_and_shelves(console: Console) -> None:
    page = console.page
    await console.ring("A1", priority=2)
    await console.ring("A2", priority=3)
    await page.wait_for_selector('[data-alarm^="A2~"]')
    for key in ("j", "k", "j"):
        await page.keyboard.press(key)
    assert await page.get_attribute("tr.selected", "data-alarm") == f"A2~{CHILLER}"
    await page.keyboard.press("a")
    await page.wait_for_selector('[data-alarm^="A2~"][data-state="ACKED"]')

    await page.keyboard.press("s")
    await page.select_option('[data-testid="shelf-end"]', "shelf2h")
    await page.fill('[data-testid="reason"]', "濾網更換")
    await page.keyboard.press("Enter")
    await page.wait_for_selector('[data-alarm^="A2~"][data-state="SHLVD"]')

    events = await console.rig.events.read(stream=stream_of(f"A2~{CHILLER}"))
    assert [(event.type, event.actor) for event in events[1:]] == [
        ("AlarmAcknowledged", "王小明"),
        ("AlarmShelved", "王小明"),
    ]
    shelf = events[-1].payload
    assert (shelf["reason"], round((shelf["until"] - shelf["at"]) / 60e6)) == ("濾網更換", 120)


async def test_keys_that_help_filter_and_silence_do_nothing_to_alarms(console: Console) -> None:
    page = console.page
    await console.ring("A1", "A2")
    await page.wait_for_selector('[data-alarm^="A2~"]')
    await page.locator("h1").click()
    await page.keyboard.press("?")
    await page.wait_for_selector('[data-testid="help"]')
    await page.keyboard.press("Escape")
    await page.wait_for_selector('[data-testid="help"]', state="detached")
    await page.keyboard.press("m")
    await page.keyboard.press("/")
    await page.keyboard.type("a1 ab")
    await page.wait_for_selector('[data-alarm^="A2~"]', state="detached")
    assert await console.count('[data-alarm^="A1~"][data-state="UNACK"]') == 1
    await page.keyboard.press("Escape")
    await page.wait_for_selector('[data-alarm^="A2~"][data-state="UNACK"]')


async def test_pain_28_a_flood_is_shown_as_groups_with_what_came_first_on_top(console: Console) -> None:
    """And a whole group is acknowledged with one key, each alarm with an event of its own."""
    page = console.page
    await console.ring("COMPRESSOR", priority=2)
    await console.ring(*(f"WARM{number:02}" for number in range(12)), equipment=AIR_HANDLER)
    await console.begin_flood()
    await page.wait_for_selector('[data-testid="flood"]')
    group = f'[data-group="{CHILLER}"]'
    await page.wait_for_selector(group)
    ARTEFACTS.mkdir(exist_ok=True)
    await page.screenshot(path=str(ARTEFACTS / "alarm-flood-zh.png"))
    await page.evaluate(AXE.read_text(encoding="utf-8"))
    violations = (await page.evaluate("axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa']})"))[
        "violations"
    ]
    assert [(found["id"], [node["html"] for node in found["nodes"]]) for found in violations] == []

    assert await console.count(".banner .flood") == 1
    assert await console.count("[data-alarm]") == 1
    assert await console.count(f'[data-alarm="COMPRESSOR~{CHILLER}"] [data-testid="first-up"]') == 1
    await page.click(f"{group} button[aria-expanded]")

    async def shows_all() -> bool:
        return await console.count("[data-alarm]") == 13

    await until(shows_all)
    await page.click(group)
    await page.locator("h1").click()
    await page.keyboard.press("a")
    await page.wait_for_selector('[data-state="UNACK"]', state="detached")

    events = (await console.rig.client.get("/api/v1/events", params={"stream": "alarm/", "limit": 1000})).json()[
        "items"
    ]
    assert [event["actor"] for event in events if event["type"] == "AlarmAcknowledged"] == ["王小明"] * 13


async def test_pain_29_a_chattering_alarm_is_one_row_with_a_count_and_every_transition_is_kept(
    console: Console,
) -> None:
    page = console.page
    for occurrence in range(1, 6):
        await console.ring("CHATTER", occurrence=occurrence)
        await console.return_("CHATTER")
    await page.wait_for_selector('[data-testid="chattering"]')

    async def counts_ten() -> bool:
        return "×10" in await page.inner_text('[data-testid="chattering"]')

    await until(counts_ten)
    assert await console.count("[data-alarm]") == 1
    life = (await console.rig.client.get(f"/api/v1/alarms/CHATTER~{CHILLER}")).json()
    assert len(life["transitions"]) == 10


async def test_pain_28_thousands_of_alarms_are_drawn_as_a_screenful_and_scrolled_through(console: Console) -> None:
    page = console.page
    await console.ring(*(f"R{number:04}" for number in range(MANY)))

    async def knows_all() -> bool:
        return await page.inner_text("#alarms-title .number") == str(MANY)

    await until(knows_all, within_s=60)
    assert await page.get_attribute('[role="region"] table', "aria-rowcount") == str(MANY + 1)
    assert await console.count("tr[data-alarm]") < 60

    await page.eval_on_selector('[role="region"]', "list => list.scrollTo(0, list.scrollHeight)")
    await page.wait_for_selector(f'tr[aria-rowindex="{MANY + 1}"]')
    assert await console.count("tr[data-alarm]") < 60
    await page.locator("h1").click()
    for _ in range(3):
        await page.keyboard.press("j")
    await page.wait_for_selector("tr.selected")


async def test_pain_28_twenty_thousand_transitions_leave_no_more_behind_than_the_alarms_themselves(
    console: Console,
) -> None:
    """And the page still answers the keyboard while they come."""
    page, rules = console.page, [f"R{number:03}" for number in range(200)]
    session = await page.context.new_cdp_session(page)

    async def come_and_go(times: int, first: int) -> None:
        for occurrence in range(first, first + times):
            await console.ring(*rules, occurrence=occurrence)
            now = console.rig.services.clock.now()
            streams = [stream_of(alarm_id(rule, CHILLER)) for rule in rules]
            await console.rig.events.append(
                [Append(stream, [AlarmReturned(observed_at=now)], "rules") for stream in streams]
            )

    async def heap_mb() -> float:
        end = await console.rig.events.end()

        async def has_shown_all() -> bool:
            shown = await page.get_attribute("[data-alarm]", "data-alarm")
            return shown is not None and console.rig.services.feed.tail.end >= end

        await until(has_shown_all, within_s=90)
        await session.send("HeapProfiler.collectGarbage")
        return float((await session.send("Runtime.getHeapUsage"))["usedSize"]) / 1e6

    await come_and_go(2, 1)
    before = await heap_mb()
    await come_and_go(48, 3)
    await page.keyboard.press("j")
    after = await heap_mb()

    assert await page.inner_text("#alarms-title .number") == "200"
    assert after - before < 10.0
