"""Demand, as a part of two roles: what the API tells of it, and what steers it."""

from collections.abc import Mapping

from cityhall_bms.api.demand_services import DemandServices
from cityhall_bms.domain.site import Site
from cityhall_bms.energy.demand_calendar import DemandCalendar
from cityhall_bms.energy.demand_watch import DemandWatch
from cityhall_bms.energy.shedding_desk import SheddingDesk
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.event_log import EventLog
from cityhall_bms.ports.queries import HistoryQueries


def demand_services(
    site: Site, ids: Mapping[str, int], queries: HistoryQueries, events: EventLog, clock: Clock
) -> DemandServices:
    """Give what the API tells of demand; whoever serves it runs ``watch``."""
    watch = DemandWatch(site, ids, queries, clock)
    calendar = DemandCalendar(watch.meters, site, ids, queries, clock)
    return DemandServices(watch, calendar, SheddingDesk(site, events, clock))
