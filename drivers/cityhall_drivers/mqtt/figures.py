"""What a driver counts, for people who look for a fault."""

from dataclasses import dataclass


@dataclass(slots=True)
class Figures:
    """Counters since the driver was made."""

    messages: int = 0
    unasked: int = 0
    """Messages that no point wants."""
    undecodable: int = 0
    """Payloads, or values in them, that are not what the device file says."""
    times_missing: int = 0
    """Payloads whose time was not there or made no sense; they got ours."""
    births: int = 0
    deaths: int = 0
    deaths_ignored: int = 0
    """Wills of sessions that had long been replaced."""
    sequence_gaps: int = 0
    sessions_missed: int = 0
    """Sessions of an edge node of which nothing was heard (jumps of bdSeq)."""
    unknown_metrics: int = 0
    """Values by an alias or of a metric that no birth certificate explained."""
    historical: int = 0
    rebirths_asked: int = 0
