"""What the routes of energy, water and carbon need from the rest of the service."""

from dataclasses import dataclass

from cityhall_bms.api.comparison_services import ComparisonServices
from cityhall_bms.api.demand_services import DemandServices
from cityhall_bms.api.performance_services import PerformanceServices
from cityhall_bms.energy.accounts import MeterAccounts
from cityhall_bms.energy.billing import BillDesk
from cityhall_bms.energy.costing import CostDesk
from cityhall_bms.ports.energy import MeterReader


@dataclass(frozen=True, slots=True)
class EnergyServices:
    """One field per part; ``roles.energy`` puts them together."""

    reader: MeterReader
    comparison: ComparisonServices
    accounts: MeterAccounts
    costs: CostDesk
    bills: BillDesk
    performance: PerformanceServices
    demand: DemandServices
