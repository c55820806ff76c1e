"""A wall clock that jumps leaves time that nobody lived through, or that was lived through twice."""

from collections.abc import Callable
from typing import Final

from cityhall_bms.domain.gaps import Gap, GapCause
from cityhall_bms.ports.clock import Clock

LOOK_EVERY_S: Final = 1.0
JUMP_US: Final = 5_000_000


class ClockWatch:
    """Compares the wall clock with the monotonic one; each jump is reported as a gap that is over already."""

    def __init__(self, clock: Clock, report: Callable[[Gap], None]) -> None:
        self._clock = clock
        self._report = report
        self._offset_us = self._difference()
        self.jumps = 0

    async def run(self) -> None:
        """Look every second, for ever."""
        while True:
            await self._clock.sleep(LOOK_EVERY_S)
            self.look()

    def look(self) -> None:
        """Report a jump since the last look."""
        offset = self._difference()
        jump, self._offset_us = offset - self._offset_us, offset
        if abs(jump) > JUMP_US:
            now = self._clock.now()
            self.jumps += 1
            self._report(Gap("", GapCause.CLOCK, min(now, now - jump), 0, (), max(now, now - jump)))

    def _difference(self) -> int:
        return self._clock.now() - round(self._clock.monotonic() * 1e6)
