"""The driver against a server, and our decoder against a decoder, that are not ours."""

import math
import struct

from hypothesis import given
from hypothesis import strategies as st
from pymodbus.client import AsyncModbusTcpClient
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice
from tests.support.modbus_server import bound, modbus_device, modbus_point

from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.domain.quality import Quality
from cityhall_drivers.modbus import DRIVER
from cityhall_drivers.modbus.codec import Block, Layout, Table, item_of

THEIR_TYPES = AsyncModbusTcpClient.DATATYPE
KINDS = ["int16", "uint16", "int32", "uint32", "float32", "int64", "float64"]


@given(
    st.sampled_from(KINDS), st.sampled_from([("ABCD", "big"), ("CDAB", "little")]), st.binary(min_size=40, max_size=40)
)
def test_the_same_registers_are_the_same_numbers_to_pymodbus(kind: str, orders: tuple[str, str], data: bytes) -> None:
    ours, theirs = orders
    items = [item_of(modbus_point(f"holding:{place}", kind, word_order=ours)) for place in range(0, 20, 4)]
    values, quality = Layout(items, [Block(Table.HOLDING, 0, 20, tuple(range(5)))]).decode([data])
    words = struct.unpack(">20H", data)
    for value, fine, item in zip(values.tolist(), (quality == Quality.GOOD).tolist(), items, strict=True):
        own = list(words[item.start : item.end])
        expected = AsyncModbusTcpClient.convert_from_registers(own, THEIR_TYPES[kind.upper()], word_order=theirs)
        assert isinstance(expected, int | float)
        if fine:
            assert value == float(expected)
        else:
            assert not math.isfinite(expected)


async def test_floats_and_words_of_a_pymodbus_server_are_read_and_its_holes_refused() -> None:
    words = list(struct.unpack(">4H", struct.pack(">ff", 21.5, -3.25)))
    unit = SimDevice(id=1, simdata=[SimData(10, values=[*words, 77], datatype=DataType.REGISTERS)])
    server = ModbusTcpServer([unit], address=("127.0.0.1", 0))
    await server.serve_forever(background=True)
    port = server.transport.sockets[0].getsockname()[1]
    driver = DRIVER().create(modbus_device(port, timeout_s=2.0), SystemClock())
    points = [
        modbus_point("holding:10", "float32"),
        modbus_point("holding:12", "float32"),
        modbus_point("holding:14", "uint16"),
        modbus_point("holding:16", "uint16"),
    ]
    try:
        await driver.open()
        readings = await driver.read(driver.plan(bound(points)))
        await driver.close()
    finally:
        await server.shutdown()
    assert readings.value.tolist()[:3] == [21.5, -3.25, 77.0]
    assert readings.quality.tolist() == [0, 0, 0, Quality.BAD_REFUSED]
