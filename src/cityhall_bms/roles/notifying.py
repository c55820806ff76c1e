"""Notifications, as a part of the rules role: what queues them, and what sends them."""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path

import structlog

from cityhall_bms.adapters.apprise_notifier import CHANNELS_FILE, AppriseNotifier, ChannelsFile
from cityhall_bms.alarms.notifying import AlarmReader, NotificationKeeper
from cityhall_bms.alarms.sending import NotificationSender
from cityhall_bms.domain.notifications import NotificationPlan
from cityhall_bms.domain.site import Text
from cityhall_bms.ports.event_log import EventLog
from cityhall_bms.ports.notifier import Notifier
from cityhall_bms.ports.read_models import AlarmView
from cityhall_bms.roles.parts import Loop, Parts, together
from cityhall_bms.rules.model import Rule

log = structlog.get_logger(__name__)


def notifying(parts: Parts, view: AlarmView, rules: Mapping[str, Rule]) -> Callable[[EventLog], Loop]:
    """Give what makes the loop anew over an event log; ``rules`` say what to do about their alarms."""
    named = parts.settings.notifications.channels_file
    notifier = AppriseNotifier(
        ChannelsFile(Path(named) if named else parts.folder / CHANNELS_FILE), parts.settings.data_dir
    )
    procedures = {name: Text(rule.sop_zh, rule.sop_en) for name, rule in rules.items()}
    newest: list[NotificationSender] = []
    waiting = "Notifications that are not settled yet."
    parts.metrics.watch("notifications_waiting", waiting, lambda: newest[0].waiting if newest else 0)

    def loop(events: EventLog) -> Loop:
        reader = AlarmReader(view, events)
        newest[:] = [NotificationSender(notifier, reader, events, parts.clock)]
        keeper = NotificationKeeper(parts.site, reader, events, parts.clock, procedures)
        return together(_warn(parts.site.notifications, notifier), keeper.run(), newest[0].run())

    return loop


async def _warn(plan: NotificationPlan, notifier: Notifier) -> None:
    """Say at the start which channels will not work."""
    if plan.channels:
        known = await asyncio.to_thread(lambda: set(notifier.channels))
        unknown = sorted(plan.channels.keys() - known)
        if unknown:
            log.warning("channels without an address", channels=unknown)
