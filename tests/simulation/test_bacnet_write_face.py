"""Commands to simulated BACnet devices: priority arrays, and everything that refuses."""

from typing import Any

import pytest
import pytest_asyncio
from bacpypes3.apdu import (
    DeviceCommunicationControlRequest,
    WritePropertyMultipleError,
    WritePropertyMultipleRequest,
)
from bacpypes3.app import Application
from bacpypes3.basetypes import ListOfDestination, PropertyValue, WriteAccessSpecification
from bacpypes3.constructeddata import Any as AnyValue
from bacpypes3.pdu import Address
from bacpypes3.primitivedata import CharacterString, Null, ObjectIdentifier, Real, Unsigned
from tests.support.simulated_bacnet import (
    BUILDING,
    DEVICES,
    address_of,
    move_on,
    new_city,
    plain_client,
    refused,
    served,
    show,
)

from cityhall_simulators.addresses import bacnet_map
from cityhall_simulators.runtime import City

FAN, LEVEL, SET_POINT = "TCH.B1.N.PKF01.SpdCmd", "TCH.B2.N.TNK01.Lvl", "TCH.01.E.AHU01.SAT_SP"
FIRE = DEVICES["fire-gateway"]

city = pytest.fixture(new_city)
client = pytest_asyncio.fixture(plain_client)


async def write(
    client: Application, address: Address, what: str, name: str, value: Any, priority: int | None = None
) -> str:
    return await refused(client.write_property(address, what, name, value, priority=priority))


async def slots(client: Application, address: Address, what: str) -> list[Any]:
    """The priority array, with None for empty places."""
    array = await client.read_property(address, what, "priority-array")
    return [None if slot.null is not None else float(getattr(slot, slot._choice)) for slot in array]


async def test_each_of_the_sixteen_priorities_is_written_read_back_and_released(
    city: City, client: Application
) -> None:
    index, set_point = address_of(SET_POINT)
    async with served(city, DEVICES["ahu01"]) as (_, address):
        for priority in range(16, 0, -1):
            assert not await write(client, address, set_point, "present-value", 12.0 + priority / 4, priority)
            assert city.truth[index] == 12.0 + priority / 4
        assert await slots(client, address, set_point) == [12.0 + priority / 4 for priority in range(1, 17)]
        for priority in range(1, 16):
            assert not await write(client, address, set_point, "present-value", Null(()), priority)
            # The next one below is in force now.
            assert city.truth[index] == 12.0 + (priority + 1) / 4
            assert float(await client.read_property(address, set_point, "present-value")) == city.truth[index]
        assert await slots(client, address, set_point) == [None] * 15 + [16.0]


async def test_a_write_without_a_priority_is_the_lowest(city: City, client: Application) -> None:
    async with served(city, DEVICES["ahu01"]) as (_, address):
        set_point = address_of(SET_POINT)[1]
        assert not await write(client, address, set_point, "present-value", 15.0)
        assert await slots(client, address, set_point) == [None] * 15 + [15.0]


async def test_what_is_released_altogether_goes_back_to_the_relinquish_default(city: City, client: Application) -> None:
    index, speed = address_of(FAN)
    async with served(city, DEVICES["pkf01"]) as (_, address):
        own = int(await client.read_property(address, speed, "present-value"))
        assert not await write(client, address, speed, "present-value", 3, 8)
        assert int(await client.read_property(address, speed, "relinquish-default")) == own
        assert not await write(client, address, speed, "present-value", Null(()), 8)
        move_on(city, 1.0)
        assert int(await client.read_property(address, speed, "present-value")) == own
        assert city.truth[index] == own - 1
        # The plant's own control goes on, and so does what a release would give.
        show(city, FAN, own + 1.0)
        assert int(await client.read_property(address, speed, "relinquish-default")) == own + 2
        assert await slots(client, address, speed) == [None] * 16


async def test_a_value_out_of_range_leaves_the_priority_array_alone(city: City, client: Application) -> None:
    async with served(city, DEVICES["ahu01"]) as (_, address):
        set_point = address_of(SET_POINT)[1]
        # Its range is 12 to 20 degrees.
        assert "value-out-of-range" in await write(client, address, set_point, "present-value", 25.0, 8)
        assert await slots(client, address, set_point) == [None] * 16


@pytest.mark.parametrize(("what", "name", "value"), [
    ("analog-input,1", "present-value", 3.0),
    ("analog-input,1", "out-of-service", True),
    ("analog-input,1", "cov-increment", 9.0),
    ("analog-input,1", "description", "mine"),
    ("analog-input,1", "high-limit", 99.0),
    ("device,1101", "object-name", "mine"),
    ("device,1101", "description", "mine"),
    ("network-port,1", "description", "mine"),
    ("trend-log,1", "enable", False),
    ("notification-class,3", "priority", [1, 1, 1]),
])  # fmt: skip
async def test_inputs_and_what_describes_them_refuse_every_write(
    city: City, client: Application, what: str, name: str, value: Any
) -> None:
    async with served(city, DEVICES["tnk01"]) as (_, address):
        assert "write-access-denied" in await write(client, address, what, name, value)


