"""Alarms and devices as they stood, from what the projections keep of every event."""

from typing import Final

import asyncpg

from cityhall_bms.adapters.alarm_fold import order_key
from cityhall_bms.adapters.device_fold import TYPES, device_state
from cityhall_bms.adapters.postgres.alarms_view import alarm_of
from cityhall_bms.adapters.postgres.connection import translated
from cityhall_bms.adapters.postgres.event_log import stored_event
from cityhall_bms.adapters.postgres.sql import load
from cityhall_bms.domain.errors import EventLogUnavailableError
from cityhall_bms.ports.past import StoodThen

QUERIES: Final = load("past.sql")


class PostgresPastView:
    """See :class:`~cityhall_bms.ports.past.PastView`."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def stood(self, at: int) -> StoodThen:
        """Alarms and devices by a time of the event log, in one moment of the database."""
        with translated(EventLogUnavailableError):
            async with (
                self._pool.acquire() as connection,
                connection.transaction(isolation="repeatable_read", readonly=True),
            ):
                position: int = await connection.fetchval(QUERIES["position_at"], at)
                alarms = await connection.fetch(QUERIES["alarms_at"], position)
                devices = await connection.fetch(QUERIES["devices_at"], position, sorted(TYPES))
        states = [state for row in devices if (state := device_state(stored_event(row))) is not None]
        return StoodThen(
            position,
            sorted((alarm_of(row["alarm"]) for row in alarms), key=order_key),
            {state.device: state for state in states},
        )
