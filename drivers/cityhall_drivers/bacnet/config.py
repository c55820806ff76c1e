"""The ``[bacnet]`` table of a device file."""

import ipaddress
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

INSTANCE_MAX: Final = 4_194_302
"""4194303 is the wildcard (ANSI/ASHRAE 135, clause 12.1)."""


def _ipv4(text: str) -> str:
    return str(ipaddress.IPv4Address(text))


class BacnetConfig(BaseModel):
    """Where one device is, and how much it likes to be asked at once."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    host: Annotated[str, AfterValidator(_ipv4), Field(description="the IPv4 address of the device")]
    port: Annotated[int, Field(ge=1, le=65535, description="a UDP port, 1 to 65535 (usually 47808)")] = 47808
    device_instance: Annotated[
        int, Field(ge=0, le=INSTANCE_MAX, description=f"the device's instance number, 0 to {INSTANCE_MAX}")
    ]
    objects_per_request_max: Annotated[int, Field(ge=1, le=200, description="objects asked for at once, 1 to 200")] = 20
    local_host: Annotated[
        str, AfterValidator(_ipv4), Field(description="our own IPv4 address in the device's network")
    ] = "0.0.0.0"  # noqa: S104 - every interface, unless the site says which
    notices: Annotated[
        bool, Field(description="true: ask the device to notify us of its alarms (writes our address into its lists)")
    ] = False
    acknowledge: Annotated[
        bool, Field(description="true: alarms may be acknowledged from here; never at a device that guards lives")
    ] = False
