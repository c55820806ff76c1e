"""OPC UA over opc.tcp."""

from typing import Final

from cityhall_drivers.opcua.driver import OpcUaFactory

DRIVER: Final = OpcUaFactory
