"""What the routes of comparisons, targets, measures and carbon need."""

from dataclasses import dataclass

from cityhall_bms.energy.comparing import Comparer
from cityhall_bms.energy.emissions import Emissions
from cityhall_bms.energy.matched_days import MatchedDays
from cityhall_bms.energy.target_watch import TargetWatch
from cityhall_bms.ports.measures import MeasureDesk, MeasureView


@dataclass(frozen=True, slots=True)
class ComparisonServices:
    """Handlers and read models."""

    comparer: Comparer
    target_watch: TargetWatch
    emissions: Emissions
    measures: MeasureView
    measure_desk: MeasureDesk
    matched_days: MatchedDays
