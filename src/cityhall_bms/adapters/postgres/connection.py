"""Connections to PostgreSQL, and the translation of their failures."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import asyncpg

from cityhall_bms.domain.errors import CityHallError

CONNECT_TIMEOUT_S: Final = 5.0
COMMAND_TIMEOUT_S: Final = 30.0
IDLE_IN_TRANSACTION_MAX_S: Final = 30

OUTAGES: Final = (
    OSError,  # refused, reset, unreachable, and every time-out
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,  # asyncpg's word for "the connection has gone in the meantime"
    asyncpg.InternalClientError,
    asyncpg.InsufficientResourcesError,  # disk full, too many connections
    asyncpg.OperatorInterventionError,  # shutting down, starting up
    asyncpg.TransactionRollbackError,  # deadlock, serialisation: gone after another try
    asyncpg.ReadOnlySQLTransactionError,  # a standby after a failover
    asyncpg.InvalidCatalogNameError,  # the database is not there yet
)
"""What may be better after a while; everything else is a mistake of ours and is not translated."""

SETTINGS: Final = {
    "application_name": "cityhall-bms",
    "timezone": "UTC",
    "jit": "off",
    # A site may have switched it off for the whole server; what we confirm must be on disk.
    "synchronous_commit": "on",
    # A writer that froze in a transaction must not hold the log's lock for ever.
    "idle_in_transaction_session_timeout": f"{IDLE_IN_TRANSACTION_MAX_S}s",
}


@contextmanager
def translated(error_class: type[CityHallError]) -> Iterator[None]:
    """Turn every failure that may pass (server away, disk full, deadlock) into ``error_class``."""
    try:
        yield
    except OUTAGES as error:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            # Cancelled in the middle of a COPY, asyncpg fails in its own clean-up, and that error takes the place of
            # the cancellation. Taken for an outage it would be waited for by a task that nobody cancels again.
            raise asyncio.CancelledError from error
        msg = f"PostgreSQL: {error or type(error).__name__}"
        raise error_class(msg) from error


async def open_pool(
    dsn: str, *, connections_max: int = 8, command_timeout_s: float | None = COMMAND_TIMEOUT_S
) -> asyncpg.Pool:
    """Make a pool; it connects when it is first used and again by itself after every outage.

    ``dsn`` may name a host and port, or the folder of a Unix socket (``postgresql://user@/name?host=/folder``).
    """
    return await asyncpg.create_pool(
        dsn,
        min_size=0,
        max_size=connections_max,
        timeout=CONNECT_TIMEOUT_S,
        command_timeout=command_timeout_s,
        server_settings=SETTINGS,
    )


async def connect(dsn: str, *, command_timeout_s: float | None = COMMAND_TIMEOUT_S) -> asyncpg.Connection:
    """Open one connection with the same settings as the pool's."""
    return await asyncpg.connect(
        dsn, timeout=CONNECT_TIMEOUT_S, command_timeout=command_timeout_s, server_settings=SETTINGS
    )
