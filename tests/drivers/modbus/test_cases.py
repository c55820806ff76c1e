"""Registers as devices hold them, and what must be made of them. A new device is a folder under ``cases``."""

import tomllib
from pathlib import Path

import pytest
from tests.support.modbus_server import bound, modbus_device, modbus_point, modbus_server

from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.domain.quality import Quality
from cityhall_drivers.modbus import DRIVER

CASES = sorted((Path(__file__).parent / "cases").iterdir())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_a_recorded_device_gives_the_expected_values(case: Path) -> None:
    table = tomllib.loads((case / "device.toml").read_text(encoding="utf-8"))
    points = [
        modbus_point(row["address"], row.get("type", ""), role=row["role"], **encoding(row)) for row in table["point"]
    ]
    async with modbus_server(**registers((case / "registers.hex").read_text())) as server:
        device = modbus_device(server.port, **table["modbus"])
        factory = DRIVER()
        assert factory.check(device, points) == []
        driver = factory.create(device, SystemClock())
        await driver.open()
        readings = await driver.read(driver.plan(bound(points)))
        await driver.close()
    lines = [
        f"{point.role} {value:.10g} {Quality(quality).reason or 'good'}"
        for point, value, quality in zip(points, readings.value.tolist(), readings.quality.tolist(), strict=True)
    ]
    expected = (case / "expected.txt").read_text().splitlines()
    assert [normal(line) for line in lines] == [normal(line) for line in expected]


def normal(line: str) -> tuple[str, str, str]:
    role, value, quality = line.split()
    return role, f"{float(value):.10g}", quality


def encoding(row: dict[str, object]) -> dict[str, object]:
    return {key: row[key] for key in ("word_order", "scale", "offset") if key in row}


def registers(text: str) -> dict[str, dict[int, int]]:
    tables: dict[str, dict[int, int]] = {}
    for line in text.splitlines():
        place, _, words = line.partition(":")
        table, start = place.split()
        for number, word in enumerate(words.split()):
            tables.setdefault(table, {})[int(start) + number] = int(word, 16)
    return tables
