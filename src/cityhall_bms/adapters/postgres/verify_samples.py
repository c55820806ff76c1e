"""Checks stored samples against the seals of their batches, in whatever form they are kept, in constant memory.

History is read once, window after window of the time that samples were observed at. A batch is compared when the window
is reached in which its last sample lies; what is read of it before is carried along. The service may go on writing
and packing meanwhile: what does not fit is looked at again on its own, as it stands then, before it is called wrong.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import asyncpg
import numpy as np
from numpy.typing import NDArray

from cityhall_bms.adapters.postgres import cold_reading
from cityhall_bms.adapters.postgres.history_copy import fetch_samples, moment
from cityhall_bms.adapters.postgres.scan_reading import OddRowError, fetch_whole_scans
from cityhall_bms.adapters.postgres.sql import load
from cityhall_bms.adapters.postgres.verify_log import Progress
from cityhall_bms.domain.integrity import RETENTION_STREAM
from cityhall_bms.domain.verification import Checked, Fault, Part, Wrong
from cityhall_bms.historian.cold import ColdFormatError
from cityhall_bms.historian.columns import Samples
from cityhall_bms.historian.intervals import DAY_US, EPOCH, MINUTE_US
from cityhall_bms.historian.sealing import TimeSeal, seal_of_nothing, seal_samples
from cityhall_bms.ports.history import Window

QUERIES: Final = load("verify.sql")
WINDOW_MIN_US: Final = 10_000_000
WINDOW_FIRST_US: Final = 10 * MINUTE_US
SAMPLES_AT_ONCE: Final = 600_000
"""Samples that a window should hold: some 30 MB."""
COLD_AT_ONCE: Final = 3_000_000
"""The same of a day in the cold form, of which every window unpacks everything."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """What a batch was sealed as, and its name for people."""

    seal: TimeSeal
    name: str


async def check_samples(connection: asyncpg.Connection, window: Window, progress: Progress) -> Checked:
    """Compare everything observed in a window with the seals; batches that reach beyond it are compared whole."""
    return await _SampleCheck(connection, window).run(progress)


async def seal_check(connection: asyncpg.Connection, window: Window) -> Fault | None:
    """Give the first wrong batch of a window; none when every sample of it is as it was sealed."""
    return (await check_samples(connection, window, lambda _done, _total: None)).fault


class _SampleCheck:
    def __init__(self, connection: asyncpg.Connection, window: Window) -> None:
        self._connection = connection
        self._window = window
        self._open: dict[int, Sealed] = {}
        self._across: set[int] = set()
        """Times of batches that are compared on their own, because they reach into the window from before it."""
        self._carried = Samples.join([])
        self._since = 0
        self._let_go_before: int | None = None
        self.count = 0
        self.unproven = 0

    async def run(self, progress: Progress) -> Checked:
        self._since = await self._connection.fetchval(QUERIES["sealed_since"])
        self._let_go_before = await self._connection.fetchval(QUERIES["let_go_before"], RETENTION_STREAM)
        days = [row["day"] for row in await self._connection.fetch(QUERIES["days"])]
        first, last = self._window.start // DAY_US, (self._window.end - 1) // DAY_US
        days = [day for day in days if first <= day <= last]
        try:
            fault = await self._walk(days, progress)
        except _ColdUnreadableError as error:
            fault = Fault(Part.SAMPLES, Wrong.COLD_UNREADABLE, str(error))
        return Checked(Part.SAMPLES, self.count, fault, self.unproven)

    async def _walk(self, days: Sequence[int], progress: Progress) -> Fault | None:
        fault = await self._begin()
        for done, day in enumerate(days):
            if fault is not None:
                return fault
            fault = await self._check_day(day)
            progress(done + 1, len(days))
        return fault or await self._finish()

    async def _begin(self) -> Fault | None:
        rows = await self._connection.fetch(QUERIES["seals_across"], self._window.start)
        self._across = {row["recorded_at"] for row in rows}
        return await self._each_on_its_own(self._across)

    async def _finish(self) -> Fault | None:
        return await self._each_on_its_own(self._open)

    async def _each_on_its_own(self, times: Sequence[int] | set[int] | Mapping[int, Sealed]) -> Fault | None:
        for time in sorted(times):
            fault = await self._alone(time)
            if fault is not None:
                return fault
        return None

    async def _check_day(self, day: int) -> Fault | None:
        begin = max(day * DAY_US, self._window.start)
        end = min((day + 1) * DAY_US, self._window.end)
        doubled = await self._connection.fetchval(QUERIES["doubled_scan"], moment(begin), moment(end))
        if doubled is not None:
            return Fault(Part.SAMPLES, Wrong.SAMPLES_DOUBLED, "scan", doubled)
        cold = await self._connection.fetch(QUERIES["cold_days"], begin, end)
        step, wanted = WINDOW_FIRST_US, COLD_AT_ONCE if cold else SAMPLES_AT_ONCE
        while begin < end:
            window = Window(begin, min(begin + step, end))
            found, fault = await self._check_window(window)
            if fault is not None:
                return fault
            begin, step = window.end, _next_step(step, found, wanted)
        return None

    async def _check_window(self, window: Window) -> tuple[int, Fault | None]:
        async with self._connection.transaction(isolation="repeatable_read", readonly=True):
            for sealed in await self._seals(window):
                self._open[sealed.seal.recorded_at] = sealed
            samples = await self._samples(window)
        self.count += len(samples)
        fault = await self._belongs(samples)
        if fault is None:
            self._carried = Samples.join([self._carried, self._of_open(samples)])
            fault = await self._compare([time for time, sealed in self._open.items() if sealed.seal.last < window.end])
        return len(samples), fault

    async def _belongs(self, samples: Samples) -> Fault | None:
        """Find samples of no batch, or outside of the time that their batch spans."""
        times = np.array(sorted(self._open), np.int64)
        if len(times):
            spans = [self._open[time].seal for time in times.tolist()]
            first = np.array([seal.first for seal in spans])
            last = np.array([seal.last for seal in spans])
            place = np.minimum(np.searchsorted(times, samples.recorded_at), len(times) - 1)
            fits = times[place] == samples.recorded_at
            fits &= (first[place] <= samples.at) & (samples.at <= last[place])
        else:
            fits = np.zeros(len(samples), np.bool_)
        strange = samples.select(~fits)
        for time in np.unique(strange.recorded_at).tolist():
            fault = await self._strange(time, strange.at[strange.recorded_at == time])
            if fault is not None:
                return fault
        return None

    async def _strange(self, time: int, at: NDArray[np.int64]) -> Fault | None:
        sealed = await self._sealed(time)
        if sealed is None:
            if time <= self._since:
                self.unproven += len(at)
                return None
            return Fault(Part.SAMPLES, Wrong.SAMPLES_UNSEALED, f"recorded_at {time}", int(at.min()))
        outside = (at < sealed.seal.first) | (at > sealed.seal.last) | (sealed.seal.samples == 0)
        if outside.any():
            return Fault(Part.SAMPLES, Wrong.SAMPLES_MOVED, sealed.name, int(at[outside].min()))
        # It reaches into the window from before, or came after its first part was read.
        if time in self._across:
            return None
        self._across.add(time)
        self._open.pop(time, None)
        self._carried = self._carried.select(self._carried.recorded_at != time)
        return await self._alone(time)

    def _of_open(self, samples: Samples) -> Samples:
        chosen = np.isin(samples.recorded_at, np.fromiter(self._open, np.int64, len(self._open)))
        return samples if chosen.all() else samples.select(chosen)

    async def _compare(self, done: Sequence[int]) -> Fault | None:
        if not done:
            return None
        chosen = np.isin(self._carried.recorded_at, np.array(done, np.int64))
        # In a thread: the historian may be waiting in this process.
        found = await asyncio.to_thread(seal_samples, self._carried.select(chosen))
        self._carried = self._carried.select(~chosen)
        for time in sorted(done):
            sealed = self._open.pop(time)
            if found.get(time, seal_of_nothing(time)) != sealed.seal:
                fault = await self._alone(time)
                if fault is not None:
                    return fault
        return None

    async def _alone(self, time: int) -> Fault | None:
        """Compare what was recorded at one time, as it stands now."""
        async with self._connection.transaction(isolation="repeatable_read", readonly=True):
            sealed = await self._sealed(time)
            if sealed is None:
                return Fault(Part.SAMPLES, Wrong.SAMPLES_UNSEALED, f"recorded_at {time}")
            samples = await self._samples(Window(sealed.seal.first, sealed.seal.last + 1), time)
        found = seal_samples(samples).get(time, seal_of_nothing(time))
        if found == sealed.seal:
            return None
        if found.samples < sealed.seal.samples:
            if self._let_go_before is not None and sealed.seal.first // DAY_US < self._let_go_before:
                self.unproven += 1
                return None
            wrong = Wrong.SAMPLES_MISSING
        else:
            wrong = Wrong.SAMPLES_ADDED if found.samples > sealed.seal.samples else Wrong.SAMPLES_CHANGED
        return Fault(Part.SAMPLES, wrong, sealed.name, sealed.seal.first)

    async def _samples(self, window: Window, recorded_at: int | None = None) -> Samples:
        """Samples observed in a window, those that no longer stand included, from both forms."""
        times = (moment(window.start), moment(window.end), None if recorded_at is None else moment(recorded_at))
        try:
            parts = [await fetch_whole_scans(self._connection, QUERIES["whole_scans"], *times)]
        except OddRowError:
            parts = [await fetch_samples(self._connection, QUERIES["samples"], *times)]
        # Day by day: a batch may span years, if a device's clock was wrong.
        for row in await self._connection.fetch(QUERIES["cold_days"], window.start, window.end):
            async for cold in _cold_samples(self._connection, row["day"]):
                chosen = (cold.at >= window.start) & (cold.at < window.end)
                if recorded_at is not None:
                    chosen &= cold.recorded_at == recorded_at
                parts.append(cold.select(chosen))
        return Samples.join(parts) if len(parts) > 1 else parts[0]

    async def _seals(self, window: Window) -> list[Sealed]:
        rows = await self._connection.fetch(QUERIES["seals_beginning"], window.start, window.end)
        return [_sealed(row) for row in rows]

    async def _sealed(self, time: int) -> Sealed | None:
        row = await self._connection.fetchrow(QUERIES["seal_of"], time)
        return _sealed(row) if row else None


class _ColdUnreadableError(Exception):
    """A day in the cold form of which a row cannot be read."""


async def _cold_samples(connection: asyncpg.Connection, day: int) -> AsyncIterator[Samples]:
    """Samples of a day in the cold form, a row of it at a time."""
    date = (EPOCH + timedelta(days=day)).date()
    rows = await connection.fetch(cold_reading.QUERIES["points"], date, date, None)
    try:
        keys = {(row["set_id"], row["day"]) for row in rows if row["set_id"] != cold_reading.CHANCE}
        times = await cold_reading.times_of(connection, keys)
        for row in rows:
            samples = cold_reading.samples_of(row, times)
            lengths = {len(samples.at), len(samples.recorded_at), len(samples.value), len(samples.quality)}
            if lengths != {row["samples"]}:
                msg = f"{date} point {row['point_id']}"
                raise _ColdUnreadableError(msg)
            yield samples
    except (ColdFormatError, KeyError) as error:
        msg = f"{date}"
        raise _ColdUnreadableError(msg) from error


def _next_step(step: int, found: int, wanted: int) -> int:
    """Length of the next window, µs, so that it holds neither far too many samples nor far too few."""
    if found > wanted:
        return max(step // 2, WINDOW_MIN_US)
    return step * 2 if found * 3 < wanted else step


def _sealed(row: asyncpg.Record) -> Sealed:
    time, first, last, samples, digest, source, number, epoch, sequence = row
    return Sealed(TimeSeal(time, first, last, samples, digest), f"{source} #{number} ({epoch}:{sequence})")
