"""The historian's loop against logs in memory: what must never be forgotten."""

import asyncio
from collections.abc import Sequence

import pytest
from tests.support.batches import batch
from tests.support.manual_clock import ManualClock

from cityhall_bms.adapters.memory import MemoryEventLog
from cityhall_bms.adapters.memory_telemetry import MemoryTelemetryLog
from cityhall_bms.domain.errors import HistoryUnavailableError
from cityhall_bms.historian.historian import Historian, HistorianOptions
from cityhall_bms.ports.history import Latest
from cityhall_bms.ports.telemetry_log import LoggedBatch

HOUR_S = 3600.0


class CountingHistory:
    """Stores nothing but positions."""

    samples_stored = 0

    def __init__(self) -> None:
        self.positions: list[int] = []
        self.tidied = 0

    async def store(self, logged: Sequence[LoggedBatch]) -> None:
        self.positions += [entry.position for entry in logged]

    async def progress(self) -> Latest:
        raise NotImplementedError

    async def gap_due(self, found_before: int) -> None:
        return None

    async def recompute(self) -> bool:
        return False

    async def tidy(self) -> bool:
        self.tidied += 1
        return False

    async def prepare(self, days: int) -> None:
        """Nothing needs room."""


async def test_positions_of_a_lost_log_never_make_the_new_one_forget(capsys: pytest.CaptureFixture[str]) -> None:
    clock = ManualClock()
    telemetry = MemoryTelemetryLog(clock)
    history = CountingHistory()
    historian = Historian(telemetry, history, MemoryEventLog(clock), clock, HistorianOptions(replay_s=6 * HOUR_S))
    historian._resume = _from_the_start
    for sequence in range(1, 51):
        await telemetry.publish(batch(sequence))
    running = asyncio.create_task(historian.run())
    await clock.advance(60.0)
    assert historian.position == 50

    telemetry._kept.clear()
    telemetry._end = 0
    await clock.advance(30.0)
    assert capsys.readouterr().out.count("telemetry_log_recreated") == 1
    for minute in range(1, 20):
        await telemetry.publish(batch(1_000 + minute, epoch=2))
        await clock.advance(HOUR_S / 3)
    running.cancel()

    assert history.positions == [*range(1, 51), *range(1, 20)]
    assert history.tidied > 19, "what devices sent is packed, and let go of in time"
    kept = [entry.sequence for entry in telemetry.batches()]
    assert kept[-17:] == list(range(1_003, 1_020)), "six hours are kept for those who replay"


async def _from_the_start() -> int:
    return 0


async def test_pain_18_a_crowded_log_is_relieved_of_what_is_stored_and_of_nothing_else() -> None:
    clock = ManualClock()
    telemetry, history = MemoryTelemetryLog(clock), CountingHistory()
    historian = Historian(telemetry, history, MemoryEventLog(clock), clock, HistorianOptions(replay_s=6 * HOUR_S))
    historian._resume = _from_the_start
    running = asyncio.create_task(historian.run())
    for minute in range(30):
        await telemetry.publish(batch(minute))
        await clock.advance(60.0)
    assert len(telemetry.batches()) == 30
    telemetry.fill = 0.6
    await clock.advance(15.0)
    assert 10 <= len(telemetry.batches()) <= 20, "the older half is let go of"
    history.store = _never
    for minute in range(30, 40):
        await telemetry.publish(batch(minute))
        await clock.advance(60.0)
    running.cancel()
    assert {30, 39} <= {entry.sequence for entry in telemetry.batches()}, "nothing is stored of these"


async def _never(_: Sequence[LoggedBatch]) -> None:
    msg = "the database is away"
    raise HistoryUnavailableError(msg)
