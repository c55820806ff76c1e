"""Intrinsic reporting: simulated BACnet devices tell their recipients of alarms, and list them when asked."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from bacpypes3.apdu import (
    AcknowledgeAlarmRequest,
    ConfirmedEventNotificationRequest,
    ErrorRejectAbortNack,
    GetEventInformationRequest,
    SimpleAckPDU,
    UnconfirmedEventNotificationRequest,
)
from bacpypes3.app import Application
from bacpypes3.basetypes import (
    Destination,
    DeviceAddress,
    EventTransitionBits,
    ListOfDestination,
    Recipient,
    TimeStamp,
)
from bacpypes3.pdu import Address, IPv4Address
from bacpypes3.primitivedata import ObjectIdentifier, Time
from tests.support.simulated_bacnet import (
    DEVICES,
    address_of,
    client_app,
    move_on,
    new_city,
    refused,
    served,
    show,
    strike,
)
from tests.support.until import until

from cityhall_simulators.faces import bacnet_events
from cityhall_simulators.runtime import City

TRIPPED, SMOKE, LEVEL = "TCH.B1.N.PKF01.TripAlm", "TCH.01.E.AHU01.DuctSmoke", "TCH.B2.N.TNK01.Lvl"
HIGH_LEVEL, LOW_LEVEL = "TCH.B2.N.TNK01.HiAlm", "TCH.B2.N.TNK01.LoAlm"
ALL_DAYS = [1, 1, 1, 1, 1, 1, 1]

city = pytest.fixture(new_city)


class Operator(Application):
    """Writes down every event that it is told, and confirms it."""

    def told(self) -> list[Any]:
        if not hasattr(self, "_told"):
            self._told: list[Any] = []
        return self._told

    async def do_ConfirmedEventNotificationRequest(self, apdu: ConfirmedEventNotificationRequest) -> None:  # noqa: N802
        self.told().append(apdu)
        await self.response(SimpleAckPDU(context=apdu))

    async def do_UnconfirmedEventNotificationRequest(self, apdu: UnconfirmedEventNotificationRequest) -> None:  # noqa: N802
        self.told().append(apdu)


@pytest_asyncio.fixture
async def operator() -> AsyncIterator[Operator]:
    async with client_app(Operator) as app:
        yield app


def recipient(
    operator: Operator, *, confirmed: bool, transitions: list[int], days: list[int] = ALL_DAYS
) -> Destination:
    [link] = operator.link_layers.values()
    mac = IPv4Address(link.server.local_address).addrAddr
    return Destination(
        validDays=days,
        fromTime=Time((0, 0, 0, 0)),
        toTime=Time((23, 59, 59, 99)),
        recipient=Recipient(address=DeviceAddress(networkNumber=0, macAddress=mac)),
        processIdentifier=42,
        issueConfirmedNotifications=confirmed,
        transitions=EventTransitionBits(transitions),
    )


async def enlist(operator: Operator, address: Address, priority: int, *who: Destination) -> str:
    return await refused(
        operator.write_property(
            address, f"notification-class,{priority}", "recipient-list", ListOfDestination(list(who))
        )
    )


async def information(operator: Operator, address: Address, after: ObjectIdentifier | None = None) -> Any:
    return await operator.request(GetEventInformationRequest(lastReceivedObjectIdentifier=after, destination=address))


@pytest.mark.parametrize("confirmed", [True, False])
async def test_a_trip_is_told_to_the_recipients_of_its_class_and_so_is_its_end(
    city: City, operator: Operator, confirmed: bool
) -> None:
    show(city, TRIPPED, 0)
    async with served(city, DEVICES["pkf01"]) as (face, address):
        # A trip has priority 2 in the domain, so class 2 with BACnet priorities 64 to 127.
        assert not await enlist(operator, address, 2, recipient(operator, confirmed=confirmed, transitions=[1, 1, 1]))
        await face.refresh()
        show(city, TRIPPED, 1)
        await face.refresh()
        await face.refresh()
        await until(operator.told)
        show(city, TRIPPED, 0)
        await face.refresh()
        await until(lambda: len(operator.told()) == 2)
    begun, ended = operator.told()
    assert isinstance(begun, ConfirmedEventNotificationRequest) is confirmed
    assert (begun.processIdentifier, begun.notificationClass, begun.initiatingDeviceIdentifier[1]) == (42, 2, 1201)
    assert str(begun.eventObjectIdentifier) == address_of(TRIPPED)[1]
    assert (str(begun.fromState), str(begun.toState), str(begun.eventType)) == (
        "normal",
        "offnormal",
        "change-of-state",
    )
    assert 64 <= begun.priority < ended.priority <= 127
    assert begun.ackRequired
    assert not ended.ackRequired
    assert begun.eventValues.changeOfState.newState.binaryValue == 1
    assert list(begun.eventValues.changeOfState.statusFlags) == [1, 0, 0, 0]
    assert (str(ended.fromState), str(ended.toState)) == ("offnormal", "normal")
    assert "過載跳脫" in begun.messageText


async def test_the_alarm_is_seen_in_the_object_itself(city: City, operator: Operator) -> None:
    tripped = address_of(TRIPPED)[1]
    show(city, TRIPPED, 0)
    async with served(city, DEVICES["pkf01"]) as (face, address):
        assert str(await operator.read_property(address, tripped, "event-state")) == "normal"
        show(city, TRIPPED, 1)
        await face.refresh()
        assert str(await operator.read_property(address, tripped, "event-state")) == "offnormal"
        assert list(await operator.read_property(address, tripped, "status-flags")) == [1, 0, 0, 0]
        assert list(await operator.read_property(address, tripped, "acked-transitions")) == [0, 1, 1]
        assert str(await operator.read_property(address, tripped, "alarm-value")) == "active"
        assert int(await operator.read_property(address, tripped, "notification-class")) == 2


async def test_a_recipient_hears_only_its_transitions_on_its_days(city: City, operator: Operator) -> None:
    show(city, TRIPPED, 0)
    async with served(city, DEVICES["pkf01"]) as (face, address):
        never = recipient(operator, confirmed=False, transitions=[1, 1, 1], days=[0] * 7)
        only_ends = recipient(operator, confirmed=False, transitions=[0, 0, 1])
        assert not await enlist(operator, address, 2, never, only_ends)
        show(city, TRIPPED, 1)
        await face.refresh()
        show(city, TRIPPED, 0)
        await face.refresh()
        await until(operator.told)
        await operator.read_property(address, address_of(TRIPPED)[1], "event-state")
    assert [str(told.toState) for told in operator.told()] == ["normal"]


async def test_more_recipients_than_a_class_has_room_for_are_refused_and_those_before_stay(
    city: City, operator: Operator
) -> None:
    async with served(city, DEVICES["pkf01"]) as (_, address):
        who = recipient(operator, confirmed=False, transitions=[1, 1, 1])
        assert not await enlist(operator, address, 2, *[who] * 16)
        assert "no-space-to-write-property" in await enlist(operator, address, 2, *[who] * 17)
        assert len(await operator.read_property(address, "notification-class,2", "recipient-list")) == 16


async def test_a_recipient_named_by_its_device_number_is_told_once_it_has_said_where_it_is(
    city: City, operator: Operator
) -> None:
    show(city, TRIPPED, 0)
    async with served(city, DEVICES["pkf01"]) as (face, address):
        who = recipient(operator, confirmed=False, transitions=[1, 1, 1])
        who.recipient = Recipient(device=ObjectIdentifier(("device", 9)))
        assert not await enlist(operator, address, 2, who)
        operator.i_am(address=address)
        await until(lambda: 9 in face._controller.device_info_cache.instance_cache)  # type: ignore[union-attr]
        show(city, TRIPPED, 1)
        await face.refresh()
        await until(operator.told)


async def test_a_level_beyond_its_limit_is_told_after_its_delay_with_value_and_limit(
    city: City, operator: Operator
) -> None:
    show(city, LEVEL, 60.0)
    async with served(city, DEVICES["tnk01"]) as (face, address):
        level = address_of(LEVEL)[1]
        assert float(await operator.read_property(address, level, "low-limit")) == 30.0
        assert list(await operator.read_property(address, level, "limit-enable")) == [1, 0]
        assert int(await operator.read_property(address, level, "time-delay")) == 60
        assert not await enlist(operator, address, 3, recipient(operator, confirmed=True, transitions=[1, 1, 1]))
        events = face._controller.events  # type: ignore[union-attr]
        events.refresh(0.0)
        show(city, LEVEL, 24.0)
        for at_s in (1.0, 60.0):
            events.refresh(at_s)
        assert str(await operator.read_property(address, level, "event-state")) == "normal"
        events.refresh(61.0)
        await until(operator.told)
    [told] = operator.told()
    assert (str(told.toState), str(told.eventType)) == ("low-limit", "out-of-range")
    values = told.eventValues.outOfRange
    assert (float(values.exceedingValue), float(values.exceededLimit), float(values.deadband)) == (24.0, 30.0, 3.0)


async def test_a_broken_sensor_is_told_as_a_fault(city: City, operator: Operator) -> None:
    async with served(city, DEVICES["tnk01"]) as (face, address):
        assert not await enlist(operator, address, 3, recipient(operator, confirmed=True, transitions=[0, 1, 0]))
        city.bad[address_of(LEVEL)[0]] = True
        await face.refresh()
        await until(operator.told)
        reliability = await operator.read_property(address, address_of(LEVEL)[1], "reliability")
    [told] = operator.told()
    assert (str(told.toState), str(told.eventType)) == ("fault", "change-of-reliability")
    assert str(told.eventValues.changeOfReliability.reliability) == str(reliability) == "no-sensor"


async def test_alarms_are_listed_until_they_are_over_and_acknowledged(city: City, operator: Operator) -> None:
    show(city, TRIPPED, 0)
    async with served(city, DEVICES["pkf01"]) as (face, address):
        assert list((await information(operator, address)).listOfEventSummaries) == []
        assert not await enlist(operator, address, 2, recipient(operator, confirmed=True, transitions=[1, 1, 1]))
        show(city, TRIPPED, 1)
        await face.refresh()
        await until(operator.told)
        listed = await information(operator, address)
        [summary] = listed.listOfEventSummaries
        assert not listed.moreEvents
        assert (str(summary.objectIdentifier), str(summary.eventState)) == (address_of(TRIPPED)[1], "offnormal")
        assert list(summary.acknowledgedTransitions) == [0, 1, 1]
        assert [int(priority) for priority in summary.eventPriorities] == [80, 96, 112]
        show(city, TRIPPED, 0)
        await face.refresh()
        # Over, but nobody has said that he saw it.
        assert len((await information(operator, address)).listOfEventSummaries) == 1
        assert not await refused(acknowledged(operator, address, TRIPPED, summary.eventTimeStamps[0]))
        assert list((await information(operator, address)).listOfEventSummaries) == []
        await until(lambda: len(operator.told()) == 3)
        assert str(operator.told()[-1].notifyType) == "ack-notification"


async def acknowledged(operator: Operator, address: Address, name: str, stamp: TimeStamp) -> Any:
    return await operator.request(
        AcknowledgeAlarmRequest(
            acknowledgingProcessIdentifier=42,
            eventObjectIdentifier=ObjectIdentifier(address_of(name)[1]),
            eventStateAcknowledged="offnormal",
            timeStamp=stamp,
            acknowledgmentSource="operator",
            timeOfAcknowledgment=TimeStamp.as_time(),
            destination=address,
        )
    )


async def test_more_alarms_than_one_answer_holds_are_asked_for_after_the_last_one(
    city: City, operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bacnet_events, "SUMMARIES_MAX", 1)
    show(city, HIGH_LEVEL, 1)
    show(city, LOW_LEVEL, 1)
    async with served(city, DEVICES["tnk01"]) as (face, address):
        await face.refresh()
        first = await information(operator, address)
        second = await information(operator, address, first.listOfEventSummaries[0].objectIdentifier)
    assert (bool(first.moreEvents), bool(second.moreEvents)) == (True, False)
    listed = {str(part.listOfEventSummaries[0].objectIdentifier) for part in (first, second)}
    assert listed == {address_of(HIGH_LEVEL)[1], address_of(LOW_LEVEL)[1]}


async def test_an_alarm_that_never_was_cannot_be_acknowledged(city: City, operator: Operator) -> None:
    async with served(city, DEVICES["tnk01"]) as (_, address):
        at_noon = TimeStamp(time=Time((12, 0, 0, 0)))
        assert "invalid-time-stamp" in await refused(acknowledged(operator, address, HIGH_LEVEL, at_noon))
        assert "no-alarm-configured" in await refused(acknowledged(operator, address, "TCH.B2.N.TNK01.InVlv", at_noon))


async def test_a_fire_is_listed_but_nobody_enlists_or_acknowledges_at_the_fire_gateway(
    city: City, operator: Operator
) -> None:
    city.fault_on("fire_alarm", "FZN01", "now")
    move_on(city, 0.5)
    async with served(city, DEVICES["fire-gateway"]) as (face, address):
        await face.refresh()
        summaries = (await information(operator, address)).listOfEventSummaries
        zone = address_of("TCH.01.E.FZN01.State")[1]
        assert zone in {str(summary.objectIdentifier) for summary in summaries}
        stamp = next(s.eventTimeStamps[0] for s in summaries if str(s.objectIdentifier) == zone)
        who = recipient(operator, confirmed=False, transitions=[1, 1, 1])
        assert "write-access-denied" in await enlist(operator, address, 1, who)
        assert "service-request-denied" in await refused(acknowledged(operator, address, "TCH.01.E.FZN01.State", stamp))


async def test_a_mute_device_tells_no_alarm(city: City, operator: Operator) -> None:
    show(city, SMOKE, 0)
    async with served(city, DEVICES["ahu01"]) as (face, address), client_app(apduTimeout=300) as hasty:
        assert not await enlist(operator, address, 1, recipient(operator, confirmed=False, transitions=[1, 1, 1]))
        strike(city, "device_silent", "ahu01")
        show(city, SMOKE, 1)
        await face.refresh()
        with pytest.raises(ErrorRejectAbortNack, match="no-response"):
            await hasty.read_property(address, address_of(SMOKE)[1], "present-value")
    assert operator.told() == []
