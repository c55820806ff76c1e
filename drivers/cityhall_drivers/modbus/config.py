"""The ``[modbus]`` table of a device file."""

from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

REGISTERS_MAX: Final = 125
"""Registers of one answer (Modbus Application Protocol V1.1b3, clause 6.3)."""
BITS_MAX: Final = 2000
"""Coils or discrete inputs of one answer (clause 6.1)."""


class ModbusConfig(BaseModel):
    """Where one unit is, and how much it likes to be asked at once."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    host: Annotated[str, Field(min_length=1, description="the address or name of the device or its gateway")]
    port: Annotated[int, Field(ge=1, le=65535, description="a TCP port, 1 to 65535 (usually 502)")] = 502
    unit_id: Annotated[int, Field(ge=0, le=255, description="the unit behind the address, 0 to 255 (usually 1)")] = 1
    registers_per_request_max: Annotated[
        int, Field(ge=1, le=REGISTERS_MAX, description="registers asked for at once, 1 to 125")
    ] = REGISTERS_MAX
    gap_max: Annotated[
        int, Field(ge=0, le=REGISTERS_MAX - 1, description="unread registers bridged in one request, 0 to 124")
    ] = 8
