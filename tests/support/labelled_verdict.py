"""How rules did against known faults: what was found and how late, what was missed, what rang with no right to.

Matching, of a rule and a fault that provokes what the rule detects, at the rule's own subject: an episode is *right*
when it overlaps the time from the fault's begin to its end and the rule's delays, windows and half an hour of recovery.

A fault is *due* to be found by a rule that has such a subject, when together, for the rule's delays and windows and two
scans without a break, the rule applied (its prerequisite was not known false) and the fault's effect on its own
equipment, as `fault_effects` describes it without regard to any rule, was there. Of sensors and devices
nobody describes an effect: they are due when they lasted an hour longer, which is what the grading takes to doubt.

Any other episode is

- *false* when the same alarm rang within an hour in the twin without faults as well;
- *deceived* when an instrument of the same equipment was struck: the alarm says what the instrument says;
- *blaming* when the rule names a culprit (`NAMING`) and no fault stood at what feeds the equipment or is fed by it;
- else a *consequence*: its condition was true of the plant, because of a fault somewhere.

An alarm that rings again within an hour counts once. Precision counts what is false, deceived or blaming against a rule.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Final

from tests.support.fault_effects.everything import EFFECTS
from tests.support.labelled_year import STEP_US, ZONE, Chance, Lived, full_building, rows_at, shipped, site

from cityhall_bms.domain.annunciations import NEVER
from cityhall_bms.rules.binding import BoundRule
from cityhall_bms.rules.episodes import Episode
from cityhall_bms.rules.memory import delay_us
from cityhall_bms.rules.truth import Fault

SCANS_US: Final = 2 * STEP_US
RECOVERY_US: Final = 1_800_000_000
GRADING_US: Final = 3_600_000_000
"""What the collector's grading may take to doubt an instrument."""
AGAIN_US: Final = 3_600_000_000
"""An alarm that rings again so soon is the same one, right or wrong."""
OVER_TIME: Final = frozenset({"sump_cycling"})
"""Faults whose effect a single look does not show."""
NAMING: Final = (
    "FC", "VALVE-LEAK", "HUNT", "VAV-", "DQ-", "CMD-", "HEAT-BALANCE", "METER-", "PUMP-FLOW", "TOWER", "SIMUL", "LOW-DT",
)  # fmt: skip
"""Rules that say not only that something is amiss, but what: they are wrong where another thing is broken."""


class Why(StrEnum):
    """Why a fault was not due to be found."""

    UNWATCHED = "no rule watches that place"
    NOT_APPLICABLE = "rule not applicable for long enough"
    UNSEEN = "effect not there for long enough"
    SHORT = "over before the rule's delay"


class Kind(StrEnum):
    """What an episode was."""

    RIGHT = "right"
    CONSEQUENCE = "consequence"
    FALSE = "false"
    DECEIVED = "deceived"
    BLAMING = "blaming"


WRONG: Final = frozenset({Kind.FALSE, Kind.DECEIVED, Kind.BLAMING})


@dataclass(slots=True)
class Tally:
    """Sums of one rule or of one kind of fault; ``late_us`` counts from the begin of the effect, delays taken off."""

    due: int = 0
    found: int = 0
    undue: Counter[Why] = field(default_factory=Counter)
    kinds: Counter[Kind] = field(default_factory=Counter)
    late_us: list[int] = field(default_factory=list)

    @property
    def recall(self) -> float | None:
        """Share of the due faults that were found; none without any."""
        return self.found / self.due if self.due else None

    @property
    def episodes(self) -> int:
        """All of them."""
        return self.kinds.total()

    @property
    def precision(self) -> float | None:
        """Share of the episodes that are not wrong; none without any."""
        wrong = sum(self.kinds[kind] for kind in WRONG)
        return (self.episodes - wrong) / self.episodes if self.episodes else None

    def add(self, other: "Tally") -> None:
        """Take in another one."""
        self.due += other.due
        self.found += other.found
        self.undue += other.undue
        self.kinds += other.kinds
        self.late_us += other.late_us


@dataclass(frozen=True, slots=True)
class Verdict:
    """Tallies by rule (a fault counts at each rule that was due to find it) and by kind of fault (it counts once)."""

    rules: dict[str, Tally]
    faults: dict[str, Tally]
    notes: list[dict[str, str]]
    """What was missed and what rang wrongly, one by one."""

    @property
    def by_rule(self) -> Tally:
        """All rules together."""
        return _sum(self.rules.values())

    @property
    def by_fault(self) -> Tally:
        """All faults together."""
        return _sum(self.faults.values())


def judge(stretches: Iterable[Lived]) -> Verdict:
    """Hold what rang against what was wrong."""
    verdict = Verdict(defaultdict(Tally), defaultdict(Tally), [])
    for lived in stretches:
        _judge_faults(lived, verdict)
        for episode in _once(lived.rang):
            kind = kind_of(episode, lived)
            verdict.rules[episode.rule].kinds[kind] += 1
            if kind is not Kind.RIGHT:
                verdict.notes.append(
                    {"rang": kind, "rule": episode.rule, "at": episode.subject, "us": str(episode.began)}
                )
    return verdict


