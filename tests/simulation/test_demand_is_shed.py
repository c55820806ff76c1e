"""Load shedding at the simulated city hall: its chargers and its chiller really go down, and come back in reverse."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import numpy as np
import pytest
import pytest_asyncio
from tests.support.city_hall import CityHall, running_city_hall
from tests.support.commanded_site import CommandedSite, commanded
from tests.support.until import until

from cityhall_bms.adapters.installed_drivers import find_factories
from cityhall_bms.adapters.memory_commands import MemoryCommandView
from cityhall_bms.adapters.site_files import load_site
from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.domain.energy.demand import WINDOW_US, DemandNow
from cityhall_bms.domain.energy.demand_meters import DemandLimit
from cityhall_bms.domain.energy.shedding import SheddingMode
from cityhall_bms.domain.energy.shedding_events import SHEDDING_STREAM
from cityhall_bms.domain.energy.tariffs import TariffPeriod
from cityhall_bms.domain.live import LiveTable
from cityhall_bms.energy.demand_watch import DemandSight
from cityhall_bms.energy.shedding_desk import SheddingDesk
from cityhall_bms.roles.demand import demand_keepers

pytestmark = pytest.mark.asyncio(loop_scope="module")
CHARGERS = ["TCH.B1.N.EVSE01.LimitA", "TCH.B1.N.EVSE02.LimitA"]
CHILLER = "TCH.B2.CN.CHC01.DmdLimit"
CONTRACT_KW = 5000.0
GAP_S = 3.0
"""Between two steps; a site may not be that hasty, a test may."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hall(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[CityHall]:
    async with running_city_hall(tmp_path_factory.mktemp("hall")) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bms(hall: CityHall) -> AsyncIterator[CommandedSite]:
    site = load_site(hall.site_dir, find_factories())
    steps = tuple(step for step in site.shedding.steps if step.name in {"charging", "chillers"})
    hasty = replace(site.shedding, mode=SheddingMode.AUTOMATIC, gap_s=GAP_S, steps=steps)
    async with commanded(replace(site, shedding=hasty)) as running:
        await until(lambda: all(running.known(name) for name in (*CHARGERS, CHILLER)), 30.0, 0.05)
        yield running


class Demand:
    """What the keepers look at: the plant as the collector knows it, and a demand that the test sets."""

    def __init__(self, bms: CommandedSite) -> None:
        self.bms = bms
        self.clock = SystemClock()
        self.numbers = {name: number for number, name in enumerate(bms.site.points, 1)}
        self.table = LiveTable(dict.fromkeys(self.numbers.values(), 60.0))
        view = MemoryCommandView(bms.events)
        self.keepers = demand_keepers(bms.site, self.numbers, (bms.office, view), bms.events, self.clock)
        self.desk = SheddingDesk(bms.site, bms.events, self.clock)
        self.number = 0

    async def steps(self, share: float, taken: list[str]) -> None:
        """Let the keepers look at this demand until these steps are taken, and nothing is under way."""
        async with asyncio.timeout(60.0):
            while True:
                await self._look(share)
                state = await self.desk.state()
                if state.under_way is None and [shed.step for shed in state.taken] == taken:
                    return
                await asyncio.sleep(0.1)

    async def _look(self, share: float) -> None:
        at = self.clock.now()
        known = [name for name in (*CHARGERS, CHILLER) if self.bms.known(name)]
        self.table.load(
            np.array([self.numbers[name] for name in known], np.uint32),
            np.full(len(known), at),
            np.array([self.bms.follower.value_of(name) for name in known], np.float64),
            np.zeros(len(known), np.uint8),
        )
        self.number += 1
        kw = np.array([share * CONTRACT_KW])
        # Every look ends a window: nobody waits for half an hour.
        now = DemandNow(at, at + WINDOW_US, np.zeros(1), kw, kw, np.ones(1), kw, np.ones(1))
        sight = DemandSight(self.number, now, DemandLimit(TariffPeriod.PEAK, CONTRACT_KW, "t@2026-01-01"))
        for keeper in self.keepers:
            await keeper.look(sight, self)  # type: ignore[arg-type]


async def test_chargers_and_chiller_are_limited_and_released_in_reverse(bms: CommandedSite, hall: CityHall) -> None:
    demand = Demand(bms)

    async def truth() -> tuple[list[float], float]:
        found = await asyncio.to_thread(hall.truth)
        return [found[name] for name in CHARGERS], found[CHILLER]

    before = await truth()
    await demand.steps(0.97, ["charging"])
    assert (await truth())[0] == [16.0, 16.0]
    await demand.steps(0.96, ["charging", "chillers"])
    assert await truth() == ([16.0, 16.0], 80.0)
    await demand.steps(0.85, ["charging"])
    assert await truth() == ([16.0, 16.0], before[1])
    await demand.steps(0.85, [])
    assert await truth() == before
    settled = [e for e in await bms.events.read(0, 1_000, SHEDDING_STREAM) if e.type == "SheddingSettled"]
    assert [(e.payload["step"], e.payload["restore"], e.payload["failed"]) for e in settled] == [
        ("charging", False, {}), ("chillers", False, {}), ("chillers", True, {}), ("charging", True, {}),
    ]  # fmt: skip
