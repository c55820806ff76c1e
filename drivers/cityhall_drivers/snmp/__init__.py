"""SNMP v2c and v3."""

from typing import Final

from cityhall_drivers.snmp.driver import SnmpFactory

DRIVER: Final = SnmpFactory
