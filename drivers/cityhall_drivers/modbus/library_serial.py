"""Modbus RTU on a serial port of this machine, which pyserial opens and the event loop listens to."""

import asyncio
import os
from typing import Final

import serial

from cityhall_bms.ports.clock import Clock
from cityhall_drivers.modbus.config import ModbusConfig
from cityhall_drivers.modbus.rtu import RtuLink

BITS_OF_CHARACTER: Final = 11
FAST_BAUD: Final = 19_200
FAST_GAP_S: Final = 0.00175
SILENT_CHARACTERS: Final = 3.5
READ_MAX: Final = 4096
_PARITIES: Final = {"even": serial.PARITY_EVEN, "odd": serial.PARITY_ODD, "none": serial.PARITY_NONE}


def silent_interval_s(baud: int) -> float:
    """Rest between two frames: 3.5 characters, above 19,200 baud 1.75 ms (Modbus over Serial Line, 2.5.1.1)."""
    return FAST_GAP_S if baud > FAST_BAUD else SILENT_CHARACTERS * BITS_OF_CHARACTER / baud


class SerialLink(RtuLink):
    """One port, ours alone."""

    def __init__(self, config: ModbusConfig, clock: Clock) -> None:
        gap_s = max(silent_interval_s(config.baud), config.request_gap_ms / 1e3)
        super().__init__(config.medium, clock, gap_s)
        self._begin()
        self._config = config
        self._port: serial.Serial | None = None
        self._fd = -1

    @property
    def connected(self) -> bool:
        """Whether the port is open."""
        return self._port is not None

    async def _connect(self) -> None:
        config = self._config
        try:
            self._port = serial.Serial(
                config.serial,
                baudrate=config.baud,
                parity=_PARITIES[config.parity],
                stopbits=config.stop_bits,
                timeout=0,
                exclusive=True,
            )
        except serial.SerialException as error:  # it is an OSError that may hide its reason in the text
            raise OSError(str(error)) from error
        self._fd = self._port.fileno()
        asyncio.get_running_loop().add_reader(self._fd, self._readable)

    def send(self, data: bytes) -> None:
        """Send a frame: it is shorter than the system's buffer, which is empty between two questions."""
        if os.write(self._fd, data) != len(data):
            msg = "the serial port does not take a frame"
            raise OSError(msg)

    def drop(self) -> None:
        """Close the port."""
        port, self._port = self._port, None
        if port is not None:
            asyncio.get_running_loop().remove_reader(self._fd)
            port.close()

    def _readable(self) -> None:
        try:
            data = os.read(self._fd, READ_MAX)
        except BlockingIOError:
            return
        except OSError as error:
            self._lost(error)
            return
        if data:
            self.heard(data)
        else:
            self._lost(ConnectionResetError("the serial port was unplugged"))

    def _lost(self, error: Exception) -> None:
        self.drop()
        if self._waiting is not None:
            self._waiting.fail(error)
