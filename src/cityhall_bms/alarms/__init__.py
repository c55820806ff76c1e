"""What operators do to alarms, and what time does to them."""
