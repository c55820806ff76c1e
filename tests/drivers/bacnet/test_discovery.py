"""Devices found over real UDP: simulated ones, short-spoken ones, behind a router, by way of a BBMD."""

from typing import Any

import pytest
from tests.support.bacnet_bound import port_of
from tests.support.bacnet_device import BacnetDevice, Habits, bacnet_device, free_port
from tests.support.bacnet_router import Bbmd, Router, started
from tests.support.simulated_bacnet import BUILDING, DEVICES, address_of, new_city, served

from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.domain.errors import DriverConfigError
from cityhall_bms.domain.site import Device, Text
from cityhall_bms.ports.capabilities import DiscoveringFactory, FoundDevice
from cityhall_drivers.bacnet import DRIVER
from cityhall_simulators.runtime import City

city = pytest.fixture(new_city)


@pytest.fixture(autouse=True)
def _answers_come_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """On loopback nobody needs seconds to answer Who-Is."""
    monkeypatch.setattr("cityhall_drivers.bacnet.discovering.LISTEN_MAX_S", 0.15)


async def discovered(where: str, within_s: float = 1.0) -> list[FoundDevice]:
    factory = DRIVER()
    assert isinstance(factory, DiscoveringFactory)
    return [one async for one in factory.discover(where, SystemClock(), within_s=within_s)]


async def test_a_device_tells_who_it_is_and_what_its_points_are(city: City) -> None:
    device = DEVICES["ahu01"]
    async with served(city, device) as (_, address):
        port = port_of(address)
        (found,) = await discovered(f"127.0.0.1:{port}", within_s=10.0)
    assert (found.name, found.protocol) == (f"bacnet-{device.device_instance}", "bacnet")
    assert found.text == f"{device.text.zh} / {device.text.en}"
    assert (found.vendor, found.model) == ("cityhall simulator", device.profile)
    assert found.settings == {
        "host": "127.0.0.1", "port": port, "device_instance": device.device_instance, "local_host": "127.0.0.1",
    }  # fmt: skip
    points = {point.address: point for point in found.points}
    assert len(points) == len(device.points)
    for name in ("TCH.01.E.AHU01.SAT", "TCH.01.E.AHU01.SAT_SP", "TCH.01.E.AHU01.RunSts", "TCH.01.E.AHU01.OccMode"):
        role, point = BUILDING.by_name[name].role, points[address_of(name)[1]]
        assert role.text.zh in point.text
        assert point.writable is BUILDING.by_name[name].writable
        assert point.unit == role.unit
    supply, running = points[address_of("TCH.01.E.AHU01.SAT")[1]], points[address_of("TCH.01.E.AHU01.RunSts")[1]]
    assert (supply.kind, supply.low, supply.high) == ("AI", -10.0, 60.0)
    assert running.states[1] == "運轉 Running"


async def test_what_was_found_is_a_device_file_that_works(city: City) -> None:
    async with served(city, DEVICES["ahu01"]) as (_, address):
        (found,) = await discovered(f"127.0.0.1:{port_of(address)}", within_s=10.0)
        device = Device(found.name, Text(found.text, found.text), found.protocol, dict(found.settings))
        assert DRIVER().check(device, []) == []
        driver = DRIVER().create(device, SystemClock())
        await driver.open()
        await driver.close()


async def test_only_instances_that_are_asked_for_are_found() -> None:
    device = BacnetDevice(instance=1500)
    async with bacnet_device(device):
        assert await discovered(f"127.0.0.1:{device.port} instances 1-1499", within_s=0.5) == []
        (found,) = await discovered(f"127.0.0.1:{device.port} instances 1500-1500", within_s=2.0)
    assert found.settings["device_instance"] == 1500


async def test_a_device_of_short_answers_without_segments_is_found_whole() -> None:
    device = BacnetDevice(apdu_max=206, segmentation="noSegmentation", habits=Habits(objects_max=2))
    for number in range(1, 60):
        device.add(f"analog-input,{number}", 1.0)
    async with bacnet_device(device):
        (found,) = await discovered(f"127.0.0.1:{device.port}", within_s=20.0)
    assert [point.address for point in found.points] == [f"analog-input,{number}" for number in range(1, 60)]


