"""Data that came late: which stretch of which points it touched, and what rules would have rung in it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np

from cityhall_bms.domain.alarms import Alarm, AlarmRaised, AlarmRecordedLate, AlarmReturned
from cityhall_bms.domain.batch import SampleBatch
from cityhall_bms.domain.events import StoredEvent
from cityhall_bms.rules.binding import Binding
from cityhall_bms.rules.decisions import decide, identity
from cityhall_bms.rules.engine import Change, Proposal

LATE_US: Final = 300_000_000
"""A sample that reaches the log so much after it was observed was not judged in its time."""
APART_US: Final = 3_600_000_000
"""Touched stretches that lie closer are judged as one."""
STRETCHES_MAX: Final = 100


@dataclass(frozen=True, slots=True)
class Stretch:
    """Time (µs UTC) into which late samples of some points fell; ``position`` and ``seen_at`` are of the last batch."""

    first: int
    last: int
    points: frozenset[int]
    position: int
    seen_at: int
    interval_us: int = 0
    """Time between two samples, where it is known to be long."""

    def touches(self, other: "Stretch") -> bool:
        """Tell whether two lie so close that they are judged together."""
        return self.first <= other.last + APART_US and other.first <= self.last + APART_US

    def joined(self, other: "Stretch") -> "Stretch":
        """Both as one."""
        return Stretch(
            min(self.first, other.first),
            max(self.last, other.last),
            self.points | other.points,
            max(self.position, other.position),
            max(self.seen_at, other.seen_at),
            max(self.interval_us, other.interval_us),
        )

    def plain(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "first": self.first,
            "last": self.last,
            "points": sorted(self.points),
            "position": self.position,
            "seen_at": self.seen_at,
            "interval_us": self.interval_us,
        }

    @classmethod
    def of(cls, table: Mapping[str, Any]) -> "Stretch":
        """Read it back."""
        return cls(**{**table, "points": frozenset(table["points"])})


def late_in(batch: SampleBatch, position: int, watched: Iterable[int]) -> Stretch | None:
    """Stretch that a batch touches with late samples of watched points; none without any."""
    observed_at = batch.observed_at
    late = batch.recorded_at - observed_at > LATE_US
    if late.any():
        late &= np.isin(batch.point, np.array(list(watched), np.uint32))
    if not late.any():
        return None
    at = observed_at[late]
    return Stretch(int(at.min()), int(at.max()), frozenset(batch.point[late].tolist()), position, batch.recorded_at)


def gathered(stretches: Sequence[Stretch], new: Stretch) -> list[Stretch]:
    """Stretches with a new one; those that touch become one, and at most a hundred are kept apart."""
    apart = []
    for stretch in stretches:
        if stretch.touches(new):
            new = new.joined(stretch)
        else:
            apart.append(stretch)
    found = sorted([*apart, new], key=lambda item: item.first)
    while len(found) > STRETCHES_MAX:
        gaps = [after.first - before.last for before, after in pairwise(found)]
        place = gaps.index(min(gaps))
        found[place : place + 2] = [found[place].joined(found[place + 1])]
    return found


def touched(binding: Binding, points: frozenset[int]) -> set[str]:
    """Rules that look at any of some points."""
    columns = {place for place, number in enumerate(binding.point_ids.tolist()) if number in points}
    return {
        bound.rule.id
        for bound in binding.rules
        if any(column in columns for row in range(len(bound.subjects)) for column, _ in bound.condition.watched(row))
    }


def occurrences(proposals: Iterable[Proposal], stretch: Stretch) -> dict[str, list[AlarmRecordedLate]]:
    """Whole occurrences among the proposals of a replay that reach into a stretch, by alarm.

    One that has not ended is for the live engine: it sees that the condition stands.
    """
    standing: dict[str, AlarmRaised] = {}
    found: dict[str, list[AlarmRecordedLate]] = {}
    for item in proposals:
        name = identity(item)
        if item.kind is Change.RETURNED:
            raised = standing.pop(name, None)
            if raised is not None and raised.observed_at <= stretch.last and item.observed_at >= stretch.first:
                found.setdefault(name, []).append(_late(raised, item))
        elif name not in standing:
            event = decide(Alarm(name), item, stretch.position)
            if isinstance(event, AlarmRaised):
                standing[name] = event
    return found


def _late(raised: AlarmRaised, returned: Proposal) -> AlarmRecordedLate:
    return AlarmRecordedLate(
        rule=raised.rule,
        rule_version=raised.rule_version,
        subject=raised.subject,
        equipment=raised.equipment,
        system=raised.system,
        priority=raised.priority,
        text_zh=raised.text_zh,
        text_en=raised.text_en,
        began=raised.observed_at,
        ended=max(returned.observed_at, raised.observed_at),
        value=raised.value,
        limit=raised.limit,
        unit=raised.unit,
        telemetry_position=raised.telemetry_position,
    )


def missed(found: Sequence[AlarmRecordedLate], entries: Iterable[StoredEvent]) -> list[AlarmRecordedLate]:
    """Occurrences that an alarm's stream does not have yet: none that it has overlaps them."""
    known = _recorded(entries)
    return [item for item in found if not any(began <= item.ended and item.began <= ended for began, ended in known)]


def _recorded(entries: Iterable[StoredEvent]) -> list[tuple[int, int]]:
    known: list[tuple[int, int]] = []
    began: int | None = None
    for entry in entries:
        if entry.type == AlarmRaised.__name__:
            began = entry.payload["observed_at"]
        elif entry.type == AlarmReturned.__name__ and began is not None:
            known.append((began, entry.payload["observed_at"]))
            began = None
        elif entry.type == AlarmRecordedLate.__name__:
            known.append((entry.payload["began"], entry.payload["ended"]))
    if began is not None:
        known.append((began, np.iinfo(np.int64).max))
    return known
