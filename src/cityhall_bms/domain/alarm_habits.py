"""Habits of single alarms that make a console useless: chattering, fleeting, stale, and ringing most of all."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.domain.annunciations import Annunciations, Times

MINUTE_US: Final = 60_000_000
DAY_US: Final = 24 * 60 * MINUTE_US

CHATTERING_TRANSITIONS: Final = 3
CHATTERING_WITHIN_US: Final = MINUTE_US
FLEETING_AT_MOST_US: Final = MINUTE_US
FLEETING_ALONE_US: Final = 10 * MINUTE_US
STALE_AFTER_US: Final = DAY_US


@dataclass(frozen=True, slots=True)
class Actor:
    """One alarm and how often it did something; ``share`` of all that did so, 0..1."""

    alarm: str
    count: int
    share: float


def within(times: Times, first: int, until: int) -> NDArray[np.bool_]:
    """Which times are in a stretch; its end is not."""
    return (times >= first) & (times < until)


def actors(names: Sequence[str], alarm: NDArray[np.int64]) -> tuple[Actor, ...]:
    """Count by alarm, most frequent first."""
    if not len(alarm):
        return ()
    number = np.bincount(alarm, minlength=len(names)).tolist()
    order = sorted((place for place, count in enumerate(number) if count), key=lambda p: (-number[p], names[p]))
    return tuple(Actor(names[place], number[place], number[place] / len(alarm)) for place in order)


def chattering(rows: Annunciations, first: int, until: int) -> tuple[Actor, ...]:
    """Alarms that became true or false three times within a minute, and how many such changes they made."""
    own = rows.where(~rows.again)
    alarm = np.concatenate([own.alarm, own.alarm])
    at = np.concatenate([own.began, own.ended])
    happened = within(at, first - CHATTERING_WITHIN_US, until)
    alarm, at = alarm[happened], at[happened]
    order = np.lexsort((at, alarm))
    alarm, at = alarm[order], at[order]
    return actors(rows.names, alarm[_in_bursts(alarm, at) & (at >= first)])


def _in_bursts(alarm: NDArray[np.int64], at: Times) -> NDArray[np.bool_]:
    """Which changes, sorted by alarm and time, are among three of one alarm within a minute."""
    step = CHATTERING_TRANSITIONS - 1
    found = np.zeros(len(at), dtype=np.bool_)
    if len(at) > step:
        starts = (alarm[step:] == alarm[:-step]) & (at[step:] - at[:-step] <= CHATTERING_WITHIN_US)
        for place in range(CHATTERING_TRANSITIONS):
            found[place : len(at) - step + place] |= starts
    return found


def fleeting(rows: Annunciations) -> NDArray[np.bool_]:
    """Rows that were over within a minute, of an alarm that did not ring in the ten minutes before or after."""
    found = np.zeros(len(rows), dtype=np.bool_)
    own = np.flatnonzero(~rows.again)
    own = own[np.lexsort((rows.began[own], rows.alarm[own]))]
    near = (np.diff(rows.alarm[own]) == 0) & (np.diff(rows.began[own]) <= FLEETING_ALONE_US)
    repeated = np.zeros(len(own), dtype=np.bool_)
    repeated[1:] |= near
    repeated[:-1] |= near
    found[own] = ~repeated & (rows.ended[own] - rows.began[own] <= FLEETING_AT_MOST_US)
    return found


def stale_at(rows: Annunciations, at: int) -> NDArray[np.bool_]:
    """Rows that had been standing for more than a day at a time, each occurrence once."""
    return ~rows.again & (rows.began < at - STALE_AFTER_US) & (rows.ended >= at)


def stale_per_day(rows: Annunciations, first: int, until: int) -> int:
    """Most alarms that were stale at some time of one day, counted in days from ``first``."""
    own = rows.where(~rows.again & (rows.began < until - STALE_AFTER_US))
    since = np.maximum(own.began + STALE_AFTER_US, first)
    ended = np.minimum(own.ended, until)
    was = ended > since
    days = -(-(until - first) // DAY_US)
    begins = np.bincount((since[was] - first) // DAY_US, minlength=days)
    ends = np.bincount((ended[was] - 1 - first) // DAY_US + 1, minlength=days + 1)
    standing = np.cumsum(begins[:days]) - np.cumsum(ends[:days])
    return int(standing.max(initial=0))
