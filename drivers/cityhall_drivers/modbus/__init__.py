"""Modbus TCP."""

from typing import Final

from cityhall_drivers.modbus.driver import ModbusFactory

DRIVER: Final = ModbusFactory
