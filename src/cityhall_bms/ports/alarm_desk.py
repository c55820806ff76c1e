"""What operators do to alarms."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from cityhall_bms.domain.alarms import Alarm
from cityhall_bms.domain.errors import CityHallError


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one alarm of several fared: it as it stands afterwards, or why nothing was recorded about it."""

    alarm_id: str
    alarm: Alarm | None
    failure: CityHallError | None


class AlarmDesk(Protocol):
    """Handles operators' requests. Each is one event of the alarm's stream, or nothing.

    Each gives the alarm as it stands afterwards. ``NotFoundError`` for an alarm that never rang, ``RefusedError`` for
    what its state does not allow, ``ConcurrencyError`` when it changed faster than a decision could be taken,
    ``EventLogUnavailableError`` when nothing was recorded. Of several alarms one failure stops no other.
    """

    async def acknowledge(self, alarm_id: str, *, by: str, comment: str) -> Alarm:
        """Acknowledge one alarm."""
        ...

    async def acknowledge_each(self, alarm_ids: Sequence[str], *, by: str, comment: str) -> list[Outcome]:
        """Acknowledge several; a name that is given twice counts once."""
        ...

    async def comment(self, alarm_id: str, *, by: str, comment: str) -> Alarm:
        """Write something down about one alarm."""
        ...

    async def shelve(
        self, alarm_id: str, *, by: str, reason: str, until: int | None = None, one_shot: bool = False
    ) -> Alarm:
        """Put one alarm aside until a time (µs UTC; none: as long as its priority allows), or one occurrence."""
        ...

    async def unshelve(self, alarm_id: str, *, by: str) -> Alarm:
        """Take one alarm back."""
        ...

    async def reset(self, alarm_id: str, *, by: str) -> Alarm:
        """Release the latch of one alarm whose condition is over."""
        ...

    async def reset_each(self, alarm_ids: Sequence[str], *, by: str) -> list[Outcome]:
        """Release the latches of several."""
        ...

    async def take_out_of_service(
        self, alarm_id: str, *, by: str, permit: str, reason: str, until: int | None = None
    ) -> Alarm:
        """Take one alarm out of service under a permit that covers it, until a time (none: as long as the permit)."""
        ...

    async def return_to_service(self, alarm_id: str, *, by: str) -> Alarm:
        """Give one alarm back to the operators."""
        ...
