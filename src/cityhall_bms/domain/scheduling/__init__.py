"""What points hold by the clock: weekly and exception schedules, event bookings, scenes, optimum start."""
