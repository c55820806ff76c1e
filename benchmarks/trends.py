"""How long a browser takes for a trend of 100,000 samples and for a table of 10,000 points.

``.venv/bin/python benchmarks/trends.py [--samples 100000] [--points 10000] [--tries 5]``. Real pages of a running demo
in Debian's Chromium; what the service answers is put in its place, so that the figures are those of the page alone:
from the last byte of the answer until the frame after it is drawn (reading JSON, times, quality, lines), from a key
until the frame after a zoom, and from opening the list of points until its rows are there.
"""

# ruff: noqa: INP001, T201, TID251 - a program that measures, on real time
import argparse
import asyncio
import json
import math
import os
import statistics
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from playwright.async_api import Page, Route, async_playwright

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.browser.conftest import FLAGS, signed_in
from tests.support.demo import Demo, running_demo

PEN: Final = "TCH.B2.CN.CHC01.CHWS_T"
SCAN_S: Final = 5
SCREEN: Final = {"width": 1440, "height": 1000}
DRAWN: Final = """async () => {
  const here = document.querySelector('[data-testid="trend"]');
  while (here.dataset.waiting !== "false") await new Promise((next) => requestAnimationFrame(next));
  await new Promise((next) => requestAnimationFrame(next));
  const drawn = performance.now();
  const answer = performance.getEntriesByType("resource").filter((entry) => entry.name.includes("/samples?")).at(-1);
  const before = performance.now();
  here.dispatchEvent(new KeyboardEvent("keydown", { key: "+", bubbles: true }));
  await new Promise((next) => requestAnimationFrame(next));
  await new Promise((next) => requestAnimationFrame(next));
  return { first: drawn - answer.responseEnd, zoom: performance.now() - before };
}"""
ROWS: Final = """async () => {
  const before = performance.now();
  location.hash = "#/points";
  while (!document.querySelector("tbody tr[data-key]")) await new Promise((next) => requestAnimationFrame(next));
  await new Promise((next) => requestAnimationFrame(next));
  const first = performance.now() - before;
  const table = document.querySelector("[role=grid]");
  const heading = table.querySelector("th button");
  const sorting = performance.now();
  heading.click();
  await new Promise((next) => requestAnimationFrame(next));
  const sort = performance.now() - sorting;
  return { first, sort, nodes: table.querySelectorAll("*").length, rows: Number(table.ariaRowCount) - 1 };
}"""


def history(count: int, end: datetime) -> str:
    """Samples of a value that moves, one a scan."""
    begin = end - timedelta(seconds=SCAN_S * count)
    times = [_text(begin + timedelta(seconds=SCAN_S * place)) for place in range(count)]
    values = [round(7 + math.sin(place / 900) + (place * 7919 % 101) / 500, 3) for place in range(count)]
    answer = {"point": PEN, "unit": "°C", "t": times, "v": values, "q": ["good"] * count, "truncated": False}
    return json.dumps(answer)


def _text(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def points(template: dict[str, Any], count: int) -> list[dict[str, Any]]:
    """As many points as that, all but their names alike."""
    return [template | {"name": f"{template['equipment']}.P{place:05d}"} for place in range(count)]


async def trend(page: Page, demo: Demo, count: int) -> dict[str, float]:
    """Draw it once, by a page that was not there before."""
    end = datetime.now(UTC)
    body = history(count, end)

    async def answer(route: Route) -> None:
        await route.fulfill(body=body, content_type="application/json")

    await page.route("**/samples?*", answer)
    begin = end - timedelta(seconds=SCAN_S * count)
    await page.goto(f"{demo.address}#/trends?p={PEN}&from={_text(begin)}&to={_text(end)}&raw=1&events=0")
    await page.wait_for_selector('[data-testid="trend"]')
    found: dict[str, float] = await page.evaluate(DRAWN)
    return found


async def table(page: Page, demo: Demo, count: int) -> dict[str, float]:
    """Open the list of points in a page that knows as many as that."""
    many = points(demo.get(f"/points/{PEN}"), count)

    async def answer(route: Route) -> None:
        await route.fulfill(body=json.dumps({"items": many, "next": None}), content_type="application/json")

    await page.route("**/points?limit=1000*", answer)
    await page.goto(f"{demo.address}#/reports")
    await page.wait_for_selector('main[data-page="reports"] .panel')
    await page.wait_for_timeout(1_000)
    found: dict[str, float] = await page.evaluate(ROWS)
    return found


async def measure(demo: Demo, options: argparse.Namespace) -> None:
    """Try several times and print the middle and the worst."""
    print(f"load {os.getloadavg()[0]:.1f}, {options.tries} tries, ms: middle, worst")
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        for label, once, count in (("samples", trend, options.samples), ("rows", table, options.points)):
            tries: list[dict[str, float]] = []
            for _ in range(options.tries):
                context = await signed_in(
                    launched, demo.address, demo.session, viewport={"width": 1440, "height": 1000}
                )
                tries.append(await once(await context.new_page(), demo, count))
                await context.close()
            for name in tries[0]:
                values = [one[name] for one in tries]
                print(f"{count:,} {label}, {name}: {statistics.median(values):.0f}, {max(values):.0f}")
        await launched.close()


def main() -> None:
    """Run the demo and measure in front of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=100_000)
    parser.add_argument("--points", type=int, default=10_000)
    parser.add_argument("--tries", type=int, default=5)
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="cityhall-trends-") as name,
        running_demo(Path(name), "--site", "small") as demo,
    ):
        asyncio.run(measure(demo, options))


if __name__ == "__main__":
    main()
