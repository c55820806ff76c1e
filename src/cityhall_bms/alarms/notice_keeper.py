"""Alarms that devices find themselves: what a device notices of its own becomes an alarm of ours."""

from collections.abc import Collection, Mapping
from typing import Final

import structlog

from cityhall_bms.domain.alarm_book import AlarmBook
from cityhall_bms.domain.alarms import Alarm, AlarmEvent, AlarmRaised, AlarmReturned, alarm_id, stream_of
from cityhall_bms.domain.errors import ConcurrencyError, EventLogUnavailableError
from cityhall_bms.domain.events import DeviceNoticed, StoredEvent
from cityhall_bms.domain.permits import PERMIT_STREAMS
from cityhall_bms.domain.site import Device, Equipment, Point, Site
from cityhall_bms.domain.suppression import Suppression
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.event_log import Append, Checkpoint, EventLog
from cityhall_bms.ports.read_models import AlarmView

ACTOR: Final = "notices"
CHECKPOINT: Final = "notices"
RULE: Final = "DEVICE"
DEVICE_STREAMS: Final = "device/"
READ_EVENTS_MAX: Final = 500
PERIOD_S: Final = 0.5
RETRY_S: Final = 2.0
HELD_US: Final = 3_000_000
"""How long a notice of a point that a rule watches waits for the rule: longer than a scan, a batch and a step take."""
OVER: Final = frozenset({"normal", "valid"})
"""States in which nothing is wrong: of an object, and of a certificate."""
ACKNOWLEDGED_ELSEWHERE: Final = "ack-notification"
"""Somebody took note at another console of the device: that changes nothing of the alarm's cause."""
DEFAULT_PRIORITY: Final = 3
_PRIORITIES: Final = ((63, 1), (127, 2), (191, 3), (255, 4))
"""BACnet's priorities (0 is the most urgent) as ours, by the building's table of alarm priorities."""

log = structlog.get_logger(__name__)


