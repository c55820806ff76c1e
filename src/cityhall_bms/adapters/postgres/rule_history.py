"""Samples for backtests, late judgements and the warming of windows."""

from collections.abc import Sequence

import asyncpg
import numpy as np

from cityhall_bms.adapters.postgres import samples as reading
from cityhall_bms.adapters.postgres.connection import translated
from cityhall_bms.domain.errors import HistoryUnavailableError
from cityhall_bms.ports.history import Window
from cityhall_bms.ports.rule_history import PastSamples


class PostgresRuleHistory:
    """See :class:`~cityhall_bms.ports.rule_history.RuleHistory`."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def samples_of(self, points: Sequence[int], window: Window) -> PastSamples:
        """Samples that stand, by point and time."""
        with translated(HistoryUnavailableError):
            async with self._pool.acquire() as connection:
                found = await reading.of_points_at_length(connection, points, window)
        return PastSamples(found.point.astype(np.int64), found.at, found.value, found.quality)
