"""Looking for agents in a network, and for what they have."""

from pathlib import Path

import pytest
from tests.support.snmp_agent import SnmpAgent, community

from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.domain.errors import DriverConfigError
from cityhall_bms.ports.capabilities import FoundDevice
from cityhall_drivers.snmp import DRIVER

HELD = {
    "1.3.6.1.2.1.1.1.0": ("OctetString", "Smart UPS\r\nof the tests"),
    "1.3.6.1.2.1.1.2.0": ("ObjectIdentifier", "1.3.6.1.4.1.318.1.3.27"),
    "1.3.6.1.2.1.1.5.0": ("OctetString", "ups-1"),
    "1.3.6.1.2.1.33.1.1.1.0": ("OctetString", "APC"),
    "1.3.6.1.2.1.33.1.2.1.0": ("Integer", 2),
    "1.3.6.1.2.1.33.1.2.5.0": ("Integer", 543),
    "1.3.6.1.2.1.33.1.4.4.1.2.1": ("Integer", 230),
    "1.3.6.1.2.1.31.1.1.1.6.1": ("Counter64", 5),
    "1.3.6.1.4.1.9.1.0": ("Integer", 1),
}


async def found(where: str, within_s: float = 20.0) -> list[FoundDevice]:
    return [device async for device in DRIVER().discover(where, SystemClock(), within_s=within_s)]


async def test_an_agent_is_found_with_its_standard_objects(agent: SnmpAgent, tmp_path: Path) -> None:
    agent.set(HELD | {f"1.3.6.1.2.1.2.2.1.8.{row}": ("Integer", 1) for row in range(1, 51)})
    file = tmp_path / str(community(tmp_path)["community_file"])
    (device,) = await found(f"127.0.0.1/32 community-file {file} port {agent.port}")

    assert (device.name, device.protocol, device.model) == ("snmp-127-0-0-1", "snmp", "1.3.6.1.4.1.318.1.3.27")
    assert device.text == "ups-1 Smart UPS of the tests"
    assert device.settings == {"host": "127.0.0.1", "port": agent.port, "community_file": str(file)}
    points = {point.address: point for point in device.points}
    assert set(points) == {
        "upsBatteryStatus.0",
        "upsBatteryVoltage.0",
        "upsOutputVoltage.1",
        "ifHCInOctets.1",
        *(f"ifOperStatus.{row}" for row in range(1, 51)),
    }
    assert points["upsBatteryStatus.0"].states[2] == "batteryNormal"
    assert points["upsBatteryVoltage.0"].text == "upsBatteryVoltage.0 = 543 x 0.1 V"
    assert (points["upsOutputVoltage.1"].text, points["upsOutputVoltage.1"].unit) == ("upsOutputVoltage.1 = 230", "V")


async def test_where_nobody_answers_nothing_is_found(tmp_path: Path) -> None:
    file = tmp_path / str(community(tmp_path)["community_file"])
    assert await found(f"127.0.0.1 community-file {file} port 1") == []


@pytest.mark.parametrize(
    ("where", "words"),
    [
        ("", "no place"),
        ("10.0.0.1", "no place"),
        ("10.0.0.1 community public", "no place"),
        ("10.0.0.1 community-file x port y", "no place"),
        ("10.0.0.0/8 community-file x", "smaller network"),
        ("300.0.0.0/24 community-file x", "write HOST"),
    ],
)
async def test_a_place_that_is_none_is_refused_with_what_to_write(where: str, words: str) -> None:
    with pytest.raises(DriverConfigError, match=words):
        await found(where)
