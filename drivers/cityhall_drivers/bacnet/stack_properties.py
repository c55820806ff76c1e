"""Single properties as bytes, read and written through the library."""

from bacpypes3.apdu import ReadPropertyACK, ReadPropertyRequest, WritePropertyRequest
from bacpypes3.basetypes import PropertyIdentifier
from bacpypes3.constructeddata import Any as AnyValue
from bacpypes3.pdu import PDUData
from bacpypes3.primitivedata import ObjectIdentifier, TagList

from cityhall_drivers.bacnet.codec import Object
from cityhall_drivers.bacnet.stack import LibraryPeer


async def read_property(peer: LibraryPeer, target: Object, property_id: int, index: int | None = None) -> bytes:
    """Give a property's value as the tags that the device sent; errors as of :meth:`LibraryPeer.request`."""
    question = ReadPropertyRequest(
        objectIdentifier=ObjectIdentifier(tuple(target)),
        propertyIdentifier=PropertyIdentifier(property_id),
        propertyArrayIndex=index,
    )
    answer = await peer.request(question)
    if not isinstance(answer, ReadPropertyACK) or _names(answer, target, property_id, index):
        raise peer.unreachable(what="an answer to another question")
    return content_of(answer.propertyValue)


async def write_property(
    peer: LibraryPeer, target: Object, property_id: int, data: bytes, priority: int | None = None
) -> None:
    """Write a property, given as tags; errors as of :meth:`LibraryPeer.request`."""
    question = WritePropertyRequest(
        objectIdentifier=ObjectIdentifier(tuple(target)),
        propertyIdentifier=PropertyIdentifier(property_id),
        propertyValue=AnyValue(TagList.decode(PDUData(data))),
        priority=priority,
    )
    await peer.request(question)


def content_of(sent: AnyValue) -> bytes:
    """Tags within the brackets in which the library keeps a value of any type."""
    return bytes(TagList(list(sent.tagList)[1:-1]).encode().pduData)


def _names(answer: ReadPropertyACK, target: Object, property_id: int, index: int | None) -> bool:
    """Whether an answer names something else than what was asked for."""
    told = (tuple(map(int, answer.objectIdentifier)), int(answer.propertyIdentifier), answer.propertyArrayIndex)
    return told != (tuple(target), property_id, index)
