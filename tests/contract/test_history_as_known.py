"""The record as it was known: to the bit what would have been answered then, whatever came later."""

import random
from collections.abc import Sequence
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from tests.support.histories import HOUR, MINUTE, SECOND, T0, history_on, logged
from tests.support.manual_clock import ManualClock
from tests.support.reference_rollup import Heard, figure, reference

from cityhall_bms.adapters.postgres.history import PostgresHistory
from cityhall_bms.domain.quality import Quality
from cityhall_bms.historian.intervals import interval_edges
from cityhall_bms.ports.history import Aggregation, Series, Window
from cityhall_bms.ports.telemetry_log import LoggedBatch

DAY = 24 * HOUR
INTERVALS = ("10s", "15m", "1h", "6h", "1d", "1mo")

Recorded = tuple[int, int, float, int, int]
"""Point, time, value, quality, recorded at."""


def happened(seed: int, begin: int, hours: int) -> list[Recorded]:
    """Polls of two points; some come hours late, some are restated by others a day later."""
    chance = random.Random(seed)
    rows: list[Recorded] = []
    for number in range(hours * 6):
        at = begin + number * 10 * MINUTE + chance.randrange(MINUTE)
        late = chance.choice([SECOND] * 8 + [3 * HOUR, 9 * HOUR])
        for point in (3, 40):
            quality = chance.choice([0] * 9 + [int(Quality.UNCERTAIN_SPIKE), int(Quality.BAD_TIMEOUT)])
            rows.append((point, at, chance.uniform(-5.0, 50.0), quality, at + late))
            if chance.random() < 0.1:
                rows.append((point, at, chance.uniform(-5.0, 50.0), 0, at + DAY))
    return rows


def batches_of(rows: Sequence[Recorded]) -> list[LoggedBatch]:
    """A batch for each row, in the order in which they were recorded."""
    ordered = sorted(rows, key=lambda row: (row[4], row[1], row[0]))
    return [logged(number, [row[:4]], recorded_at=row[4]) for number, row in enumerate(ordered, 1)]


def set_to(clock: ManualClock, at: int) -> None:
    clock.jump((at - clock.now()) / 1e6)


async def stored(history: PostgresHistory, batches: Sequence[LoggedBatch], clock: ManualClock) -> None:
    for begin in range(0, len(batches), 60):
        part = batches[begin : begin + 60]
        set_to(clock, max(clock.now(), part[-1].batch.recorded_at))
        await history.store(part)
    while await history.recompute():
        pass


async def answers(
    history: PostgresHistory, window: Window, zone: str, known_at: int | None = None
) -> dict[tuple[int, str, str], list[bytes]]:
    """All there is to ask, as bytes."""
    found: dict[tuple[int, str, str], list[bytes]] = {}
    for point in (3, 40):
        samples = await history.samples(point, window, 10_000, known_at)
        found[point, "", ""] = _bytes(samples)
        for interval in INTERVALS:
            short = window if interval != "10s" else Window(window.start + 5 * HOUR, window.start + 8 * HOUR)
            for aggregation in (Aggregation.MEAN, Aggregation.DELTA):
                series = await history.intervals(point, short, interval, aggregation, zone, known_at)
                found[point, interval, aggregation] = _bytes(series)
    return found


def _bytes(series: Series) -> list[bytes]:
    columns = [series.at, series.value, series.quality]
    return [column.tobytes() for column in (columns if series.coverage is None else [*columns, series.coverage])]


async def test_what_was_answered_is_answered_for_ever(database_url: str) -> None:
    rows = happened(1, T0, hours=28)
    batches = batches_of(rows)
    window = Window(T0 - HOUR, T0 + 29 * HOUR)
    clock = ManualClock(T0)
    then: dict[int, dict[tuple[int, str, str], list[bytes]]] = {}
    async with history_on(database_url, clock) as history:
        begun = 0
        for hours in (7, 26):
            moment = T0 + hours * HOUR + 17 * MINUTE
            known = sum(batch.batch.recorded_at <= moment for batch in batches)
            await stored(history, batches[begun:known], clock)
            begun = known
            set_to(clock, moment)
            then[moment] = await answers(history, window, "Asia/Taipei")
        await stored(history, batches[begun:], clock)
        set_to(clock, T0 + 80 * HOUR)
        now = await answers(history, window, "Asia/Taipei")
        assert all(answer != now for answer in then.values()), "nothing came later: this test proved nothing"
        for moment, answer in then.items():
            again = await answers(history, window, "Asia/Taipei", moment)
            assert {key for key in answer if answer[key] != again[key]} == set()
        assert await answers(history, window, "Asia/Taipei", clock.now()) == now


@pytest.mark.parametrize(
    ("zone", "midnight", "hours"),
    [
        ("Europe/Berlin", 1_774_738_800_000_000, 23.0),
        ("Europe/Berlin", 1_792_879_200_000_000, 25.0),
        ("America/New_York", 1_772_946_000_000_000, 23.0),
        ("America/New_York", 1_793_505_600_000_000, 25.0),
        ("Australia/Lord_Howe", 1_775_307_600_000_000, 24.5),
        ("Asia/Taipei", 1_774_713_600_000_000, 24.0),
    ],
)
async def test_days_are_as_long_as_they_were_also_as_known_then(
    postgres_url: str, zone: str, midnight: int, hours: float
) -> None:
    rows = [row for row in happened(5, midnight - 6 * HOUR, hours=32) if row[0] == 3]
    clock = ManualClock(midnight - DAY)
    window = Window(midnight, midnight + round(hours * HOUR))
    async with history_on(postgres_url, clock, zone) as history:
        await stored(history, batches_of(rows), clock)
        set_to(clock, midnight + 100 * HOUR)
        for known_at in (None, midnight + 27 * HOUR):
            heard = _heard([row for row in rows if known_at is None or row[4] <= known_at])
            for interval in ("1h", "12h", "1d"):
                edges = interval_edges(window, interval, ZoneInfo(zone)).tolist()
                for aggregation in Aggregation:
                    series = await history.intervals(3, window, interval, aggregation, zone, known_at)
                    assert series.at.tolist() == edges[:-1]
                    expected = [figure(reference(heard, begin, end), aggregation) for begin, end in pairwise(edges)]
                    np.testing.assert_allclose(series.value, expected, rtol=1e-9, atol=1e-9)
        day = await history.intervals(3, window, "1d", Aggregation.COUNT, zone)
        assert len(day.at) == 1
        assert (interval_edges(window, "1d", ZoneInfo(zone))[-1] - midnight) / HOUR == hours


def _heard(rows: Sequence[Recorded]) -> list[Heard]:
    """Of one time the sample that was recorded last stands last."""
    ordered = sorted((row for row in rows if row[0] == 3), key=lambda row: (row[1], row[4]))
    return [Heard(at, value, quality < 0x40) for _, at, value, quality, _ in ordered]