class NoticeKeeper:
    """Follows the devices' streams. Alarm and place are stored together: after a crash nothing rings twice.

    A notice that all is well again returns its alarm; any other raises it, unless it stands already. An object of a
    device has one alarm, whatever kind of event it says: a device may name it differently when it is over. What is
    hidden by design is raised hidden, in one append.

    Of a point that rules watch (``watched``, names) a notice waits a moment: when an alarm of a rule stands at that
    point by then, operators know already. When none does, the notice rings: the rule may be unable to see.
    """

    def __init__(
        self,
        site: Site,
        events: EventLog,
        view: AlarmView,
        suppression: Suppression,
        watched: Collection[str],
        clock: Clock,
    ) -> None:
        self._site = site
        self._events = events
        self._view = view
        self._book = AlarmBook(suppression)
        self._watched = watched
        self._known: int | None = None
        """Position of the log that the book reflects."""
        self._clock = clock
        self._points: Mapping[tuple[str, str], Point] = {(p.device, p.address): p for p in site.points.values()}
        self._position: int | None = None

    async def run(self) -> None:
        """Follow without end; an outage of the event log delays an alarm and loses none."""
        away = False
        while True:
            try:
                await self.catch_up()
            except EventLogUnavailableError as error:
                if not away:
                    log.warning("devices' notices wait for the event log", reason=str(error))
                away = True
                await self._clock.sleep(RETRY_S)
            else:
                away = False
                await self._clock.sleep(PERIOD_S)

    async def catch_up(self) -> None:
        """Take every notice that is new."""
        if self._position is None:
            stored = await self._events.checkpoint(CHECKPOINT)
            self._position = stored.position if stored else 0
        while entries := await self._events.read(self._position, READ_EVENTS_MAX, DEVICE_STREAMS):
            for entry in entries:
                if self._waits(entry):
                    return
                if entry.type == DeviceNoticed.__name__ and entry.payload["kind"] != ACKNOWLEDGED_ELSEWHERE:
                    await self._take(entry)
                # One by one: after an outage nothing may be decided again that was decided before it.
                self._position = entry.position
            if len(entries) < READ_EVENTS_MAX:
                return

    def _waits(self, entry: StoredEvent) -> bool:
        """Whether a rule may still be about to say the same. Those behind it wait too: they are taken in order."""
        if entry.type != DeviceNoticed.__name__ or not 0 <= self._clock.now() - entry.recorded_at < HELD_US:
            return False
        point = self._points.get((entry.payload["device"], entry.payload["address"]))
        return point is not None and point.name in self._watched and entry.payload["to_state"] not in OVER

    async def _take(self, entry: StoredEvent) -> None:
        notice = entry.event()
        assert isinstance(notice, DeviceNoticed)  # noqa: S101 - by its stored type
        place = Checkpoint(CHECKPOINT, entry.position, b"")
        while True:
            append = await self._append(notice)
            try:
                await self._events.append([append] if append else [], place)
            except ConcurrencyError:
                continue  # an operator acted on it meanwhile: decide again
            return

    async def _append(self, notice: DeviceNoticed) -> Append | None:
        device = self._site.devices.get(notice.device)
        about = None if device is None else self._about(device, notice)
        if device is None or about is None:
            return None  # a device that was taken out of the site, or has no points
        equipment, subject = about
        name = alarm_id(RULE, subject)
        await self._look()
        alarm = self._book[name]
        event = self._decide(alarm, notice, device, equipment, subject)
        if event is None:
            return None
        story, causes = self._book.decide(self._clock.now(), {name: event})
        # What becomes of the others is for the rules engine, which decides by the same table.
        self._book.settle(causes)
        return Append(stream_of(name), story[name], ACTOR, alarm.version)

    async def _look(self) -> None:
        """Bring the book up to the log, beginning where the view of alarms stands."""
        if self._known is None:
            stored = await self._view.everything()
            await self._read(0, PERMIT_STREAMS)
            for alarm in stored.alarms:
                self._book.put(alarm)
            self._known = stored.position
        self._known = await self._read(self._known)

    async def _read(self, after: int, stream: str | None = None) -> int:
        """Take what the log holds after a position; gives that of the last entry."""
        while entries := await self._events.read(after, READ_EVENTS_MAX, stream):
            for entry in entries:
                self._book.take(entry)
            after = entries[-1].position
        return after

    def _decide(
        self, alarm: Alarm, notice: DeviceNoticed, device: Device, equipment: Equipment, subject: str
    ) -> AlarmEvent | None:
        if notice.to_state in OVER:
            return AlarmReturned(observed_at=notice.observed_at) if alarm.active else None
        # Devices list to every new session what nobody acknowledged; a list does not say from which state it came.
        is_told_again = not notice.from_state and notice.observed_at == alarm.raised_at
        if alarm.active or is_told_again or self._is_told_by_a_rule(subject):
            return None
        what = notice.message or f"{notice.kind}: {notice.to_state}"
        # A device has many points: what it is about says more than who says it.
        point = self._points.get((device.name, notice.address))
        zh, en = device.text.zh, device.text.en
        if point is not None:
            zh, en = f"{point.text.zh}（{equipment.text.zh}）", f"{point.text.en} ({equipment.text.en})"
        return AlarmRaised(
            rule=RULE,
            rule_version=1,
            subject=subject,
            equipment=equipment.name,
            system=equipment.system.value,
            priority=priority_of(notice.priority),
            text_zh=f"{zh}：{what}",
            text_en=f"{en}: {what}",
            latching=False,
            occurrence=alarm.occurrence + 1,
            observed_at=notice.observed_at,
        )

    def _is_told_by_a_rule(self, subject: str) -> bool:
        return any(alarm.subject == subject and alarm.rule != RULE for alarm in self._book.active)

    def _about(self, device: Device, notice: DeviceNoticed) -> tuple[Equipment, str] | None:
        """Equipment and subject of a notice: the point that it names, or the device by its first point."""
        point = self._points.get((device.name, notice.address))
        if point is not None:
            return self._site.equipment[point.equipment], point.name
        first = next(iter(self._site.points_of(device.name)), None)
        subject = f"{device.name}:{notice.address or notice.kind}"
        return None if first is None else (self._site.equipment[first.equipment], subject)


def priority_of(device_priority: int | None) -> int:
    """Our priority, 1 to 4, of a device's 0 to 255."""
    if device_priority is None:
        return DEFAULT_PRIORITY
    return next((ours for most, ours in _PRIORITIES if device_priority <= most), _PRIORITIES[-1][1])
