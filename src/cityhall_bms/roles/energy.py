"""What the API needs for energy, water and carbon."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from cityhall_bms.adapters.cost_lines import CostCsv
from cityhall_bms.adapters.document_folder import DocumentFolder
from cityhall_bms.adapters.meter_reading import HistoryMeterReader
from cityhall_bms.adapters.postgres.meter_readings import PostgresMeterReadings
from cityhall_bms.api.energy_services import EnergyServices
from cityhall_bms.domain.site import Site
from cityhall_bms.energy.accounts import MeterAccounts
from cityhall_bms.energy.billing import BillDesk
from cityhall_bms.energy.costing import CostDesk
from cityhall_bms.energy.reading_desk import MeterReadings
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.counters import CounterView
from cityhall_bms.ports.event_log import EventLog
from cityhall_bms.ports.queries import HistoryQueries
from cityhall_bms.roles.comparing import comparison_services
from cityhall_bms.roles.demand import demand_services
from cityhall_bms.roles.performing import performance_services
from cityhall_bms.settings import EnergySettings


@dataclass(frozen=True, slots=True)
class EnergyBasis:
    """What the parts of energy are put together from."""

    pool: asyncpg.Pool
    events: EventLog
    clock: Clock
    site: Site
    ids: Mapping[str, int]
    queries: HistoryQueries
    counters: CounterView
    settings: EnergySettings
    documents: Path
    """Folder of the files that prove readings."""


@dataclass(frozen=True, slots=True)
class EnergyParts:
    """The services of the routes."""

    services: EnergyServices

    @classmethod
    def of(cls, basis: EnergyBasis) -> "EnergyParts":
        """Join them."""
        site = basis.site
        readings = PostgresMeterReadings(basis.pool)
        reader = HistoryMeterReader(site, basis.ids, basis.queries, basis.counters, readings)
        return cls(
            EnergyServices(
                reader=reader,
                comparison=comparison_services(basis.pool, basis.events, basis.clock, site, reader),
                readings=readings,
                reading_desk=MeterReadings(site, basis.events, basis.clock),
                documents=DocumentFolder(basis.documents),
                accounts=MeterAccounts(site.metering, reader, basis.settings.balance),
                costs=CostDesk(site.tariffs, site.metering, reader),
                cost_lines=CostCsv(site.time_zone),
                bills=BillDesk(site.tariffs, reader, basis.queries, basis.ids),
                performance=performance_services(
                    basis.pool, basis.events, basis.clock, site, reader, (basis.queries, basis.ids)
                ),
                demand=demand_services(site, basis.ids, basis.queries, basis.events, basis.clock),
            )
        )
