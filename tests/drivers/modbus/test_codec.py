"""The decoder against an independent reference that goes value by value through ``struct``."""

import math
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.modbus_server import modbus_point

from cityhall_bms.domain.quality import Quality
from cityhall_drivers.modbus.codec import (
    TYPES,
    WORD_ORDERS,
    Block,
    Item,
    Layout,
    MistakeError,
    Table,
    item_of,
    parse_address,
)

FORMATS = {
    "int16": ">h", "uint16": ">H", "int32": ">i", "uint32": ">I",
    "int64": ">q", "uint64": ">Q", "float32": ">f", "float64": ">d",
}  # fmt: skip
# What a device sends for the value whose big-endian bytes are A B C D (E F G H), as meter manuals print it.
PRINTED = {
    2: {"ABCD": "AB", "CDAB": "AB", "BADC": "BA", "DCBA": "BA"},
    4: {"ABCD": "ABCD", "CDAB": "CDAB", "BADC": "BADC", "DCBA": "DCBA"},
    8: {"ABCD": "ABCDEFGH", "CDAB": "GHEFCDAB", "BADC": "BADCFEHG", "DCBA": "HGFEDCBA"},
}


def sent(value: float, kind: str, order: str) -> bytes:
    """What the device sends for a value."""
    plain = struct.pack(FORMATS[kind], value)
    by_letter = dict(zip("ABCDEFGH", plain, strict=False))
    return bytes(by_letter[letter] for letter in PRINTED[len(plain)][order])


@st.composite
def numbers(draw: st.DrawFn) -> tuple[str, str, float]:
    kind = draw(st.sampled_from(sorted(FORMATS)))
    size = struct.calcsize(FORMATS[kind]) * 8
    if kind.startswith("float"):
        value: float = draw(st.floats(width=32 if size == 32 else 64, allow_nan=False, allow_infinity=False))
    elif kind.startswith("uint"):
        value = draw(st.integers(0, 2**size - 1))
    else:
        value = draw(st.integers(-(2 ** (size - 1)), 2 ** (size - 1) - 1))
    return kind, draw(st.sampled_from(sorted(WORD_ORDERS))), value


def decode_one(item: Item, data: bytes) -> tuple[float, int]:
    count = item.width if not item.table.is_bits else 8 * len(data)
    values, quality = Layout([item], [Block(item.table, item.start, count, (0,))]).decode([data])
    return float(values[0]), int(quality[0])


