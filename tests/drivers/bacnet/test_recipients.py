"""Our entry in a recipient list, against the library's encoder."""

from bacpypes3.basetypes import Destination, DeviceAddress, EventTransitionBits, ListOfDestination, Recipient
from bacpypes3.primitivedata import Time

from cityhall_drivers.bacnet.recipients import PROCESS, destination, is_listed, without_us


def theirs(host: bytes, process: int = PROCESS, **options: object) -> Destination:
    return Destination(
        **{
            "validDays": [1, 1, 1, 1, 1, 1, 1],
            "fromTime": Time((0, 0, 0, 0)),
            "toTime": Time((23, 59, 59, 99)),
            "recipient": Recipient(address=DeviceAddress(networkNumber=0, macAddress=host)),
            "processIdentifier": process,
            "issueConfirmedNotifications": True,
            "transitions": EventTransitionBits([1, 1, 1]),
        }
        | options
    )


def written(*entries: Destination) -> bytes:
    return bytes(ListOfDestination(list(entries)).encode().encode().pduData)


US, OTHER = bytes([192, 168, 20, 5, 0xBA, 0xC0]), bytes([192, 168, 20, 9, 0xBA, 0xC0])


def test_our_entry_is_every_day_every_transition_confirmed() -> None:
    assert destination("192.168.20.5", 47808) == written(theirs(US))


def test_we_are_found_among_others_and_others_are_not_taken_for_us() -> None:
    assert is_listed(written(theirs(OTHER), theirs(US)), "192.168.20.5", 47808)
    assert is_listed(written(theirs(US, issueConfirmedNotifications=False)), "192.168.20.5", 47808)
    assert not is_listed(written(theirs(OTHER)), "192.168.20.5", 47808)
    assert not is_listed(written(theirs(US, process=1)), "192.168.20.5", 47808), "another program at our address"
    assert not is_listed(b"", "192.168.20.5", 47808)


def test_only_our_entry_is_taken_out() -> None:
    assert without_us(written(theirs(OTHER), theirs(US)), "192.168.20.5", 47808) == written(theirs(OTHER))
    assert without_us(written(theirs(OTHER)), "192.168.20.5", 47808) == written(theirs(OTHER))
