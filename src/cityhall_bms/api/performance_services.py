"""What the routes of baselines, savings and performance indicators need."""

from dataclasses import dataclass

from cityhall_bms.energy.performing import Indicators
from cityhall_bms.ports.baselines import BaselineDesk, BaselineView


@dataclass(frozen=True, slots=True)
class PerformanceServices:
    """Handlers and read models."""

    baselines: BaselineView
    baseline_desk: BaselineDesk
    indicators: Indicators
