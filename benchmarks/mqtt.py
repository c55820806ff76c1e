# ruff: noqa: INP001, T201 - a program that measures real time
"""CPU of our MQTT driver per value: from the broker's bytes to readings in the collector's hand.

The broker is a few lines in the same process that write messages made before; its share is small and included.
"""

import asyncio
import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.support.mqtt_broker import mqtt_device, mqtt_point
from tests.support.opcua_server import bound, listening
from tests.support.sparkplug import M, bd_seq, payload

from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.domain.batch import Readings
from cityhall_drivers.mqtt import DRIVER

MESSAGES = 4000
SIZES = (1, 20)
"""Values of a message."""


def packet(topic: str, body: bytes) -> bytes:
    """A PUBLISH at QoS 0."""
    content = len(topic).to_bytes(2, "big") + topic.encode() + body
    length = len(content)
    return b"\x30" + (bytes((length,)) if length < 128 else bytes((length & 0x7F | 0x80, length >> 7))) + content


def json_messages(count: int) -> tuple[bytes, bytes, list[str]]:
    """First messages, the others, and the addresses of their values."""
    one = packet("m/1", json.dumps({"values": {f"v{n}": 20.5 + n for n in range(count)}}).encode())
    return b"", one * MESSAGES, [f"m/1#values.v{n}" for n in range(count)]


def sparkplug_messages(count: int) -> tuple[bytes, bytes, list[str]]:
    """A birth, changes by alias, and the addresses of the metrics."""
    birth = payload(bd_seq(0), *(M(f"v{n}", 1.0, alias=n) for n in range(count)), seq=0)
    data = [
        packet("spBv1.0/G/NDATA/E", payload(*(M(None, 20.5, kind=None, alias=n) for n in range(count)), seq=seq % 256))
        for seq in range(1, MESSAGES + 1)
    ]
    return packet("spBv1.0/G/NBIRTH/E", birth), b"".join(data), [f"G/E#v{n}" for n in range(count)]


class Broker:
    """Lets a client subscribe, and sends what was made before."""

    def __init__(self, first: bytes) -> None:
        self._first = first
        self._writer: asyncio.StreamWriter | None = None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer CONNECT, SUBSCRIBE and UNSUBSCRIBE."""
        self._writer = writer
        while head := await reader.read(2):
            body = await reader.readexactly(head[1])
            kind = head[0] >> 4
            if kind == 1:
                writer.write(b"\x20\x02\x00\x00")
            elif kind == 8:
                writer.write(b"\x90\x03" + body[:2] + b"\x00" + self._first)
            elif kind == 10:
                writer.write(b"\xb0\x02" + body[:2])

    def send(self, messages: bytes) -> None:
        """Send messages to the client."""
        if self._writer is not None:
            self._writer.write(messages)


async def measure(kind: str, first: bytes, others: bytes, addresses: list[str]) -> float:
    """CPU µs per value."""
    broker, heard, done = Broker(first), 0, asyncio.Event()

    def sink(readings: Readings) -> None:
        nonlocal heard
        heard += len(readings)
        if heard >= MESSAGES * len(addresses):
            done.set()

    async with listening(broker.serve) as port:
        driver = DRIVER().create(mqtt_device(port, payload=kind), SystemClock())
        await driver.open()
        await driver.subscribe(bound([mqtt_point(address, f"P{n}") for n, address in enumerate(addresses)]), sink)
        heard = 0
        cpu = time.process_time()
        broker.send(others)
        async with asyncio.timeout(60):
            await done.wait()
        cpu = time.process_time() - cpu
        await driver.close()
    return cpu / (MESSAGES * len(addresses)) * 1e6


def main() -> None:
    """Measure both payloads, print a table."""
    print("payload      values a message   CPU µs a value")
    for kind, made in (("json", json_messages), ("sparkplug", sparkplug_messages)):
        for count in SIZES:
            cost = asyncio.run(measure(kind, *made(count)))
            print(f"{kind:12} {count:16} {cost:16.1f}")


if __name__ == "__main__":
    main()
