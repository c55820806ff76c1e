"""Hundreds of simulated devices in one process, which answer at once from prepared octets. No code of the drivers.

Modbus TCP: any address of 127.0.0.0/8 is a device, and so is any unit behind it; holding registers are float32,
input registers uint32. BACnet/IP: one device per socket with analog inputs. OPC UA: one server with nodes of type Double, for any number of
sessions.
"""

import asyncio
import logging
import struct
from functools import partial
from typing import Any

from asyncua import Server, ua

REGISTERS = 1000
OBJECTS = 100
NODES = 100

_HOLDING = b"".join(struct.pack(">f", 20 + number / 100) for number in range(REGISTERS // 2))
_INPUT = b"".join(struct.pack(">I", 1_000_000 + number) for number in range(REGISTERS // 2))
_TABLES = {3: _HOLDING, 4: _INPUT}
_QUESTION = struct.Struct(">HHHBBHH")
_ANSWER = struct.Struct(">HHHBBB")


class ModbusUnits(asyncio.Protocol):
    """One connection: reads of registers are answered, anything else is refused (exception 1)."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport
        self.heard = b""

    def data_received(self, data: bytes) -> None:
        self.heard += data
        answers = []
        while len(self.heard) >= _QUESTION.size:
            transaction, _, _, unit, function, start, count = _QUESTION.unpack_from(self.heard)
            self.heard = self.heard[_QUESTION.size :]
            table = _TABLES.get(function)
            if table is None:
                answers.append(_ANSWER.pack(transaction, 0, 3, unit, function | 0x80, 1))
                continue
            held = table[2 * start : 2 * (start + count)]
            answers.append(_ANSWER.pack(transaction, 0, 3 + len(held), unit, function, len(held)) + held)
        self.transport.write(b"".join(answers))


class BacnetDevice(asyncio.DatagramProtocol):
    """One device: says who it is, and reads present value and status flags of many analog inputs at once.

    Anything else it refuses (error: services, service request denied), as a device without alarms does.
    """

    _ASKED = b"\x1e\x09\x55\x09\x6f\x1f"

    _RESULTS = tuple(
        b"\x0c" + number.to_bytes(4, "big") + b"\x1e\x29\x55\x4e\x44" + struct.pack(">f", 20 + number / 100)
        + b"\x4f\x29\x6f\x4e\x82\x04\x00\x4f\x1f"
        for number in range(OBJECTS)
    )  # fmt: skip

    def __init__(self, instance: int) -> None:
        self._i_am = b"\x10\x00\xc4" + (8 << 22 | instance).to_bytes(4, "big") + b"\x22\x05\xc4\x91\x03\x21\x0f"

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        apdu = data[6:]
        if apdu[:2] == b"\x10\x08":
            self._send(self._i_am, addr)
        elif apdu[0] >> 4 == 0 and apdu[3] == 14 and apdu[9:15] == self._ASKED:
            asked = [int.from_bytes(apdu[at + 1 : at + 5], "big") for at in range(4, len(apdu), 11)]
            self._send(b"\x30" + apdu[2:3] + b"\x0e" + b"".join(self._RESULTS[number] for number in asked), addr)
        elif apdu[0] >> 4 == 0:
            self._send(b"\x50" + apdu[2:4] + b"\x91\x05\x91\x1d", addr)

    def _send(self, apdu: bytes, addr: tuple[str, int]) -> None:
        self.transport.sendto(b"\x81\x0a" + (6 + len(apdu)).to_bytes(2, "big") + b"\x01\x00" + apdu, addr)


async def serve_modbus() -> int:
    """Answer on every loopback address; give the port."""
    server = await asyncio.get_running_loop().create_server(ModbusUnits, "0.0.0.0", 0, backlog=1000)
    return int(server.sockets[0].getsockname()[1])


async def serve_bacnet(instances: range) -> list[asyncio.DatagramTransport]:
    """One device per instance number, in that order; :func:`port_of` says where each is. To be closed."""
    loop = asyncio.get_running_loop()
    made = [
        await loop.create_datagram_endpoint(partial(BacnetDevice, instance), ("127.0.0.1", 0)) for instance in instances
    ]
    return [transport for transport, _ in made]


def port_of(transport: asyncio.BaseTransport) -> int:
    return int(transport.get_extra_info("sockname")[1])


async def serve_opcua() -> tuple[Server, int]:
    """One server with ``ns=2;s=F0`` and so on; give it, and its port."""
    logging.disable(logging.WARNING)
    server = Server()
    await server.init()
    server.set_endpoint("opc.tcp://127.0.0.1:0/")
    server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
    await server.register_namespace("urn:fleet")
    for number in range(NODES):
        name = f"F{number}"
        variant = ua.Variant(20 + number / 100, ua.VariantType.Double)
        await server.nodes.objects.add_variable(ua.NodeId(name, 2), name, variant)
    await server.start()
    return server, int(server.bserver._server.sockets[0].getsockname()[1])
