"""When a collector cannot keep up: one event when that begins, one when it is over."""

from collections.abc import Callable
from typing import Final

from cityhall_bms.ports.clock import Clock

LOOK_EVERY_S: Final = 5.0
RELIEVED_AFTER_S: Final = 30.0
"""Without a skipped scan for so long an overload is over."""
SKIPPED_SHARE: Final = 0.01
"""Share of the scans since the last look that must be skipped for an overload to begin."""


class OverloadWatch:
    """Looks at the figures of a collector; ``began`` and ``ended`` are told with the cause and what was skipped."""

    def __init__(
        self,
        clock: Clock,
        figures: Callable[[], tuple[int, int, int]],
        began: Callable[[str, int], None],
        ended: Callable[[int, float], None],
    ) -> None:
        self._clock = clock
        self._figures = figures
        self._began, self._ended = began, ended
        self._before = (0, 0, 0)
        self._since_s: float | None = None
        self._last_skip_s = 0.0
        self._skipped_at_start = 0

    @property
    def overloaded(self) -> bool:
        """Whether scans are being skipped."""
        return self._since_s is not None

    async def run(self) -> None:
        """Look now and then, for ever."""
        self._before = self._figures()
        while True:
            await self._clock.sleep(LOOK_EVERY_S)
            self.look()

    def look(self) -> None:
        """Compare with the last look: scans answered, scans skipped, and waits for room before the log."""
        scans, skipped, waits = self._figures()
        more, lost, waited = (now - then for now, then in zip((scans, skipped, waits), self._before, strict=True))
        now_s = self._clock.monotonic()
        self._before = (scans, skipped, waits)
        if lost > SKIPPED_SHARE * (more + lost) or waited:
            self._last_skip_s = now_s
            if self._since_s is None:
                self._since_s, self._skipped_at_start = now_s, skipped - lost
                self._began("telemetry log" if waited else "devices", lost)
        elif self._since_s is not None and now_s - self._last_skip_s >= RELIEVED_AFTER_S:
            self._ended(skipped - self._skipped_at_start, self._last_skip_s - self._since_s)
            self._since_s = None
