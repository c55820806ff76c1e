"""Historical read of an OPC UA server: raw values of the last day, from a bounded ring (OPC UA part 11, 6.4.3).

Bounding values and modified history are not kept; both are optional.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
from asyncua import ua
from asyncua.server.history import HistoryManager
from numpy.typing import NDArray

from cityhall_simulators.faces.ring import Ring

INTERVAL_S: Final = 60.0
RECORDS_MAX: Final = 1440
"""A day, one record a minute; then the oldest go."""
ANSWER_MAX: Final = 500
"""Values of one node in one answer; the rest is asked for with a continuation point."""
_NULL_TIME: Final = datetime(1601, 1, 1, tzinfo=UTC)
"""The protocol's way to leave a time open."""


class History(HistoryManager):
    """Answers history reads of the nodes it keeps. ``columns`` says which column of the ring each of them has."""

    def __init__(self, iserver: Any, columns: Mapping[ua.NodeId, int]) -> None:  # noqa: ANN401
        super().__init__(iserver)
        self._columns = columns
        self._ring = Ring(RECORDS_MAX, len(columns))
        self._due_s = 0.0

    def record(self, at_s: float, clock_s: float, values: NDArray[np.float64], bad: NDArray[np.bool_]) -> None:
        """Keep a record if it is time: ``at_s`` of a steady clock, ``clock_s`` of the server's, since 1970."""
        if at_s >= self._due_s:
            self._due_s = at_s + INTERVAL_S
            self._ring.add(clock_s, values, bad)

    async def read_history(self, params: ua.HistoryReadParameters) -> list[ua.HistoryReadResult]:
        """The library's hook."""
        return [self._answer(params.HistoryReadDetails, wanted) for wanted in params.NodesToRead]

    def _answer(self, details: Any, wanted: ua.HistoryReadValueId) -> ua.HistoryReadResult:  # noqa: ANN401
        column = self._columns.get(wanted.NodeId)
        if column is None or not isinstance(details, ua.ReadRawModifiedDetails) or details.IsReadModified:
            return ua.HistoryReadResult(StatusCode=ua.StatusCode(ua.StatusCodes.BadHistoryOperationUnsupported))
        start_s, end_s, limit = _seconds(details.StartTime), _seconds(details.EndTime), details.NumValuesPerNode
        if (start_s is None) + (end_s is None) + (limit == 0) > 1:
            # Two of the three say what is wanted.
            return ua.HistoryReadResult(StatusCode=ua.StatusCode(ua.StatusCodes.BadInvalidTimestampArgument))
        order = _order(self._ring.times_s(), start_s, end_s)
        # The point names a record by its number: the ring may turn between two answers.
        numbers = order + self._ring.total - self._ring.count
        begin = _after(numbers, wanted.ContinuationPoint)
        if begin is None:
            return ua.HistoryReadResult(StatusCode=ua.StatusCode(ua.StatusCodes.BadContinuationPointInvalid))
        size = min(limit or ANSWER_MAX, ANSWER_MAX)
        rows = order[begin : begin + size]
        result = ua.HistoryReadResult(HistoryData=ua.HistoryData(DataValues=self._values(column, rows.tolist())))
        if begin + size < len(order):
            result.ContinuationPoint = int(numbers[begin + size - 1]).to_bytes(8, "big")
        return result

    def _values(self, column: int, rows: Sequence[int]) -> list[ua.DataValue]:
        records = self._ring.records(column, 0, self._ring.count)
        return [_data_value(*records[row]) for row in rows]


def _order(times_s: NDArray[np.float64], start_s: float | None, end_s: float | None) -> NDArray[np.intp]:
    """Places of the records between two times, in the order of asking: backwards when the end comes first."""
    low, high = (start_s, end_s) if start_s is not None and end_s is not None else (start_s or -np.inf, end_s or np.inf)
    backwards = start_s is None or (end_s is not None and end_s < start_s)
    if low > high:
        low, high = high, low
    order = np.argsort(times_s, kind="stable")
    kept = order[(times_s[order] >= low) & (times_s[order] <= high)]
    return kept[::-1] if backwards else kept


def _after(numbers: NDArray[np.intp], point: bytes | None) -> int | None:
    """Where to go on after a continuation point; None when its record is gone."""
    if not point:
        return 0
    place = np.flatnonzero(numbers == int.from_bytes(point, "big"))
    return int(place[0]) + 1 if len(place) else None


def _data_value(at_s: float, value: float, is_bad: bool) -> ua.DataValue:  # noqa: FBT001 - a row of the ring
    moment = datetime.fromtimestamp(at_s, UTC)
    status = ua.StatusCodes.BadSensorFailure if is_bad else ua.StatusCodes.Good
    variant = ua.Variant(None, ua.VariantType.Null) if is_bad else ua.Variant(value, ua.VariantType.Double)
    return ua.DataValue(variant, StatusCode=ua.StatusCode(status), SourceTimestamp=moment, ServerTimestamp=moment)


def _seconds(moment: datetime | None) -> float | None:
    """Seconds since 1970, None for a time that was left open."""
    if moment is None:
        return None
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return None if aware <= _NULL_TIME else aware.timestamp()
