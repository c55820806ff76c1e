"""Time, as a thing that is given."""

from typing import Protocol


class Clock(Protocol):
    """Where time comes from: the system's clock, or a test's hand."""

    def now(self) -> int:
        """Wall clock, µs since 1970-01-01 UTC; may be set back by the operating system."""
        ...

    def monotonic(self) -> float:
        """Seconds that only grow, from an arbitrary start."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait; returns at once for zero or less (after giving others a turn)."""
        ...
