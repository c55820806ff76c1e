"""What an OPC UA server offers beside reading."""

from cityhall_drivers.opcua.commanding import Commanding
from cityhall_drivers.opcua.examining import Examining
from cityhall_drivers.opcua.remembering import Remembering
from cityhall_drivers.opcua.watching import Watching


class OpcUaServices(Commanding, Remembering, Examining, Watching):
    """Capabilities of the driver of one server."""
