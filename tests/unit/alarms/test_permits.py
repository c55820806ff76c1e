"""Permits are opened under a number of the day, end by themselves, and name only what the site has."""

import asyncio
from collections.abc import Sequence

import pytest
from tests.support.fake_driver import EQUIPMENT, fake_device, fake_point, fake_site
from tests.support.manual_clock import ManualClock

from cityhall_bms.adapters.memory import MemoryEventLog
from cityhall_bms.alarms.permits import PermitKeeper, PermitOffice
from cityhall_bms.domain.errors import ConcurrencyError, NotFoundError, RefusedError
from cityhall_bms.domain.permits import PERMIT_STREAMS, Permit, PermitKind, Scope, fold_permit
from cityhall_bms.ports.permits import PermitFilter, PermitPage, PermitWish

SITE, _ = fake_site([fake_device("D1")], [fake_point(1, "D1")])
HOUR_US = 3_600_000_000
FLOOR, ZONE = EQUIPMENT.split(".")[1:3]


class FoldedPermits:
    """Permits folded anew from the log at every question; ``held`` is what a view that lags still shows."""

    def __init__(self, log: MemoryEventLog) -> None:
        self._log = log
        self.held: list[Permit] | None = None

    async def all(self) -> list[Permit]:
        permits: dict[str, Permit | None] = {}
        for entry in await self._log.read(limit=10_000, stream=PERMIT_STREAMS):
            permits[entry.stream] = fold_permit(permits.get(entry.stream), entry)
        return [permit for permit in permits.values() if permit is not None]

    async def due(self, now: int) -> Sequence[Permit]:
        permits = await self.all() if self.held is None else self.held
        return [permit for permit in permits if permit.closed_at is None and permit.until <= now]

    async def page(self, which: PermitFilter, limit: int, before: int | None) -> PermitPage:
        raise NotImplementedError

    async def get(self, permit: str) -> Permit | None:
        raise NotImplementedError

    async def in_force(self, position: int, at: int) -> Sequence[Permit]:
        raise NotImplementedError


class Office:
    def __init__(self) -> None:
        self.clock = ManualClock()
        self.events = MemoryEventLog(self.clock)
        self.office = PermitOffice(SITE, self.events, self.clock)
        self.view = FoldedPermits(self.events)

    def keeper(self) -> PermitKeeper:
        return PermitKeeper(self.view, self.office, self.clock)

    async def open(self, scope: Scope | None = None, hours: int = 1, reason: str = "更換濾網") -> Permit:
        now = self.clock.now()
        scope = scope or Scope(equipment=(EQUIPMENT,))
        return await self.office.open(
            PermitWish(PermitKind.WORKS, scope, now, now + hours * HOUR_US, reason), by="王小明"
        )


async def test_permits_are_numbered_by_the_building_s_day() -> None:
    desk = Office()
    names = [(await desk.open()).permit for _ in range(2)]
    await desk.clock.advance(86_400)
    names.append((await desk.open()).permit)
    first, second, next_day = names
    assert (first[-2:], second[-2:], next_day[-2:]) == ("-1", "-2", "-1")
    assert first[:10] == second[:10] < next_day[:10]


async def test_two_people_at_once_get_two_numbers() -> None:
    desk = Office()
    permits = await asyncio.gather(*(desk.open() for _ in range(5)))
    assert sorted(permit.permit[-2:] for permit in permits) == ["-1", "-2", "-3", "-4", "-5"]


@pytest.mark.parametrize(
    ("scope", "said"),
    [
        (Scope(equipment=("TCH.99.X.AHU99",)), "no equipment TCH.99.X.AHU99"),
        (Scope(zones=("99",)), "no floor or zone 99"),
        (Scope(zones=(f"{FLOOR}.{ZONE}", f"{FLOOR}.NOWHERE")), "NOWHERE"),
    ],
)
async def test_a_permit_for_what_the_site_does_not_have_is_not_found(scope: Scope, said: str) -> None:
    desk = Office()
    with pytest.raises(NotFoundError, match=said):
        await desk.open(scope)
    assert await desk.events.end() == 0


async def test_a_permit_that_makes_no_sense_leaves_nothing_in_the_log() -> None:
    desk = Office()
    with pytest.raises(RefusedError):
        await desk.open(reason=" ")
    assert await desk.events.end() == 0


async def test_a_permit_is_closed_once_with_what_was_said() -> None:
    desk = Office()
    permit = await desk.open()
    closed = await desk.office.close(permit.permit, by="李小華", comment="完工，現場復原")
    assert (closed.closed_by, closed.comment, closed.version) == ("李小華", "完工，現場復原", 2)
    with pytest.raises(RefusedError):
        await desk.office.close(permit.permit, by="王小明")
    with pytest.raises(NotFoundError):
        await desk.office.close("2026-01-01-9", by="王小明")


async def test_a_permit_ends_by_itself_at_its_time_and_not_before() -> None:
    desk = Office()
    permit = await desk.open(hours=1)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(desk.keeper().run())
        await desk.clock.advance(3_599)
        assert (await desk.view.all())[0].closed_at is None
        await desk.clock.advance(2)
        running.cancel()
    [closed] = await desk.view.all()
    assert (closed.closed_by, closed.end) == ("system", permit.until)


async def test_its_end_is_recorded_once_by_two_keepers_also_after_a_restart_and_behind_a_view_that_lags() -> None:
    desk = Office()
    await desk.open(hours=1)
    await desk.clock.advance(7_200)
    desk.view.held = await desk.view.all()
    await asyncio.gather(desk.keeper().close_due(), desk.keeper().close_due())
    await desk.keeper().close_due()
    assert [entry.type for entry in await desk.events.read()] == ["PermitOpened", "PermitClosed"]


async def test_an_outage_delays_an_end_and_loses_none() -> None:
    desk = Office()
    await desk.open(hours=1)
    desk.events.available = False
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(desk.keeper().run())
        await desk.clock.advance(7_200)
        desk.events.available = True
        await desk.clock.advance(1)
        running.cancel()
    assert [permit.closed_by for permit in await desk.view.all()] == ["system"]


async def test_the_log_decides_who_closes_it() -> None:
    desk = Office()
    permit = await desk.open()
    results = await asyncio.gather(
        *(desk.office.close(permit.permit, by=name) for name in ("王小明", "李小華")), return_exceptions=True
    )
    failed = [result for result in results if isinstance(result, ConcurrencyError | RefusedError)]
    assert len(failed) == 1
