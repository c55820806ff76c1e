"""What a BACnet device remembers: its trend logs fill our gaps."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Final

from cityhall_bms.domain.batch import Readings
from cityhall_bms.ports.driver import BoundPoint
from cityhall_drivers.bacnet.codec import Item, Object
from cityhall_drivers.bacnet.service import Service
from cityhall_drivers.bacnet.stack_trends import LogPortion, find_logs, read_after, read_from
from cityhall_drivers.bacnet.trends import Columns, Span, columns_of, stretch_of
from cityhall_drivers.stretches import Stretch, nothing, readings_of

LOGS_KNOWN_S: Final = 3600.0
"""After this time a device is asked again which logs it keeps."""
HUNDREDTH_US: Final = 10_000
SEQUENCE_MAX: Final = 2**32 - 1
_RECORD_BYTES: Final = 26
_ANSWER_HEAD: Final = 60
FAR_AWAY: Final = 2**62


class Remembering(Service):
    """Reads trend logs."""

    _logs: Mapping[Object, Object] | None = None
    _logs_known_until_s = 0.0

    async def history(self, points: Sequence[BoundPoint], start: int, until: int) -> AsyncIterator[Readings]:
        """Records of ``start <= time < until`` of all points together, oldest first, some records of each at a time.

        Times are the device's own, made UTC as :mod:`~cityhall_drivers.bacnet.device_time` says.
        :class:`DeviceRefusedError` when the device does not say what it logs, or what time it is.
        """
        cursors = await self._cursors(points, start, until)
        while True:
            for cursor in cursors:
                await cursor.fill()
            horizon = min((cursor.reaches for cursor in cursors), default=FAR_AWAY)
            found = [cursor.take(horizon) for cursor in cursors]
            if not any(len(one) for one in found):
                return
            yield readings_of(found)

    async def _cursors(self, points: Sequence[BoundPoint], start: int, until: int) -> "list[_Cursor]":
        with self._plain_words("trend logs"):
            logs = await self._known_logs()
            items = [(bound, self._item(bound)) for bound in points]
            logged = [(bound, item, logs[item.object]) for bound, item in items if item.object in logs]
            if not logged:
                return []
            clock = await self._device_clock()
        span = Span(start, until, clock)
        return [_Cursor(self, log, bound.point_id, item, span) for bound, item, log in logged]

    async def _known_logs(self) -> Mapping[Object, Object]:
        if self._logs is None or self._clock.monotonic() >= self._logs_known_until_s:
            self._logs = await find_logs(self._peer, self._config.device_instance)
            self._logs_known_until_s = self._clock.monotonic() + LOGS_KNOWN_S
        return self._logs

    async def read_log(self, log: Object, sequence: int | None, after_us: int) -> LogPortion:
        """Records from a sequence number on, or those after a local time; as many as fit into one answer."""
        count = max(1, (min(self._peer.apdu_max, 1476) - _ANSWER_HEAD) // _RECORD_BYTES)
        with self._plain_words(f"trend-log,{log.instance}"):
            if sequence is None:
                return await read_after(self._peer, log, after_us, count)
            return await read_from(self._peer, log, sequence, count)

    def columns(self, log: Object, portion: LogPortion) -> Columns:
        """Read a portion's records; :class:`DeviceRefusedError` when they are none."""
        with self._plain_words(f"trend-log,{log.instance}"):
            return columns_of(portion.data)


class _Cursor:
    """A place in one log, and the samples read so far that are not handed over yet."""

    def __init__(self, reader: Remembering, log: Object, point_id: int, item: Item, span: Span) -> None:
        self._reader, self._log, self._point_id, self._item, self._span = reader, log, point_id, item, span
        self._waiting = nothing(point_id)
        self._after_us = span.clock.local(span.start) - HUNDREDTH_US
        """By time, a device gives what is newer than the moment that it is asked for."""
        self._sequence: int | None = None
        self._is_over = False

    @property
    def reaches(self) -> int:
        """Time up to which nothing of this log is missing any more."""
        return FAR_AWAY if self._is_over else int(self._waiting.at[-1])

    def take(self, horizon: int) -> Stretch:
        """Hand over what lies up to this time."""
        taken, self._waiting = self._waiting.split(horizon)
        return taken

    async def fill(self) -> None:
        """Read on until there are samples, or no more records that matter."""
        while not self._is_over and not len(self._waiting):
            portion = await self._reader.read_log(self._log, self._sequence, self._after_us)
            columns = self._reader.columns(self._log, portion)
            self._waiting = stretch_of(columns, self._point_id, self._item, self._span)
            self._is_over = portion.is_last or not self._goes_on(portion, columns.last_local_us)

    def _goes_on(self, portion: LogPortion, last_us: int | None) -> bool:
        """Move on behind a portion; false when there is nothing behind it that matters, or no way to move on."""
        if portion.count == 0 or (last_us is not None and self._span.clock.utc(last_us) >= self._span.until):
            return False
        if portion.first_sequence is not None:
            self._sequence = (portion.first_sequence + portion.count - 1) % SEQUENCE_MAX + 1
            return True
        self._sequence = None
        if last_us is None or last_us <= self._after_us:
            return False
        self._after_us = last_us
        return True