async def test_a_device_without_read_property_multiple_is_found_whole() -> None:
    device = BacnetDevice(habits=Habits(knows_multiple=False))
    device.add("analog-input,1", 1.0)
    device.add("multi-state-input,2", 1)
    async with bacnet_device(device):
        (found,) = await discovered(f"127.0.0.1:{device.port}", within_s=10.0)
    assert [(point.address, point.text) for point in found.points] == [
        ("analog-input,1", "analog-input,1"),
        ("multi-state-input,2", "multi-state-input,2"),
    ]


async def test_a_device_that_says_i_am_and_nothing_else_is_shown_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cityhall_drivers.bacnet.discovering.TIMEOUT_S", 0.2)
    device = BacnetDevice(habits=Habits(error=("device", "operationalProblem"), silent_about=1001))
    async with bacnet_device(device):
        (found,) = await discovered(f"127.0.0.1:{device.port}")
    assert (found.text, list(found.points)) == ("BACnet 1001", [])


async def test_nobody_is_found_where_nobody_is() -> None:
    assert await discovered(f"127.0.0.1:{free_port()}", within_s=0.3) == []


async def test_time_is_kept_though_a_device_has_much_to_tell() -> None:
    device = BacnetDevice()
    for number in range(1, 200):
        device.add(f"analog-input,{number}", 1.0)
    async with bacnet_device(device):
        (found,) = await discovered(f"127.0.0.1:{device.port}", within_s=0.5)
    assert 0 < len(found.points) < 199


async def test_nothing_is_written(city: City) -> None:
    before = city.truth.copy()
    async with served(city, DEVICES["ahu01"]) as (face, address):
        questions = watch_services(face)
        await discovered(f"127.0.0.1:{port_of(address)}", within_s=10.0)
    assert questions <= {"WhoIsRequest", "ReadPropertyRequest", "ReadPropertyMultipleRequest"}
    assert (city.truth == before).all()


def watch_services(face: Any) -> set[str]:
    """Names of the services that a device is asked for."""
    asked: set[str] = set()
    controller = face._controller
    original = controller.indication

    async def indication(apdu: Any) -> None:
        asked.add(type(apdu).__name__)
        await original(apdu)

    controller.indication = indication
    return asked


async def test_a_device_behind_a_router_is_found_with_its_network_and_mac() -> None:
    device = BacnetDevice(instance=2005)
    device.add("analog-input,1", 21.5)
    async with bacnet_device(device):
        router = await started(Router(("127.0.0.1", device.port), 20, 5))
        found = await discovered(f"127.0.0.1:{router.port} network 20", within_s=5.0)
        nobody = await discovered(f"127.0.0.1:{router.port} network 21", within_s=0.5)
        router.transport.close()
    (one,) = found
    assert one.settings == {
        "host": "127.0.0.1", "port": router.port, "device_instance": 2005, "network": 20, "mac": 5,
        "local_host": "127.0.0.1",
    }  # fmt: skip
    assert [point.address for point in one.points] == ["analog-input,1"]
    assert nobody == []


async def test_pain_15_a_device_is_found_by_way_of_a_bbmd() -> None:
    device = BacnetDevice(instance=2006)
    device.add("analog-input,1", 21.5)
    async with bacnet_device(device):
        bbmd = await started(Bbmd(("127.0.0.1", device.port)))
        (found,) = await discovered(f"127.0.0.1 via bbmd 127.0.0.1:{bbmd.port}", within_s=5.0)
        bbmd.transport.close()
    assert bbmd.heard[:2] == [0x05, 0x09], "registered before it distributes"
    assert (found.settings["port"], found.settings["device_instance"]) == (device.port, 2006)
    assert len(found.points) == 1


async def test_a_place_that_cannot_be_understood_is_refused_before_anything_is_sent() -> None:
    with pytest.raises(DriverConfigError, match="no place to look"):
        await discovered("somewhere")
