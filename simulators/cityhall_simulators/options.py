"""How a simulator is to run."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cityhall_simulators.scenarios import Strike


@dataclass(frozen=True, slots=True)
class Options:
    """How to run."""

    site: str
    folder: Path
    host: str
    base_port: int
    control_port: int
    seed: int
    truth_file: Path | None
    strikes: tuple[Strike, ...]
    """Faults that switch themselves on and off."""
    plant_start: datetime | None
    """Local time that the plants believe it to be at the start (to the hour); None for the real one."""
    speed: float
    """Seconds that pass for the plants in a real one."""
