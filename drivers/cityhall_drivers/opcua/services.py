"""What an OPC UA server offers beside reading."""

from cityhall_drivers.opcua.alarming import Alarming
from cityhall_drivers.opcua.commanding import Commanding
from cityhall_drivers.opcua.examining import Examining
from cityhall_drivers.opcua.remembering import Remembering


class OpcUaServices(Commanding, Remembering, Examining, Alarming):
    """Capabilities of the driver of one server."""
