"""What baselines, savings and performance indicators are put together from."""

from collections.abc import Mapping

import asyncpg

from cityhall_bms.adapters.opendsm_reference import OpendsmReference
from cityhall_bms.adapters.postgres.baselines_view import PostgresBaselineView
from cityhall_bms.api.performance_services import PerformanceServices
from cityhall_bms.domain.site import Site
from cityhall_bms.energy.baselining import Baselining, Sources
from cityhall_bms.energy.performing import Indicators
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.energy import MeterReader
from cityhall_bms.ports.event_log import EventLog
from cityhall_bms.ports.queries import HistoryQueries


def performance_services(
    pool: asyncpg.Pool,
    events: EventLog,
    clock: Clock,
    site: Site,
    reader: MeterReader,
    measured: tuple[HistoryQueries, Mapping[str, int]],
) -> PerformanceServices:
    """Services of the routes; ``measured`` is history, and the numbers of points by name."""
    view = PostgresBaselineView(pool)
    queries, ids = measured
    sources = Sources(reader, queries, ids, OpendsmReference())
    return PerformanceServices(
        baselines=view,
        baseline_desk=Baselining(site, sources, view, events, clock),
        indicators=Indicators(site, reader, clock),
    )
