"""Trend logs of a BACnet device, and ReadRange on them (ANSI/ASHRAE 135 clauses 12.25 and 15.8).

The library can ask for a range but not answer; see also its issue 171.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import numpy as np
from bacpypes3.apdu import ReadRangeACK, ReadRangeRequest
from bacpypes3.basetypes import DateTime, LogRecord, LogRecordLogDatum, PropertyIdentifier, ResultFlags
from bacpypes3.constructeddata import Any as AnyValue
from bacpypes3.constructeddata import ListOf
from bacpypes3.errors import ExecutionError
from bacpypes3.local.object import Object as LocalObject
from bacpypes3.object import TrendLogObject
from bacpypes3.primitivedata import Real, Unsigned

from cityhall_simulators.description import Point
from cityhall_simulators.faces.bacnet_shared import ReadOnly, Shared, bacnet_time, described
from cityhall_simulators.faces.ring import Ring

LOGGED_PER_DEVICE: Final = 4
INTERVAL_S: Final = 60.0
RECORDS_MAX: Final = 1440
"""A day, one record a minute; then the oldest go."""
_RECORD_BYTES: Final = 26
_HEADER_BYTES: Final = 60
_SEQUENCE_NUMBERS: Final = 2**32
_FIRST, _LAST, _MORE = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Span:
    """Records from ``first`` up to before ``last``, oldest zero; ``has_more`` when a limit cut it."""

    first: int
    last: int
    has_more: bool


def span_of(reference: int, count: int, available: int, limit: int) -> Span:
    """Records that are asked for by the place of the first (count > 0) or last one (count < 0), as many as fit."""
    first, last = (reference, reference + count) if count > 0 else (reference + count + 1, reference + 1)
    first, last = max(first, 0), min(last, available)
    if first >= last:
        return Span(0, 0, has_more=False)
    if last - first <= limit:
        return Span(first, last, has_more=False)
    # Those nearest to the reference; the client goes on from there.
    return Span(first, first + limit, has_more=True) if count > 0 else Span(last - limit, last, has_more=True)


class TrendLog(ReadOnly, LocalObject, TrendLogObject):
    """The log of one point; its buffer is read by ReadRange only."""

    _shared: Shared
    _ring: Ring
    _column: int

    async def read_property(self, attr: int | str, index: int | None = None) -> Any:  # noqa: ANN401
        """Counts from the buffer; everything else as the library keeps it."""
        name = attr if isinstance(attr, str) else self._property_identifier_class(attr).attr
        if name == "logBuffer":
            raise ExecutionError(errorClass="property", errorCode="readAccessDenied")
        if name == "recordCount":
            return Unsigned(self._ring.count)
        if name == "totalRecordCount":
            return Unsigned(self._ring.total % _SEQUENCE_NUMBERS)
        return await super().read_property(attr, index)

    def answer(
        self, request: ReadRangeRequest, room_bytes: int, seconds_of: Callable[[DateTime], float]
    ) -> ReadRangeACK:
        """Records that a client asks for; ``room_bytes`` is the longest answer that it takes."""
        limit = max(1, (room_bytes - _HEADER_BYTES) // _RECORD_BYTES)
        span = self._span(request, limit, seconds_of)
        flags = [0, 0, 0]
        flags[_FIRST] = int(span.first == 0 < span.last)
        flags[_LAST] = int(0 < span.last == self._ring.count)
        flags[_MORE] = int(span.has_more)
        answer = ReadRangeACK(
            objectIdentifier=request.objectIdentifier,
            propertyIdentifier=request.propertyIdentifier,
            resultFlags=ResultFlags(flags),
            itemCount=span.last - span.first,
            itemData=AnyValue(ListOf(LogRecord)(self._records(span))),
            context=request,
        )
        by_position = request.range is None or request.range.byPosition is not None
        if span.last and not by_position:
            oldest = self._ring.total - self._ring.count + 1
            answer.firstSequenceNumber = (oldest + span.first) % _SEQUENCE_NUMBERS
        return answer

    def _span(self, request: ReadRangeRequest, limit: int, seconds_of: Callable[[DateTime], float]) -> Span:
        available, asked = self._ring.count, request.range
        if asked is None:
            return span_of(0, max(available, 1), available, limit)
        if asked.byPosition is not None:
            return span_of(asked.byPosition.referenceIndex - 1, _count(asked.byPosition), available, limit)
        if asked.bySequenceNumber is not None:
            oldest = self._ring.total - available + 1
            place = asked.bySequenceNumber.referenceSequenceNumber - oldest
            return span_of(place, _count(asked.bySequenceNumber), available, limit)
        count = _count(asked.byTime)
        return span_of(self._place_at(seconds_of(asked.byTime.referenceTime), count), count, available, limit)

    def _place_at(self, at_s: float, count: int) -> int:
        """The first record after a time, or for a negative count the last one before it."""
        times_s = self._ring.times_s()
        if count > 0:
            after = np.flatnonzero(times_s > at_s)
            return int(after[0]) if len(after) else len(times_s)
        before = np.flatnonzero(times_s < at_s)
        return int(before[-1]) if len(before) else -1

    def _records(self, span: Span) -> list[LogRecord]:
        zone = self._shared.now().tzinfo
        return [
            LogRecord(
                timestamp=bacnet_time(datetime.fromtimestamp(at, zone)),
                logDatum=LogRecordLogDatum(realValue=Real(value)),
                statusFlags=[0, int(is_bad), 0, 0],
            )
            for at, value, is_bad in self._ring.records(self._column, span.first, span.last)
        ]


def _count(asked: Any) -> int:  # noqa: ANN401
    if asked.count == 0:
        raise ExecutionError(errorClass="services", errorCode="parameterOutOfRange")
    return int(asked.count)


class Trends:
    """All logs of a device."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._points = _worth_logging(shared)
        self._places = [point.index - shared.device.points[0].index for point in self._points]
        self._ring = Ring(RECORDS_MAX, len(self._points))
        self._due_s = 0.0

    def make_objects(self) -> list[TrendLog]:
        """The objects, one per logged point."""
        return [self._make(column, point) for column, point in enumerate(self._points)]

    def _make(self, column: int, point: Point) -> TrendLog:
        shown_as = self._shared.objects[point.index]
        made = TrendLog(
            objectIdentifier=("trend-log", column + 1),
            objectName=f"{point.name} log",
            description=f"趨勢 trend: {described(point)}",
            enable=True,
            stopWhenFull=False,
            bufferSize=RECORDS_MAX,
            logBuffer=[],
            recordCount=0,
            totalRecordCount=0,
            loggingType="polled",
            logInterval=int(INTERVAL_S * 100),
            logDeviceObjectProperty={
                "objectIdentifier": (shown_as.type, shown_as.instance),
                "propertyIdentifier": PropertyIdentifier("present-value"),
            },
            statusFlags=[0, 0, 0, 0],
            eventState="normal",
            reliability="noFaultDetected",
        )
        made._ring, made._column, made._shared = self._ring, column, self._shared  # noqa: SLF001 - the library's rule
        return made

    def refresh(self, at_s: float) -> None:
        """Take a record when it is time; ``at_s`` is a steady clock."""
        if not self._places or at_s < self._due_s:
            return
        self._due_s = at_s + INTERVAL_S
        shown, bad = self._shared.shown, self._shared.bad
        self._ring.add(self._shared.now().timestamp(), shown[self._places], bad[self._places])

    def seconds_of(self, moment: DateTime) -> float:
        """Seconds of the device's clock at a time of the protocol."""
        (year, month, day, _), (hour, minute, second, hundredth) = moment.date, moment.time
        local = datetime(year + 1900, month, day, hour, minute, second, tzinfo=self._shared.now().tzinfo)
        return (local + timedelta(seconds=hundredth / 100)).timestamp()


def _worth_logging(shared: Shared) -> list[Point]:
    measured = [point for point in shared.device.points if point.role.kind == "AI" and point.role.resolution > 0.0]
    return measured[:LOGGED_PER_DEVICE]
