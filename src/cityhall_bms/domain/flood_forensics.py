"""What a recorded flood was made of, and which suppression would have taken how much of it away.

Every candidate is tried on the very rings of the flood: those that it would have hidden are counted, and whether what
is left would still have been a flood. Priority 1 is never hidden, so none of its rings is ever counted as removed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.domain.alarm_groups import causal_order, group
from cityhall_bms.domain.alarms import Alarm, AlarmState
from cityhall_bms.domain.annunciations import NEVER, Annunciations
from cityhall_bms.domain.floods import floods, peak
from cityhall_bms.domain.site import Site, Text
from cityhall_bms.domain.topology import Topology

ON_DELAYS_S: Final = (30, 60, 120, 300)
"""Longer on-delays that are tried."""
DELAY_IS_ENOUGH: Final = 0.9
"""A shorter delay is taken that removes this share of what the longest would."""
OFF_DELAY_S: Final = 60
TOGETHER_MAX: Final = 8

Rows = NDArray[np.bool_]


class CandidateKind(StrEnum):
    """Ways to suppress by design."""

    DOWNSTREAM = "downstream"
    """While the cause stands, hide what it feeds, what is part of it, or what it speaks for."""
    SAME_DEVICE = "same_device"
    """While one alarm of a device stands, hide its others."""
    ON_DELAY = "on_delay"
    """Let a rule wait longer before it rings."""
    OFF_DELAY = "off_delay"
    """Let a rule wait, or need a wider deadband, before it returns: what chatters rings once."""


_TEXTS: Final = {
    CandidateKind.DOWNSTREAM: Text(
        "{subject} 有警報時，抑制其下游警報",
        "Hide what is downstream while {subject} has an alarm",
    ),
    CandidateKind.SAME_DEVICE: Text(
        "設備 {subject} 已有警報時，抑制其餘警報",
        "Show one alarm of device {subject} at a time",
    ),
    CandidateKind.ON_DELAY: Text(
        "規則 {subject} 延遲 {delay:.0f} 秒發報",
        "Let rule {subject} wait {delay:.0f} s before it rings",
    ),
    CandidateKind.OFF_DELAY: Text(
        "規則 {subject} 延遲 {delay:.0f} 秒復歸，或加大不動帶",
        "Let rule {subject} wait {delay:.0f} s before it returns, or widen its deadband",
    ),
}


@dataclass(frozen=True, slots=True)
class Candidate:
    """One suppression, and what it would have done to the flood."""

    kind: CandidateKind
    subject: str
    """Cause, device or rule."""
    delay_s: float | None
    removes: int
    share: float
    """Of the flood's rings, 0..1."""
    peak: int
    """Most rings within ten minutes that would have been left."""
    flood_remains: bool

    @property
    def text(self) -> Text:
        """What to do, for people."""
        words = {"subject": self.subject, "delay": self.delay_s or 0.0}
        return Text(_TEXTS[self.kind].zh.format(**words), _TEXTS[self.kind].en.format(**words))


@dataclass(frozen=True, slots=True)
class CausalRing:
    """One alarm of the flood at its place in the causal order; times µs UTC."""

    alarm: str
    equipment: str
    priority: int
    began: int
    cause: str
    """Equipment or device under which it is grouped."""
    rings: int


@dataclass(frozen=True, slots=True)
class Forensics:
    """What is known of one flood."""

    rings: int
    order: tuple[CausalRing, ...]
    """Its alarms in causal order; the first is first-up."""
    candidates: tuple[Candidate, ...]
    """What removes most comes first."""
    together: tuple[Candidate, ...]
    """Taken one after the other until no flood is left (or nothing helps): each with what is left after it."""


@dataclass(frozen=True, slots=True)
class _Trial:
    """A candidate and the rows that it would hide."""

    kind: CandidateKind
    subject: str
    hides: Rows
    delay_s: float | None = None


def examine(rows: Annunciations, site: Site, until: int) -> Forensics:
    """Forensics of the rings of one flood, in the order in which they rang, as they are known at ``until``."""
    topology = Topology.of(site)
    order = _causal(rows, site, topology)
    may_hide = rows.priority > 1
    trials = [
        _Trial(trial.kind, trial.subject, trial.hides & may_hide, trial.delay_s)
        for trial in (*_downstream(rows, order), *_same_device(rows, site, topology), *_delays(rows, until))
    ]
    trials = [trial for trial in trials if trial.hides.any()]
    judged = [_judged(rows, trial, trial.hides, until) for trial in trials]
    ranked = sorted(judged, key=lambda one: (-one.removes, one.kind, one.subject))
    return Forensics(len(rows), tuple(order), tuple(ranked), tuple(_together(rows, trials, until)))


def _judged(rows: Annunciations, trial: _Trial, hidden: Rows, until: int) -> Candidate:
    """What is left once some rows are hidden, and what this trial has part in it."""
    left = rows.rang[~hidden]
    removes = int(trial.hides.sum())
    return Candidate(
        kind=trial.kind,
        subject=trial.subject,
        delay_s=trial.delay_s,
        removes=removes,
        share=removes / len(rows),
        peak=peak(left, 0),
        flood_remains=bool(floods(left, until)),
    )


def _together(rows: Annunciations, trials: Sequence[_Trial], until: int) -> Iterator[Candidate]:
    """Take whatever removes most of what is left, until no flood is left or nothing helps."""
    hidden = np.zeros(len(rows), dtype=np.bool_)
    for _ in range(TOGETHER_MAX):
        best = max(trials, key=lambda trial: int((trial.hides & ~hidden).sum()), default=None)
        if best is None or not (best.hides & ~hidden).any():
            return
        further = _Trial(best.kind, best.subject, best.hides & ~hidden, best.delay_s)
        hidden |= best.hides
        taken = _judged(rows, further, hidden, until)
        yield taken
        if not taken.flood_remains:
            return


