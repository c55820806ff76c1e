"""What an OPC UA server offers beside reading."""

from cityhall_drivers.opcua.service import Service


class OpcUaServices(Service):
    """Capabilities of the driver of one server."""
