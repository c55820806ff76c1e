"""What people do about readings, as events: one stream per meter, so that two who enter at once cannot overlap."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final
from zoneinfo import ZoneInfo

from cityhall_bms.domain.energy.meters import ManualSource
from cityhall_bms.domain.energy.reading_file import FileProblem, FileRow, read_file
from cityhall_bms.domain.energy.readings import (
    Entry,
    Ledger,
    Reading,
    ReadingEntered,
    ReadingState,
    applied,
    approve,
    enter,
    fold,
    reading_of,
    reading_stream,
    reject,
)
from cityhall_bms.domain.errors import RefusedError
from cityhall_bms.domain.events import Event
from cityhall_bms.domain.site import Site
from cityhall_bms.domain.wall_clock import instant_us
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.energy_readings import ImportedRow, ImportOutcome, ReadingWish, RowOutcome
from cityhall_bms.ports.event_log import Append, EventLog

PAGE: Final = 1_000
APPROVED_AT_ONCE_MAX: Final = 500
AMOUNT_DIGITS: Final = 9
"""Amounts that agree in so many digits are the same: units were converted."""


class MeterReadings:
    """See :class:`~cityhall_bms.ports.energy_readings.ReadingDesk`."""

    def __init__(self, site: Site, events: EventLog, clock: Clock) -> None:
        self._metering = site.metering
        self._zone = ZoneInfo(site.time_zone)
        self._events = events
        self._clock = clock

    async def enter(self, wish: ReadingWish, *, by: str) -> Reading:
        """Enter an amount; it waits for somebody else."""
        if not isinstance(self._metering.meter(wish.meter).source, ManualSource):
            msg = f"{wish.meter} 非人工抄表 / {wish.meter} is not read by people (manual = true)"
            raise RefusedError(msg)
        begin = instant_us(self._zone, wish.first_day, 0)
        until = instant_us(self._zone, wish.last_day + timedelta(days=1), 0)
        entry = Entry(wish.meter, begin, until, wish.amount, wish.note, wish.corrects, document=wish.document)
        ledger = await self._ledger(wish.meter)
        event = enter(ledger, entry, at=self._clock.now(), by=by)
        await self._append([(ledger, [event])], by)
        return reading_of(event)

    async def approve(self, readings: Sequence[tuple[str, int]], *, by: str, comment: str = "") -> Sequence[Reading]:
        """Approve entries by meter and number, all or none."""
        if len(readings) > APPROVED_AT_ONCE_MAX:
            msg = f"一次至多核可 {APPROVED_AT_ONCE_MAX} 筆 / approve {APPROVED_AT_ONCE_MAX} at most at once"
            raise RefusedError(msg)
        ledgers = {meter: await self._ledger(meter) for meter, _ in readings}
        before = dict(ledgers)
        found: dict[str, list[Event]] = {meter: [] for meter in ledgers}
        for meter, number in dict.fromkeys(readings):
            event = approve(ledgers[meter], number, at=self._clock.now(), by=by, comment=comment)
            ledgers[meter] = applied(ledgers[meter], event)
            found[meter].append(event)
        await self._append([(before[meter], events) for meter, events in found.items()], by)
        return [ledgers[meter].get(number) for meter, number in dict.fromkeys(readings)]

    async def reject(self, meter: str, number: int, *, by: str, reason: str) -> Reading:
        """Reject an entry, or withdraw one's own."""
        ledger = await self._ledger(meter)
        event = reject(ledger, number, at=self._clock.now(), by=by, reason=reason)
        await self._append([(ledger, [event])], by)
        return applied(ledger, event).get(number)

    async def enter_file(self, text: str, *, by: str, dry_run: bool) -> ImportOutcome:
        """Enter the rows of a CSV file, all or none; the same file twice adds nothing."""
        source = hashlib.sha256(text.encode()).hexdigest()
        rows, problems = read_file(text, self._metering, self._zone, source)
        before = {meter: await self._ledger(meter) for meter in dict.fromkeys(row.entry.meter for row in rows)}
        ledgers, found = dict(before), {meter: list[Event]() for meter in before}
        imported: list[ImportedRow] = []
        for row in rows:
            meter = row.entry.meter
            try:
                outcome, event = self._row(ledgers[meter], row, by)
            except RefusedError as error:
                problems.append(FileProblem(row.line, 1, "row", str(error)))
                continue
            imported.append(outcome)
            if event is not None:
                ledgers[meter] = applied(ledgers[meter], event)
                found[meter].append(event)
        if not (problems or dry_run):
            await self._append([(before[meter], events) for meter, events in found.items() if events], by)
        return ImportOutcome(source, imported, sorted(problems))

    def _row(self, ledger: Ledger, row: FileRow, by: str) -> tuple[ImportedRow, ReadingEntered | None]:
        """What a row comes to by what stands for its period."""
        entry, before = row.entry, None
        same = [
            reading
            for reading in ledger.overlapping(entry.begin, entry.until)
            if (reading.begin, reading.until) == (entry.begin, entry.until)
        ]
        for reading in same:
            if _agree(reading.amount, entry.amount):
                return ImportedRow(row.line, RowOutcome.UNCHANGED, reading), None
        approved = [reading for reading in same if reading.state is ReadingState.APPROVED]
        if approved:
            entry, before = replace(entry, corrects=approved[0].number), approved[0].amount
        event = enter(ledger, entry, at=self._clock.now(), by=by)
        outcome = RowOutcome.CORRECTS if approved else RowOutcome.ENTERED
        return ImportedRow(row.line, outcome, reading_of(event), before), event

    async def _ledger(self, meter: str) -> Ledger:
        """Ledger as the log has it; ``NotFoundError`` for a meter that nobody knows."""
        ledger, after = Ledger(self._metering.meter(meter).name), 0
        while entries := await self._events.read(after, PAGE, reading_stream(meter)):
            ledger, after = fold(ledger, entries), entries[-1].position
        return ledger

    async def _append(self, changes: Sequence[tuple[Ledger, Sequence[Event]]], by: str) -> None:
        if changes:
            await self._events.append(
                [Append(reading_stream(ledger.meter), events, by, ledger.version) for ledger, events in changes]
            )


def _agree(one: float, other: float) -> bool:
    return f"{one:.{AMOUNT_DIGITS}g}" == f"{other:.{AMOUNT_DIGITS}g}"
