"""Maintenance, decided purely: plans and when they are due, work orders, patrol, fire tests, assets."""
