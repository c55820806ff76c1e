"""What the routes of energy, water and carbon need from the rest of the service."""

from dataclasses import dataclass

from cityhall_bms.api.comparison_services import ComparisonServices
from cityhall_bms.api.demand_services import DemandServices
from cityhall_bms.api.performance_services import PerformanceServices
from cityhall_bms.energy.accounts import MeterAccounts
from cityhall_bms.energy.billing import BillDesk
from cityhall_bms.energy.costing import CostDesk, CostLines
from cityhall_bms.ports.energy import MeterReader
from cityhall_bms.ports.energy_readings import DocumentStore, ReadingDesk, ReadingView


@dataclass(frozen=True, slots=True)
class EnergyServices:
    """One field per part; ``roles.energy`` puts them together."""

    reader: MeterReader
    comparison: ComparisonServices
    accounts: MeterAccounts
    readings: ReadingView
    reading_desk: ReadingDesk
    documents: DocumentStore
    costs: CostDesk
    cost_lines: CostLines
    bills: BillDesk
    performance: PerformanceServices
    demand: DemandServices
