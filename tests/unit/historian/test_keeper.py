"""The keeper packs what is over, gives back room, and waits out an outage."""

from datetime import date

import pytest
from tests.support.histories import T0
from tests.support.manual_clock import ManualClock

from cityhall_bms.adapters.memory import MemoryEventLog
from cityhall_bms.domain.errors import EventLogUnavailableError, HistoryUnavailableError
from cityhall_bms.historian.keeper import EXPIRE_EVERY_S, HistoryKeeper
from cityhall_bms.ports.keeping import Retention

TODAY = date(2026, 7, 1)


class Store:
    """Days with scans, and what was done with them."""

    def __init__(self, *days: date) -> None:
        self.hot = list(days)
        self.packed: list[date] = []
        self.busy = False
        self.away = False
        self.expired = 0
        self.due: date | None = None

    async def next_day(self, before: date) -> date | None:
        if self.away:
            msg = "away"
            raise HistoryUnavailableError(msg)
        return next((day for day in self.hot if day < before and day not in self.packed), None)

    async def pack(self, day: date, now: int) -> bool:
        if not self.busy:
            self.packed.append(day)
        return not self.busy

    async def empty_one(self, now: int) -> date | None:
        day = next((day for day in self.hot if day in self.packed), None)
        if day is not None:
            self.hot.remove(day)
        return day

    async def to_let_go(self, retention: Retention, now: int) -> date | None:
        return self.due

    async def expire(self, retention: Retention, now: int) -> int:
        self.expired += 1
        return 5


def keeper(store: Store, clock: ManualClock) -> HistoryKeeper:
    return HistoryKeeper(store, MemoryEventLog(clock), Retention(scans=2), clock)


async def test_days_older_than_the_latest_ones_are_packed_and_their_room_is_given_back() -> None:
    store = Store(date(2026, 6, 27), date(2026, 6, 28), date(2026, 6, 29), TODAY)
    keeping = keeper(store, ManualClock(T0))
    await keeping.tidy()
    assert store.packed == [date(2026, 6, 27), date(2026, 6, 28)]
    assert store.hot == [date(2026, 6, 29), TODAY]
    assert (keeping.days_packed, keeping.days_emptied, keeping.rows_expired) == (2, 2, 5)


async def test_of_every_day_that_is_over_the_greatest_quarters_are_kept_before_anything_goes() -> None:
    class Days:
        def __init__(self, *left: int) -> None:
            self.left = list(left)

        async def keep_one(self) -> int | None:
            assert not store.expired
            return self.left.pop() if self.left else None

    store, days = Store(), Days(1, 2)
    clock = ManualClock(T0)
    keeping = HistoryKeeper(store, MemoryEventLog(clock), Retention(scans=2), clock, demand=days)
    await keeping.tidy()
    assert (days.left, keeping.days_of_demand, store.expired) == ([], 2, 1)


async def test_a_day_to_which_scans_come_just_now_is_tried_again_later() -> None:
    store = Store(date(2026, 6, 27))
    store.busy = True
    keeping = keeper(store, ManualClock(T0))
    await keeping.tidy()
    assert not store.packed
    store.busy = False
    await keeping.tidy()
    assert store.packed


async def test_what_was_kept_long_enough_is_looked_for_once_an_hour() -> None:
    store, clock = Store(), ManualClock(T0)
    keeping = keeper(store, clock)
    await keeping.tidy()
    await keeping.tidy()
    assert store.expired == 1
    await clock.advance(EXPIRE_EVERY_S)
    await keeping.tidy()
    assert store.expired == 2


async def test_an_outage_is_raised_to_who_waits_it_out() -> None:
    store = Store()
    store.away = True
    with pytest.raises(HistoryUnavailableError):
        await keeper(store, ManualClock(T0)).tidy()


async def test_the_event_log_says_that_samples_go_before_they_do() -> None:
    store, clock = Store(), ManualClock(T0)
    events = MemoryEventLog(clock)
    keeping = HistoryKeeper(store, events, Retention(scans=2, samples=400, samples_of={30: [1]}), clock)
    await keeping.tidy()
    assert await events.read() == []  # nothing is due
    store.due, events.available = date(2025, 6, 1), False
    clock.jump(EXPIRE_EVERY_S)
    await clock.advance(EXPIRE_EVERY_S)
    with pytest.raises(EventLogUnavailableError):
        await keeping.tidy()
    assert store.expired == 1
    events.available = True
    await keeping.tidy()
    (entry,) = await events.read()
    assert (entry.stream, entry.type, entry.payload["before"]) == ("history/retention", "SamplesLetGo", "2025-06-01")
    assert (entry.payload["samples_days"], entry.payload["classes_days"]) == (400, [30])
    assert store.expired == 2
