"""From the telemetry log to history: scans, rollups, progress."""
