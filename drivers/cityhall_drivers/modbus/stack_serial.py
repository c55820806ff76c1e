"""Modbus RTU on a serial port of this machine, which pyserial opens and the event loop listens to."""

import asyncio
import os
from typing import Final

import serial

from cityhall_bms.ports.clock import Clock
from cityhall_drivers.modbus.config import ModbusConfig
from cityhall_drivers.modbus.line_time import silent_interval_s
from cityhall_drivers.modbus.rtu import RtuLink

READ_MAX: Final = 4096
CLOSED: Final = -1
_PARITIES: Final = {"even": serial.PARITY_EVEN, "odd": serial.PARITY_ODD, "none": serial.PARITY_NONE}


class SerialLink(RtuLink):
    """One port, ours alone."""

    def __init__(self, config: ModbusConfig, clock: Clock) -> None:
        super().__init__(config.medium, clock, silent_interval_s(config.baud))
        self._begin()
        self._config = config
        self._port: serial.Serial | None = None
        self._fd = CLOSED

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
            self._fd = CLOSED  # before its number is given to another file
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
