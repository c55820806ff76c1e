"""From samples to alarms: rules as data, evaluated over vectors."""
