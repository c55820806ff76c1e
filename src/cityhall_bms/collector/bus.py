"""What devices on one medium share: how fast it answers, and so how short a probe of a dead one may be."""

from typing import Final

PROBE_MIN_S: Final = 0.1
PROBE_ANSWERS: Final = 4.0
"""A unit that takes four times as long as its bus usually does is not there."""
SMOOTHING: Final = 0.2


class Bus:
    """One medium with the devices on it. The driver gives turns on it; this knows what a turn takes."""

    def __init__(self) -> None:
        self._answer_s: float | None = None

    def answered(self, took_s: float, questions: int) -> None:
        """Note how long a scan of some questions took from its first turn on."""
        each_s = took_s / max(questions, 1)
        self._answer_s = each_s if self._answer_s is None else (1 - SMOOTHING) * self._answer_s + SMOOTHING * each_s

    def probe_s(self, timeout_s: float) -> float:
        """Time-out of a probe of a device that was silent; its own while nobody here has answered yet."""
        if self._answer_s is None:
            return timeout_s
        return min(timeout_s, max(PROBE_MIN_S, PROBE_ANSWERS * self._answer_s))
