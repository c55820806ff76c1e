"""Objects as agents hold them, and what must be made of them. A new device is a folder under ``cases``."""

import tomllib
from pathlib import Path

import pytest
from tests.support.opcua_server import bound
from tests.support.snmp_agent import SnmpAgent, community, snmp_device, snmp_point

from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.domain.quality import Quality
from cityhall_drivers.snmp import DRIVER

CASES = sorted((Path(__file__).parent / "cases").iterdir())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_a_recorded_agent_gives_the_expected_values(case: Path, agent: SnmpAgent, tmp_path: Path) -> None:
    table = tomllib.loads((case / "device.toml").read_text(encoding="utf-8"))
    agent.set({name: (kind, content) for name, (kind, content) in table["held"].items()})
    points = [snmp_point(row["address"], row["role"], scale=row.get("scale", 1.0)) for row in table["point"]]
    device = snmp_device(agent.port, tmp_path, 5.0, **community(tmp_path), **table.get("snmp", {}))
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
    assert lines == (case / "expected.txt").read_text().splitlines()