@given(numbers())
def test_every_type_and_word_order_gives_the_number_that_was_sent(number: tuple[str, str, float]) -> None:
    kind, order, value = number
    data = sent(value, kind, order)
    item = Item(Table.HOLDING, 7, len(data) // 2, kind, order)
    assert decode_one(item, data) == (float(value), Quality.GOOD)


@given(numbers(), st.floats(-1e6, 1e6).filter(lambda scale: scale != 0), st.floats(-1e6, 1e6))
def test_scale_and_offset_are_applied_to_the_raw_number(
    number: tuple[str, str, float], scale: float, offset: float
) -> None:
    kind, order, value = number
    data = sent(value, kind, order)
    item = Item(Table.INPUT, 0, len(data) // 2, kind, order, scale=scale, offset=offset)
    expected = float(value) * scale + offset
    got, quality = decode_one(item, data)
    if math.isfinite(expected):
        assert (got, quality) == (expected, Quality.GOOD)
    else:
        assert math.isnan(got)
        assert quality == Quality.BAD_DECODE


@given(st.lists(st.tuples(numbers(), st.integers(0, 3)), min_size=1, max_size=60), st.randoms(use_true_random=False))
def test_a_mixed_block_gives_every_number_to_its_own_point(
    spaced: list[tuple[tuple[str, str, float], int]], chance: object
) -> None:
    payload, items, expected = b"", [], []
    for (kind, order, value), gap in spaced:
        payload += b"\xa5\x5a" * gap
        data = sent(value, kind, order)
        items.append(Item(Table.HOLDING, 1000 + len(payload) // 2, len(data) // 2, kind, order))
        expected.append(float(value))
        payload += data
    places = list(range(len(items)))
    chance.shuffle(places)  # type: ignore[attr-defined]
    shuffled = [items[place] for place in places]
    by_address = sorted(range(len(places)), key=lambda place: shuffled[place].start)
    start = shuffled[by_address[0]].start
    block = Block(Table.HOLDING, start, len(payload) // 2 - (start - 1000), tuple(by_address))
    values, quality = Layout(shuffled, [block]).decode([payload[2 * (start - 1000) :]])
    assert values.tolist() == [expected[place] for place in places]
    assert not quality.any()


@given(st.lists(st.booleans(), min_size=1, max_size=2000), st.data())
def test_coils_are_packed_lowest_bit_first(bits: list[bool], data: st.DataObject) -> None:
    packed = bytearray((len(bits) + 7) // 8)
    for place, bit in enumerate(bits):
        packed[place // 8] += bit << (place % 8)
    chosen = sorted(data.draw(st.sets(st.integers(0, len(bits) - 1), min_size=1, max_size=20)))
    items = [Item(Table.COIL, 50 + place, 1, "bool") for place in chosen]
    block = Block(Table.COIL, 50, len(bits), tuple(range(len(items))))
    values, _ = Layout(items, [block]).decode([bytes(packed)])
    assert values.tolist() == [float(bits[place]) for place in chosen]


@given(st.integers(0, 65535), st.integers(0, 15), st.sampled_from(sorted(WORD_ORDERS)))
def test_bit_zero_of_a_register_is_its_lowest(word: int, bit: int, order: str) -> None:
    item = Item(Table.HOLDING, 3, 1, "bool", order, bit=bit)
    assert decode_one(item, sent(word, "uint16", order)) == (float(word >> bit & 1), Quality.GOOD)


@pytest.mark.parametrize(("word", "value"), [(0, 0.0), (1, 1.0), (0x0100, 1.0), (0xFFFF, 1.0)])
def test_a_whole_register_read_as_bool_is_true_unless_zero(word: int, value: float) -> None:
    assert decode_one(Item(Table.INPUT, 0, 1, "bool"), word.to_bytes(2, "big")) == (value, Quality.GOOD)


@pytest.mark.parametrize("raw", ["7FC00000", "7F800000", "FF800000", "7F800001"])
def test_a_float_that_is_no_number_is_bad_and_never_shown(raw: str) -> None:
    value, quality = decode_one(Item(Table.INPUT, 0, 2, "float32"), bytes.fromhex(raw))
    assert math.isnan(value)
    assert quality == Quality.BAD_DECODE


def test_a_normally_closed_contact_is_turned_over_by_scale_and_offset() -> None:
    item = Item(Table.COIL, 0, 1, "bool", scale=-1.0, offset=1.0)
    assert [decode_one(item, data)[0] for data in (b"\x00", b"\x01")] == [1.0, 0.0]


def test_a_block_without_data_gives_its_reason_and_leaves_the_others_alone() -> None:
    items = [Item(Table.INPUT, 10, 1, "uint16"), Item(Table.HOLDING, 5, 1, "uint16"), Item(Table.COIL, 0, 1, "bool")]
    blocks = [Block(Table.HOLDING, 5, 1, (1,)), Block(Table.INPUT, 10, 1, (0,))]
    values, quality = Layout(items, blocks).decode([Quality.BAD_TIMEOUT, b"\x00\x2a"])
    assert values[0] == 42.0
    assert np.isnan(values[1:]).all()
    assert quality.tolist() == [Quality.GOOD, Quality.BAD_TIMEOUT, Quality.BAD_REFUSED]


def test_nothing_to_read_is_no_value() -> None:
    values, quality = Layout([], []).decode([])
    assert len(values) == len(quality) == 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("holding:100", (Table.HOLDING, 100, None)),
        ("input:100.3", (Table.INPUT, 100, 3)),
        ("coil:0", (Table.COIL, 0, None)),
        ("discrete:65535", (Table.DISCRETE, 65535, None)),
    ],
)
def test_an_address_names_table_number_and_bit(text: str, expected: tuple[Table, int, int | None]) -> None:
    assert parse_address(text) == expected


@given(st.text(max_size=20) | st.from_regex(r"(holding|coil|input|x):\d{1,7}(\.\d{1,3})?", fullmatch=True))
def test_any_text_is_an_address_in_range_or_a_mistake_that_says_so(text: str) -> None:
    try:
        table, number, bit = parse_address(text)
    except MistakeError:
        return
    written = f"{table}:{number}" if bit is None else f"{table}:{number}.{bit}"
    assert [int(part) if part.isdigit() else part for part in text.replace(".", ":").split(":")] == [
        int(part) if part.isdigit() else part for part in written.replace(".", ":").split(":")
    ]
    assert text.isascii()
    assert number <= 65535
    assert bit is None or (bit <= 15 and not table.is_bits)


@pytest.mark.parametrize(("kind", "width"), [("bool", 1), ("int16", 1), ("uint32", 2), ("float64", 4)])
def test_a_value_may_end_at_the_last_register_and_not_beyond(kind: str, width: int) -> None:
    assert item_of(modbus_point(f"holding:{65536 - width}", kind)).end == 65536
    if width > 1:
        with pytest.raises(MistakeError, match="beyond 65535"):
            item_of(modbus_point(f"holding:{65537 - width}", kind))


def test_every_type_has_a_width() -> None:
    assert {kind: item_of(modbus_point("input:0", kind)).width for kind in TYPES} == {
        "bool": 1, "int16": 1, "uint16": 1, "int32": 2, "uint32": 2,
        "int64": 4, "uint64": 4, "float32": 2, "float64": 4,
    }  # fmt: skip
