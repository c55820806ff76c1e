"""What the routes of schedules, scenes and bookings need from the rest of the service."""

from dataclasses import dataclass

from cityhall_bms.scheduling.booking_office import BookingOffice
from cityhall_bms.scheduling.early_starts import EarlyStarts
from cityhall_bms.scheduling.office import ScheduleOffice


@dataclass(frozen=True, slots=True)
class SchedulingServices:
    """The desks, and who knows how early rooms need their air."""

    schedules: ScheduleOffice
    bookings: BookingOffice
    early: EarlyStarts
