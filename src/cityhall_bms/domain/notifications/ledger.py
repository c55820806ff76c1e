"""What was told to whom: keeps an alarm that flaps, and a flood of alarms, from becoming as many messages."""

import dataclasses
import json
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

from cityhall_bms.domain.alarms import Alarm
from cityhall_bms.domain.site import Text

REMEMBERED_US: Final = 7 * 86_400_000_000
"""An occurrence that stands for longer and is shown to the operators again is told of again."""
TEXTS_KEPT_MAX: Final = 5
NO_OCCURRENCE: Final = 0
"""Occurrences count from 1."""
URGENT: Final = 1
URGENT_PERIOD_S: Final = 60.0
"""What is held back of the most urgent priority is summed up this soon."""


class Verdict(Enum):
    """Whether an alarm is told of."""

    NOW = "now"
    LATER = "later"
    """It came again so soon that it may be gone soon, too."""
    NO = "no"


@dataclass(frozen=True, slots=True)
class Told:
    """What was last told of an alarm, and when (µs UTC)."""

    occurrence: int
    level: int
    priority: int
    at: int
    over: bool = False
    """Whether nothing more is said of its end: that was told, too, or it was only one of many."""


@dataclass(frozen=True, slots=True)
class Held:
    """Alarms that are not told one by one, since the first of them. ``cause`` is its position in the event log."""

    since: int
    cause: int
    count: int = 1
    texts: tuple[tuple[str, str], ...] = ()


@dataclass(slots=True)
class Ledger:
    """One message for each occurrence and level of an alarm; a flood is told in summaries, by group and priority."""

    told: dict[str, Told] = field(default_factory=dict)
    owed: dict[str, int] = field(default_factory=dict)
    """Alarms that came again too soon, and when they are looked at again (µs UTC)."""
    rings: dict[str, list[int]] = field(default_factory=dict)
    held: dict[str, Held] = field(default_factory=dict)

    def verdict(self, alarm: Alarm, level: int, now: int, again_after_s: float) -> Verdict:
        """Whether an alarm that waits for somebody is told of at a level."""
        told = self.told.get(alarm.alarm_id)
        if told is None or alarm.priority < told.priority:
            return Verdict.NOW
        is_known = told.occurrence == alarm.occurrence
        is_recent = now - told.at < again_after_s * 1e6
        if is_known or is_recent:
            if told.level < level:
                return Verdict.NOW
            return Verdict.NO if is_known or level else Verdict.LATER
        return Verdict.NOW

    def note(self, alarm: Alarm, level: int, now: int, *, alone: bool = True) -> None:
        """Remember that an alarm was told of: ``alone``, or only counted in a summary."""
        self.told[alarm.alarm_id] = Told(alarm.occurrence, level, alarm.priority, now, not alone)
        self.owed.pop(alarm.alarm_id, None)

    def renew(self, alarm_id: str) -> None:
        """An alarm that was answered rings again because it lasts: what was told of it counts no more."""
        told = self.told.get(alarm_id)
        if told is not None:
            self.told[alarm_id] = dataclasses.replace(told, occurrence=NO_OCCURRENCE)

    def owes_an_end(self, alarm_id: str) -> bool:
        """Whether an alarm was told of, and its end not yet."""
        told = self.told.get(alarm_id)
        return told is not None and not told.over

    def may_say_over(self, alarm: Alarm) -> bool:
        """Whether an occurrence was told of and its end was not; from here on it counts as told."""
        told = self.told.get(alarm.alarm_id)
        if told is None or told.occurrence != alarm.occurrence or told.over or alarm.active:
            return False
        self.told[alarm.alarm_id] = dataclasses.replace(told, over=True)
        return True

    def owe(self, alarm: Alarm, again_after_s: float) -> None:
        """Remember to look at an alarm again when it has been quiet about it long enough."""
        self.owed[alarm.alarm_id] = self.told[alarm.alarm_id].at + round(again_after_s * 1e6)

    def due(self, now: int) -> list[str]:
        """Alarms that are to be looked at again, in order; they are owed no more."""
        found = [alarm for alarm, at in self.owed.items() if at <= now]
        for alarm in found:
            del self.owed[alarm]
        return found

    def may_ring(self, group: str, priority: int, now: int, most: int, period_s: float) -> bool:
        """Take one of the ``most`` single messages of a priority that a group gets within a period, if any is left."""
        key = f"{group}/{priority}"
        recent = [at for at in self.rings.get(key, []) if now - at < period_s * 1e6]
        allowed = len(recent) < most
        self.rings[key] = [*recent, now] if allowed else recent
        return allowed

    def hold(self, group: str, priority: int, cause: int, text: Text, now: int) -> None:
        """Count an alarm into the group's next summary."""
        key = f"{group}/{priority}"
        held = self.held.get(key)
        if held is None:
            self.held[key] = Held(now, cause, 1, ((text.zh, text.en),))
            return
        texts = held.texts if len(held.texts) >= TEXTS_KEPT_MAX else (*held.texts, (text.zh, text.en))
        self.held[key] = dataclasses.replace(held, count=held.count + 1, texts=texts)

    def summaries(self, now: int, period_s: float) -> list[tuple[str, int, Held]]:
        """Group, priority and what was held back, of those whose period is over; they are held no more."""
        found = []
        for key, held in list(self.held.items()):
            group, _, priority = key.rpartition("/")
            wait_s = min(URGENT_PERIOD_S, period_s) if int(priority) == URGENT else period_s
            if now - held.since >= wait_s * 1e6:
                found.append((group, int(priority), held))
                del self.held[key]
        return found

    def forget(self, now: int) -> None:
        """Drop what is remembered for too long."""
        self.told = {alarm: told for alarm, told in self.told.items() if now - told.at < REMEMBERED_US}

    def encode(self) -> bytes:
        """As it is kept with the keeper's place in the log."""
        kept = {
            "told": {alarm: [t.occurrence, t.level, t.priority, t.at, t.over] for alarm, t in self.told.items()},
            "owed": self.owed,
            "rings": self.rings,
            "held": {key: [held.since, held.cause, held.count, held.texts] for key, held in self.held.items()},
        }
        return json.dumps(kept, ensure_ascii=False, separators=(",", ":")).encode()

    @classmethod
    def decode(cls, data: bytes) -> "Ledger":
        """Read what :meth:`encode` gave; nothing is an empty one."""
        if not data:
            return cls()
        kept: dict[str, Any] = json.loads(data)
        held = {
            key: Held(since, cause, count, tuple((zh, en) for zh, en in texts))
            for key, (since, cause, count, texts) in kept["held"].items()
        }
        return cls({alarm: Told(*entry) for alarm, entry in kept["told"].items()}, kept["owed"], kept["rings"], held)
