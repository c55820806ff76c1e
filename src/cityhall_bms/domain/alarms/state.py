"""How an alarm stands: the base states with their table, and the covers that lie over them."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from cityhall_bms.domain.errors import RefusedError


class AlarmState(StrEnum):
    """What an operator sees."""

    NORMAL = "NORM"
    UNACKNOWLEDGED = "UNACK"
    ACKNOWLEDGED = "ACKED"
    RETURNED_UNACKNOWLEDGED = "RTNUN"
    LATCHED_UNACKNOWLEDGED = "LATUN"
    LATCHED_ACKNOWLEDGED = "LATAK"
    SHELVED = "SHLVD"
    SUPPRESSED_BY_DESIGN = "DSUPR"
    OUT_OF_SERVICE = "OOSRV"


class AlarmTrigger(StrEnum):
    """What can happen to the base state."""

    RAISE = "raise"
    RETURN = "return"
    RETURN_LATCHING = "return_latching"
    ACKNOWLEDGE = "acknowledge"
    RESET = "reset"
    REALARM = "realarm"


S, T = AlarmState, AlarmTrigger
TRANSITIONS: Final[dict[tuple[AlarmState, AlarmTrigger], AlarmState]] = {
    (S.NORMAL, T.RAISE): S.UNACKNOWLEDGED,
    (S.UNACKNOWLEDGED, T.ACKNOWLEDGE): S.ACKNOWLEDGED,
    (S.UNACKNOWLEDGED, T.RETURN): S.RETURNED_UNACKNOWLEDGED,
    (S.UNACKNOWLEDGED, T.RETURN_LATCHING): S.LATCHED_UNACKNOWLEDGED,
    (S.ACKNOWLEDGED, T.RETURN): S.NORMAL,
    (S.ACKNOWLEDGED, T.RETURN_LATCHING): S.LATCHED_ACKNOWLEDGED,
    (S.ACKNOWLEDGED, T.REALARM): S.UNACKNOWLEDGED,
    (S.RETURNED_UNACKNOWLEDGED, T.ACKNOWLEDGE): S.NORMAL,
    (S.RETURNED_UNACKNOWLEDGED, T.RAISE): S.UNACKNOWLEDGED,
    (S.LATCHED_UNACKNOWLEDGED, T.ACKNOWLEDGE): S.LATCHED_ACKNOWLEDGED,
    (S.LATCHED_UNACKNOWLEDGED, T.RESET): S.RETURNED_UNACKNOWLEDGED,
    (S.LATCHED_UNACKNOWLEDGED, T.RAISE): S.UNACKNOWLEDGED,
    (S.LATCHED_ACKNOWLEDGED, T.RESET): S.NORMAL,
    (S.LATCHED_ACKNOWLEDGED, T.RAISE): S.UNACKNOWLEDGED,
}
"""Base state and trigger to the next base state; a pair that is absent cannot happen."""

ACTIVE_STATES: Final = frozenset({S.UNACKNOWLEDGED, S.ACKNOWLEDGED})
UNACKNOWLEDGED_STATES: Final = frozenset({S.UNACKNOWLEDGED, S.RETURNED_UNACKNOWLEDGED, S.LATCHED_UNACKNOWLEDGED})
LATCHED_STATES: Final = frozenset({S.LATCHED_UNACKNOWLEDGED, S.LATCHED_ACKNOWLEDGED})


def alarm_id(rule: str, subject: str) -> str:
    """Identity of an alarm, fit for an address: one for each rule and subject."""
    return f"{rule}~{subject}"


def stream_of(identity: str) -> str:
    """Event stream of one alarm."""
    return f"alarm/{identity}"


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm as it stands; the fold of its events. Times are µs UTC."""

    alarm_id: str
    rule: str = ""
    rule_version: int = 0
    subject: str = ""
    equipment: str = ""
    system: str = ""
    priority: int = 4
    text_zh: str = ""
    text_en: str = ""
    latching: bool = False
    base: AlarmState = AlarmState.NORMAL
    occurrence: int = 0
    repeat_count: int = 0
    value: float | None = None
    limit: float | None = None
    unit: str = ""
    drill: str = ""
    """Drill or test in which the latest occurrence began."""
    raised_by: str = ""
    """Who raised it last: the rules engine, or the keeper of what devices or the service find themselves."""
    raised_at: int | None = None
    returned_at: int | None = None
    waiting_since: int | None = None
    """Since when the operators have been asked to acknowledge: escalation counts from here. None: nothing waits."""
    acknowledged_at: int | None = None
    acknowledged_by: str = ""
    comment: str = ""
    escalation_level: int = 0
    """How many steps up its chain it went while it waited."""
    escalated_to: str = ""
    shelved_until: int | None = None
    shelved_by: str = ""
    shelf_reason: str = ""
    shelf_one_shot: bool = False
    suppressed_by: str = ""
    """Alarm, permit, drill or test that hides it."""
    suppressed_as: str = ""
    """Row of the suppression table by which it does."""
    out_of_service_by: str = ""
    out_of_service_until: int | None = None
    permit: str = ""
    """Permit under which it is out of service."""
    out_of_service_reason: str = ""
    late_occurrences: int = 0
    """Occurrences that were only found in late data; they are not among ``occurrence``."""
    version: int = 0
    """Version of the alarm's stream: how many events it is the fold of."""
    position: int = 0
    """Position in the event log of the latest of them."""

    @property
    def active(self) -> bool:
        """Whether the condition is true now."""
        return self.base in ACTIVE_STATES

    @property
    def acknowledged(self) -> bool:
        """Whether nobody needs to acknowledge anything."""
        return self.base not in UNACKNOWLEDGED_STATES

    @property
    def latched(self) -> bool:
        """Whether the condition is over and an operator must reset it."""
        return self.base in LATCHED_STATES

    @property
    def shelved(self) -> bool:
        """Whether an operator put it aside."""
        return self.shelved_until is not None

    @property
    def suppressed(self) -> bool:
        """Whether a suppression by design hides it."""
        return bool(self.suppressed_by)

    @property
    def out_of_service(self) -> bool:
        """Whether maintenance took it out of service."""
        return bool(self.out_of_service_by)

    @property
    def state(self) -> AlarmState:
        """Displayed state: out of service over suppressed over shelved over the base state."""
        if self.out_of_service:
            return AlarmState.OUT_OF_SERVICE
        if self.suppressed:
            return AlarmState.SUPPRESSED_BY_DESIGN
        if self.shelved:
            return AlarmState.SHELVED
        return self.base

    @property
    def annunciated(self) -> bool:
        """Whether the operator is shown (and rung) this alarm."""
        return self.state == self.base


def next_base(alarm: Alarm, trigger: AlarmTrigger) -> AlarmState:
    """Base state after a trigger; :class:`RefusedError` when the table has no such cell."""
    try:
        return TRANSITIONS[alarm.base, trigger]
    except KeyError:
        msg = f"現為 {alarm.base}，不能執行 / alarm {alarm.alarm_id} is {alarm.base}: it cannot take '{trigger}'"
        raise RefusedError(msg) from None
