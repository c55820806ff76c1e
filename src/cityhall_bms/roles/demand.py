"""Demand, as a part of two roles: what the API tells of it, and what steers it."""

from collections.abc import Mapping

from cityhall_bms.api.demand_services import DemandServices
from cityhall_bms.api.live import LiveFeed
from cityhall_bms.domain.site import Site
from cityhall_bms.energy.charging_keeper import ChargingKeeper
from cityhall_bms.energy.demand_alarm import DemandAlarm
from cityhall_bms.energy.demand_calendar import DemandCalendar
from cityhall_bms.energy.demand_steering import DemandKeeper, steer
from cityhall_bms.energy.demand_watch import DemandWatch
from cityhall_bms.energy.ordering import Ordering
from cityhall_bms.energy.shedding_desk import SheddingDesk, SheddingRecord
from cityhall_bms.energy.shedding_keeper import ACTOR, SheddingKeeper
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.commands import CommandDesk, CommandView
from cityhall_bms.ports.event_log import EventLog
from cityhall_bms.ports.queries import HistoryQueries
from cityhall_bms.roles.commanding import CommandBasis, CommandParts
from cityhall_bms.roles.parts import Loop, Parts, together


def demand_services(
    site: Site, ids: Mapping[str, int], queries: HistoryQueries, events: EventLog, clock: Clock
) -> DemandServices:
    """Give what the API tells of demand; whoever serves it runs ``watch``."""
    watch = DemandWatch(site, ids, queries, clock)
    calendar = DemandCalendar(watch.meters, site, ids, queries, clock)
    return DemandServices(watch, calendar, SheddingDesk(site, events, clock))


def demand_keepers(
    site: Site, ids: Mapping[str, int], commands: tuple[CommandDesk, CommandView], events: EventLog, clock: Clock
) -> list[DemandKeeper]:
    """Who acts on the demand, over an event log that only the leader writes: alarm, load shedding, load sharing."""
    desk, view = commands
    record = SheddingRecord(events)
    orders, turns = (Ordering(desk, view, ACTOR, clock) for _ in range(2))
    return [
        DemandAlarm(events, site.shedding.shed_at),
        SheddingKeeper(site, ids, record, orders, turns, clock),
        ChargingKeeper(site, ids, record, commands, clock),
    ]


def steering(parts: Parts, events: EventLog) -> Loop:
    """Follow the demand and act on it; for whoever leads."""
    site, ids, clock = parts.site, parts.ids, parts.clock
    scan_s = {ids[point.name]: point.scan_s for point in site.points.values()}
    live = LiveFeed(parts.telemetry, parts.history, scan_s, clock)
    commands = CommandParts.of(CommandBasis(parts.pool, events, clock, site, ids))
    keepers = demand_keepers(site, ids, (commands.office, commands.view), events, clock)
    watch = DemandWatch(site, ids, parts.history.queries, clock)
    # Without meters there is nothing to follow, and nobody need follow the telemetry for it.
    return together(live.run(), steer(watch, live, keepers)) if len(watch.meters) else together()
