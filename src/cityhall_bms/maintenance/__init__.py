"""Maintenance at work: what people do about orders, patrols, fire tests and assets, and what becomes due by itself."""
