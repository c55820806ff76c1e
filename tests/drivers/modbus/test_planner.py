"""Properties of the block planner."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityhall_drivers.modbus.codec import Item, Table
from cityhall_drivers.modbus.planner import overlaps, plan_blocks, split

TYPES = {1: "uint16", 2: "uint32", 4: "float64"}


@st.composite
def any_item(draw: st.DrawFn) -> Item:
    table = draw(st.sampled_from(list(Table)))
    width = 1 if table.is_bits else draw(st.sampled_from([1, 2, 4]))
    start = draw(st.integers(0, 600) | st.integers(65000, 65536 - width))
    return Item(table, start, width, "bool" if table.is_bits else TYPES[width])


@given(st.lists(any_item(), max_size=120), st.integers(4, 125), st.integers(0, 124))
def test_every_point_is_covered_exactly_once_within_the_limits(items: list[Item], size_max: int, gap_max: int) -> None:
    blocks = plan_blocks(items, size_max, gap_max)
    assert sorted(member for block in blocks for member in block.members) == list(range(len(items)))
    for block in blocks:
        members = [items[member] for member in block.members]
        assert {item.table for item in members} == {block.table}
        assert min(item.start for item in members) == block.start
        assert max(item.end for item in members) == block.start + block.count <= 65536
        assert block.count <= (2000 if block.table.is_bits else size_max)
        covered = {address for item in members for address in range(item.start, item.end)}
        gap = longest_gap(covered, block.start, block.start + block.count)
        assert gap <= gap_max * (16 if block.table.is_bits else 1)


def longest_gap(covered: set[int], start: int, end: int) -> int:
    longest = run = 0
    for address in range(start, end):
        run = 0 if address in covered else run + 1
        longest = max(longest, run)
    return longest


@given(st.lists(any_item(), min_size=1, max_size=60), st.integers(4, 125), st.integers(0, 124))
def test_halving_ends_at_places_that_cannot_be_cut_and_loses_no_point(
    items: list[Item], size_max: int, gap_max: int
) -> None:
    for block in plan_blocks(items, size_max, gap_max):
        waiting, ends = [block], []
        while waiting:
            halves = split(waiting[-1], items)
            last = waiting.pop()
            if halves is None:
                ends.append(last)
            else:
                assert halves[0].members + halves[1].members == last.members
                assert halves[0].start + halves[0].count <= halves[1].start
                waiting.extend(halves)
        assert sorted(member for end in ends for member in end.members) == sorted(block.members)


def test_neighbours_are_read_together_and_strangers_apart() -> None:
    items = [Item(Table.HOLDING, start, 1, "uint16") for start in (0, 5, 14, 24)]
    assert [(block.start, block.count) for block in plan_blocks(items, 125, 8)] == [(0, 15), (24, 1)]


def test_a_value_is_never_cut_even_where_the_limit_is_smaller() -> None:
    items = [Item(Table.INPUT, 0, 4, "float64"), Item(Table.INPUT, 4, 4, "float64")]
    assert [(block.start, block.count) for block in plan_blocks(items, 2, 8)] == [(0, 4), (4, 4)]


def bit(start: int, number: int) -> Item:
    return Item(Table.HOLDING, start, 1, "bool", bit=number)


U16, U32, F32 = (Item(Table.HOLDING, 10, width, kind) for width, kind in ((1, "uint16"), (2, "uint32"), (2, "float32")))


@pytest.mark.parametrize(
    "allowed",
    [
        [F32, F32],
        [bit(10, 0), bit(10, 0), bit(10, 15)],
        [U16, bit(10, 3)],
        [U32, bit(11, 3)],
        [U32, Item(Table.HOLDING, 12, 2, "uint32")],
        [U32, Item(Table.INPUT, 11, 2, "uint32")],
        [U32, F32],
    ],
)
def test_registers_may_be_shared_whole_or_as_bits(allowed: list[Item]) -> None:
    assert overlaps(allowed) == []
    assert overlaps(allowed[::-1]) == []


@pytest.mark.parametrize(
    "slip",
    [
        [U32, Item(Table.HOLDING, 11, 2, "uint32")],
        [U32, U16],
        [F32, Item(Table.HOLDING, 11, 1, "int16")],
        [F32, bit(11, 3)],
    ],
)
def test_a_number_inside_another_is_an_overlap(slip: list[Item]) -> None:
    assert len(overlaps(slip)) == 1
    assert sorted(overlaps(slip)[0]) == [0, 1]
    assert len(overlaps(slip[::-1])) == 1


@given(st.lists(any_item(), max_size=40))
def test_overlaps_names_exactly_the_items_that_start_inside_another_number(items: list[Item]) -> None:
    named = {second for _, second in overlaps(items)}
    clean = [item for place, item in enumerate(items) if place not in named]
    for one in clean:
        for other in clean:
            same = (one.table, one.start, one.end) == (other.table, other.start, other.end)
            apart = one.table != other.table or one.end <= other.start or other.end <= one.start
            assert same or apart
