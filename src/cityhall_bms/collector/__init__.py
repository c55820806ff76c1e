"""From devices to the telemetry log: schedule, grade, publish."""