def _judge_faults(lived: Lived, verdict: Verdict) -> None:
    chances = {(chance.rule, chance.fault): chance for chance in lived.chances}
    for number, fault in enumerate(lived.faults):
        due = found = False
        reasons = {Why.UNWATCHED}
        for bound in shipped().rules:
            chance = chances.get((bound.rule.id, number))
            if chance is None or not rows_at(bound, fault):
                continue
            tally = verdict.rules[bound.rule.id]
            why = _why_not(bound, chance, lived)
            first = _first(bound, fault, lived)
            if why is not None:
                tally.undue[why] += 1
                reasons.add(why)
                continue
            if first is not None and first >= fault.since:
                since = fault.since if (sight := lived.sights.get(number)) is None else sight.since or fault.since
                tally.late_us.append(first - since - delay_us(bound.rule))
            tally.due += 1
            tally.found += first is not None
            due, found = True, found or first is not None
            if first is None:
                verdict.notes.append(
                    {"missed": fault.what, "rule": bound.rule.id, "at": fault.where, "us": str(fault.since)}
                )
        by_fault = verdict.faults[fault.what]
        by_fault.due += due
        by_fault.found += found
        if not due:
            by_fault.undue[max(reasons - {Why.UNWATCHED} or reasons)] += 1


def _why_not(bound: BoundRule, chance: Chance, lived: Lived) -> Why | None:
    """Why a rule need not have found a fault; none when it had to."""
    fault, needed = lived.faults[chance.fault], delay_us(bound.rule) + SCANS_US
    lasted = _lasted_us(fault, lived)
    described = chance.fault in lived.sights and fault.what not in OVER_TIME
    if lasted < needed + (0 if described else GRADING_US):
        return Why.SHORT
    if chance.applied_us < needed:
        return Why.NOT_APPLICABLE
    return Why.UNSEEN if described and chance.shown_us < needed else None


def _lasted_us(fault: Fault, lived: Lived) -> int:
    """How long a fault was on; of an effect over time, in the hours of the day in which it shows."""
    until = lived.window.end if fault.until is None else fault.until
    hours = EFFECTS[fault.what].hours if fault.what in OVER_TIME else None
    if hours is None:
        return until - fault.since
    minutes = (datetime.fromtimestamp(at / 1e6, ZONE) for at in range(fault.since, until, STEP_US))
    return sum(hours[0] <= local.hour + local.minute / 60.0 < hours[1] for local in minutes) * STEP_US


def _first(bound: BoundRule, fault: Fault, lived: Lived) -> int | None:
    """When a rule first rang for a fault; also when it rang already as the fault began."""
    names = {bound.subjects[row].name for row in rows_at(bound, fault)}
    begun = [
        one.began
        for one in lived.rang
        if one.rule == bound.rule.id and one.subject in names and _during(fault, one, delay_us(bound.rule))
    ]
    return min(begun, default=None)


def _during(fault: Fault, episode: Episode, delays_us: int) -> bool:
    return episode.overlaps(fault.since, NEVER if fault.until is None else fault.until + delays_us + RECOVERY_US)


def _same(one: Episode, other: Episode) -> bool:
    """Whether two episodes are of one alarm at about the same time."""
    until = NEVER if other.ended is None else other.ended + AGAIN_US
    return (one.rule, one.subject) == (other.rule, other.subject) and one.overlaps(other.began - AGAIN_US, until)


def _once(episodes: Iterable[Episode]) -> Iterator[Episode]:
    """Episodes by begin, without those that ring again within an hour: a contact that flaps is one alarm."""
    ended: dict[tuple[str, str], int] = {}
    for one in sorted(episodes, key=lambda item: item.began):
        key = one.rule, one.subject
        if one.began - ended.get(key, -NEVER) > AGAIN_US:
            yield one
        ended[key] = NEVER if one.ended is None else one.ended


def kind_of(episode: Episode, lived: Lived) -> Kind:
    """What an episode was."""
    bound = _bound()[episode.rule]
    delays_us = delay_us(bound.rule)
    standing = [fault for fault in lived.faults if _during(fault, episode, delays_us)]
    detects = frozenset(bound.rule.detects or (bound.rule.id,))
    subjects = {
        bound.subjects[row].name: fault
        for fault in standing
        for row in rows_at(bound, fault)
        if fault.provokes & detects
    }
    if episode.subject in subjects:
        return Kind.RIGHT
    if any(_same(one, episode) for one in lived.sound):
        return Kind.FALSE
    points = full_building().by_name
    if any(fault.where in points and points[fault.where].equipment.name == episode.equipment for fault in standing):
        return Kind.DECEIVED
    if episode.rule.startswith(NAMING) and not any(fault.where in _kin(episode.equipment) for fault in standing):
        return Kind.BLAMING
    return Kind.CONSEQUENCE


@cache
def _bound() -> dict[str, BoundRule]:
    return {bound.rule.id: bound for bound in shipped().rules}


@cache
def _kin(equipment: str) -> frozenset[str]:
    """An equipment, all that feeds it or that it is part of, and all that it feeds or that is part of it."""
    above = {name: {*item.fed_by, *item.part_of} for name, item in site().equipment.items()}
    below: dict[str, set[str]] = defaultdict(set)
    for name, others in above.items():
        for other in others:
            below[other].add(name)
    return frozenset({equipment, *_reached(equipment, above), *_reached(equipment, below)})


def _reached(start: str, ways: dict[str, set[str]]) -> Iterator[str]:
    seen, waiting = {start}, [start]
    while waiting:
        for name in ways.get(waiting.pop(), set()) - seen:
            seen.add(name)
            waiting.append(name)
            yield name


def _sum(tallies: Iterable[Tally]) -> Tally:
    total = Tally()
    for tally in tallies:
        total.add(tally)
    return total
