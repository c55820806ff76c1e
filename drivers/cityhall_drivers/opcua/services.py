"""What an OPC UA server offers beside reading."""

from cityhall_drivers.opcua.remembering import Remembering


class OpcUaServices(Remembering):
    """Capabilities of the driver of one server."""
