"""Maintenance, as a part of two roles: what the API tells and takes, and what rings when work is overdue."""

from collections.abc import Mapping
from zoneinfo import ZoneInfo

import asyncpg

from cityhall_bms.adapters.postgres.counter_view import PostgresCounterView
from cityhall_bms.adapters.postgres.maintenance_view import PostgresMaintenanceView
from cityhall_bms.alarms.numbering import append_numbered
from cityhall_bms.alarms.permits import PermitOffice
from cityhall_bms.api.maintenance_services import MaintenanceServices
from cityhall_bms.domain.site import Site
from cityhall_bms.historian.meter_desk import CounterDesk
from cityhall_bms.maintenance.overdue_keeper import OverdueKeeper
from cityhall_bms.maintenance.patrol_desk import PatrolOffice
from cityhall_bms.maintenance.planning import PlanBook
from cityhall_bms.maintenance.register_desk import RegisterOffice
from cityhall_bms.maintenance.run_hours import CountedHours
from cityhall_bms.maintenance.work_desk import WorkOffice
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.energy_readings import DocumentStore
from cityhall_bms.ports.event_log import EventLog
from cityhall_bms.roles.parts import Loop, Parts


def planning(pool: asyncpg.Pool, events: EventLog, clock: Clock, site: Site, ids: Mapping[str, int]) -> PlanBook:
    """When work stands due."""
    counters = PostgresCounterView(pool, clock, site.time_zone)
    hours = CountedHours(site, ids, counters, clock)
    view = PostgresMaintenanceView(pool)
    return PlanBook(site.maintenance, ZoneInfo(site.time_zone), view, hours, events, clock)


def maintenance_services(
    pool: asyncpg.Pool,
    events: EventLog,
    clock: Clock,
    site: Site,
    ids: Mapping[str, int],
    documents: DocumentStore,
) -> MaintenanceServices:
    """Services of the routes."""
    view, plans = PostgresMaintenanceView(pool), planning(pool, events, clock, site, ids)
    meters = CounterDesk(events, PostgresCounterView(pool, clock, site.time_zone), clock)
    permits = PermitOffice(site, events, clock)
    return MaintenanceServices(
        book=site.maintenance,
        view=view,
        planning=plans,
        work=WorkOffice(site, view, plans, permits, events, clock, number=append_numbered),
        patrol=PatrolOffice(site, events, clock),
        registers=RegisterOffice(site, meters, events, clock, number=append_numbered),
        documents=documents,
    )


def overdue_keeper(parts: Parts, events: EventLog) -> Loop:
    """Ring while work is overdue; for whoever leads."""
    plans = planning(parts.pool, events, parts.clock, parts.site, parts.ids)
    return OverdueKeeper(parts.site, plans, events, parts.clock).run()
