"""Change of value: a simulated BACnet device tells its subscribers what has moved, and nobody else."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio
from bacpypes3.apdu import (
    ConfirmedCOVNotificationRequest,
    SimpleAckPDU,
    SubscribeCOVRequest,
    UnconfirmedCOVNotificationRequest,
)
from bacpypes3.app import Application
from bacpypes3.basetypes import StatusFlags
from bacpypes3.pdu import Address
from bacpypes3.primitivedata import ObjectIdentifier, Real
from tests.support.simulated_bacnet import DEVICES, address_of, client_app, new_city, refused, served, show, strike
from tests.support.until import until

from cityhall_simulators.faces import bacnet_controller, bacnet_link, bacnet_outbox
from cityhall_simulators.faces.bacnet import BacnetFace
from cityhall_simulators.runtime import City

LEVEL, TRIPPED, SPEED = "TCH.B2.N.TNK01.Lvl", "TCH.B1.N.PKF01.TripAlm", "TCH.B1.N.PKF01.SpdCmd"

city = pytest.fixture(new_city)


class Subscriber(Application):
    """Writes down every notification; answers confirmed ones unless it is told not to."""

    def heard(self) -> list[Any]:
        if not hasattr(self, "_heard"):
            self._heard: list[Any] = []
            self.answers = True
        return self._heard

    async def do_ConfirmedCOVNotificationRequest(self, apdu: ConfirmedCOVNotificationRequest) -> None:  # noqa: N802 - the library's hook
        self.heard().append(apdu)
        if self.answers:
            await self.response(SimpleAckPDU(context=apdu))

    async def do_UnconfirmedCOVNotificationRequest(self, apdu: UnconfirmedCOVNotificationRequest) -> None:  # noqa: N802
        self.heard().append(apdu)

    def values(self) -> list[float]:
        return [float(apdu.listOfValues[0].value.cast_out(Real)) for apdu in self.heard()]


@pytest_asyncio.fixture
async def subscriber() -> AsyncIterator[Subscriber]:
    async with client_app(Subscriber) as app:
        app.heard()
        yield app


async def subscribe(
    app: Application, address: Address, what: str, *, confirmed: bool | None, lifetime_s: int | None, process: int = 7
) -> Any:
    return await app.request(
        SubscribeCOVRequest(
            subscriberProcessIdentifier=process,
            monitoredObjectIdentifier=ObjectIdentifier(what),
            issueConfirmedNotifications=confirmed,
            lifetime=lifetime_s,
            destination=address,
        )
    )


async def refreshed(face: BacnetFace, condition: Callable[[], object]) -> None:
    """Refresh until it is so: what waits behind an unanswered notification goes out with a later refresh."""
    async with asyncio.timeout(10):
        while not condition():
            await face.refresh()
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("confirmed", [True, False])
async def test_a_subscriber_is_told_at_once_and_then_when_the_value_has_moved_by_the_increment(
    city: City, subscriber: Subscriber, confirmed: bool
) -> None:
    show(city, LEVEL, 60.0)
    async with served(city, DEVICES["tnk01"]) as (face, address):
        level = address_of(LEVEL)[1]
        increment = float(await subscriber.read_property(address, level, "cov-increment"))
        await subscribe(subscriber, address, level, confirmed=confirmed, lifetime_s=120)
        await until(lambda: subscriber.values() == [60.0])
        for value in (60.0 + 0.6 * increment, 60.0 + 1.1 * increment, 60.0 + 0.4 * increment, 60.0):
            show(city, LEVEL, value)
            await face.refresh()
            # Asking takes longer than the answer to a notification.
            await subscriber.read_property(address, level, "present-value")
        await until(lambda: len(subscriber.values()) == 3)
        assert subscriber.values() == pytest.approx([60.0, 60.0 + 1.1 * increment, 60.0])
        last = subscriber.heard()[-1]
        assert isinstance(last, ConfirmedCOVNotificationRequest) is confirmed
        assert (last.subscriberProcessIdentifier, last.initiatingDeviceIdentifier[1]) == (7, 1101)
        assert str(last.monitoredObjectIdentifier) == level
        assert 110 <= last.timeRemaining <= 120


async def test_noise_of_a_sensor_is_no_change_of_value(city: City, subscriber: Subscriber) -> None:
    async with served(city, DEVICES["tnk01"]) as (face, address):
        index, level = address_of(LEVEL)
        await subscribe(subscriber, address, level, confirmed=False, lifetime_s=120)
        await until(lambda: len(subscriber.heard()) == 1)
        truth, resolution = city.truth[index], DEVICES["tnk01"].points[0].role.resolution
        for sign in (1, -1, 1, -1):
            show(city, LEVEL, truth + sign * resolution)
            await face.refresh()
        await subscriber.read_property(address, level, "present-value")
        assert len(subscriber.heard()) == 1


async def test_a_digital_or_multi_state_object_tells_each_change_of_state(city: City, subscriber: Subscriber) -> None:
    show(city, TRIPPED, 0)
    async with served(city, DEVICES["pkf01"]) as (face, address):
        for process, point in enumerate((TRIPPED, SPEED)):
            what = address_of(point)[1]
            assert isinstance(
                await subscribe(subscriber, address, what, confirmed=True, lifetime_s=60, process=process), SimpleAckPDU
            )
        await until(lambda: len(subscriber.heard()) == 2)
        show(city, TRIPPED, 1)
        show(city, SPEED, 2)
        await refreshed(face, lambda: len(subscriber.heard()) >= 4)
        await face.refresh()
        await subscriber.read_property(address, address_of(SPEED)[1], "present-value")
        assert len(subscriber.heard()) == 4


async def test_a_broken_sensor_is_news_though_its_value_has_not_moved(city: City, subscriber: Subscriber) -> None:
    async with served(city, DEVICES["tnk01"]) as (face, address):
        index, level = address_of(LEVEL)
        await subscribe(subscriber, address, level, confirmed=True, lifetime_s=60)
        await until(lambda: len(subscriber.heard()) == 1)
        city.bad[index] = True
        await refreshed(face, lambda: len(subscriber.heard()) == 2)
        # In alarm as well: the level reports alarms, and a fault is an event.
        assert list(subscriber.heard()[1].listOfValues[1].value.cast_out(StatusFlags)) == [1, 1, 0, 0]


async def test_a_subscription_ends_with_its_lifetime_or_when_it_is_cancelled(
    city: City, subscriber: Subscriber
) -> None:
    async with served(city, DEVICES["pkf01"]) as (face, address):
        tripped, speed = address_of(TRIPPED)[1], address_of(SPEED)[1]
        await subscribe(subscriber, address, tripped, confirmed=False, lifetime_s=1)
        await subscribe(subscriber, address, speed, confirmed=False, lifetime_s=60)
        await until(lambda: len(subscriber.heard()) == 2)
        await subscribe(subscriber, address, speed, confirmed=None, lifetime_s=None)
        await until(lambda: not face._controller._cov_detections)  # type: ignore[union-attr]
        show(city, TRIPPED, 1)
        show(city, SPEED, 3)
        await face.refresh()
        await subscriber.read_property(address, speed, "present-value")
        assert len(subscriber.heard()) == 2


async def test_a_subscription_without_a_lifetime_is_for_ever(city: City, subscriber: Subscriber) -> None:
    async with served(city, DEVICES["pkf01"]) as (_, address):
        await subscribe(subscriber, address, address_of(TRIPPED)[1], confirmed=True, lifetime_s=None)
        await until(lambda: len(subscriber.heard()) == 1)
        assert subscriber.heard()[0].timeRemaining == 0


async def test_a_full_table_of_subscriptions_refuses_the_next(
    city: City, subscriber: Subscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bacnet_controller, "SUBSCRIPTIONS_MAX", 2)
    async with served(city, DEVICES["pkf01"]) as (_, address):
        what = address_of(TRIPPED)[1]
        taken = [
            await refused(subscribe(subscriber, address, what, confirmed=False, lifetime_s=60, process=n))
            for n in range(3)
        ]
    assert taken[:2] == ["", ""]
    assert "no-space-to-add-list-element" in taken[2]


async def test_a_subscriber_that_does_not_answer_is_told_the_newest_value_once_it_does(
    city: City, subscriber: Subscriber
) -> None:
    show(city, LEVEL, 60.0)
    async with served(city, DEVICES["tnk01"]) as (face, address):
        level = address_of(LEVEL)[1]
        subscriber.answers = False
        await subscribe(subscriber, address, level, confirmed=True, lifetime_s=60)
        await until(lambda: len(subscriber.heard()) == 1)
        for value in (70.0, 75.0, 80.0):
            show(city, LEVEL, value)
            await face.refresh()
        # One notification at a time: the others wait for its answer, and only the newest value is worth telling then.
        await subscriber.read_property(address, level, "present-value")
        assert subscriber.values() == [60.0]
        subscriber.answers = True
        await subscriber.response(SimpleAckPDU(context=subscriber.heard()[0]))

        await refreshed(face, lambda: subscriber.values()[-1] == 80.0)
        assert subscriber.values() == [60.0, 80.0]


async def test_a_receiver_that_owes_too_many_answers_is_told_the_rest_later(
    city: City, subscriber: Subscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bacnet_outbox, "IN_FLIGHT_MAX", 1)
    subscriber.answers = False
    async with served(city, DEVICES["pkf01"]) as (face, address):
        for process, point in enumerate((TRIPPED, SPEED)):
            await subscribe(subscriber, address, address_of(point)[1], confirmed=True, lifetime_s=60, process=process)
        await face.refresh()
        await subscriber.read_property(address, address_of(SPEED)[1], "present-value")
        assert [apdu.subscriberProcessIdentifier for apdu in subscriber.heard()] == [0]
        subscriber.answers = True
        await subscriber.response(SimpleAckPDU(context=subscriber.heard()[0]))

        await refreshed(face, lambda: len(subscriber.heard()) == 2)
        assert [apdu.subscriberProcessIdentifier for apdu in subscriber.heard()] == [0, 1]


async def test_a_mute_device_notifies_nobody_and_catches_up_afterwards(city: City, subscriber: Subscriber) -> None:
    show(city, TRIPPED, 0)
    async with served(city, DEVICES["pkf01"]) as (face, address):
        await subscribe(subscriber, address, address_of(SPEED)[1], confirmed=False, lifetime_s=60)
        await until(lambda: len(subscriber.heard()) == 1)
        city.fault_on("device_silent", "pkf01", "now")
        show(city, SPEED, 3)
        await face.refresh()
        city.fault_off("device_silent")
        await subscriber.read_property(address, address_of(SPEED)[1], "present-value")
        assert len(subscriber.heard()) == 1
        await face.refresh()
        await until(lambda: len(subscriber.heard()) == 2)


async def test_a_slow_device_answers_late(city: City, subscriber: Subscriber, monkeypatch: pytest.MonkeyPatch) -> None:
    assert bacnet_link.SLOW_S == 3.0
    monkeypatch.setattr(bacnet_link, "SLOW_S", 0.6)
    strike(city, "device_slow", "tnk01")
    level = address_of(LEVEL)[1]
    async with served(city, DEVICES["tnk01"]) as (_, address), client_app(apduTimeout=300) as hasty:
        began_s = asyncio.get_running_loop().time()
        # Too late for the one who waits 0.3 s, in time for the one who waits 5 s.
        assert "no-response" in await refused(hasty.read_property(address, level, "present-value"))
        assert float(await subscriber.read_property(address, level, "present-value")) > 0.0
        assert asyncio.get_running_loop().time() - began_s >= 0.3 + 0.6 - 0.01


async def test_a_refusing_device_takes_no_subscription(city: City, subscriber: Subscriber) -> None:
    city.fault_on("device_refuses", "tnk01", "now")
    async with served(city, DEVICES["tnk01"]) as (_, address):
        answer = await refused(subscribe(subscriber, address, address_of(LEVEL)[1], confirmed=True, lifetime_s=60))
    assert "operational-problem" in answer
