"""Shapes of answers about alarm load, floods and groups. Times are RFC 3339 in UTC; shares are 0 to 1."""

from typing import Literal

from pydantic import Field

from cityhall_bms.api import models
from cityhall_bms.api.models import Model, Text, Time
from cityhall_bms.api.times import to_rfc3339
from cityhall_bms.domain.alarm_figures import AlarmFigures, Response, Span
from cityhall_bms.domain.alarm_groups import AlarmGroup
from cityhall_bms.domain.alarm_habits import Actor
from cityhall_bms.domain.alarm_hints import Sound
from cityhall_bms.domain.alarm_targets import Judgement
from cityhall_bms.domain.flood_forensics import Candidate, CandidateKind, CausalRing
from cityhall_bms.domain.floods import Flood


class FeedTransition(models.Transition):
    """A transition as the feed tells it."""

    group: str | None = Field(description="Equipment or device that caused it; null: the alarm is not open.")
    first_up: bool = Field(description="It came first in its group.")
    changes: int = Field(description="How often it changed since it began to chatter; 0: it does not.")
    sound: Sound = Field(description="What is heard until its next transition.")
    colour: str = Field(description="red orange yellow blue by priority; grey: normal or hidden.", examples=["orange"])
    shape: str = Field(description="square diamond triangle circle by priority.", examples=["diamond"])


class FloodNews(Model):
    """A flood began, or was over."""

    on: bool
    at: Time
    count: int = Field(description="How many rang: until it began, or in all of it.")


class JudgedFigure(Model):
    """One figure beside its target."""

    name: str = Field(examples=["per_hour"])
    text: Text
    value: float | None = Field(description="Null: there is nothing to judge.", examples=[4.2])
    unit: str = Field(description="`1` is a share, 0 to 1.", examples=[""])
    good: float = Field(description="Good up to here (from here on, where `at_least`).", examples=[6.0])
    limit: float = Field(description="Acceptable up to here.", examples=[12.0])
    at_least: bool
    verdict: Literal["good", "acceptable", "over", "none"]
    source: str = Field(examples=["EEMUA 191 / IEC 62682"])

    @classmethod
    def of(cls, judged: Judgement) -> "JudgedFigure":
        """Give the answer's form."""
        target = judged.target
        return cls(
            name=target.name,
            text=Text.of(target.text),
            value=judged.value,
            unit=target.unit,
            good=target.good,
            limit=target.limit,
            at_least=target.at_least,
            verdict=judged.verdict.value,
            source=target.source,
        )


class Duration(Model):
    """How long something took, s; null without any."""

    number: int
    median_s: float | None
    p95_s: float | None

    @classmethod
    def of(cls, span: Span) -> "Duration":
        """Give the answer's form."""
        return cls(number=span.number, median_s=span.median_s, p95_s=span.p95_s)


class Answered(Model):
    """How alarms of one priority were answered."""

    priority: int
    annunciations: int
    share: float
    acknowledged: Duration
    target_s: float = Field(description="Target time to acknowledge.", examples=[300.0])
    inside_target: float | None = Field(description="Share of those due; null: none was.")
    ended: Duration

    @classmethod
    def of(cls, found: Response) -> "Answered":
        """Give the answer's form."""
        return cls(
            priority=found.priority,
            annunciations=found.annunciations,
            share=found.share,
            acknowledged=Duration.of(found.acknowledged),
            target_s=found.target_s,
            inside_target=found.inside_target,
            ended=Duration.of(found.ended),
        )


class AlarmCount(Model):
    """One alarm and how often it did something."""

    alarm: str = Field(examples=["CHC_TRIP~TCH.B2.CN.CHC01"])
    count: int
    share: float

    @classmethod
    def of(cls, actor: Actor) -> "AlarmCount":
        """Give the answer's form."""
        return cls(alarm=actor.alarm, count=actor.count, share=actor.share)


class AlarmFloods(Model):
    """Floods of a stretch of time."""

    on: bool = Field(description="A flood of the whole site is on now, by the record.")
    items: list["AlarmFlood"]


class AlarmFlood(Model):
    """A time in which more rang than a person can follow."""

    id: str = Field(description="When it began, µs since 1970 UTC.", examples=["1782864300000000"])
    began: Time
    ended: Time | None = Field(description="Null while it is on.")
    first_ring: Time = Field(description="The first of the alarms that made it.")
    lasted_s: float
    total: int
    peak_10_min: int

    @classmethod
    def of(cls, flood: Flood, now: int) -> "AlarmFlood":
        """Give the answer's form."""
        return cls(
            id=str(flood.began),
            began=to_rfc3339(flood.began) or "",
            ended=to_rfc3339(flood.ended),
            first_ring=to_rfc3339(flood.first_ring) or "",
            lasted_s=flood.lasted_s(now),
            total=flood.total,
            peak_10_min=flood.peak,
        )


