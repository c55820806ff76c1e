"""The ``[modbus]`` table of a device file."""

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

REGISTERS_MAX: Final = 125
"""Registers of one answer (Modbus Application Protocol V1.1b3, clause 6.3)."""
BITS_MAX: Final = 2000
"""Coils or discrete inputs of one answer (clause 6.1)."""
NOWHERE: Final = ""


class ModbusConfig(BaseModel):
    """Where one unit is, and how much it likes to be asked at once."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    host: Annotated[str, Field(min_length=1, description="the address or name of the device or its gateway")] = NOWHERE
    port: Annotated[int, Field(ge=1, le=65535, description="a TCP port, 1 to 65535 (usually 502)")] = 502
    serial: (
        Annotated[str, Field(min_length=1, description="a serial port instead of a host, like /dev/ttyS1")] | None
    ) = None
    baud: Annotated[int, Field(ge=300, le=1_000_000, description="bits per second of the serial port")] = 19_200
    parity: Annotated[Literal["even", "odd", "none"], Field(description="'even', 'odd' or 'none'")] = "even"
    stop_bits: Annotated[Literal[1, 2], Field(description="1, or 2 (usual without parity)")] = 1
    framing: Annotated[Literal["tcp", "rtu"], Field(description="'tcp', or 'rtu' for serial frames through TCP")] = (
        "tcp"
    )
    unit_id: Annotated[int, Field(ge=0, le=255, description="the unit behind the address, 0 to 255 (usually 1)")] = 1
    registers_per_request_max: Annotated[
        int, Field(ge=1, le=REGISTERS_MAX, description="registers asked for at once, 1 to 125")
    ] = REGISTERS_MAX
    gap_max: Annotated[
        int, Field(ge=0, le=REGISTERS_MAX - 1, description="unread registers bridged in one request, 0 to 124")
    ] = 8
    pipeline_depth: Annotated[
        int, Field(ge=1, le=16, description="questions on their way at once, 1 to 16; many devices take one")
    ] = 1
    request_gap_ms: Annotated[
        float, Field(ge=0.0, le=1000.0, description="rest between an answer and the next question, 0 to 1000 ms")
    ] = 0.0

    @property
    def rtu(self) -> bool:
        """Whether frames are those of a serial line."""
        return bool(self.serial) or self.framing == "rtu"

    @property
    def medium(self) -> str:
        """What its units share: ``10.0.0.5:502`` or ``/dev/ttyS1``."""
        return self.serial or f"{self.host}:{self.port}"

    @property
    def line(self) -> tuple[object, ...]:
        """What devices must agree about in order to share the medium's connection.

        A device with other settings gets one of its own: after a change of settings it waits until the last of the
        old ones has let go of a serial port.
        """
        if self.serial:
            return self.serial, self.baud, self.parity, self.stop_bits
        return self.host, self.port, self.framing
