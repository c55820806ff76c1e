"""From an alarm's event in the log to its row on the console's page: ``alarm_visible.py [--alarms 100]``.

The interface, its projections and the browser run on this machine and share its clock. A row counts as visible in the
frame after the page was given it.
"""

# ruff: noqa: INP001, T201, TID251 - a program that measures, on real time
import argparse
import asyncio
import shutil
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).parents[1]))

from event_log import server
from playwright.async_api import async_playwright
from tests.browser.conftest import FLAGS, signed_in
from tests.support.api_rig import CHILLER, running_api

from cityhall_bms.domain.alarms import AlarmRaised, alarm_id, stream_of
from cityhall_bms.ports.event_log import Append

DASHBOARD: Final = Path(__file__).parents[1] / "src" / "cityhall_bms" / "web_dist"
APART_S: Final = 0.25
WATCH: Final = """() => {
  window.seen = {};
  new MutationObserver(() => {
    for (const row of document.querySelectorAll('[data-alarm]')) {
      const id = row.dataset.alarm;
      if (!(id in window.seen)) {
        window.seen[id] = 0;
        requestAnimationFrame(() => (window.seen[id] = performance.timeOrigin + performance.now()));
      }
    }
  }).observe(document.body, { childList: true, subtree: true, attributes: true, attributeFilter: ['data-alarm'] });
}"""


async def measure(dsn: str, alarms: int) -> None:
    """Ring one alarm after another, each the most urgent, and print after how long each was on the page."""
    with tempfile.TemporaryDirectory() as folder:
        async with (
            running_api(dsn, Path(folder) / "site", dashboard=DASHBOARD) as rig,
            async_playwright() as playwright,
        ):
            browser = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
            context = await signed_in(browser, str(rig.client.base_url), await rig.session())
            page = await context.new_page()
            await page.goto(f"{rig.client.base_url}/#/alarms")
            await page.wait_for_selector('[data-connected="true"]')
            await page.evaluate(WATCH)
            rang: dict[str, float] = {}
            for number in range(alarms):
                name = alarm_id(f"B{number:04}", CHILLER)
                event = ring(number, rig.services.clock.now())
                (entry,) = await rig.events.append([Append(stream_of(name), [event], "rules")])
                rang[name] = entry.recorded_at / 1_000
                await asyncio.sleep(APART_S)
                # The chosen row stays where it is: without this, what is new would be above what is in sight.
                await page.evaluate("document.querySelector('main [role=region]').scrollTo(0, 0)")
            await asyncio.sleep(2)
            seen = await page.evaluate("window.seen")
            await browser.close()
    waits = sorted(seen[name] - at for name, at in rang.items() if seen.get(name))
    print(f"{len(waits)} of {alarms} seen; ms from event to row: median {statistics.median(waits):.0f}, "
          f"p95 {waits[int(0.95 * (len(waits) - 1))]:.0f}, most {waits[-1]:.0f}")  # fmt: skip


async def main(alarms: int) -> None:
    """Measure over an embedded database."""
    async with server(None) as dsn:
        await measure(dsn, alarms)


def ring(number: int, now: int) -> AlarmRaised:
    """An alarm that stands above all before it."""
    return AlarmRaised(
        rule=f"B{number:04}", rule_version=1, subject=CHILLER, equipment=CHILLER, system="hvac", priority=2,
        text_zh="冰水主機跳脫", text_en="Chiller tripped", latching=False, occurrence=1, observed_at=now,
    )  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--alarms", type=int, default=100)
    chosen = parser.parse_args()
    asyncio.run(main(chosen.alarms))
