"""Looking around behind an address: which units answer, and which registers they give."""

import struct

import pytest
from tests.support.modbus_server import ModbusServer, Request, modbus_server

from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.domain.errors import DriverConfigError
from cityhall_drivers.modbus import DRIVER
from cityhall_drivers.modbus.codec import Table
from cityhall_drivers.modbus.discovery import parse_where


def test_the_place_is_read_with_its_ranges() -> None:
    found = parse_where("10.0.0.5:502 units 3-4 holding 100-149 coil 0-9")
    assert (found.host, found.port, found.units) == ("10.0.0.5", 502, range(3, 5))
    assert found.tables == {Table.HOLDING: range(100, 150), Table.COIL: range(10)}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("10.0.0.5", "write HOST:PORT"),
        ("10.0.0.5:99999", "write HOST:PORT"),
        ("10.0.0.5:502 units 5-3", "'units 5-3' is no range up to 247"),
        ("10.0.0.5:502 units 1-248", "no range up to 247"),
        ("10.0.0.5:502 holding 0-65535", "at most 2000 places"),
        ("10.0.0.5:502 register 0-9", "'register' is neither"),
    ],
)
def test_a_place_that_cannot_be_understood_says_what_to_write(text: str, says: str) -> None:
    with pytest.raises(DriverConfigError, match=says):
        parse_where(text)


def identifies(server: ModbusServer, request: Request) -> bytes | None:
    """Unit 1 says who it is; unit 3 is not there."""
    if request.function == 43:
        body = b"".join(bytes((number, len(text))) + text for number, text in ((0, b"ACME"), (1, b"PM-100")))
        return request.frame(struct.pack(">BBBBBBB", 43, 14, 1, 1, 0, 0, 2) + body)
    return server.right_answer(request)


async def test_units_registers_and_identities_are_found_and_only_reads_are_sent() -> None:
    async with modbus_server(holding={5: 1, 6: 2, 30: 3}) as server:
        server.registers[2, 3] = {0: 9}
        server.habits[1] = identifies
        server.habits[3] = lambda _server, _request: None
        where = f"127.0.0.1:{server.port} units 1-3 holding 0-39"
        found = [one async for one in DRIVER().discover(where, SystemClock(), within_s=30.0)]
    assert [one.settings["unit_id"] for one in found] == [1, 2]
    assert (found[0].vendor, found[0].model) == ("ACME", "PM-100")
    assert [point.address for point in found[0].points] == ["holding:5", "holding:6", "holding:30"]
    assert [point.address for point in found[1].points] == ["holding:0"]
    assert {request.function for request in server.requests} <= {3, 43}
