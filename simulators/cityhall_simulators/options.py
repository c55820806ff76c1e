"""How a simulator is to run."""

from dataclasses import dataclass
from datetime import datetime, timedelta
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
    shift: timedelta
    """Whole hours from the real time to the one that the plants believe it to be."""
    speed: float
    """Seconds that pass for the plants in a real one."""


def shift_to(wanted: datetime, real: datetime) -> timedelta:
    """Whole hours between a real time and the local time that the plants are to start at, to the hour.

    Whole, so that quarters of an hour still agree while the plants live as fast as everybody.
    """
    on_the_hour = real.replace(minute=0, second=0, microsecond=0)
    return timedelta(hours=round((wanted.replace(tzinfo=real.tzinfo) - on_the_hour) / timedelta(hours=1)))
