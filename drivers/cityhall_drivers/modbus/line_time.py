"""How long things take on a serial line. Pure."""

from typing import Final

from cityhall_drivers.modbus.config import ModbusConfig

BITS_OF_CHARACTER: Final = 11
"""As the standard counts, whatever the parity (Modbus over Serial Line V1.02, clause 2.5.1)."""
FAST_BAUD: Final = 19_200
FAST_GAP_S: Final = 0.00175
SILENT_CHARACTERS: Final = 3.5


def silent_interval_s(baud: int) -> float:
    """Rest between two frames: 3.5 characters, above 19,200 baud 1.75 ms (clause 2.5.1.1)."""
    return FAST_GAP_S if baud > FAST_BAUD else SILENT_CHARACTERS * BITS_OF_CHARACTER / baud


def line_ms(config: ModbusConfig, size: int) -> float | None:
    """How long a question and its answer, of ``size`` bytes together, keep a serial line busy.

    Without what the unit itself takes; none where the driver does not know the line, behind a gateway.
    """
    if not config.serial:
        return None
    return 1e3 * (size * BITS_OF_CHARACTER / config.baud + 2 * silent_interval_s(config.baud))
