"""What a scan keeps of its registers, and how a wrong decode is put right with it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.modbus_server import bound, modbus_device, modbus_point, modbus_server

from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.domain.quality import Quality
from cityhall_drivers.modbus import DRIVER
from cityhall_drivers.modbus.codec import Block, Table
from cityhall_drivers.modbus.raw import RawFormatError, blocks_of, frame


def test_a_frame_is_as_the_reference_says() -> None:
    assert frame(Block(Table.HOLDING, 100, 2, ()), b"\x41\xac\x00\x00") == bytes.fromhex("03 0064 0002 0004 41AC0000")


@given(
    st.lists(
        st.tuples(st.sampled_from(list(Table)), st.integers(0, 60_000), st.integers(1, 125)), min_size=0, max_size=6
    )
)
def test_kept_answers_come_back_as_they_were(shapes: list[tuple[Table, int, int]]) -> None:
    blocks = [Block(table, start, count, ()) for table, start, count in shapes]
    data = [bytes(range(256))[: block.byte_count] for block in blocks]
    found = blocks_of(b"".join(map(frame, blocks, data)))
    assert [(b.table, b.start, b.count, d) for b, d in found] == [
        (b.table, b.start, b.count, d) for b, d in zip(blocks, data, strict=True)
    ]


@pytest.mark.parametrize(
    "raw", ["03", "03 0064 0002 0004 41AC00", "07 0064 0002 0004 41AC0000", "03 0064 0002 0003 41AC00"]
)
def test_bytes_that_are_no_kept_scan_are_refused(raw: str) -> None:
    with pytest.raises(RawFormatError):
        blocks_of(bytes.fromhex(raw))


async def test_pain_06_a_wrong_word_order_is_put_right_from_what_was_kept() -> None:
    # 21.25 as float32 is 41AA 0000; this device sends the low word first.
    async with modbus_server(holding={10: 0x0000, 11: 0x41AA, 20: 7}, coil={3: 1}) as server:
        factory = DRIVER()
        driver = factory.create(modbus_device(server.port), SystemClock())
        wrong = bound([modbus_point("holding:10", "float32", role="T"), modbus_point("coil:3", "", role="On")])
        await driver.open()
        scan = await driver.read(driver.plan(wrong))
        await driver.close()
    assert scan.value[0] != 21.25
    assert not scan.quality.any()  # plausible, and wrong: that is the pain

    right = bound(
        [
            modbus_point("holding:10", "float32", role="T", word_order="CDAB"),
            modbus_point("coil:3", "", role="On"),
            modbus_point("holding:20", "uint16", role="New"),
        ]
    )
    again = factory.redecode(right, scan.raw, 5_000_000)
    assert again.value.tolist() == [21.25, 1.0]
    assert again.point.tolist() == [100, 101]  # holding:20 was not read then: it is left out
    assert again.observed_at.tolist() == [5_000_000] * 2
    assert np.array_equal(again.quality, [Quality.GOOD, Quality.GOOD])


async def test_what_was_refused_keeps_nothing() -> None:
    async with modbus_server(holding={10: 1}) as server:
        driver = DRIVER().create(modbus_device(server.port, gap_max=0), SystemClock())
        await driver.open()
        scan = await driver.read(driver.plan(bound([modbus_point("holding:10"), modbus_point("holding:90", role="Q")])))
        await driver.close()
    assert [(block.start, data) for block, data in blocks_of(scan.raw)] == [(10, b"\x00\x01")]


def test_a_kept_scan_shows_the_bytes_of_single_points_and_every_way_to_read_them() -> None:
    scan = frame(Block(Table.HOLDING, 10, 4, ()), bytes.fromhex("0000 41AA 0007 0000"))
    scan += frame(Block(Table.COIL, 0, 16, ()), b"\x00\x02")
    points = bound(
        [
            modbus_point("holding:10", "float32", role="T", word_order="CDAB"),
            modbus_point("coil:9", "", role="On"),
            modbus_point("holding:99", "uint16", role="Elsewhere"),
        ]
    )
    temperature, on = DRIVER().show(points, scan)
    assert (temperature.raw, temperature.value) == ("0000 41aa", 21.25)
    ways = {way.encoding: (way.value, way.plausible) for way in temperature.candidates}
    assert ways["float32 CDAB"] == (21.25, True)
    assert not ways["float32 ABCD"][1]
    assert (on.raw, on.value, list(on.candidates)) == ("01", 1.0, [])
