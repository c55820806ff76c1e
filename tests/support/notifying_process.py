"""A process that queues and sends notifications, and that kills itself at a step that the test names.

``python -m tests.support.notifying_process DSN PORT STEP``
"""

import asyncio
import os
import signal
import sys
from collections.abc import Collection, Sequence
from typing import Final

from tests.support.notification_plans import site

from cityhall_bms.adapters.apprise_notifier import AppriseNotifier
from cityhall_bms.adapters.postgres.alarms_view import PostgresAlarmView
from cityhall_bms.adapters.postgres.connection import open_pool
from cityhall_bms.adapters.postgres.event_log import PostgresEventLog
from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.alarms.notifying import AlarmReader, NotificationKeeper
from cityhall_bms.alarms.sending import NotificationSender
from cityhall_bms.domain.events import StoredEvent
from cityhall_bms.domain.notifications import Channel, Delivery, Group, NotificationPlan, Person, Route
from cityhall_bms.ports.event_log import Append, Checkpoint

STEPS: Final = (
    "before NotificationQueued", "after NotificationQueued", "before NotificationAttempted",
    "after NotificationAttempted", "before send", "after send", "before NotificationSent", "after NotificationSent",
)  # fmt: skip
PLAN: Final = NotificationPlan(
    flood_after=1_000,
    channels={"hook": Channel("hook")},
    people={"wang": Person("wang", "王", ("hook",))},
    groups={"duty": Group("duty", "值班", ("wang",))},
    routes=(Route("duty", (1, 2)),),
)


class Deadly:
    """Ends the process at its step, as the kernel or a power failure would."""

    def __init__(self, step: str) -> None:
        self._step = step

    def at(self, step: str) -> None:
        if step == self._step:
            os.kill(os.getpid(), signal.SIGKILL)


class DeadlyLog(PostgresEventLog):
    """Ends the process before or after it appends an event of a type."""

    deadly: Deadly

    async def append(self, appends: Sequence[Append], checkpoint: Checkpoint | None = None) -> list[StoredEvent]:
        kinds = {type(event).__name__ for append in appends for event in append.events}
        for kind in kinds:
            self.deadly.at(f"before {kind}")
        stored = await super().append(appends, checkpoint)
        for kind in kinds:
            self.deadly.at(f"after {kind}")
        return stored


class DeadlyNotifier:
    """Ends the process before or after a message is handed over."""

    def __init__(self, notifier: AppriseNotifier, deadly: Deadly) -> None:
        self._notifier = notifier
        self._deadly = deadly

    @property
    def channels(self) -> Collection[str]:
        return self._notifier.channels

    async def send(self, channel: str, title: str, text: str, attachments: Sequence[str] = ()) -> Delivery:
        self._deadly.at("before send")
        delivery = await self._notifier.send(channel, title, text, attachments)
        self._deadly.at("after send")
        return delivery


async def main(dsn: str, port: str, step: str) -> None:
    """Run until killed."""
    clock, deadly = SystemClock(), Deadly(step)
    pool = await open_pool(dsn)
    log = DeadlyLog(dsn, clock)
    log.deadly = deadly
    async with log as events:
        reader = AlarmReader(PostgresAlarmView(pool, events.listener), events)
        notifier = DeadlyNotifier(AppriseNotifier({"hook": f"json://127.0.0.1:{port}/"}), deadly)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(NotificationKeeper(site(PLAN), reader, events, clock, {}).run())
            tasks.create_task(NotificationSender(notifier, reader, events, clock).run())


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
