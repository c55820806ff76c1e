"""What the routes of demand need."""

from dataclasses import dataclass

from cityhall_bms.energy.demand_calendar import DemandCalendar
from cityhall_bms.energy.demand_watch import DemandWatch
from cityhall_bms.energy.shedding_desk import SheddingDesk


@dataclass(frozen=True, slots=True)
class DemandServices:
    """The running window (whoever serves the API runs it), the peaks before it, and load shedding."""

    watch: DemandWatch
    calendar: DemandCalendar
    shedding: SheddingDesk
