"""Schedules, scenes and bookings: the desks where people keep them, and who carries them out."""
