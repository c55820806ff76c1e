"""A simulated city hall: plants, the protocols through which they are seen, and faults on demand.

Nothing here is shared with the service or its drivers: a mistake made on both sides would test green.
"""
