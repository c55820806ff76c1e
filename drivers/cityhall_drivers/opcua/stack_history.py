"""Historical read of raw values (Part 4, clause 5.11.3; Part 11, clause 6.5.3), one answer at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from asyncua import ua

from cityhall_drivers.opcua.codec import Columns, decode
from cityhall_drivers.opcua.stack import OpcUaSession
from cityhall_drivers.opcua.stack_services import node_of

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TOO_LARGE: Final = (
    ua.uaerrors.BadEncodingLimitsExceeded,
    ua.uaerrors.BadResponseTooLarge,
    ua.uaerrors.BadTooManyOperations,
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """One node's history from where the last answer ended; ``continuation`` is empty at the beginning."""

    address: str
    continuation: bytes = b""


@dataclass(frozen=True, slots=True)
class Portion:
    """What one answer gave of one node: no values and a bad ``status`` when that was refused."""

    columns: Columns
    continuation: bytes
    status: int


async def read_raw(
    session: OpcUaSession, wanted: Sequence[Wanted], start: int, until: int, values_max: int
) -> list[Portion]:
    """Values of ``start`` to ``until`` (µs UTC) of each node, oldest first and at most ``values_max`` of each.

    A server that finds the question too large is asked for fewer nodes at once.
    """
    try:
        return await _ask(session, wanted, start, until, values_max)
    except _TOO_LARGE:
        if len(wanted) == 1:
            raise
    middle = len(wanted) // 2
    first = await read_raw(session, wanted[:middle], start, until, values_max)
    return first + await read_raw(session, wanted[middle:], start, until, values_max)


async def _ask(
    session: OpcUaSession, wanted: Sequence[Wanted], start: int, until: int, values_max: int
) -> list[Portion]:
    details = ua.ReadRawModifiedDetails(
        IsReadModified=False,
        StartTime=_EPOCH + timedelta(microseconds=start),
        EndTime=_EPOCH + timedelta(microseconds=until),
        NumValuesPerNode=values_max,
        ReturnBounds=False,
    )
    results = await session.client.uaclient.session.history_read(
        ua.HistoryReadParameters(
            HistoryReadDetails=details,
            TimestampsToReturn=ua.TimestampsToReturn.Both,
            ReleaseContinuationPoints=False,
            NodesToRead=[
                ua.HistoryReadValueId(NodeId=node_of(one.address), ContinuationPoint=one.continuation or None)
                for one in wanted
            ],
        )
    )
    if len(results) != len(wanted):
        msg = f"the server answered {len(results)} of {len(wanted)} histories"
        raise ua.UaError(msg)
    return [_portion(one) for one in results]


def _portion(result: ua.HistoryReadResult) -> Portion:
    status = result.StatusCode.value
    data = result.HistoryData
    values = data.DataValues if isinstance(data, ua.HistoryData) and result.StatusCode.is_good() else None
    return Portion(decode(values or ()), result.ContinuationPoint or b"", status)
