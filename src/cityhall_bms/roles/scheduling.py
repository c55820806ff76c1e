"""Schedules, as a part of two roles: the desks of the API, and who carries them out."""

import secrets
from collections.abc import Mapping

import asyncpg

from cityhall_bms.adapters.postgres.permits_view import PostgresPermitView
from cityhall_bms.api.scheduling_services import SchedulingServices
from cityhall_bms.domain.site import Site
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.event_log import EventLog
from cityhall_bms.ports.queries import HistoryQueries
from cityhall_bms.roles.commanding import CommandBasis, CommandParts
from cityhall_bms.roles.parts import Loop, Parts
from cityhall_bms.scheduling.booking_office import BookingOffice
from cityhall_bms.scheduling.early_starts import EarlyStarts
from cityhall_bms.scheduling.keeper import ScheduleKeeper
from cityhall_bms.scheduling.office import ScheduleOffice
from cityhall_bms.scheduling.record import SchedulingRecord


def scheduling_services(
    site: Site, ids: Mapping[str, int], queries: HistoryQueries, *, pool: asyncpg.Pool, events: EventLog, clock: Clock
) -> SchedulingServices:
    """Give what the API needs."""
    record = SchedulingRecord(site.scheduling, events)
    return SchedulingServices(
        schedules=ScheduleOffice(site, record, clock),
        bookings=BookingOffice(site, record, PostgresPermitView(pool), clock, secrets.token_hex),
        early=EarlyStarts(ids, queries, site.time_zone),
    )


def schedule_keeper(parts: Parts, events: EventLog) -> Loop:
    """What carries schedules and bookings out; for whoever leads."""
    site, ids, clock = parts.site, parts.ids, parts.clock
    commands = CommandParts.of(CommandBasis(parts.pool, events, clock, site, ids))
    record = SchedulingRecord(site.scheduling, events)
    early = EarlyStarts(ids, parts.history.queries, site.time_zone)
    return ScheduleKeeper(site, record, (commands.office, commands.view), early, clock).run()
