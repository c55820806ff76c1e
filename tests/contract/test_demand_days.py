"""What is kept of a day's demand can be proven: a figure that somebody changed is found."""

import pytest
from tests.support.histories import HOUR, MINUTE, T0, history_on, logged
from tests.support.manual_clock import ManualClock

from cityhall_bms.adapters.postgres.connection import connect, open_pool
from cityhall_bms.adapters.postgres.demand_days import DemandDays, read
from cityhall_bms.adapters.postgres.verify_rollups import check_rollups
from cityhall_bms.domain.verification import Wrong
from cityhall_bms.ports.history import Window

DAY = 24 * HOUR
ZONE = "Asia/Taipei"
BEGIN = T0 - 8 * HOUR
"""Midnight in Taipei."""
POWER, SILENT = 64, 90


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE demand_day SET value[1] = value[1] - 1",
        "UPDATE demand_day SET quarter[1] = quarter[1] + 1",
        "UPDATE demand_day SET value[2] = 5",
    ],
)
async def test_a_kept_peak_that_was_changed_is_found(postgres_url: str, change: str) -> None:
    clock = ManualClock(BEGIN + 2 * DAY)
    rows = [
        (POWER, BEGIN + minute * MINUTE, 100.0 + (minute // 15 == 40) * 50.0 + minute / 1000, 0)
        for minute in range(2 * 24 * 60)
    ]
    async with history_on(postgres_url, clock) as history, await open_pool(postgres_url) as pool:
        await history.store([logged(1, rows[:1500]), logged(2, rows[1500:])])
        while await history.recompute():
            pass
        days = DemandDays(pool, clock, ZONE, [SILENT, POWER])
        kept = [await days.keep_one(), await days.keep_one()]
        assert kept[0] == BEGIN, "the day that is over"
        connection = await connect(postgres_url)
        try:
            [part] = await read(connection, Window(BEGIN, BEGIN + DAY))
            assert part.peaks.value[0].tolist()[0] == pytest.approx(150.607)
            assert part.peaks.when[0][0] == BEGIN + 40 * 15 * MINUTE
            window = Window(BEGIN - DAY, BEGIN + 2 * DAY)
            checked = await check_rollups(connection, window, lambda *_: None, every_hour=True)
            assert checked.fault is None, checked.fault
            await connection.execute(change)
            checked = await check_rollups(connection, window, lambda *_: None, every_hour=False)
        finally:
            await connection.close()
    assert checked.fault is not None
    assert (checked.fault.wrong, checked.fault.at) == (Wrong.ROLLUP_CHANGED, BEGIN)
    assert checked.fault.place in {f"demand point {POWER}", f"demand point {SILENT}"}