class Figures(Model):
    """What one console bore, and how it was answered."""

    first: Time = Field(alias="from")
    until: Time = Field(alias="to")
    annunciations: int
    late: int = Field(description="Occurrences found in late data: they rang nowhere.")
    judged: list[JudgedFigure]
    floods: list[AlarmFlood]
    chattering: list[AlarmCount] = Field(description="By their changes; the ten with most.")
    stale: int = Field(description="Alarms that had stood for more than a day at the end.")
    bad_actors: list[AlarmCount] = Field(description="The ten that rang most.")
    responses: list[Answered]

    @classmethod
    def of(cls, found: AlarmFigures, judged: list[Judgement], shown_max: int) -> "Figures":
        """Give the answer's form."""
        return cls.model_validate(
            {
                "from": to_rfc3339(found.first),
                "to": to_rfc3339(found.until),
                "annunciations": found.annunciations,
                "late": found.late,
                "judged": [JudgedFigure.of(each) for each in judged],
                "floods": [AlarmFlood.of(flood, found.until) for flood in found.floods],
                "chattering": [AlarmCount.of(actor) for actor in found.chattering[:shown_max]],
                "stale": found.stale,
                "bad_actors": [AlarmCount.of(actor) for actor in found.bad_actors],
                "responses": [Answered.of(response) for response in found.responses],
            }
        )


class BadActor(AlarmCount):
    """An alarm that rings much, as it stands now."""

    as_it_stands: models.Alarm | None = Field(description="Null: nobody knows it any more.")


class BadActors(Model):
    """Those that ring most, and what part of all they are."""

    annunciations: int
    share: float = Field(description="Of those listed, of all.")
    items: list[BadActor]


class StaleAlarms(Model):
    """Alarms that stand for more than a day, longest first."""

    items: list[models.Alarm]
    truncated: bool = Field(description="There are more.")


class GroupMember(Model):
    """An open alarm at its place in the causal order."""

    first_up: bool
    changes: int = Field(description="How often it changed since it began to chatter; 0: it does not.")
    alarm: models.Alarm


class GroupOfAlarms(Model):
    """Open alarms with one cause, in causal order."""

    cause: str = Field(description="Equipment, or a device that was lost.", examples=["TCH.B2.PW.TX01"])
    text: Text
    priority: int = Field(description="The most urgent of its alarms.")
    unacknowledged: int
    items: list[GroupMember]

    @classmethod
    def of(cls, found: AlarmGroup, text: Text, changes: list[int], now: int) -> "GroupOfAlarms":
        """Give the answer's form."""
        return cls(
            cause=found.cause,
            text=text,
            priority=min(alarm.priority for alarm in found.alarms),
            unacknowledged=sum(alarm.annunciated and not alarm.acknowledged for alarm in found.alarms),
            items=[
                GroupMember(first_up=alarm is found.first_up, changes=number, alarm=models.Alarm.of(alarm, now))
                for alarm, number in zip(found.alarms, changes, strict=True)
            ],
        )


class AlarmGroups(Model):
    """Open alarms by cause, that of the earliest first-up first."""

    position: int = Field(description="Event position that this reflects; the feed goes on from here.")
    in_flood: bool
    items: list[GroupOfAlarms]


class RingInOrder(Model):
    """An alarm of a flood at its place in the causal order."""

    alarm: str
    equipment: str
    priority: int
    began: Time
    cause: str
    rings: int
    first_up: bool

    @classmethod
    def of(cls, ring: CausalRing, *, first_up: bool) -> "RingInOrder":
        """Give the answer's form."""
        return cls(
            alarm=ring.alarm,
            equipment=ring.equipment,
            priority=ring.priority,
            began=to_rfc3339(ring.began) or "",
            cause=ring.cause,
            rings=ring.rings,
            first_up=first_up,
        )


class Suppression(Model):
    """A suppression that was tried on the rings of a flood."""

    kind: CandidateKind
    subject: str = Field(description="Cause, device or rule.")
    delay_s: float | None
    text: Text
    removes: int = Field(description="Rings that it would have hidden.")
    share: float
    peak_10_min: int = Field(description="Most within ten minutes of what would have been left.")
    flood_remains: bool

    @classmethod
    def of(cls, candidate: Candidate) -> "Suppression":
        """Give the answer's form."""
        return cls(
            kind=candidate.kind,
            subject=candidate.subject,
            delay_s=candidate.delay_s,
            text=Text.of(candidate.text),
            removes=candidate.removes,
            share=candidate.share,
            peak_10_min=candidate.peak,
            flood_remains=candidate.flood_remains,
        )


class FloodForensics(Model):
    """What a flood was made of, and what would have removed how much of it."""

    flood: AlarmFlood
    first_up: str = Field(description="The alarm that came first.")
    order: list[RingInOrder] = Field(description="Its alarms in causal order; the first thousand.")
    candidates: list[Suppression] = Field(description="What removes most comes first; the first hundred.")
    together: list[Suppression] = Field(
        description="One after the other until no flood is left: each with what it adds, and what is left after it."
    )
