"""Everything that follows from the event log alone, and can be thrown away."""

from typing import Final

from cityhall_bms.adapters.postgres.air_record import AirRecordProjection
from cityhall_bms.adapters.postgres.alarm_figures import AnnunciationsProjection
from cityhall_bms.adapters.postgres.alarms_view import AlarmsProjection
from cityhall_bms.adapters.postgres.baselines_view import BaselinesProjection
from cityhall_bms.adapters.postgres.commands_view import CommandsProjection
from cityhall_bms.adapters.postgres.counters_projection import CountersProjection
from cityhall_bms.adapters.postgres.devices_view import DevicesProjection
from cityhall_bms.adapters.postgres.hand_overs_view import HandOversProjection
from cityhall_bms.adapters.postgres.maintenance_view import MaintenanceProjection
from cityhall_bms.adapters.postgres.measures_view import MeasuresProjection
from cityhall_bms.adapters.postgres.meter_readings import MeterReadingsProjection
from cityhall_bms.adapters.postgres.notifications_view import NotificationsProjection
from cityhall_bms.adapters.postgres.permits_view import PermitsProjection
from cityhall_bms.adapters.postgres.projector import Projection
from cityhall_bms.adapters.postgres.reports_view import ReportsProjection
from cityhall_bms.adapters.postgres.rules_view import RulesProjection
from cityhall_bms.adapters.postgres.walks_view import WalksProjection

PROJECTIONS: Final[tuple[Projection, ...]] = (
    AirRecordProjection(),
    AlarmsProjection(),
    # After that of alarms, whose transitions it reads.
    AnnunciationsProjection(),
    CommandsProjection(),
    BaselinesProjection(),
    CountersProjection(),
    DevicesProjection(),
    HandOversProjection(),
    MaintenanceProjection(),
    MeasuresProjection(),
    MeterReadingsProjection(),
    NotificationsProjection(),
    PermitsProjection(),
    ReportsProjection(),
    RulesProjection(),
    WalksProjection(),
)
