"""What people do about notifications: try whether they arrive."""

from collections.abc import Sequence

from cityhall_bms.domain.errors import NotFoundError
from cityhall_bms.domain.notifications import NotificationQueued, Occasion, stream_of
from cityhall_bms.domain.notifications.messages import trial_message
from cityhall_bms.domain.site import Site
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.event_log import Append, EventLog

TEST_PRIORITY = 4


class QueuedTests:
    """See :class:`~cityhall_bms.ports.notifications.NotificationDesk`."""

    def __init__(self, site: Site, events: EventLog, clock: Clock) -> None:
        self._site = site
        self._events = events
        self._clock = clock

    async def test(self, person: str, *, by: str) -> Sequence[str]:
        """Queue a message to every channel of a person; gives their ids."""
        known = self._site.notifications.people
        if person not in known:
            msg = f"nobody is named {person} in notifications.toml; there are {', '.join(known) or 'none'}"
            raise NotFoundError(msg)
        now = self._clock.now()
        title, text = trial_message(by, now, self._site)
        queued = [
            NotificationQueued(
                notification=f"test-{now}-{person}-{channel}",
                occasion=Occasion.TEST.value,
                person=person,
                channel=channel,
                priority=TEST_PRIORITY,
                title=title,
                text=text,
                at=now,
            )
            for channel in known[person].channels
        ]
        await self._events.append([Append(stream_of(event.notification), [event], by, 0) for event in queued])
        return [event.notification for event in queued]
