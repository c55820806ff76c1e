"""A site's own drivers under a commander, over logs in memory and the real clock: for tests against real protocols."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from random import Random

from tests.support.command_rig import Permits
from tests.support.stated_roles import StatedRoles
from tests.support.until import until

from cityhall_bms.adapters.installed_drivers import find_factories
from cityhall_bms.adapters.memory import MemoryEventLog
from cityhall_bms.adapters.memory_commands import MemoryCommandView
from cityhall_bms.adapters.memory_telemetry import MemoryTelemetryLog
from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.collector.collector import Collector, Logs
from cityhall_bms.collector.command_deciding import Decider
from cityhall_bms.collector.command_record import CommandRecord
from cityhall_bms.collector.commander import Commander
from cityhall_bms.collector.plant_following import PlantFollower
from cityhall_bms.commanding.examining import Examiner, Grounds
from cityhall_bms.commanding.office import CommandOffice, Procedure
from cityhall_bms.commanding.streams import PointStreams
from cityhall_bms.domain.commanding.control import Command, CommandState
from cityhall_bms.domain.site import Site
from cityhall_bms.ports.access import Requester, Role
from cityhall_bms.ports.commands import CommandWish

WANG = Requester("王小明", Role.OPERATOR, "控制室 1")
END_WITHIN_S = 40.0


@dataclass
class CommandedSite:
    """The running parts."""

    site: Site
    collector: Collector
    follower: PlantFollower
    office: CommandOffice
    events: MemoryEventLog

    def known(self, name: str) -> bool:
        """Whether a point has a good value."""
        return self.follower.value_of(name) is not None

    async def command(self, name: str, value: float | None, permit: str = "") -> Command:
        """Select and confirm, and wait until it has ended."""
        selection = await self.office.select(CommandWish(name, value, 8, "測試", permit), WANG)
        confirmed = await self.office.confirm(selection.command.command, selection.token, WANG)
        return await self.ended(confirmed.command)

    async def ended(self, command: str) -> Command:
        """The command, once it has ended."""
        return await self._once(command, lambda found: found.ended_at is not None)

    async def in_state(self, command: str, state: CommandState) -> Command:
        """The command, once it is in a state."""
        return await self._once(command, lambda found: found.state is state)

    async def pause(self, seconds: float) -> None:
        """Let the service's own time pass: a point is not written again at once."""
        await SystemClock().sleep(seconds)

    async def _once(self, command: str, condition: Callable[[Command], bool]) -> Command:
        async with asyncio.timeout(END_WITHIN_S):
            while True:
                found = await self.office.get(command)
                if condition(found):
                    return found
                await asyncio.sleep(0.02)


@asynccontextmanager
async def commanded(site: Site) -> AsyncIterator[CommandedSite]:
    """Collect and command while the body runs; it begins when every device has answered or been lost."""
    clock = SystemClock()
    events, telemetry = MemoryEventLog(clock), MemoryTelemetryLog(clock)
    ids = {name: number for number, name in enumerate(site.points, 1)}
    collector = Collector(site, ids, find_factories(), Logs(telemetry, events), clock, Random(1))
    follower, view, permits = PlantFollower(collector, None, clock), MemoryCommandView(events), Permits()
    decider = Decider(collector, follower, permits, StatedRoles(), clock)
    record = CommandRecord(collector.name, view, events, clock, Random(1))
    commander = Commander(collector, decider, follower, record, clock)
    examiner = Examiner(Grounds(site, ids, permits, StatedRoles(), clock, follower))
    tokens, procedure = count(), Procedure(site.commanding.times, clock)
    office = CommandOffice(examiner, PointStreams(view, events), view, procedure, lambda: f"token {next(tokens)}")
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(loop) for loop in (collector.run(), commander.run())]
        await until(lambda: all(poller.online is not None for poller in collector.pollers if poller.points))
        try:
            yield CommandedSite(site, collector, follower, office, events)
        finally:
            for task in running:
                task.cancel()
