"""Scans as devices sent them, for whoever looks at one value."""

from collections.abc import Sequence

import asyncpg

from cityhall_bms.adapters.postgres import raw_scans
from cityhall_bms.adapters.postgres.connection import translated
from cityhall_bms.domain.errors import HistoryUnavailableError
from cityhall_bms.historian.intervals import HOUR_US
from cityhall_bms.ports.history import Window


class PostgresSentScans:
    """See :class:`~cityhall_bms.ports.sent.SentScans`."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def latest(self, device: str, at: int) -> Sequence[tuple[int, bytes]]:
        """Scans of the hour until a moment, the newest first; it may reach into two hours of the table."""
        with translated(HistoryUnavailableError):
            async with self._pool.acquire() as connection:
                hours = await raw_scans.hours_of(connection, device, Window(max(at - HOUR_US, 0), at + 1))
                for hour in reversed(hours):
                    if scans := await raw_scans.scans_of(connection, device, hour):
                        return scans[::-1]
        return []
