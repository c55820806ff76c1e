"""The services beside reading, at an air handler of the simulated city hall that speaks OPC UA."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
import pytest_asyncio
from tests.support.opcua_server import opcua_device, opcua_point
from tests.support.simulated_bacnet import BUILDING, DEVICES, new_city, show
from tests.support.until import until

from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.domain.commands import CommandTarget
from cityhall_bms.domain.errors import DeviceRefusedError, DeviceUnreachableError
from cityhall_bms.domain.quality import Quality
from cityhall_bms.domain.site import Equipment, PointKind, System, Text
from cityhall_bms.ports.driver import BoundPoint
from cityhall_drivers.opcua import DRIVER
from cityhall_drivers.opcua.driver import OpcUaDriver
from cityhall_simulators.faces import opcua_history
from cityhall_simulators.faces.opcua import OpcUaFace
from cityhall_simulators.free_ports import choose_ports
from cityhall_simulators.runtime import City

pytestmark = pytest.mark.asyncio(loop_scope="module")

SIMULATED = replace(DEVICES["ahu01"], protocol="opcua")
SUPPLY, SET_POINT = "TCH.01.E.AHU01.SAT", "TCH.01.E.AHU01.SAT_SP"
AIR_HANDLER = Equipment("TCH.01.E.AHU01", "AHU", System.HVAC, Text("空調箱", "Air handler"))


@pytest.fixture(scope="module")
def shared_city() -> City:
    return new_city()


@pytest.fixture
def city(shared_city: City) -> Iterator[City]:
    yield shared_city
    shared_city._faults.clear()
    shared_city.bad[:] = False


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(shared_city: City) -> AsyncIterator[tuple[OpcUaFace, str]]:
    port = choose_ports("127.0.0.1", ["opcua"], 0)["opcua"]
    face = OpcUaFace(SIMULATED, shared_city, None)
    await face.start("127.0.0.1", port)
    try:
        yield face, f"opc.tcp://127.0.0.1:{port}/"
    finally:
        await face.stop()


def bound(name: str) -> BoundPoint:
    point = replace(opcua_point("P", address=f"ns=2;s={name}"), name=name, equipment=AIR_HANDLER.name)
    return BoundPoint(7, replace(point, kind=PointKind.SP))


def driver_of(url: str, timeout_s: float = 2.0) -> OpcUaDriver:
    return DRIVER().create(opcua_device(url, timeout_s=timeout_s), SystemClock())


async def test_pain_09_what_was_missed_while_a_server_was_silent_is_read_from_its_history(
    city: City, running: tuple[OpcUaFace, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    face, url = running
    monkeypatch.setattr(opcua_history, "INTERVAL_S", 0.0)
    driver = driver_of(url, timeout_s=0.5)
    await driver.open()
    began_us = SystemClock().now()
    city.fault_on("device_silent", "ahu01", "now")
    for value in (14.5, 15.5):
        show(city, SUPPLY, value)
        await face.refresh()
    city.bad[BUILDING.by_name[SUPPLY].index] = True
    await face.refresh()
    with pytest.raises(DeviceUnreachableError):
        await driver.read(driver.plan([bound(SUPPLY)]))
    city.fault_off("device_silent")
    await face.refresh()
    until_us = int(datetime.now(UTC).timestamp() * 1e6) + 1
    await driver.open()
    found = [one async for one in driver.history([bound(SUPPLY)], began_us, until_us)]
    await driver.close()

    rows = [
        (value, quality)
        for one in found
        for value, quality in zip(one.value.tolist(), one.quality.tolist(), strict=True)
    ]
    assert [value for value, quality in rows if quality == Quality.GOOD] == [14.5, 15.5]
    assert rows[2][1] == Quality.BAD_DEVICE_FAULT


async def test_a_set_point_is_written_through_to_the_plant_and_refused_out_of_its_range(
    city: City, running: tuple[OpcUaFace, str]
) -> None:
    _, url = running
    target = CommandTarget(7, bound(SET_POINT).point, AIR_HANDLER)
    driver = driver_of(url)
    await driver.open()
    held = await driver.write(target, 15.5, 8)
    assert (held.value, held.quality) == (15.5, Quality.GOOD)
    await until(lambda: city.truth[BUILDING.by_name[SET_POINT].index] == 15.5)
    # Its range is 12 to 20 degrees.
    with pytest.raises(DeviceRefusedError, match=r"out of its range \(BadOutOfRange\)"):
        await driver.write(target, 25.0, 8)
    with pytest.raises(DeviceRefusedError, match="BadUserAccessDenied"):
        await driver.write(CommandTarget(7, bound(SUPPLY).point, AIR_HANDLER), 15.0, 8)
    await driver.close()


async def test_all_its_points_are_found_with_units_and_ranges(running: tuple[OpcUaFace, str]) -> None:
    _, url = running
    [device] = [one async for one in DRIVER().discover(url, SystemClock(), within_s=20.0)]
    points = {one.address: one for one in device.points}
    assert len(points) == len(SIMULATED.points)
    supply, set_point = points[f"ns=2;s={SUPPLY}"], points[f"ns=2;s={SET_POINT}"]
    assert (supply.unit, supply.low, supply.high, supply.kind) == ("°C", -10.0, 60.0, "AI")
    assert (set_point.low, set_point.high, set_point.kind) == (12.0, 20.0, "AO")
