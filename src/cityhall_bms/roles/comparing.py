"""What comparisons, targets, measures and carbon are put together from."""

from zoneinfo import ZoneInfo

import asyncpg

from cityhall_bms.adapters.meter_reading import HistoryMeterReader
from cityhall_bms.adapters.postgres.counter_view import PostgresCounterView
from cityhall_bms.adapters.postgres.measures_view import PostgresMeasureView
from cityhall_bms.adapters.postgres.meter_readings import PostgresMeterReadings
from cityhall_bms.api.comparison_services import ComparisonServices
from cityhall_bms.domain.site import Site
from cityhall_bms.energy.comparing import Comparer
from cityhall_bms.energy.emissions import Emissions
from cityhall_bms.energy.matched_days import MatchedDays
from cityhall_bms.energy.measure_desk import MeasureOffice
from cityhall_bms.energy.target_keeper import TargetKeeper
from cityhall_bms.energy.target_watch import TargetWatch
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.energy import MeterReader
from cityhall_bms.ports.event_log import EventLog
from cityhall_bms.roles.parts import Parts


def comparison_services(
    pool: asyncpg.Pool, events: EventLog, clock: Clock, site: Site, reader: MeterReader
) -> ComparisonServices:
    """Services of the routes."""
    comparer = _comparer(site, reader, clock)
    return ComparisonServices(
        comparer=comparer,
        target_watch=TargetWatch(comparer),
        emissions=Emissions(comparer, site.energy_book.carbon),
        measures=PostgresMeasureView(pool),
        measure_desk=MeasureOffice(site, events, clock),
        matched_days=MatchedDays(comparer),
    )


def target_keeper(parts: Parts, events: EventLog) -> TargetKeeper:
    """Who rings for targets that will be missed."""
    site = parts.site
    counters = PostgresCounterView(parts.pool, parts.clock, site.time_zone)
    readings = PostgresMeterReadings(parts.pool)
    reader = HistoryMeterReader(site, parts.ids, parts.history.queries, counters, readings)
    comparer = _comparer(site, reader, parts.clock)
    return TargetKeeper(site.energy_book.targets, comparer, TargetWatch(comparer), events, parts.clock)


def _comparer(site: Site, reader: MeterReader, clock: Clock) -> Comparer:
    return Comparer(site.metering, site.energy_book, reader, ZoneInfo(site.time_zone), clock)
