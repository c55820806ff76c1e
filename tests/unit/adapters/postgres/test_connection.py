"""What of PostgreSQL's failures is an outage."""

import asyncio

import asyncpg
import pytest

from cityhall_bms.adapters.postgres.connection import translated
from cityhall_bms.domain.errors import HistoryUnavailableError


async def test_a_lost_connection_is_an_outage() -> None:
    msg = "gone"
    with pytest.raises(HistoryUnavailableError, match=msg), translated(HistoryUnavailableError):
        raise asyncpg.InterfaceError(msg)


async def test_a_cancellation_that_the_library_turned_into_an_error_is_no_outage_to_wait_for() -> None:
    async def waits_out_every_outage() -> None:
        while True:
            try:
                with translated(HistoryUnavailableError):
                    await _cancelled_in_the_middle_of_a_copy()
            except HistoryUnavailableError:
                continue

    task = asyncio.create_task(waits_out_every_outage())
    await asyncio.sleep(0)
    task.cancel()
    done, _ = await asyncio.wait([task], timeout=2.0)
    still_waiting = not done
    task.cancel()
    assert not still_waiting
    assert task.cancelled()


async def _cancelled_in_the_middle_of_a_copy() -> None:
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        msg = "cannot switch to state 15; another operation (2) is in progress"
        raise asyncpg.InterfaceError(msg) from None
