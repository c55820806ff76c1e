"""Trend logs of a device, found and read through the library (ANSI/ASHRAE 135, clauses 12.25 and 15.8)."""

from dataclasses import dataclass
from typing import Final

from bacpypes3.apdu import ReadRangeACK, ReadRangeRequest
from bacpypes3.basetypes import DateTime, PropertyIdentifier, Range, RangeBySequenceNumber, RangeByTime
from bacpypes3.primitivedata import Date, ObjectIdentifier, Time

from cityhall_drivers.bacnet.codec import PRESENT_VALUE, Object
from cityhall_drivers.bacnet.device_time import date_and_time
from cityhall_drivers.bacnet.stack import LibraryPeer
from cityhall_drivers.bacnet.stack_browse import Wanted, object_list, read_many
from cityhall_drivers.bacnet.stack_properties import content_of
from cityhall_drivers.bacnet.tags import Tag, TagError, object_of, parse

TREND_LOG: Final = 20
LOG_BUFFER: Final = 131
LOGGED_PROPERTY: Final = 132
_OBJECT, _PROPERTY, _INDEX, _DEVICE = 0, 1, 2, 3
_PORTION: Final = 10
_LAST_ITEM: Final = 1


@dataclass(frozen=True, slots=True)
class LogPortion:
    """Some records of a log, as tags."""

    data: bytes
    count: int
    first_sequence: int | None
    """Number of the first record, in the log's own counting."""
    is_last: bool
    """Nothing newer is in the log."""


async def find_logs(peer: LibraryPeer, instance: int) -> dict[Object, Object]:
    """Trend log of each object whose present value is logged by its own device; of several the first."""
    logs = [one for one in await object_list(peer, instance, _PORTION) if one.type == TREND_LOG]
    wanted = [Wanted(log, LOGGED_PROPERTY) for log in logs]
    found = await read_many(peer, wanted, _PORTION)
    logged: dict[Object, Object] = {}
    for which in wanted:
        target = _logged_object(found[which], instance) if which in found else None
        if target is not None:
            logged.setdefault(target, which.object)
    return logged


def _logged_object(data: bytes, instance: int) -> Object | None:
    """Read a BACnetDeviceObjectPropertyReference; none for another property, another device, or an element."""
    try:
        parts: dict[int, Tag] = {one.number: one for one in parse(data) if one.is_context}
    except TagError:
        return None
    if _OBJECT not in parts or _PROPERTY not in parts or _INDEX in parts:
        return None
    if int.from_bytes(parts[_PROPERTY].data, "big") != PRESENT_VALUE:
        return None
    if _DEVICE in parts and object_of(parts[_DEVICE].data).instance != instance:
        return None
    return object_of(parts[_OBJECT].data)


async def read_after(peer: LibraryPeer, log: Object, local_us: int, count: int) -> LogPortion:
    """The first ``count`` records that are newer than a local time."""
    date, time = (tuple(part) for part in date_and_time(local_us))
    moment = DateTime(date=Date(date), time=Time(time))
    return await _read(peer, log, Range(byTime=RangeByTime(referenceTime=moment, count=count)))


async def read_from(peer: LibraryPeer, log: Object, sequence: int, count: int) -> LogPortion:
    """``count`` records from a sequence number on."""
    asked = RangeBySequenceNumber(referenceSequenceNumber=sequence, count=count)
    return await _read(peer, log, Range(bySequenceNumber=asked))


async def _read(peer: LibraryPeer, log: Object, span: Range) -> LogPortion:
    question = ReadRangeRequest(
        objectIdentifier=ObjectIdentifier(tuple(log)), propertyIdentifier=PropertyIdentifier(LOG_BUFFER), range=span
    )
    answer = await peer.request(question)
    if not isinstance(answer, ReadRangeACK) or tuple(map(int, answer.objectIdentifier)) != tuple(log):
        raise peer.unreachable(what="an answer to another question")
    first = answer.firstSequenceNumber
    return LogPortion(
        content_of(answer.itemData),
        int(answer.itemCount),
        None if first is None else int(first),
        bool(answer.resultFlags[_LAST_ITEM]),
    )
