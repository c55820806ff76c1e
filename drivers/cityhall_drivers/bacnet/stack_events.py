"""Event notifications, the list of events, acknowledging and recipients through the library (clause 13)."""

from collections.abc import Sequence
from typing import Any, Final

from bacpypes3.apdu import (
    APDU,
    AcknowledgeAlarmRequest,
    AddListElementRequest,
    Error,
    GetEventInformationACK,
    GetEventInformationRequest,
    RemoveListElementRequest,
    register_error_type,
)
from bacpypes3.basetypes import EventState, PropertyIdentifier, TimeStamp
from bacpypes3.constructeddata import Any as AnyValue
from bacpypes3.pdu import PDUData
from bacpypes3.primitivedata import CharacterString, ObjectIdentifier, TagList

from cityhall_drivers.bacnet.codec import Object
from cityhall_drivers.bacnet.device_time import local_us
from cityhall_drivers.bacnet.notices import Event, Stamp, Summary
from cityhall_drivers.bacnet.recipients import PROCESS, destination, is_listed, without_us
from cityhall_drivers.bacnet.refusals import ErrorAnswerError, TurnedDownError
from cityhall_drivers.bacnet.stack import LibraryPeer
from cityhall_drivers.bacnet.stack_properties import read_property, write_property

NOTIFICATION_CLASS: Final = 15
RECIPIENT_LIST: Final = 102
SUMMARIES_MAX: Final = 2000
"""Of one device at one time; what a longer list holds is told when the list grows shorter."""
_ACK_NOTIFICATION: Final = 2


@register_error_type
class GetEventInformationError(Error):  # type: ignore[misc]  # the library is untyped
    """Error of a service for which the library knows none: it would drop the answer, and wait until the time is over.

    Nothing else can be asked of the device meanwhile.
    """

    service_choice = GetEventInformationRequest.service_choice


def event_of(apdu: APDU) -> Event:
    """Read a notification, confirmed or not."""
    return Event(
        str(apdu.eventObjectIdentifier),
        str(apdu.eventType),
        "" if apdu.fromState is None else str(apdu.fromState),
        str(apdu.toState),
        _stamp(apdu.timeStamp),
        "" if apdu.messageText is None else str(apdu.messageText),
        int(apdu.priority),
        bool(apdu.ackRequired),
        int(apdu.notifyType) == _ACK_NOTIFICATION,
    )


def _stamp(sent: Any) -> Stamp:  # noqa: ANN401 - the library's untyped value
    # Made anew: the library would put the brackets of its place in the message around it.
    choice = next(name for name in ("time", "sequenceNumber", "dateTime") if getattr(sent, name) is not None)
    tags = bytes(TimeStamp(**{choice: getattr(sent, choice)}).encode().encode().pduData)
    if sent.dateTime is None:
        return Stamp(tags, None)
    return Stamp(tags, local_us(bytes(sent.dateTime.date), bytes(sent.dateTime.time)))


async def event_information(peer: LibraryPeer) -> list[Summary]:
    """Everything that is in alarm or not acknowledged; errors as of :meth:`LibraryPeer.request`."""
    found: list[Summary] = []
    last: ObjectIdentifier | None = None
    while len(found) < SUMMARIES_MAX:
        answer = await peer.request(GetEventInformationRequest(lastReceivedObjectIdentifier=last))
        if not isinstance(answer, GetEventInformationACK):
            raise peer.unreachable(what="an answer to another question")
        sent = list(answer.listOfEventSummaries)
        found += [_summary(one) for one in sent]
        if not sent or not answer.moreEvents:
            break
        last = sent[-1].objectIdentifier
    return found


def _summary(sent: Any) -> Summary:  # noqa: ANN401 - the library's untyped value
    return Summary(
        str(sent.objectIdentifier),
        str(sent.eventState),
        [bool(bit) for bit in sent.acknowledgedTransitions],
        [_stamp(stamp) for stamp in sent.eventTimeStamps],
        [int(priority) for priority in sent.eventPriorities],
    )


async def acknowledge(peer: LibraryPeer, address: str, state: str, stamp: bytes, at: bytes, who: str) -> None:
    """Acknowledge the transition with exactly this time stamp; ``at`` is now, as the tags of a time stamp."""
    await peer.request(
        AcknowledgeAlarmRequest(
            acknowledgingProcessIdentifier=PROCESS,
            eventObjectIdentifier=ObjectIdentifier(address),
            eventStateAcknowledged=EventState(state),
            timeStamp=_time_stamp(stamp),
            acknowledgmentSource=CharacterString(who),
            timeOfAcknowledgment=_time_stamp(at),
        )
    )


def _time_stamp(tags: bytes) -> TimeStamp:
    return TimeStamp.decode(TagList.decode(PDUData(tags)))


async def enrol(peer: LibraryPeer, classes: Sequence[Object], us: tuple[str, int]) -> bool:
    """See to it that we are among the recipients of every class; false when the device keeps one from us."""
    done = [await _enrol(peer, one, us) for one in classes]
    return bool(done) and all(done)


async def _enrol(peer: LibraryPeer, target: Object, us: tuple[str, int]) -> bool:
    ours = destination(*us)
    try:
        if is_listed(await read_property(peer, target, RECIPIENT_LIST), *us):
            return True
        try:
            await peer.request(AddListElementRequest(**_elements(target, ours)))
        except (ErrorAnswerError, TurnedDownError):
            # Many devices cannot add to a list; they take the whole of it.
            await write_property(peer, target, RECIPIENT_LIST, await read_property(peer, target, RECIPIENT_LIST) + ours)
        return is_listed(await read_property(peer, target, RECIPIENT_LIST), *us)
    except (ErrorAnswerError, TurnedDownError):
        return False


async def withdraw(peer: LibraryPeer, classes: Sequence[Object], us: tuple[str, int]) -> None:
    """Take ourselves off every list, as far as the device lets us."""
    for target in classes:
        try:
            await _withdraw(peer, target, us)
        except (ErrorAnswerError, TurnedDownError):
            continue


async def _withdraw(peer: LibraryPeer, target: Object, us: tuple[str, int]) -> None:
    try:
        await peer.request(RemoveListElementRequest(**_elements(target, destination(*us))))
    except (ErrorAnswerError, TurnedDownError):
        recipients = await read_property(peer, target, RECIPIENT_LIST)
        rest = without_us(recipients, *us)
        if rest != recipients:
            await write_property(peer, target, RECIPIENT_LIST, rest)


def _elements(target: Object, data: bytes) -> dict[str, Any]:
    return {
        "objectIdentifier": ObjectIdentifier(tuple(target)),
        "propertyIdentifier": PropertyIdentifier(RECIPIENT_LIST),
        "listOfElements": AnyValue(TagList.decode(PDUData(data))),
    }
