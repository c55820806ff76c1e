"""What a device tells of its alarms, told once. Pure; knows no library.

Notifications come by themselves and may be lost, or repeated; the list of what is in alarm or not acknowledged
(GetEventInformation) is asked for now and then. Both name a transition by object, kind of transition and time stamp
(ANSI/ASHRAE 135, clauses 13.2.5, 13.8 and 13.12), by which the one is known from the other.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cityhall_bms.domain.notices import DeviceNotice
from cityhall_drivers.bacnet.device_time import DeviceClock

NORMAL: Final = "normal"
FAULT: Final = "fault"
ACKNOWLEDGED: Final = "ack-notification"
RELIABILITY: Final = "change-of-reliability"
TO_OFFNORMAL, TO_FAULT, TO_NORMAL = range(3)
_STATE_OF: Final = ("offnormal", FAULT, NORMAL)
_KINDS: Final = {
    "analog-input": "out-of-range",
    "analog-output": "out-of-range",
    "analog-value": "out-of-range",
    "pulse-converter": "out-of-range",
    "binary-input": "change-of-state",
    "binary-value": "change-of-state",
    "multi-state-input": "change-of-state",
    "multi-state-value": "change-of-state",
    "binary-output": "command-failure",
    "multi-state-output": "command-failure",
    "loop": "floating-limit",
    "accumulator": "unsigned-range",
    "integer-value": "signed-out-of-range",
    "positive-integer-value": "unsigned-out-of-range",
    "large-analog-value": "double-out-of-range",
}
"""What each type of object reports by itself (clause 13.3)."""


def transition_of(state: str) -> int:
    """Which of the three transitions leads to a state."""
    return {NORMAL: TO_NORMAL, FAULT: TO_FAULT}.get(state, TO_OFFNORMAL)


@dataclass(frozen=True, slots=True)
class Stamp:
    """A time stamp: its tags as they came, and µs of the device's local time where it is one."""

    tags: bytes
    local_us: int | None


@dataclass(frozen=True, slots=True)
class Event:
    """One notification."""

    address: str
    kind: str
    from_state: str
    to_state: str
    stamp: Stamp
    message: str
    priority: int
    is_ack_required: bool
    is_acknowledgement: bool


@dataclass(frozen=True, slots=True)
class Summary:
    """One entry of the list: an object in alarm, or with a transition that nobody has acknowledged."""

    address: str
    state: str
    acknowledged: Sequence[bool]
    stamps: Sequence[Stamp]
    priorities: Sequence[int]


class Book:
    """Alarms of one device as far as we told of them."""

    def __init__(self, device: str) -> None:
        self._device = device
        self._last: dict[tuple[str, int, bool], bytes] = {}
        self._standing: dict[str, str] = {}

    def told(self, event: Event, clock: DeviceClock | None, now: int) -> DeviceNotice | None:
        """Make a notice of a notification; none when it was told before."""
        transition = transition_of(event.to_state)
        if not self._is_new(event.address, transition, event.stamp, is_acknowledgement=event.is_acknowledgement):
            return None
        if not event.is_acknowledgement:
            self._stands(event.address, event.to_state)
        return DeviceNotice(
            self._device,
            event.address,
            ACKNOWLEDGED if event.is_acknowledgement else event.kind,
            event.from_state,
            event.to_state,
            _utc(event.stamp, clock, now),
            event.message,
            event.priority,
            event.stamp.tags.hex() if event.is_ack_required else "",
        )

    def listed(self, summaries: Sequence[Summary], clock: DeviceClock | None, now: int) -> list[DeviceNotice]:
        """Make notices of what the list holds and was not told before, oldest first; then of what is gone from it.

        The list does not say from which state an object came: it is told as empty.
        """
        news = [one for summary in summaries for one in self._news(summary, clock, now)]
        gone = [address for address in self._standing if address not in {one.address for one in summaries}]
        for summary in summaries:
            self._stands(summary.address, summary.state)
        news.sort(key=lambda notice: notice.at)
        news += [self._returned(address, now) for address in gone]
        return news

    def _news(self, summary: Summary, clock: DeviceClock | None, now: int) -> list[DeviceNotice]:
        current = transition_of(summary.state)
        found = []
        for transition, stamp in enumerate(summary.stamps):
            is_current = transition == current
            is_open = not summary.acknowledged[transition]
            if not (is_current or is_open):
                continue
            if self._is_new(summary.address, transition, stamp, is_acknowledgement=False):
                state = summary.state if is_current else _STATE_OF[transition]
                found.append(
                    DeviceNotice(
                        self._device,
                        summary.address,
                        RELIABILITY if transition == TO_FAULT else _KINDS.get(summary.address.split(",")[0], ""),
                        "",
                        state,
                        _utc(stamp, clock, now),
                        "",
                        summary.priorities[transition],
                        stamp.tags.hex() if is_open else "",
                    )
                )
        return found

    def _returned(self, address: str, now: int) -> DeviceNotice:
        was = self._standing.pop(address)
        kind = RELIABILITY if was == FAULT else _KINDS.get(address.split(",", maxsplit=1)[0], "")
        return DeviceNotice(self._device, address, kind, was, NORMAL, now)

    def _is_new(self, address: str, transition: int, stamp: Stamp, *, is_acknowledgement: bool) -> bool:
        """Take note of an object's last transition of a kind, so that there is one note of each and no more."""
        place = address, transition, is_acknowledgement
        if self._last.get(place) == stamp.tags:
            return False
        self._last[place] = stamp.tags
        return True

    def _stands(self, address: str, state: str) -> None:
        if state == NORMAL:
            self._standing.pop(address, None)
        else:
            self._standing[address] = state


def _utc(stamp: Stamp, clock: DeviceClock | None, now: int) -> int:
    return now if clock is None or stamp.local_us is None else clock.utc(stamp.local_us)
