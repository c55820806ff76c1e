"""Points of the simulated building, and a driver to reach their BACnet device."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from bacpypes3.pdu import Address, IPv4Address
from tests.support.bacnet_device import bacnet_point, site_device
from tests.support.simulated_bacnet import BUILDING, DEVICES, address_of, served

from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.domain.commands import CommandTarget
from cityhall_bms.domain.site import Equipment, PointKind, System, Text
from cityhall_bms.ports.driver import BoundPoint
from cityhall_drivers.bacnet import DRIVER
from cityhall_drivers.bacnet.driver import BacnetDriver
from cityhall_simulators.faces.bacnet import BacnetFace
from cityhall_simulators.runtime import City

AIR_HANDLER = Equipment("TCH.01.E.AHU01", "Air_Handling_Unit", System.HVAC, Text("空調箱", "Air handling unit"))


def bound(name: str, **encoding: Any) -> BoundPoint:
    """A point of the building, numbered as the building does."""
    index, address = address_of(name)
    return BoundPoint(index, bacnet_point(address, role=BUILDING.by_name[name].role.role, **encoding))


def bound_of(address: str, number: int = 1, **encoding: Any) -> BoundPoint:
    """A point of an object that is no part of the building."""
    return BoundPoint(number, bacnet_point(address, **encoding))


def commanded(address: str, **encoding: Any) -> CommandTarget:
    """An object that may be commanded, as part of an air handler."""
    point = bacnet_point(address, kind=PointKind.SP, **encoding)
    return CommandTarget(1, point, AIR_HANDLER)


def port_of(address: Address) -> int:
    """UDP port of a library's address."""
    port: int = IPv4Address(str(address)).addrTuple[1]
    return port


@asynccontextmanager
async def driving(port: int, instance: int, timeout_s: float = 2.0, **settings: Any) -> AsyncIterator[BacnetDriver]:
    """An open driver of the device at this port."""
    driver = DRIVER().create(site_device(port, instance, timeout_s, **settings), SystemClock())
    await driver.open()
    try:
        yield driver
    finally:
        await driver.close()


@asynccontextmanager
async def driven(city: City, name: str, **settings: Any) -> AsyncIterator[tuple[BacnetFace, BacnetDriver]]:
    """A simulated device and an open driver of it."""
    device = DEVICES[name]
    async with (
        served(city, device) as (face, address),
        driving(port_of(address), device.device_instance, **settings) as driver,
    ):
        yield face, driver
