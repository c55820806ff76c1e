"""The event log of a process that dies at a moment that a test chooses."""

from collections.abc import Callable, Sequence

from cityhall_bms.adapters.memory import MemoryEventLog
from cityhall_bms.domain.events import StoredEvent
from cityhall_bms.ports.event_log import Append, Checkpoint


class KilledError(BaseException):
    """The process ends here."""


class DyingLog(MemoryEventLog):
    """The log of a process that dies at its nth call: before the log has it, or after."""

    def __init__(self, real: MemoryEventLog, calls: int, *, after: bool, error: Callable[[], BaseException]) -> None:
        self._real, self._calls, self._after, self._error = real, calls, after, error

    async def append(self, appends: Sequence[Append], checkpoint: Checkpoint | None = None) -> list[StoredEvent]:
        self._calls -= 1
        if self._calls == 0 and not self._after:
            raise self._error()
        entries = await self._real.append(appends, checkpoint)
        if self._calls == 0:
            raise self._error()
        return entries

    async def checkpoint(self, name: str) -> Checkpoint | None:
        return await self._real.checkpoint(name)

    async def read(self, after: int = 0, limit: int = 1000, stream: str | None = None) -> list[StoredEvent]:
        return await self._real.read(after, limit, stream)
