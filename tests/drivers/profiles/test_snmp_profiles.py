"""The shipped SNMP profiles, each read from an agent that holds the objects of its case."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.drivers.profiles.shelf import bound_points, expected, site_with, speaking, values
from tests.support.opcua_server import free_port
from tests.support.snmp_agent import SnmpAgent, community, snmp_agent

from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_drivers.snmp import DRIVER
from cityhall_drivers.snmp.addresses import oid_of


@pytest.fixture(scope="module")
def agent() -> Iterator[SnmpAgent]:
    with snmp_agent(free_port(), {}) as one:
        yield one


@pytest.mark.parametrize("name", speaking("snmp"))
async def test_an_snmp_profile_reads_its_case(name: str, agent: SnmpAgent, tmp_path: Path) -> None:
    case = values(name)
    agent.clear()
    agent.set({value["object"]: (value["type"], value["raw"]) for value in case.values()})
    folder = tmp_path / "site"
    folder.mkdir()
    secret = str(community(folder)["community_file"])
    site = site_with(folder, name, {"host": "127.0.0.1", "port": agent.port, "community_file": secret})
    points = bound_points(site)
    assert {bound.point.role: oid_of(bound.point.address) for bound in points} == {
        role: oid_of(value["object"]) for role, value in case.items()
    }
    driver = DRIVER().create(site.devices["d"], SystemClock())
    await driver.open()
    readings = await driver.read(driver.plan(points))
    await driver.close()
    assert not readings.quality.any()
    assert readings.value.tolist() == pytest.approx(expected(name, points))
