"""The events that an alarm's life is made of, in its stream ``alarm/<alarm_id>``. Times are µs UTC."""

from dataclasses import dataclass

from cityhall_bms.domain.events import Event, stored


@dataclass(frozen=True, slots=True)
class AlarmEvent(Event):
    """Base of the events in an alarm's stream."""


@stored
@dataclass(frozen=True, slots=True)
class AlarmRaised(AlarmEvent):
    """The condition became true for its on-delay: a new occurrence.

    ``drill`` names the drill or test in whose time and place it began: it is real in the record and in no figure.
    Cause and procedure are not repeated here: they are those of the rule in that version (`RuleApplied`).
    """

    rule: str
    rule_version: int
    subject: str
    equipment: str
    system: str
    priority: int
    text_zh: str
    text_en: str
    latching: bool
    occurrence: int
    observed_at: int
    value: float | None = None
    limit: float | None = None
    unit: str = ""
    telemetry_position: int = 0
    drill: str = ""


@stored
@dataclass(frozen=True, slots=True)
class AlarmReturned(AlarmEvent):
    """The condition became false past its deadband, for its off-delay."""

    observed_at: int
    value: float | None = None
    telemetry_position: int = 0


@stored
@dataclass(frozen=True, slots=True)
class AlarmPriorityChanged(AlarmEvent):
    """Another severity step decides now, of an alarm that stands. A more severe one rings again."""

    priority: int
    text_zh: str
    text_en: str
    observed_at: int
    value: float | None = None
    limit: float | None = None
    telemetry_position: int = 0


@stored
@dataclass(frozen=True, slots=True)
class AlarmRecordedLate(AlarmEvent):
    """A whole occurrence that was found in data which came late, ``began`` to ``ended``.

    It is in the record and in the figures; it pages nobody and changes no state.
    """

    rule: str
    rule_version: int
    subject: str
    equipment: str
    system: str
    priority: int
    text_zh: str
    text_en: str
    began: int
    ended: int
    value: float | None = None
    limit: float | None = None
    unit: str = ""
    telemetry_position: int = 0


@stored
@dataclass(frozen=True, slots=True)
class AlarmAcknowledged(AlarmEvent):
    """An operator has seen it."""

    at: int
    by: str
    comment: str = ""


@stored
@dataclass(frozen=True, slots=True)
class AlarmCommented(AlarmEvent):
    """An operator wrote something down about it."""

    at: int
    by: str
    comment: str


@stored
@dataclass(frozen=True, slots=True)
class AlarmReset(AlarmEvent):
    """An operator released the latch of an alarm whose condition is over."""

    at: int
    by: str


@stored
@dataclass(frozen=True, slots=True)
class AlarmRealarmed(AlarmEvent):
    """An acknowledged alarm rings again: it has ``lasted`` too long, or became ``worse``."""

    at: int
    reason: str = "lasted"


@stored
@dataclass(frozen=True, slots=True)
class AlarmEscalated(AlarmEvent):
    """Nobody acknowledged it in time: it was passed on to ``to``, the next of its chain (``level`` counts from 1)."""

    level: int
    to: str
    at: int


@stored
@dataclass(frozen=True, slots=True)
class AlarmShelved(AlarmEvent):
    """An operator put it aside until a time; ``one_shot`` ends with the occurrence, if that is over sooner."""

    at: int
    by: str
    until: int
    reason: str
    one_shot: bool = False


@stored
@dataclass(frozen=True, slots=True)
class AlarmUnshelved(AlarmEvent):
    """The shelf ended: by an operator, or by itself when ``by`` is ``system``."""

    at: int
    by: str


@stored
@dataclass(frozen=True, slots=True)
class AlarmSuppressed(AlarmEvent):
    """A suppression by design hides it.

    ``by`` names what: an alarm, or a permit, drill or test; ``relation`` is the row of the suppression table that
    says so. A second one while it is hidden takes the place of the first.
    """

    at: int
    by: str
    relation: str = ""


@stored
@dataclass(frozen=True, slots=True)
class AlarmUnsuppressed(AlarmEvent):
    """The suppression ended."""

    at: int


@stored
@dataclass(frozen=True, slots=True)
class AlarmTakenOutOfService(AlarmEvent):
    """Maintenance took it out of service under a permit, until a time."""

    at: int
    by: str
    permit: str = ""
    until: int | None = None
    reason: str = ""


@stored
@dataclass(frozen=True, slots=True)
class AlarmReturnedToService(AlarmEvent):
    """Maintenance gave it back; the time of the permit was over when ``by`` is ``system``."""

    at: int
    by: str
