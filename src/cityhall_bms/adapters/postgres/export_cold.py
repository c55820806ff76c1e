# ruff: noqa: ARG001 - the answers do not depend on what is asked, while all samples lie in ``scan``
"""Samples of exports that no longer lie in table ``scan``: there are none, all lie there."""

from collections.abc import Sequence

import asyncpg

from cityhall_bms.ports.history import Window


async def into_temp(connection: asyncpg.Connection, window: Window, points: Sequence[int], known_at: int) -> None:
    """Put the samples of a slice into the temporary table ``cold_sample``, in place of those before."""


async def expected(connection: asyncpg.Connection, window: Window, points: Sequence[int]) -> int:
    """How many samples of a window there are at most."""
    return 0


async def seen_again(connection: asyncpg.Connection, window: Window, points: Sequence[int]) -> int | None:
    """Time (µs UTC) of the first sample in a window; none when there is none."""
    return None
