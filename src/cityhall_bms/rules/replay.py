"""The past through the engine that runs live: samples of history, laid out tick by tick, to its proposals."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.ports.history import Window
from cityhall_bms.ports.rule_history import PastSamples, RuleHistory
from cityhall_bms.rules.binding import Binding
from cityhall_bms.rules.blocks import run_block
from cityhall_bms.rules.engine import COUNTED_MAX_S, Engine, EngineState, Proposal, RuleFailure, Step
from cityhall_bms.rules.grid import Block, Grid

CELLS_MAX: Final = 4_000_000
"""Ticks times points that are laid out at once."""
TICKS_MAX: Final = 10_080
TICKS_MIN: Final = 60
COARSE_SCANS: Final = 3
"""A value of a history with a longer interval than the point's own stands for so many intervals."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """One stretch of a replay."""

    block: Block
    proposals: tuple[Proposal, ...]
    failures: tuple[RuleFailure, ...]
    samples: int


def for_history(binding: Binding, step_us: int) -> Binding:
    """Binding for samples that are ``step_us`` apart: what is due only then is not late before."""
    least = COARSE_SCANS * step_us
    return replace(
        binding,
        quiet_us=np.maximum(binding.quiet_us, least),
        silent_us=np.maximum(binding.silent_us, least),
    )


class Replay:
    """Runs one binding over a stretch of the past, a tick every ``step_us``; ``state`` is the engine's at the end."""

    def __init__(self, binding: Binding, history: RuleHistory, step_us: int) -> None:
        self._binding = for_history(binding, step_us)
        self._history = history
        self._step_us = step_us
        self.engine = Engine(self._binding, counted_max_s=max(COUNTED_MAX_S, 1.5 * step_us / 1e6))
        self.state: EngineState = self.engine.start()

    async def run(self, window: Window) -> AsyncIterator[Replayed]:
        """Replay the ticks of a window, block by block; the first tick is at its start."""
        points = self._binding.point_ids
        ids = np.unique(points).tolist()
        grid = Grid(points)
        stretches = self._stretches(window, len(points))
        ends = [window.start - int(self._binding.quiet_us.max(initial=0)), *(int(at[-1]) + 1 for at in stretches)]
        windows = [Window(start, end) for start, end in pairwise(ends)]
        samples = await self._read(ids, windows[:1])
        for number, at in enumerate(stretches, 1):
            try:
                # History answers for the next stretch while this one is run.
                async with asyncio.TaskGroup() as tasks:
                    ahead = tasks.create_task(self._read(ids, windows[number : number + 1]))
                    running = tasks.create_task(asyncio.to_thread(self._run, grid, samples, at))
            except ExceptionGroup as group:
                raise group.exceptions[0] from group
            block, ran = running.result()
            self.state = ran.state
            yield Replayed(block, ran.proposals, ran.failures, len(samples))
            samples = ahead.result()

    def _stretches(self, window: Window, points: int) -> list[NDArray[np.int64]]:
        """Ticks of each block."""
        ticks = int(min(TICKS_MAX, max(TICKS_MIN, CELLS_MAX // max(points, 1))))
        edges = range(window.start, window.end, ticks * self._step_us)
        return [np.arange(start, min(start + edges.step, window.end), self._step_us, dtype=np.int64) for start in edges]

    async def _read(self, points: Sequence[int], windows: Sequence[Window]) -> PastSamples:
        """Samples of the window, if there is one."""
        return await self._history.samples_of(points, windows[0]) if windows else PastSamples.none()

    def _run(self, grid: Grid, samples: PastSamples, at: NDArray[np.int64]) -> tuple[Block, Step]:
        block = grid.lay(samples, at)
        return block, run_block(self.engine, self.state, block)