async def test_a_priority_array_is_written_by_way_of_the_present_value_only(city: City, client: Application) -> None:
    async with served(city, DEVICES["ahu01"]) as (_, address):
        set_point = address_of(SET_POINT)[1]
        refusal = await refused(client.write_property(address, set_point, "relinquish-default", 15.0))
        assert "write-access-denied" in refusal


async def write_many(client: Application, address: Address, *rows: tuple[str, str, Any, int | None]) -> str:
    request = WritePropertyMultipleRequest(
        listOfWriteAccessSpecs=[
            WriteAccessSpecification(
                objectIdentifier=ObjectIdentifier(what),
                listOfProperties=[PropertyValue(propertyIdentifier=name, value=AnyValue(value), priority=priority)],
            )
            for what, name, value, priority in rows
        ],
        destination=address,
    )
    try:
        await client.request(request)
    except WritePropertyMultipleError as error:
        return f"{error.errorType.errorCode} at {error.firstFailedWriteAttempt.objectIdentifier}"
    return ""


async def test_several_properties_are_written_up_to_the_first_that_refuses(city: City, client: Application) -> None:
    index, set_point = address_of(SET_POINT)
    measured = address_of("TCH.01.E.AHU01.SAT")[1]
    async with served(city, DEVICES["ahu01"]) as (_, address):
        good = (set_point, "present-value", Real(15.5), 8)
        assert not await write_many(client, address, good)
        assert city.truth[index] == 15.5
        bad = (measured, "present-value", Real(1.0), None)
        assert await write_many(client, address, bad, good) == f"write-access-denied at {measured}"


async def test_life_safety_refuses_every_write_of_every_object_by_every_service(
    city: City, client: Application
) -> None:
    before = city.truth.copy()
    zone = bacnet_map(FIRE)[BUILDING.by_name["TCH.01.E.FZN01.State"].index].text
    async with served(city, FIRE) as (_, address):
        objects = [
            str(name) for name in await client.read_property(address, f"device,{FIRE.device_instance}", "object-list")
        ]
        assert len(objects) > len(FIRE.points)
        for what in objects:
            assert "write-access-denied" in await write(client, address, what, "description", "mine"), what
        many = ((zone, "present-value", Unsigned(1), 1), (zone, "description", CharacterString("mine"), None))
        for row in many:
            assert await write_many(client, address, row) == f"write-access-denied at {zone}"
        nobody = ("notification-class,1", "recipient-list", ListOfDestination([]), None)
        assert await write_many(client, address, nobody) == "write-access-denied at notification-class,1"
        mute = DeviceCommunicationControlRequest(enableDisable="disable", destination=address)
        assert "service-request-denied" in await refused(client.request(mute))
        assert int(await client.read_property(address, zone, "present-value")) >= 1
    assert (city.truth == before).all()


async def test_a_device_describes_itself_and_its_objects_as_real_ones_do(city: City, client: Application) -> None:
    async with served(city, DEVICES["ahu01"]) as (_, address):
        own = f"device,{DEVICES['ahu01'].device_instance}"
        listed = {str(name) for name in await client.read_property(address, own, "object-list")}
        assert {shown_as.text for shown_as in bacnet_map(DEVICES["ahu01"]).values()} < listed
        services = await client.read_property(address, own, "protocol-services-supported")
        named = type(services)
        for service in ("readPropertyMultiple", "subscribeCOV", "readRange", "getEventInformation", "whoIs", "iAm"):
            assert services[getattr(named, service)], service
        for service in ("atomicWriteFile", "reinitializeDevice", "timeSynchronization"):
            assert not services[getattr(named, service)], service
        supply = address_of("TCH.01.E.AHU01.SAT")[1]
        assert str(await client.read_property(address, supply, "units")) == "degrees-celsius"
        assert float(await client.read_property(address, supply, "min-pres-value")) == -10.0
        assert float(await client.read_property(address, supply, "resolution")) == pytest.approx(0.05)
        mode = address_of("TCH.01.E.AHU01.OccMode")[1]
        texts = [str(text) for text in await client.read_property(address, mode, "state-text")]
        assert texts == ["無人 Unoccupied", "有人 Occupied", "預冷 Pre-cooling"]
        running = address_of("TCH.01.E.AHU01.RunSts")[1]
        assert str(await client.read_property(address, running, "active-text")) == "運轉 Running"
