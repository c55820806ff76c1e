"""How a simulator is to run."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path


@dataclass(frozen=True, slots=True)
class TimedFault:
    """A fault that switches itself on some time after the start."""

    name: str
    target: str | None
    after_s: float


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
    faults: tuple[TimedFault, ...]
    plant_start: datetime | None
    """Local time that the plants believe it to be at the start (to the hour); None for the real one."""
