"""Messages as devices send them, and what must be made of them. A new device is a folder under ``cases``."""

import tomllib
from pathlib import Path

import pytest
from tests.support.mqtt_broker import account, mqtt_broker, mqtt_device, mqtt_point
from tests.support.opcua_server import Heard, bound
from tests.support.until import until

from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.domain.quality import Quality
from cityhall_bms.ports.capabilities import DiagnosableDriver
from cityhall_drivers.mqtt import DRIVER

CASES = sorted((Path(__file__).parent / "cases").iterdir())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_recorded_messages_give_the_expected_values(case: Path, tmp_path: Path) -> None:
    table = tomllib.loads((case / "device.toml").read_text(encoding="utf-8"))
    points = [mqtt_point(row["address"], row["role"], scale=row.get("scale", 1.0)) for row in table["point"]]
    async with mqtt_broker(tmp_path) as broker:
        device = mqtt_device(broker.port, tmp_path, **account(tmp_path), **table["mqtt"])
        factory = DRIVER()
        assert factory.check(device, points) == []
        driver = factory.create(device, SystemClock())
        plan = driver.plan(bound(points))
        messages = [
            (row["topic"], bytes.fromhex(row["hex"]) if "hex" in row else row["text"], row.get("retained", False))
            for row in table["message"]
        ]
        for topic, payload, retained in messages:
            if retained:
                await broker.publish(topic, payload, retain=True)
        await driver.open()
        await driver.subscribe(bound(points), Heard())
        await until(lambda: _heard(driver) == sum(retained for _, _, retained in messages))
        async with broker.client() as device_client:
            for topic, payload, retained in messages:
                if not retained:
                    # One after the other: this broker may hand out in another order what comes at once.
                    before = _heard(driver)
                    await device_client.publish(topic, payload, qos=1)
                    await until(lambda: _heard(driver) > before)  # noqa: B023 - awaited here
        readings = await driver.read(plan)
        await driver.close()
    lines = [
        f"{point.role} {value:.10g} {Quality(quality).reason or 'good'}"
        for point, value, quality in zip(points, readings.value.tolist(), readings.quality.tolist(), strict=True)
    ]
    assert lines == (case / "expected.txt").read_text().splitlines()


def _heard(driver: DiagnosableDriver) -> int:
    """Messages of devices; our own wish to be told a birth comes back to us too."""
    counters = driver.diagnostics()
    return int(str(counters["messages"])) - int(str(counters["unasked"]))
