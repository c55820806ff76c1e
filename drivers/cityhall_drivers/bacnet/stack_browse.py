"""Many properties of many objects, and the list of a device's objects, through the library."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from bacpypes3.apdu import ReadPropertyMultipleACK, ReadPropertyMultipleRequest
from bacpypes3.basetypes import PropertyIdentifier, PropertyReference, ReadAccessSpecification
from bacpypes3.primitivedata import ObjectIdentifier

from cityhall_drivers.bacnet.codec import Object, Remedy, number_of
from cityhall_drivers.bacnet.refusals import ErrorAnswerError, TurnedDownError
from cityhall_drivers.bacnet.stack import LibraryPeer
from cityhall_drivers.bacnet.stack_properties import content_of, read_property
from cityhall_drivers.bacnet.tags import object_of, parse

DEVICE_TYPE: Final = 8
OBJECT_LIST: Final = 76
OBJECTS_MAX: Final = 10_000
"""Objects of one device; what a longer list holds is left alone."""
_OBJECT_TAG: Final = 12


class Wanted(NamedTuple):
    """One property, or one element of an array."""

    object: Object
    property: int
    element: int | None = None


async def read_many(peer: LibraryPeer, wanted: Sequence[Wanted], portion: int) -> dict[Wanted, bytes]:
    """Give what the device has of these, as tags; ask for ``portion`` at once, for fewer where that is too much.

    :class:`DeviceUnreachableError` when the device falls silent.
    """
    found: dict[Wanted, bytes] = {}
    place = 0
    while place < len(wanted):
        group = wanted[place : place + portion]
        try:
            found |= await _read_group(peer, group) if portion > 1 else await _read_one(peer, group[0])
        except TurnedDownError as error:
            portion = 1 if error.remedy is Remedy.ASK_SINGLY else max(1, portion // 2)
            continue
        except ErrorAnswerError:
            # One unknown object is enough for some devices to refuse all of it.
            for one in group:
                found |= await _read_one(peer, one)
        place += len(group)
    return found


async def _read_group(peer: LibraryPeer, group: Sequence[Wanted]) -> dict[Wanted, bytes]:
    answer = await peer.request(_question(group))
    if not isinstance(answer, ReadPropertyMultipleACK):
        raise peer.unreachable(what="an answer to another question")
    found = {}
    for result in answer.listOfReadAccessResults:
        target = Object(int(result.objectIdentifier[0]), int(result.objectIdentifier[1]))
        for element in result.listOfResults:
            if element.readResult.propertyAccessError is None:
                index = element.propertyArrayIndex
                which = Wanted(target, int(element.propertyIdentifier), None if index is None else int(index))
                found[which] = content_of(element.readResult.propertyValue)
    return {one: found[one] for one in group if one in found}


async def _read_one(peer: LibraryPeer, one: Wanted) -> dict[Wanted, bytes]:
    try:
        return {one: await read_property(peer, one.object, one.property, one.element)}
    except (ErrorAnswerError, TurnedDownError):
        return {}


def _question(group: Sequence[Wanted]) -> ReadPropertyMultipleRequest:
    of_object: dict[Object, list[Wanted]] = {}
    for one in group:
        of_object.setdefault(one.object, []).append(one)
    return ReadPropertyMultipleRequest(
        listOfReadAccessSpecs=[
            ReadAccessSpecification(
                objectIdentifier=ObjectIdentifier(tuple(target)),
                listOfPropertyReferences=[
                    PropertyReference(
                        propertyIdentifier=PropertyIdentifier(one.property), propertyArrayIndex=one.element
                    )
                    for one in properties
                ],
            )
            for target, properties in of_object.items()
        ]
    )


async def object_list(peer: LibraryPeer, instance: int, portion: int) -> list[Object]:
    """Every object of the device; element by element where the whole list does not fit into one answer.

    :class:`ErrorAnswerError` or :class:`TurnedDownError` when it does not tell at all.
    """
    device = Object(DEVICE_TYPE, instance)
    try:
        return objects_of(await read_property(peer, device, OBJECT_LIST))
    except TurnedDownError:
        count = number_of(parse(await read_property(peer, device, OBJECT_LIST, 0))[0].value)
    last = min(int(count or 0), OBJECTS_MAX)
    wanted = [Wanted(device, OBJECT_LIST, index) for index in range(1, last + 1)]
    found = await read_many(peer, wanted, portion)
    return [one for which in wanted if which in found for one in objects_of(found[which])]


def objects_of(data: bytes) -> list[Object]:
    """Object identifiers among tags, as many as we care for."""
    return [object_of(one.data) for one in parse(data) if one.number == _OBJECT_TAG][:OBJECTS_MAX]
