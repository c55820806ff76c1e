"""How long a point may say nothing new before it is recorded, or asked, again."""

from cityhall_bms.domain.live import uncertain_after_s


def silence_max_s(scan_s: float) -> float:
    """A third of the age at which a value becomes uncertain, s: a quiet point must not look like a dead one.

    It bounds the silence of a deadband, and is the period at which pushed points are polled as a safety net. Whoever
    looks once per period may be late by a whole one, so half the age would not be enough.
    """
    return uncertain_after_s(scan_s) / 3.0
