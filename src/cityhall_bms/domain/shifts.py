"""Shifts: when one ends and the next begins, by the clock on the wall."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo

from cityhall_bms.domain.wall_clock import instant_us, local_day


def minutes_of(text: str) -> int:
    """Minutes since midnight of a time of the day as ``07:30``; ``ValueError`` for anything else."""
    hours, _, minutes = text.partition(":")
    if len(hours) == len(minutes) == 2 and hours.isdecimal() and minutes.isdecimal():
        total = int(hours) * 60 + int(minutes)
        if int(hours) < 24 and int(minutes) < 60:
            return total
    msg = f"'{text}' is no time of the day: write it as 07:30"
    raise ValueError(msg)


@dataclass(frozen=True, slots=True)
class Shifts:
    """The times of a day (minutes since midnight, one at least) at which shifts change, in the building's zone."""

    changes: Sequence[int]
    zone: ZoneInfo

    def end_after(self, at: int) -> int:
        """The next change of shifts after a moment (µs UTC)."""
        day = local_day(self.zone, at)
        ahead = (
            instant_us(self.zone, day + timedelta(days=days), minutes)
            for days in (0, 1)
            for minutes in sorted(self.changes)
        )
        return next(change for change in ahead if change > at)
