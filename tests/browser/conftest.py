"""The demo as a newcomer starts it, and a headless Chromium in front of it."""

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright

ARTEFACTS = Path(__file__).parents[2] / "test-artifacts"
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
READY_WITHIN_S = 90


@dataclass(frozen=True)
class Demo:
    """A running demo."""

    address: str
    control: str

    def fault(self, name: str, *, on: bool) -> None:
        request = urllib.request.Request(f"{self.control}/faults/{name}", method="PUT" if on else "DELETE")
        urllib.request.urlopen(request, timeout=10).close()

    def get(self, path: str) -> dict:  # type: ignore[type-arg]
        with urllib.request.urlopen(f"{self.address}api/v1{path}", timeout=10) as answer:
            return json.load(answer)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    data = tmp_path_factory.mktemp("demo")
    options = ["--site", "small", "--port", str(free_port()), "--data-dir", str(data)]
    command = [sys.executable, "-m", "cityhall_bms", "demo", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert "http://" in line, (data / "service.log").read_text()[-3000:]
        yield Demo(line.split()[-1], _control(data / "simulator.log"))
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)
        if process.stdout is not None:
            process.stdout.close()


def _control(log: Path) -> str:
    ready = next(line for line in log.read_text().splitlines() if line.startswith('{"ready"'))
    return str(json.loads(ready)["control"])


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
    opened = await browser.new_page(viewport={"width": 1440, "height": 1000})
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    await opened.goto(demo.address)
    await opened.wait_for_selector('[data-quality="good"]', timeout=30_000)
    yield opened
    assert complaints == []


async def until(condition, within_s: float = 20) -> None:  # noqa: ANN001
    """Poll an asynchronous condition; the pages' CSP forbids Playwright's own polling."""
    async with asyncio.timeout(within_s):
        while not await condition():  # noqa: ASYNC110 - the condition lives in a browser
            await asyncio.sleep(0.05)
