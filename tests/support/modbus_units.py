"""Drivers of units that a test serves, and their points."""

from typing import Any

from tests.support.modbus_server import bound, modbus_device, modbus_point

from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.driver import BoundPoint
from cityhall_drivers.modbus import DRIVER
from cityhall_drivers.modbus.driver import ModbusDriver, ModbusFactory

IDENTITY = {address: address for address in range(400)}
"""Registers that hold their own address."""


def many(addresses: list[int], table: str = "holding") -> list[BoundPoint]:
    return bound([modbus_point(f"{table}:{address}", role=f"P{address}") for address in addresses])


async def opened(
    port: int, unit: int = 1, clock: Clock | None = None, factory: ModbusFactory | None = None, **settings: Any
) -> ModbusDriver:
    driver = (factory or DRIVER()).create(modbus_device(port, unit, **settings), clock or SystemClock())
    await driver.open()
    return driver
