"""Building management and telemetry for a city hall."""
