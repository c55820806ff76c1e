"""Sent once, provably: the sending process is killed at each of its steps, and every message is counted.

What is promised (docs/how-to/send-notifications.md): of priority 2 nothing ever arrives twice, and what may not have
arrived is called uncertain; of priority 1 everything arrives, and what arrives twice has the same id and says so.
"""

import asyncio
import json
import random
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator

import pytest
from tests.support.alarm_events import of_alarm, raised
from tests.support.notification_plans import site
from tests.support.notifying_process import PLAN, STEPS
from tests.support.web_hook import WebHook

from cityhall_bms.adapters.postgres.alarms_view import PostgresAlarmView
from cityhall_bms.adapters.postgres.connection import open_pool
from cityhall_bms.adapters.postgres.event_log import PostgresEventLog
from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.alarms.notifying import AlarmReader, NotificationKeeper
from cityhall_bms.domain.notifications import NOTIFICATION_STREAMS, Notification, fold

pytestmark = pytest.mark.faults
SETTLED_WITHIN_S = 60.0
ALARMS, KILLS = 24, 6
NEVER_REACHED_IT = STEPS[:5]
"""Killed at one of these, nothing was handed over yet."""
NOT_EVEN_TRIED = STEPS[:3]


class Bench:
    """The record, the web hook, and processes that come and go."""

    def __init__(self, dsn: str, events: PostgresEventLog, hook: WebHook) -> None:
        self.dsn = dsn
        self.events = events
        self.hook = hook

    async def start(self, step: str) -> asyncio.subprocess.Process:
        arguments = ("-m", "tests.support.notifying_process", self.dsn, str(self.hook.port), step)
        return await asyncio.create_subprocess_exec(sys.executable, *arguments)

    async def killed_at(self, step: str) -> None:
        process = await self.start(step)
        assert await asyncio.wait_for(process.wait(), SETTLED_WITHIN_S) == -signal.SIGKILL

    async def notifications(self) -> dict[str, Notification]:
        found: dict[str, Notification] = {}
        position = 0
        while entries := await self.events.read(position, 1_000, NOTIFICATION_STREAMS):
            for entry in entries:
                name = entry.stream.removeprefix(NOTIFICATION_STREAMS)
                found[name] = fold(found.get(name, Notification(name)), [entry])
            position = entries[-1].position
        return found

    async def settled(self, count: int) -> dict[str, Notification]:
        """Let a process run until so many notifications are settled."""
        process = await self.start("never")
        try:
            async with asyncio.timeout(SETTLED_WITHIN_S):
                while True:
                    found = await self.notifications()
                    if len(found) == count and not any(notification.open for notification in found.values()):
                        return found
                    await asyncio.sleep(0.1)
        finally:
            process.kill()
            await process.wait()

    def arrived(self) -> Counter[str]:
        """How often each notification arrived, by its id in the text."""
        texts = [json.loads(body)["message"] for body in self.hook.bodies]
        return Counter(text.rpartition("編號 Id: ")[2].partition("（")[0] for text in texts)


@pytest.fixture
async def bench(postgres_url: str) -> AsyncIterator[Bench]:
    pool = await open_pool(postgres_url)
    clock = SystemClock()
    async with PostgresEventLog(postgres_url, clock) as events, WebHook() as hook:
        reader = AlarmReader(PostgresAlarmView(pool, events.listener), events)
        # Its first start, so that what rings from now on is told.
        await NotificationKeeper(site(PLAN), reader, events, clock, {}).step()
        yield Bench(postgres_url, events, hook)
    await pool.close()


@pytest.mark.parametrize(
    ("priority", "step"), [(1, step) for step in STEPS[3:7]] + [(2, step) for step in STEPS], ids=str
)
async def test_killed_at_a_step_and_started_again(bench: Bench, priority: int, step: str) -> None:
    await bench.events.append([of_alarm("a", raised(priority=priority, subject="a"))])
    await bench.killed_at(step)
    (name, notification), *others = (await bench.settled(1)).items()

    times = bench.arrived()[name]
    assert others == []
    told = (times, notification.state.value, notification.may_repeat)
    if step in NOT_EVEN_TRIED or step == "after NotificationSent":
        assert told == (1, "sent", False)
    elif priority == 1:
        assert told == (1 if step in NEVER_REACHED_IT else 2, "sent", True)
        assert "可能重複 may be a repetition" in json.loads(bench.hook.bodies[-1])["message"]
    else:
        assert told == (0 if step in NEVER_REACHED_IT else 1, "uncertain", True)


async def test_killed_at_any_moment_while_many_alarms_ring(bench: Bench) -> None:
    chance = random.Random(33)
    for number in range(ALARMS):
        priority = 1 + number % 2
        await bench.events.append([of_alarm(f"s{number}", raised(priority=priority, subject=f"s{number}"))])
    for _ in range(KILLS):
        process = await bench.start("never")
        seen, want = len(bench.hook.bodies), chance.randint(1, 4)
        async with asyncio.timeout(SETTLED_WITHIN_S):
            while len(bench.hook.bodies) < min(seen + want, ALARMS):  # noqa: ASYNC110 - chance is what is wanted
                await asyncio.sleep(chance.uniform(0.0, 0.05))
        process.kill()
        await process.wait()
    settled = await bench.settled(ALARMS)

    arrived = bench.arrived()
    assert len({notification.alarm for notification in settled.values()}) == ALARMS
    for name, notification in settled.items():
        if notification.priority == 1:
            assert notification.state == "sent"
            assert arrived[name] >= 1
            assert arrived[name] == 1 or notification.may_repeat
        else:
            assert notification.state in {"sent", "uncertain"}
            assert arrived[name] == 1 or (arrived[name] == 0 and notification.state == "uncertain")
    cut_off = [notification for notification in settled.values() if notification.may_repeat]
    assert len(cut_off) <= KILLS, "one message a channel is under way at a time"