def _causal(rows: Annunciations, site: Site, topology: Topology) -> list[CausalRing]:
    """Each alarm once, by its first occurrence, grouped as the operators' list groups it."""
    alarms = {alarm.alarm_id: alarm for alarm in _alarms(rows, site)}
    place = {name: number for number, name in enumerate(rows.names)}
    rings = np.bincount(rows.alarm, minlength=len(rows.names))
    found = [
        CausalRing(one.alarm_id, one.equipment, one.priority, one.raised_at or 0, each.cause, int(rings[place[name]]))
        for each in group(alarms.values(), topology)
        for one in each.alarms
        for name in [one.alarm_id]
    ]
    return sorted(found, key=lambda ring: causal_order(alarms[ring.alarm]))


def _alarms(rows: Annunciations, site: Site) -> Iterator[Alarm]:
    """The alarms of the flood as one occurrence each, from the first beginning to the last end."""
    order = np.argsort(rows.alarm, kind="stable")
    places, starts = np.unique(rows.alarm[order], return_index=True)
    for place, own in zip(places.tolist(), np.split(order, starts[1:]), strict=True):
        ended = int(rows.ended[own].max())
        rule, _, subject = rows.names[place].partition("~")
        yield Alarm(
            rows.names[place],
            rule=rule,
            subject=subject,
            equipment=_equipment_of(subject, site),
            priority=int(rows.priority[own[0]]),
            base=AlarmState.UNACKNOWLEDGED if ended == NEVER else AlarmState.RETURNED_UNACKNOWLEDGED,
            raised_at=int(rows.began[own].min()),
            returned_at=None if ended == NEVER else ended,
            position=int(own[0]),
        )


def _equipment_of(subject: str, site: Site) -> str:
    """Equipment of an alarm's subject: a point, a device (then that of its first point), or the equipment itself."""
    if subject in site.points:
        return site.points[subject].equipment
    points = site.points_of(subject.partition(":")[0]) if subject not in site.equipment else []
    return points[0].equipment if points else subject


def _downstream(rows: Annunciations, order: Sequence[CausalRing]) -> Iterator[_Trial]:
    """By cause: what is grouped under it, is about something else, and rang once the cause had."""
    place = {name: number for number, name in enumerate(rows.names)}
    by_cause: dict[str, tuple[list[int], list[int]]] = {}
    for ring in order:
        own, below = by_cause.setdefault(ring.cause, ([], []))
        is_cause = ring.cause in {ring.equipment, ring.alarm.partition("~")[2]}
        (own if is_cause else below).append(place[ring.alarm])
    for cause, (own, below) in by_cause.items():
        since = rows.rang[np.isin(rows.alarm, own)].min(initial=NEVER)
        yield _Trial(CandidateKind.DOWNSTREAM, cause, np.isin(rows.alarm, below) & (rows.rang >= since))


def _same_device(rows: Annunciations, site: Site, topology: Topology) -> Iterator[_Trial]:
    """By device: what began while another alarm of it stood that had begun before."""
    subjects = [name.partition("~")[2] for name in rows.names]
    devices = [topology.device_of(subject, _equipment_of(subject, site)) for subject in subjects]
    number = {device: place for place, device in enumerate(sorted(set(devices) - {""}))}
    device = np.array([number.get(name, -1) for name in devices], np.int64)[rows.alarm]
    for name, place in number.items():
        own = np.flatnonzero(device == place)
        own = own[np.argsort(rows.began[own], kind="stable")]
        stood_until = np.maximum.accumulate(rows.ended[own])
        hides = np.zeros(len(rows), dtype=np.bool_)
        hides[own[1:]] = (rows.began[own[1:]] <= stood_until[:-1]) & (rows.alarm[own[1:]] != rows.alarm[own[0]])
        yield _Trial(CandidateKind.SAME_DEVICE, name, hides)


def _delays(rows: Annunciations, until: int) -> Iterator[_Trial]:
    """By rule: what a longer wait before ringing, or before returning, would have made of it."""
    rules = [name.partition("~")[0] for name in rows.names]
    number = {rule: place for place, rule in enumerate(sorted(set(rules)))}
    rule = np.array([number[name] for name in rules], np.int64)[rows.alarm]
    lasted_us = np.minimum(rows.ended, until) - rows.began
    is_over, soon_again = rows.ended <= until, _soon_again(rows)
    for name, place in number.items():
        own = rule == place
        tried = [(delay_s, own & is_over & (lasted_us < delay_s * 1_000_000)) for delay_s in ON_DELAYS_S]
        most = int(tried[-1][1].sum())
        enough = next(trial for trial in tried if trial[1].sum() >= most * DELAY_IS_ENOUGH)
        yield _Trial(CandidateKind.ON_DELAY, name, enough[1], enough[0])
        yield _Trial(CandidateKind.OFF_DELAY, name, own & soon_again, OFF_DELAY_S)


def _soon_again(rows: Annunciations) -> Rows:
    """Rows that began within the tried off-delay after the alarm's occurrence before was over."""
    found = np.zeros(len(rows), dtype=np.bool_)
    own = np.flatnonzero(~rows.again)
    own = own[np.lexsort((rows.began[own], rows.alarm[own]))]
    same = np.diff(rows.alarm[own]) == 0
    found[own[1:]] = same & (rows.began[own[1:]] - rows.ended[own[:-1]] <= OFF_DELAY_S * 1_000_000)
    return found
