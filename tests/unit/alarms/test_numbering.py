"""Papers of a day get the next free number, and nobody else's."""

from collections.abc import Sequence
from datetime import date

import pytest
from tests.support.manual_clock import ManualClock

from cityhall_bms.adapters.memory import MemoryEventLog
from cityhall_bms.alarms.numbering import OF_A_DAY_MAX, append_numbered
from cityhall_bms.domain.errors import RefusedError
from cityhall_bms.domain.events import Event, StoredEvent
from cityhall_bms.domain.permits import PermitClosed
from cityhall_bms.ports.event_log import Append, Checkpoint

DAY = date(2026, 7, 1)


def paper(name: str) -> Event:
    return PermitClosed(name, "王小明", 0)


async def test_the_first_paper_of_a_day_is_number_one_and_each_has_a_stream_of_its_own() -> None:
    log = MemoryEventLog(ManualClock())
    for day in (DAY, DAY, date(2026, 7, 2)):
        await append_numbered(log, "permit/", day, "王小明", paper)
    assert [(entry.stream, entry.payload["permit"], entry.version) for entry in await log.read()] == [
        ("permit/2026-07-01-1", "2026-07-01-1", 1),
        ("permit/2026-07-01-2", "2026-07-01-2", 1),
        ("permit/2026-07-02-1", "2026-07-02-1", 1),
    ]


class Contested(MemoryEventLog):
    """Somebody else takes the number just before we do, once."""

    taken = False

    async def append(self, appends: Sequence[Append], checkpoint: Checkpoint | None = None) -> list[StoredEvent]:
        if not self.taken:
            self.taken = True
            await super().append([Append(appends[0].stream, [paper("somebody else's")], "李小華", 0)])
        return await super().append(appends, checkpoint)


async def test_a_number_that_somebody_takes_in_the_same_moment_is_left_to_him() -> None:
    log = Contested(ManualClock())
    entry = await append_numbered(log, "permit/", DAY, "王小明", paper)
    assert (entry.stream, entry.version) == ("permit/2026-07-01-2", 1)


async def test_the_numbers_of_a_day_have_an_end() -> None:
    log = MemoryEventLog(ManualClock())
    await log.append([Append(f"permit/2026-07-01-{n}", [paper("")], "a", 0) for n in range(1, OF_A_DAY_MAX + 1)])
    with pytest.raises(RefusedError, match="999 papers a day"):
        await append_numbered(log, "permit/", DAY, "王小明", paper)
