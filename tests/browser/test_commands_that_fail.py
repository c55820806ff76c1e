"""Devices that do not do as they are told, in a real browser: who commands is told why, and nothing is tried again."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from playwright.async_api import Page
from pymodbus.client import AsyncModbusTcpClient
from tests.browser.conftest import ARTEFACTS, until
from tests.support.demo import Demo, running_demo

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("demo of failing commands"), pytest.mark.timeout(240)]

CHILLER = "TCH.B2.CN.CHC01"
SETPOINT = f"{CHILLER}.CHWS_SP"


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A demo of their own: what these tests leave behind would be in the way of others."""
    with running_demo(tmp_path_factory.mktemp("demo"), "--site", "small") as running:
        yield running


class Register:
    """The register of the set point, as another master of the device sees it."""

    def __init__(self, client: AsyncModbusTcpClient, address: int, unit: int) -> None:
        self._client = client
        self._address = address
        self._unit = unit

    async def read(self) -> int:
        answer = await self._client.read_holding_registers(self._address, count=1, device_id=self._unit)
        return int(answer.registers[0])

    async def write(self, value: int) -> None:
        await self._client.write_register(self._address, value, device_id=self._unit)

    async def insist(self, value: int) -> None:
        """Write it again and again, until cancelled."""
        while True:
            await self.write(value)
            await asyncio.sleep(0.02)


@pytest_asyncio.fixture
async def register(demo: Demo) -> AsyncIterator[Register]:
    """Beside the service; what the register held comes back afterwards."""
    point = demo.get(f"/points/{SETPOINT}")
    kind, _, address = str(point["address"]).partition(":")
    assert kind == "holding"
    [device] = [each for each in demo.get("/devices")["items"] if each["name"] == point["device"]]
    host, _, unit = str(device["endpoint"]).partition(" unit ")
    name, _, port = host.partition(":")
    async with AsyncModbusTcpClient(name, port=int(port), timeout=5) as client:
        found = Register(client, int(address), int(unit))
        before = await found.read()
        yield found
        await found.write(before)


async def command(page: Page, value: str) -> None:
    """Open the point, choose, confirm; a point is written once in five seconds."""
    await page.evaluate(f"location.hash = '#/point/{SETPOINT}'")
    await page.click(f'[data-command="{SETPOINT}"]')
    await page.fill('[data-testid="command-reason"]', "試驗")
    await page.fill('[data-testid="value"]', value)

    async def is_chosen() -> bool:
        await page.click('[data-testid="select"]')
        await page.wait_for_selector('[data-step="confirm"], [data-testid="refusal"]')
        return await page.locator('[data-step="confirm"]').count() == 1

    await until(is_chosen, 40)
    await page.click('[data-testid="confirm"]')


def attempts(demo: Demo) -> int:
    """How often the point was, or was to be, written."""
    commands = demo.get(f"/commands?point={SETPOINT}&limit=100")["items"]
    return sum(each["state"] != "REFUSED" for each in commands)


async def rings(demo: Demo) -> None:
    """The operator is told, too: the alarm of a command that failed stands."""

    async def stands() -> bool:
        alarms = demo.get("/alarms?limit=1000")["items"]
        return any(alarm["id"].startswith("COMMAND-FAILED") and SETPOINT in alarm["id"] for alarm in alarms)

    await until(stands, 30)


async def test_a_device_that_says_yes_and_does_not_is_told_with_both_values(
    page: Page, demo: Demo, register: Register
) -> None:
    """Another master holds the register: the write is taken, and something else is read back.

    Where the other one was slow to take it back, the command was done for a moment, and went back.
    """
    other = asyncio.create_task(register.insist(95))
    try:
        before = attempts(demo)
        await command(page, "8.5")
        ends = ", ".join(f'[data-testid="progress"][data-state="{state}"]' for state in ("FAILED", "REVERTED"))
        await page.wait_for_selector(ends, timeout=90_000)
        told = await page.inner_text('[data-testid="progress"]')
        assert "8.5" in told
        assert "9.5" in told
        await page.screenshot(path=str(ARTEFACTS / "command-lying-device-zh.png"))
        await rings(demo)
    finally:
        other.cancel()
    await register.write(70)
    await asyncio.sleep(6)
    assert await register.read() == 70, "it was written again"
    assert attempts(demo) == before + 1


async def test_a_device_that_goes_back_by_itself_is_told_and_left_alone(
    page: Page, demo: Demo, register: Register
) -> None:
    before = attempts(demo)
    await command(page, "7.5")
    await page.wait_for_selector('[data-testid="progress"][data-state="DONE"]', timeout=60_000)
    assert await register.read() == 75
    await register.write(60)
    await page.wait_for_selector('[data-testid="progress"][data-state="REVERTED"]', timeout=70_000)
    told = await page.inner_text('[data-testid="progress"]')
    assert "設備改回原值" in told
    await page.screenshot(path=str(ARTEFACTS / "command-reverting-device-zh.png"))
    await rings(demo)
    await asyncio.sleep(6)
    assert await register.read() == 60, "it was written again"
    assert attempts(demo) == before + 1
