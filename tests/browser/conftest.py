"""The demo, and a headless Chromium in front of it."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, async_playwright
from tests.support.demo import Demo, running_demo

from cityhall_bms.api.access import COOKIE

ARTEFACTS = Path(__file__).parents[2] / "test-artifacts"
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    with running_demo(tmp_path_factory.mktemp("demo"), "--site", "small") as running:
        yield running


@pytest_asyncio.fixture
async def browser() -> AsyncIterator[Browser]:
    chromium = shutil.which("chromium")
    if chromium is None:
        if os.environ.get("CI"):
            pytest.fail("no chromium: CI must test the pages")
        pytest.skip("no chromium here: apt-get install chromium fonts-noto-cjk")
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield launched
        await launched.close()


@pytest_asyncio.fixture
async def page(browser: Browser, demo: Demo) -> AsyncIterator[Page]:
    """The overview, loaded and live; anything that the page complains about fails the test."""
    complaints: list[str] = []
    context = await signed_in(browser, demo.address, demo.session, viewport={"width": 1440, "height": 1000})
    opened = await context.new_page()
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("console", lambda message: complaints.append(message.text) if is_complaint(message) else None)
    await opened.goto(demo.address)
    await opened.wait_for_selector('[data-quality="good"]', timeout=30_000)
    yield opened
    assert complaints == []
    await context.close()


async def signed_in(browser: Browser, address: str, session: str, **options: Any) -> BrowserContext:
    """A browser in which somebody is signed in: ``session`` is the value of the session's cookie."""
    context = await browser.new_context(**options)
    await context.add_cookies(
        [{"name": COOKIE, "value": session, "url": address, "httpOnly": True, "sameSite": "Strict"}]
    )
    return context


def is_complaint(message: ConsoleMessage) -> bool:
    """Whether the page complains. The browser also notes every refusal, which the page shows in the service's words."""
    return message.type == "error" and "status of 409" not in message.text


async def until(condition, within_s: float = 20) -> None:  # noqa: ANN001
    """Poll an asynchronous condition; the pages' CSP forbids Playwright's own polling."""
    async with asyncio.timeout(within_s):
        while not await condition():  # noqa: ASYNC110 - the condition lives in a browser
            await asyncio.sleep(0.05)
