"""The ``[opcua]`` table of a device file."""

from ipaddress import ip_address
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field


class OpcUaConfig(BaseModel):
    """Where one server is, how it knows us and how we know it, and how its values come."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    url: Annotated[
        str,
        Field(
            pattern=r"^opc\.tcp://[^/@\s]+(/[^\s]*)?$",
            description="the server's address without user or password, like 'opc.tcp://10.0.0.5:4840/'",
        ),
    ]
    security: Annotated[
        Literal["none", "Aes128_Sha256_RsaOaep", "Aes256_Sha256_RsaPss"],
        Field(description="a security policy; messages are then signed and encrypted"),
    ] = "none"
    open_because: (
        Annotated[str, Field(min_length=10, description="why nothing protects this line, in a sentence")] | None
    ) = None
    """Accepted without security although it is on a network; a sentence for whoever audits the site."""
    user: Annotated[str, Field(min_length=1, description="the user's name")] | None = None
    password_file: Annotated[str, Field(min_length=1, description="a file in the site folder")] | None = None
    server_certificate: Annotated[str, Field(min_length=1, description="a file in the site folder")] | None = None
    mode: Annotated[Literal["poll", "subscribe"], Field(description="'poll' or 'subscribe'")] = "poll"
    publishing_interval_ms: Annotated[
        int, Field(ge=50, le=60_000, description="milliseconds between two messages of changes, 50 to 60000")
    ] = 500
    keep_alive_s: Annotated[
        float, Field(ge=1.0, le=600.0, description="seconds after which a server without news says so, 1 to 600")
    ] = 10.0
    queue_size: Annotated[
        int, Field(ge=1, le=10_000, description="changes that the server keeps per point, 1 to 10000")
    ] = 10
    nodes_per_read_max: Annotated[int, Field(ge=1, le=10_000, description="nodes asked for at once, 1 to 10000")] = 500
    """The server's own limit counts too, where it names one."""

    notices: Annotated[bool, Field(description="true: hear the alarms that the server finds itself")] = False
    notifier: Annotated[
        str, Field(min_length=1, description="NodeId of the object whose events are heard, like 'i=2253'")
    ] = "i=2253"
    """The Server object tells the events of the whole server (OPC 10000-3, clause 7.18)."""
    acknowledge: Annotated[
        bool, Field(description="true: alarms may be acknowledged from here; leave it out where lives are guarded")
    ] = False

    @property
    def is_local(self) -> bool:
        """Whether the server is on this machine, so that nothing crosses a network."""
        host = urlsplit(self.url).hostname or ""
        try:
            return ip_address(host).is_loopback
        except ValueError:
            return host == "localhost"

    @property
    def encrypted(self) -> bool:
        """Whether messages are signed and encrypted."""
        return self.security != "none"
