"""The ``[snmp]`` table of a device file."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

SecretFile = Annotated[str, Field(min_length=1, description="a file in the site folder, chmod 600")]


class SnmpConfig(BaseModel):
    """Where one agent is, and how it knows us."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    host: Annotated[str, Field(min_length=1, description="the address or name of the device")]
    port: Annotated[int, Field(ge=1, le=65535, description="a UDP port, 1 to 65535 (usually 161)")] = 161
    version: Annotated[Literal["2c", "3"], Field(description="'2c' or '3'")] = "2c"
    community_file: SecretFile | None = None
    user: Annotated[str, Field(min_length=1, max_length=32, description="the user's name, up to 32 characters")] | (
        None
    ) = None
    auth: Annotated[
        Literal["SHA", "SHA224", "SHA256", "SHA384", "SHA512"],
        Field(description="how messages are signed, like 'SHA256'"),
    ] = "SHA256"
    auth_password_file: SecretFile | None = None
    priv: (
        Annotated[
            Literal["AES128", "AES256", "AES256C"],
            Field(description="how messages are encrypted: 'AES128', 'AES256', or 'AES256C' (Cisco's keys)"),
        ]
        | None
    ) = None
    priv_password_file: SecretFile | None = None
    context: Annotated[str, Field(max_length=32, description="the name of a context of the agent")] = ""
    varbinds_per_request_max: Annotated[int, Field(ge=1, le=120, description="objects asked for at once, 1 to 120")] = (
        24
    )
