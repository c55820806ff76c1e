"""Devices in PostgreSQL: who answers, since when, and why not."""

from collections.abc import Mapping, Sequence
from typing import Final

import asyncpg

from cityhall_bms.adapters.device_fold import device_state
from cityhall_bms.adapters.postgres.connection import translated
from cityhall_bms.adapters.postgres.sql import load
from cityhall_bms.domain.errors import EventLogUnavailableError
from cityhall_bms.domain.events import StoredEvent
from cityhall_bms.ports.read_models import DeviceState

QUERIES: Final = load("devices.sql")


class DevicesProjection:
    """Table ``device_state``."""

    name = "devices"
    tables = ("device_state",)

    async def apply(self, connection: asyncpg.Connection, entries: Sequence[StoredEvent]) -> None:
        """Keep the newest word about each device."""
        newest: dict[str, tuple[DeviceState, int]] = {}
        for entry in entries:
            state = device_state(entry)
            if state is not None:
                newest[state.device] = (state, entry.position)
        if newest:
            await connection.execute(
                QUERIES["store"],
                list(newest),
                [state.state for state, _ in newest.values()],
                [state.since for state, _ in newest.values()],
                [state.reason for state, _ in newest.values()],
                [position for _, position in newest.values()],
            )


class PostgresDeviceView:
    """What :class:`DevicesProjection` keeps. ``EventLogUnavailableError`` when the database cannot be reached."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def states(self) -> Mapping[str, DeviceState]:
        """By device name; a device that never reported is absent."""
        with translated(EventLogUnavailableError):
            rows = await self._pool.fetch(QUERIES["states"])
        return {row["device"]: DeviceState(*row) for row in rows}
