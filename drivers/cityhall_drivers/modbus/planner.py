"""Which requests read a set of points: pure decisions over addresses."""

import itertools
from collections.abc import Sequence
from typing import Final

from cityhall_drivers.modbus.codec import Block, Item
from cityhall_drivers.modbus.config import BITS_MAX

BITS_PER_REGISTER: Final = 16


def plan_blocks(items: Sequence[Item], registers_max: int, gap_max: int) -> list[Block]:
    """Cover every item by exactly one block.

    No block asks for more than ``registers_max`` registers (2,000 bits), but that one value is never cut; no more than
    ``gap_max`` unread registers (16 times as many bits) in a row are read along to save a request.
    """
    blocks: list[Block] = []
    places = sorted(range(len(items)), key=lambda place: (items[place].table, items[place].start, items[place].end))
    for table, group in itertools.groupby(places, key=lambda place: items[place].table):
        size_max = BITS_MAX if table.is_bits else registers_max
        gap = gap_max * BITS_PER_REGISTER if table.is_bits else gap_max
        members: list[int] = []
        end = 0
        for place in group:
            item = items[place]
            bridged = item.start - end <= gap
            if members and not (bridged and max(item.end, end) - items[members[0]].start <= size_max):
                blocks.append(block_of(items, members))
                members, end = [], 0
            members.append(place)
            end = max(end, item.end)
        blocks.append(block_of(items, members))
    return blocks


def block_of(items: Sequence[Item], members: Sequence[int]) -> Block:
    """Give the block that covers these items, which are of one table and sorted by start."""
    start = items[members[0]].start
    end = max(items[member].end for member in members)
    return Block(items[members[0]].table, start, end - start, tuple(members))


def split(block: Block, items: Sequence[Item]) -> tuple[Block, Block] | None:
    """Cut a refused block near its middle, between values; none when there is but one place to ask for."""
    cuts, end = [], items[block.members[0]].end
    for number, member in enumerate(block.members[1:], start=1):
        if items[member].start >= end:
            cuts.append(number)
        end = max(end, items[member].end)
    if not cuts:
        return None
    cut = min(cuts, key=lambda number: abs(2 * number - len(block.members)))
    return block_of(items, block.members[:cut]), block_of(items, block.members[cut:])


def overlaps(items: Sequence[Item]) -> list[tuple[int, int]]:
    """Give the pairs of items that share registers in a way that cannot be meant.

    Two readings of the same registers may be meant (raw and scaled), and so may bits of an integer. A number that
    starts inside another, or a bit of a float, is a slip of the map. Each wrong item is named once.
    """
    found = []
    places = sorted(range(len(items)), key=lambda place: (items[place].table, items[place].start, -items[place].end))
    for _, group in itertools.groupby(places, key=lambda place: items[place].table):
        reach: list[int] = []
        for place in group:
            reach = [other for other in reach if items[other].end > items[place].start]
            clash = next((other for other in reach if not _may_share(items[other], items[place])), None)
            if clash is not None:
                found.append((clash, place))
            reach.append(place)
    return found


def _may_share(one: Item, other: Item) -> bool:
    if (one.start, one.end) == (other.start, other.end):
        return True
    bit, whole = (one, other) if one.bit is not None else (other, one)
    return bit.bit is not None and not whole.type.startswith("float")
