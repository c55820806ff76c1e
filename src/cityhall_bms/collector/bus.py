"""What devices on one medium share: how fast it answers, and so how short a probe of a dead one may be."""

from typing import Final

PROBE_MIN_S: Final = 0.1
PROBE_ANSWERS: Final = 4.0
"""A unit that takes four times as long as its bus usually does is not there."""
REMEMBERED: Final = 0.9
"""Share of what was known that stays with each scan: the figures are those of about ten scans."""


class Bus:
    """One medium with the devices on it. The driver gives turns on it; this knows what a turn takes.

    Times are seconds of a monotonic clock. Who waits for a turn behind others does not wait for an answer: only the
    time since somebody else was answered last counts. Summed over scans that is the time in which the medium was busy,
    whatever the order in which their questions took turns.
    """

    def __init__(self) -> None:
        self._busy_s = 0.0
        self._questions = 0.0
        self._free_at_s = 0.0

    def answered(self, began_s: float, ended_s: float, questions: int) -> None:
        """Note a scan of some questions that was answered."""
        busy_s = max(ended_s - max(began_s, self._free_at_s), 0.0)
        self._busy_s = REMEMBERED * self._busy_s + busy_s
        self._questions = REMEMBERED * self._questions + max(questions, 1)
        self._free_at_s = ended_s

    def silent(self, ended_s: float) -> None:
        """Note that a question was not answered: the time that it took tells nothing of answers."""
        self._free_at_s = ended_s

    def probe_s(self, timeout_s: float) -> float:
        """Time-out of a probe of a device that was silent; its own while nobody here has answered yet."""
        if not self._questions:
            return timeout_s
        return min(timeout_s, max(PROBE_MIN_S, PROBE_ANSWERS * self._busy_s / self._questions))
