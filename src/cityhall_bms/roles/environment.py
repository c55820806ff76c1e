"""What the API needs for indoor air, water, comfort and vehicles."""

from collections.abc import Mapping

import asyncpg

from cityhall_bms.adapters.postgres.air_record import PostgresAirRecord
from cityhall_bms.api.environment_services import EnvironmentServices
from cityhall_bms.domain.site import Site
from cityhall_bms.energy.air_desk import AirBook
from cityhall_bms.energy.comfort import Comfort
from cityhall_bms.energy.indoor_air import IndoorAir
from cityhall_bms.energy.vehicle_use import VehicleUse
from cityhall_bms.energy.water import Water
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.energy import MeterReader
from cityhall_bms.ports.event_log import EventLog
from cityhall_bms.ports.queries import HistoryQueries


def environment_services(
    site: Site,
    ids: Mapping[str, int],
    queries: HistoryQueries,
    reader: MeterReader,
    *,
    pool: asyncpg.Pool,
    events: EventLog,
    clock: Clock,
) -> EnvironmentServices:
    """Join the parts."""
    record = PostgresAirRecord(pool)
    return EnvironmentServices(
        air=IndoorAir(site, ids, queries),
        air_record=record,
        air_desk=AirBook(site, record, events, clock),
        water=Water(site, reader),
        comfort=Comfort(site, ids, queries),
        vehicles=VehicleUse(site, reader, clock),
    )
