"""What the dashboard takes in a browser: first picture, size, and the processor for 5,061 live points.

``.venv/bin/python benchmarks/browser.py [--site full] [--seconds 30] [--every-second N]``: the whole demo, and Debian's
Chromium without a screen; ``--every-second`` has so many measured points read once a second. Times are of a page whose
files nobody has yet. The processor's share is that of the page's own process, its worker and drawing included, while
nobody touches it.
"""

# ruff: noqa: INP001, S603, T201, TID251 - a program that measures, on real time
import argparse
import asyncio
import csv
import gzip
import math
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from playwright.async_api import Browser, BrowserContext, Page, async_playwright

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.browser.conftest import FLAGS, signed_in
from tests.support.demo import Demo, running_demo

from cityhall_bms.roles.api import DASHBOARD

PAGES: Final = ("", "hvac", "power", "alarms", "points", "trends", "energy")
FIRST_TRIES: Final = 5
SETTLE_S: Final = 30.0
FRESH_S: Final = 2.0
SIZE: Final = {"width": 1920, "height": 1080}
PAINTED: Final = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? NaN"


def sizes() -> None:
    """Print what the built files weigh, as a server that compresses sends them."""
    files = [path for path in (DASHBOARD / "assets").iterdir() if path.suffix in {".js", ".css"}]
    packed = {path.name: len(gzip.compress(path.read_bytes(), 9)) for path in files}
    page = (DASHBOARD / "index.html").read_text(encoding="utf-8")
    first = sum(size for name, size in packed.items() if name in page)
    print(f"gzip: needed first {first / 1e3:.0f} kB, files of all pages {sum(packed.values()) / 1e3:.0f} kB")


async def first_picture(browser: Browser, demo: Demo) -> list[float]:
    """Seconds to the first contentful paint, each time in a browser that knows nothing of the page."""
    found = []
    for _ in range(FIRST_TRIES):
        context = await signed_in(browser, demo.address, demo.session, viewport=SIZE)
        page = await context.new_page()
        await page.goto(demo.address)
        await page.wait_for_selector("main")
        found.append(float(await page.evaluate(PAINTED)) / 1e3)
        await context.close()
    return found


async def to_the_page(page: Page, name: str) -> float:
    """Seconds from the click on a page's name until its first panel is there."""
    begin = time.perf_counter()
    await page.click(f'nav a[href="#/{name}"]')
    await page.wait_for_selector(f'main[data-page="{name or "overview"}"] .panel')
    return time.perf_counter() - begin


async def share_of_a_core(context: BrowserContext, page: Page, seconds: float) -> tuple[float, float]:
    """Share of a core that the page's main thread takes while nobody touches it, and its heap in MB."""
    session = await context.new_cdp_session(page)
    await session.send("Performance.enable", {"timeDomain": "threadTicks"})
    before = await _metrics(session)
    await asyncio.sleep(seconds)
    after = await _metrics(session)
    return (after["TaskDuration"] - before["TaskDuration"]) / seconds, after["JSHeapUsedSize"] / 1e6


async def _metrics(session: object) -> dict[str, float]:
    answer = await session.send("Performance.getMetrics")  # type: ignore[attr-defined]
    return {metric["name"]: metric["value"] for metric in answer["metrics"]}


def cpu_s(name: str) -> float:
    """CPU seconds so far of all of the browser's processes of one kind."""
    total = 0.0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes()
            fields = (folder / "stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if b"chromium" in command and name.encode() in command:
            total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return total


async def measure(demo: Demo, seconds: float) -> None:
    """Print the figures."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        print(f"first contentful paint, s: {_told(await first_picture(browser, demo))}")
        context = await signed_in(browser, demo.address, demo.session, viewport=SIZE)
        page = await context.new_page()
        await page.goto(demo.address)
        await page.wait_for_selector('[data-quality="good"]')
        print("page              first panel   main thread    renderer    heap")
        for name in PAGES:
            opened = await to_the_page(page, name)
            await asyncio.sleep(2)
            before = cpu_s("--type=renderer")
            share, heap = await share_of_a_core(context, page, seconds)
            whole = (cpu_s("--type=renderer") - before) / seconds
            print(f"{name or 'overview':16} {opened * 1e3:8.0f} ms {share:12.1%} {whole:11.1%} {heap:6.1f} MB")
        await browser.close()


@contextmanager
def hurried_site(data: Path, site: str, points: int) -> Iterator[Path]:
    """The simulated building, of which so many measured points are read once a second."""
    folder, log = data / "site", data / "simulator.log"
    command = [sys.executable, "-m", "cityhall_simulators", "run", "--site", site, "--site-dir", str(folder)]
    with log.open("w") as output, subprocess.Popen(command, stdout=output, stderr=subprocess.DEVNULL) as simulator:
        try:
            while '{"ready"' not in log.read_text():
                time.sleep(0.2)
            hurry(folder / "points.csv", points)
            yield folder
        finally:
            simulator.terminate()


def hurry(file: Path, points: int) -> None:
    """Have the first measured points of a list read once a second."""
    with file.open(encoding="utf-8-sig", newline="") as source:
        rows = list(csv.DictReader(source))
    measured = [row for row in rows if row["kind"] == "AI"][:points]
    for row in measured:
        row["scan_s"] = "1"
    with file.open("w", encoding="utf-8-sig", newline="") as target:
        writer = csv.DictWriter(target, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    print(f"{len(measured)} points are read once a second")


@contextmanager
def demo_of(data: Path, site: str, every_second: int) -> Iterator[Demo]:
    """The demo of a simulated building as it is, or hurried."""
    if not every_second:
        with running_demo(data, "--site", site) as demo:
            yield demo
        return
    with hurried_site(data, site, every_second) as folder, running_demo(data, "--site", str(folder)) as demo:
        yield demo


def age(point: Mapping[str, Any]) -> float:
    """Seconds since a point's value was measured."""
    at = point["present"]["observed_at"]
    return time.time() - datetime.fromisoformat(at).timestamp() if at else math.inf


def _told(values: Sequence[float]) -> str:
    return f"median {statistics.median(values):.2f}, max {max(values):.2f} of {len(values)}"


def main() -> None:
    """Start the demo, measure, print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--site", default="full")
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--every-second", type=int, default=0)
    arguments = parser.parse_args()
    sizes()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)  # PostgreSQL, which runs under another account when we are root, may enter
        with demo_of(Path(folder), arguments.site, arguments.every_second) as demo:
            time.sleep(SETTLE_S)
            fresh = sum(age(point) < FRESH_S for point in demo.points().values())
            print(f"{fresh} points have a value of the last {FRESH_S:.0f} s")
            asyncio.run(measure(demo, arguments.seconds))
    print(f"load average {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
