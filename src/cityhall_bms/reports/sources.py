"""What reports are made from: read models and services, each asked through what it offers to everybody."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from cityhall_bms.domain.energy.night_flow import NightLimits
from cityhall_bms.domain.indoor_air import LegalMean
from cityhall_bms.domain.site import Site
from cityhall_bms.energy.accounts import MeterAccounts
from cityhall_bms.energy.billing import BillDesk
from cityhall_bms.energy.comparing import Comparer
from cityhall_bms.energy.demand_calendar import DemandCalendar
from cityhall_bms.energy.emissions import Emissions
from cityhall_bms.energy.indoor_air import IndoorAir
from cityhall_bms.energy.performing import Indicators
from cityhall_bms.energy.water import Water
from cityhall_bms.ports.alarm_figures import AnnunciationView
from cityhall_bms.ports.commands import CommandView
from cityhall_bms.ports.energy import MeterReader
from cityhall_bms.ports.hand_overs import HandOverView
from cityhall_bms.ports.maintenance import Planning
from cityhall_bms.ports.measures import MeasureView
from cityhall_bms.ports.past import PastView


@dataclass(frozen=True, slots=True)
class ReportSources:
    """One field per part of the service that reports ask."""

    site: Site
    reader: MeterReader
    comparer: Comparer
    emissions: Emissions
    accounts: MeterAccounts
    demand: DemandCalendar
    bills: BillDesk
    indicators: Indicators
    measures: MeasureView
    air: IndoorAir
    legal_means: Callable[[], Awaitable[Sequence[LegalMean]]]
    """Legal limits of indoor air as the rules state them now."""
    water: Water
    night_limits: Callable[[], Awaitable[NightLimits]]
    alarms: AnnunciationView
    past: PastView
    hand_overs: HandOverView
    commands: CommandView
    planning: Planning
