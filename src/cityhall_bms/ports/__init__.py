"""What the service needs from outside, as small protocols."""
