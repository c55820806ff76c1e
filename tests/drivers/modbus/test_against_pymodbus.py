"""The driver against a server that is not ours."""

import struct

from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice
from tests.support.modbus_server import bound, modbus_device, modbus_point

from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.domain.quality import Quality
from cityhall_drivers.modbus import DRIVER


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
