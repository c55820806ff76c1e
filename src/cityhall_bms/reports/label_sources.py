"""What the evidence for the label is made from, and the words of its columns."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from cityhall_bms.domain.indoor_air import LegalMean
from cityhall_bms.domain.label import LabelPlan
from cityhall_bms.domain.site import Site, Text
from cityhall_bms.energy.comfort import Comfort
from cityhall_bms.energy.indoor_air import IndoorAir
from cityhall_bms.ports.air_record import AirRecord
from cityhall_bms.ports.alarm_search import AlarmRecord
from cityhall_bms.ports.energy import MeterReader
from cityhall_bms.ports.event_log import EventLog
from cityhall_bms.ports.hand_overs import HandOverView
from cityhall_bms.ports.label import At, Cell, Column, Row
from cityhall_bms.ports.maintenance import MaintenanceView
from cityhall_bms.ports.permits import PermitView
from cityhall_bms.ports.queries import HistoryQueries
from cityhall_bms.rules.model import Rule

PAGE: Final = 500
"""Entries of a read model that are held at a time."""


@dataclass(frozen=True, slots=True)
class LabelSources:
    """Parts of the service that evidence is asked of; ``rules`` are those in force by the question's knowledge."""

    site: Site
    ids: Mapping[str, int]
    plan: LabelPlan
    rules: Sequence[Rule]
    limits: Sequence[LegalMean]
    queries: HistoryQueries
    reader: MeterReader
    air: IndoorAir
    comfort: Comfort
    air_record: AirRecord
    alarms: AlarmRecord
    permits: PermitView
    hand_overs: HandOverView
    maintenance: MaintenanceView
    events: EventLog


def column(zh: str, en: str) -> Column:
    """Column of texts or numbers."""
    return Column(Text(zh, en))


def moment(zh: str, en: str) -> Column:
    """Column of times."""
    return Column(Text(zh, en), time=True)


def known(value: float) -> float | None:
    """Number of a cell; empty for NaN: unknown is never zero."""
    return None if value != value else value  # noqa: PLR0124 - NaN is not itself


def percent(share: float | None) -> float | None:
    """A share (0..1) as %."""
    return None if share is None else known(100.0 * share)


def at_or_none(us: int | None, known_at: int) -> Cell:
    """A time that was known by then; empty for one that came later."""
    return At(us if us is not None and us <= known_at else None)


async def rows_of(rows: Sequence[Row]) -> AsyncIterator[Row]:
    """Rows that are there already."""
    for row in rows:
        yield row
