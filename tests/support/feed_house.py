"""An event log in memory, a view of its alarms that may lag behind it, and the feed over both."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from tests.support.manual_clock import ManualClock

from cityhall_bms.adapters.memory import MemoryAlarmView, MemoryEventLog
from cityhall_bms.api.feed import AlarmFeed
from cityhall_bms.domain.alarms import AlarmEvent, AlarmRaised, alarm_id, stream_of
from cityhall_bms.domain.events import DeviceLost, Event
from cityhall_bms.domain.flood_watch import FLOOD_STREAM
from cityhall_bms.ports.event_log import Append
from cityhall_bms.ports.read_models import AlarmTransition

SUBJECT: Final = "TCH.B2.CN.CHC01"
DEADLINE_S: Final = 5.0


class CountingView(MemoryAlarmView):
    """Counts the questions, each of which would be one to the database."""

    questions = 0

    async def transitions(self, after: int, limit: int) -> list[AlarmTransition]:
        self.questions += 1
        return await super().transitions(after, limit)


class House:
    """An event log, a view that may lag behind it, and the feed over both."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.log = MemoryEventLog(self.clock)
        self.seen_by_view = MemoryEventLog(self.clock)
        self.lagging: list[Append] = []
        self.view = CountingView(self.seen_by_view)
        self.feed = AlarmFeed(self.view, self.log, self.clock)

    async def ring(self, rule: str) -> int:
        event = AlarmRaised(
            rule=rule, rule_version=1, subject=SUBJECT, equipment=SUBJECT, system="hvac", priority=2, text_zh="跳脫",
            text_en="Tripped", latching=False, occurrence=1, observed_at=self.clock.now(),
        )  # fmt: skip
        return await self._append(Append(stream_of(alarm_id(rule, SUBJECT)), [event], "rules"))

    async def tell(self, alarm: str, event: AlarmEvent) -> int:
        """Something happens to an alarm."""
        return await self._append(Append(stream_of(alarm), [event], "test"))

    async def something_else(self) -> None:
        event = DeviceLost(device="ahu01", reason="no answer", observed_at=self.clock.now())
        await self._append(Append("device/ahu01", [event], "collector"))

    async def _append(self, append: Append) -> int:
        self.lagging.append(append)
        return (await self.log.append([append]))[-1].position

    async def project(self) -> None:
        """Let the view catch up."""
        for append in self.lagging:
            await self.seen_by_view.append([append])
        self.lagging.clear()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as tasks:
            following = tasks.create_task(self.feed.run())
            yield
            following.cancel()

    async def positions(self, after: int | None, count: int) -> list[int]:
        """What a console hears that was last at ``after``."""
        heard: list[int] = []
        async with asyncio.timeout(DEADLINE_S):
            async for news in self.feed.news(await self.feed.place(after)):
                assert news.flood is None
                heard += [placed.transition.position for placed in news.transitions]
                if len(heard) >= count:
                    break
        return heard

    async def flood(self, event: Event) -> None:
        await self._append(Append(FLOOD_STREAM, [event], "floods"))
        await self.project()


async def turns(count: int = 50) -> None:
    for _ in range(count):
        await asyncio.sleep(0)
