"""Tags against the examples of the standard (ANSI/ASHRAE 135, clause 20.2) and against the library's encoder."""

from typing import Any

import pytest
from bacpypes3.pdu import PDUData
from bacpypes3.primitivedata import TagList
from hypothesis import given
from hypothesis import strategies as st

from cityhall_drivers.bacnet.tags import CLOSING, OPENING, Tag, TagError, inside, parse, tag


@pytest.mark.parametrize(("written", "expected"), [
    # Clause 20.2.2 to 20.2.14: Null, Boolean, Unsigned, Integer, Real, Enumerated, Object identifier.
    ("00", Tag(0, is_context=False)),
    ("10", Tag(1, is_context=False, length=0)),
    ("11", Tag(1, is_context=False, length=1)),
    ("21 48", Tag(2, is_context=False, data=b"\x48", length=1)),
    ("31 48", Tag(3, is_context=False, data=b"\x48", length=1)),
    ("44 42 90 00 00", Tag(4, is_context=False, data=b"\x42\x90\x00\x00", length=4)),
    ("91 00", Tag(9, is_context=False, data=b"\x00", length=1)),
    ("c4 00 c0 00 0f", Tag(12, is_context=False, data=b"\x00\xc0\x00\x0f", length=4)),
    # Clause 20.2.1.2 and 20.2.1.3: numbers of 15 and more, lengths of 5 and more.
    ("f9 1b 01", Tag(27, is_context=True, data=b"\x01", length=1)),
    ("55 08 40 52 00 00 00 00 00 00", Tag(5, is_context=False, data=bytes.fromhex("4052000000000000"), length=8)),
    ("2e", Tag(2, is_context=True, form=OPENING)),
    ("2f", Tag(2, is_context=True, form=CLOSING)),
])  # fmt: skip
def test_examples_of_the_standard_are_read(written: str, expected: Tag) -> None:
    assert parse(bytes.fromhex(written)) == [expected]


@pytest.mark.parametrize("broken", ["44 42 90", "21", "55", "75 fe 01", "f9", "06", "75 ff 00 00 01 00 00"])
def test_what_is_no_tag_is_refused(broken: str) -> None:
    with pytest.raises(TagError):
        parse(bytes.fromhex(broken))


@given(st.binary(max_size=40))
def test_any_bytes_are_tags_or_refused(data: bytes) -> None:
    try:
        found = parse(data)
    except TagError:
        return
    assert all(one.number < 256 for one in found)


primitive = st.builds(
    lambda number, data, is_context: (number, data, is_context),
    st.integers(2, 14),
    st.binary(max_size=253),
    st.booleans(),
)


@given(st.lists(primitive, max_size=6))
def test_tags_written_are_the_librarys_and_are_read_back(wanted: list[tuple[int, bytes, bool]]) -> None:
    data = b"".join(tag(number, content, is_context=is_context) for number, content, is_context in wanted)
    theirs: Any = TagList.decode(PDUData(data))
    assert [(int(one.tag_number), bytes(one.tag_data)) for one in theirs] == [(n, d) for n, d, _ in wanted]
    assert bytes(theirs.encode().pduData) == data
    assert [(one.number, one.data, one.is_context) for one in parse(data)] == wanted


def test_what_stands_in_brackets_is_found_and_nothing_else() -> None:
    tags = parse(bytes.fromhex("09 01 1e 29 02 2e 39 03 2f 1f 1e 49 04 1f"))
    assert [one.data for one in inside(tags, 1) or []] == [b"\x02", b"", b"\x03", b""]
    assert inside(tags, 2) is None, "brackets within other brackets are another structure's"
    assert inside(parse(bytes.fromhex("1e 29 02")), 1) is None, "brackets without an end hold nothing"
