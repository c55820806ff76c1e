"""Raw scans come back from their packing exactly as they came in, and nothing else passes for them."""

import zlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cityhall_bms.historian.raw_packing import RawPackingError, pack, repack, unpack

T0 = 1_782_864_000_000_000
times = st.integers(-(2**62), 2**62)
scans = st.lists(st.tuples(times, st.binary(max_size=20)), max_size=40)


@given(scans)
@example([])
@example([(T0, b""), (T0, b"\x00"), (T0 - 5, b"\x01\x02"), (T0, b"")])
def test_every_scan_comes_back_byte_by_byte_with_its_time(given_scans: list[tuple[int, bytes]]) -> None:
    assert unpack(pack(given_scans)) == given_scans


@given(st.lists(scans, max_size=5))
def test_packing_parts_together_keeps_every_scan_in_order_of_time(parts: list[list[tuple[int, bytes]]]) -> None:
    assert unpack(repack(map(pack, parts))) == sorted(scan for part in parts for scan in part)


@given(scans, st.data())
def test_damaged_bytes_are_refused_or_are_the_same_scans(
    given_scans: list[tuple[int, bytes]], data: st.DataObject
) -> None:
    packed = bytearray(pack(given_scans))
    place = data.draw(st.integers(0, len(packed) - 1))
    packed[place] ^= data.draw(st.integers(1, 255))
    try:
        found = unpack(bytes(packed))
    except RawPackingError:
        return
    assert found == given_scans


@pytest.mark.parametrize("data", [b"", b"\x02" + zlib.compress(b"\0\0\0\0"), b"\x01", b"\x01junk"])
def test_what_is_no_packing_of_ours_is_refused(data: bytes) -> None:
    with pytest.raises(RawPackingError):
        unpack(data)


def test_a_number_of_scans_that_the_bytes_do_not_hold_is_refused() -> None:
    with pytest.raises(RawPackingError, match="cannot hold"):
        unpack(b"\x01" + zlib.compress(b"\xff\xff\xff\xff"))
    with pytest.raises(RawPackingError, match="add up"):
        unpack(b"\x01" + zlib.compress(b"\x01\0\0\0" + bytes(8) + b"\x05\0\0\0" + b"abc"))


@given(scans, st.integers(1, 5))
def test_packed_scans_that_were_cut_or_prolonged_are_refused(given_scans: list[tuple[int, bytes]], cut: int) -> None:
    packed = pack(given_scans)
    for changed in (packed[:-cut], packed + bytes(cut)):
        with pytest.raises(RawPackingError):
            unpack(changed)


def test_an_hour_of_a_meter_takes_a_tenth_of_its_bytes() -> None:
    head = bytes.fromhex("030000003c0078")
    meter = [
        (
            T0 + 5_000_000 * number,
            head + bytes(100) + (230_000 + number % 7).to_bytes(4, "big") + number.to_bytes(16, "big"),
        )
        for number in range(720)
    ]
    assert len(pack(meter)) < sum(len(data) for _, data in meter) / 10
