"""The requests of one scan class, and what was learnt about them: refused registers, silent blocks. No network."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.domain.batch import Readings
from cityhall_bms.domain.quality import Quality
from cityhall_bms.ports.driver import BoundPoint
from cityhall_drivers.modbus.codec import Block, Item, Layout, item_of
from cityhall_drivers.modbus.config import ModbusConfig
from cityhall_drivers.modbus.planner import plan_blocks, split
from cityhall_drivers.modbus.raw import frame

RETEST_MIN_S: Final = 60.0
RETEST_MAX_S: Final = 3600.0
"""Registers that a device refused are tried again after a minute, then ever more rarely."""
SILENCES_MAX: Final = 5
"""So many scans in a row a block may be met with silence, while others are answered; then it is set aside as well."""


class ModbusPlan:
    """Points of one unit that are read together. Learns; belongs to one driver."""

    def __init__(self, bound: Sequence[BoundPoint], config: ModbusConfig) -> None:
        """Compile; :class:`~cityhall_drivers.modbus.codec.MistakeError` for a point that ``check`` would refuse."""
        self._points = np.array([one.point_id for one in bound], dtype=np.uint32)
        self._items: list[Item] = [item_of(one.point) for one in bound]
        self._first = plan_blocks(self._items, config.registers_per_request_max, config.gap_max)
        self._blocks = list(self._first)
        self._layout: Layout | None = None
        self._unasked = np.full(len(self._items), Quality.BAD_REFUSED, dtype=np.uint8)
        self._silences: dict[Block, int] = {}
        self._retest_wait_s = RETEST_MIN_S
        self._retest_at_s: float | None = None

    @property
    def points(self) -> NDArray[np.uint32]:
        """Point ids, in the order of every reading."""
        return self._points

    @property
    def requests(self) -> int:
        """Requests of one read."""
        return len(self._blocks)

    def start(self, now_s: float) -> list[Block]:
        """Give the blocks to ask for; forgets refusals whose time has come.

        Where everything is refused, one whole block is asked for all the same: its refusal proves the unit alive.
        """
        if self._retest_at_s is not None and now_s >= self._retest_at_s:
            self._replace(list(self._first))
            self._retest_at_s = None
        return list(self._blocks) or self._first[:1]

    def refuse(self, block: Block, now_s: float, *, divisible: bool) -> tuple[Block, ...]:
        """Learn that a block was refused: give the two halves to ask for instead, or none when it is a hole now."""
        if block not in self._blocks:
            return ()
        halves = (split(block, self._items) if divisible else None) or ()
        place = self._blocks.index(block)
        self._replace([*self._blocks[:place], *halves, *self._blocks[place + 1 :]])
        if not halves:
            self._set_aside(block, now_s, Quality.BAD_REFUSED)
        return halves

    def silent(self, block: Block, now_s: float, *, alive: bool) -> None:
        """Learn that a block was met with silence: next time the others go first, and prove the unit alive.

        ``alive``: they did so in this scan. After :data:`SILENCES_MAX` such scans the block is a hole like a refused
        one: it would cost the unit's whole medium a time-out per scan for ever.
        """
        if block not in self._blocks:
            return
        others = [other for other in self._blocks if other is not block]
        self._silences[block] = self._silences.get(block, 0) + alive
        if self._silences[block] >= SILENCES_MAX:
            self._replace(others)
            self._set_aside(block, now_s, Quality.BAD_TIMEOUT)
        else:
            self._replace([*others, block])

    def _set_aside(self, block: Block, now_s: float, quality: Quality) -> None:
        self._unasked[list(block.members)] = quality
        self._silences.pop(block, None)
        if self._retest_at_s is None:
            self._retest_at_s = now_s + self._retest_wait_s
            self._retest_wait_s = min(2 * self._retest_wait_s, RETEST_MAX_S)

    @property
    def items(self) -> Sequence[Item]:
        """Points as their unit holds them, in the order of ``points``."""
        return self._items

    @property
    def blocks(self) -> Sequence[Block]:
        """Requests of one read while nothing is refused."""
        return self._first

    def readings(self, answers: Mapping[Block, bytes | Quality], observed_at: int) -> Readings:
        """Decode one scan, all at one time; a block without an answer was not answered in time.

        What was answered stays with it as it came. Where everything had been refused and the proof of life was
        answered, everything is asked for next time.
        """
        if self._layout is None:
            self._layout = Layout(self._items, self._blocks, self._unasked)
        values, quality = self._layout.decode([answers.get(block, Quality.BAD_TIMEOUT) for block in self._blocks])
        if self._silences:
            self._silences = {block: count for block, count in self._silences.items() if block not in answers}
        if not self._blocks and any(isinstance(answer, bytes) for answer in answers.values()):
            self._replace(list(self._first))
        raw = b"".join(frame(block, data) for block, data in answers.items() if isinstance(data, bytes))
        at = np.full(len(values), observed_at, dtype=np.int64)
        return Readings(self._points, at, values, quality, raw=raw)

    def _replace(self, blocks: list[Block]) -> None:
        self._blocks = blocks
        self._layout = None
