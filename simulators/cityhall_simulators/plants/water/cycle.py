"""Two-point control: something gathers until a switch starts its removal, and is removed until another stops it."""

import numpy as np

from cityhall_simulators.plants.common import Column, Mask

_NEVER = 1e-6
"""Rate per hour that stands for none: a cycle takes years."""


def two_point(
    gathered: Column, on: Mask, gathering: Column, removing: Column, start: Column | float, dt_h: float
) -> tuple[Column, Mask]:
    """What is gathered after ``dt_h`` hours, and whether removal is on then.

    ``gathered`` is 0 where removal stops, ``start`` where it begins; ``gathering`` and ``removing`` are constant rates
    per hour. Any number of cycles may pass: the answer is exact for any step.
    """
    on = (on & (gathered > 0.0)) | (gathered >= start)
    emptying = removing - gathering
    up, down = np.maximum(gathering, _NEVER), np.maximum(emptying, _NEVER)
    idle_h, busy_h = start / up, start / down
    phase_h = np.where(on, idle_h + (start - gathered) / down, gathered / up) + dt_h
    cycles = np.maximum(np.floor(phase_h / (idle_h + busy_h)), 0.0)
    phase_h = phase_h - cycles * (idle_h + busy_h)
    on_now = (phase_h >= idle_h) | (on & (cycles == 0.0))
    after = np.where(on_now, start - (phase_h - idle_h) * np.where(emptying > 0.0, down, emptying), phase_h * up)
    # No cycle at all: removal that runs and cannot keep up, or something else that empties it.
    overwhelmed, drained = on & (emptying <= 0.0), ~on & (gathering <= 0.0)
    after = np.where(overwhelmed, gathered - emptying * dt_h, np.where(drained, gathered + gathering * dt_h, after))
    return after, overwhelmed | (on_now & ~drained)


def part_within(hour: float, dt_s: float, begin: float, end: float) -> float:
    """Part of the step that ends at ``hour`` which lies between two hours of the same day, 0..1."""
    overlap_h = min(hour, end) - max(hour - dt_s / 3600.0, begin)
    return min(max(overlap_h * 3600.0 / dt_s, 0.0), 1.0)
