"""The BACnet face, read and written by a plain bacpypes3 application."""

from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
from bacpypes3.apdu import ErrorRejectAbortNack
from bacpypes3.app import Application
from bacpypes3.basetypes import ErrorType
from bacpypes3.pdu import Address
from bacpypes3.primitivedata import Null
from tests.support.simulated_bacnet import (
    BUILDING,
    DEVICES,
    WORKING_MORNING,
    address_of,
    client_app,
    new_city,
    plain_client,
    served,
)

from cityhall_simulators.addresses import bacnet_map
from cityhall_simulators.faces import bacnet
from cityhall_simulators.faces.bacnet import BacnetFace
from cityhall_simulators.runtime import City

city = pytest.fixture(new_city)
client = pytest_asyncio.fixture(plain_client)


@pytest.mark.parametrize("name", sorted(DEVICES))
async def test_every_object_reads_as_its_sensor_shows(city: City, client: Application, name: str) -> None:
    objects = bacnet_map(DEVICES[name])
    async with served(city, DEVICES[name]) as (_, address):
        for index, shown_as in objects.items():
            rows = await client.read_property_multiple(address, [shown_as.text, ["present-value", "status-flags"]])
            values = {str(row[1]): row[3] for row in rows}
            # Multi-state objects count from one, states of the building from zero.
            offset = -1 if shown_as.type.startswith("multi-state") else 0
            found = float(values["present-value"]) + offset
            assert found == pytest.approx(city.shown[index], rel=1e-6, abs=1e-4), BUILDING.points[index].name
            assert list(values["status-flags"]) == [0, 0, 0, 0]


async def test_the_zone_that_burns_is_read_as_state_two(city: City, client: Application) -> None:
    city.fault_on("fire_alarm", "FZN01", "now")
    city.advance(WORKING_MORNING + timedelta(seconds=0.2), 0.2)
    state = address_of("TCH.01.E.FZN01.State")[1]
    alarm = address_of("TCH.B1.CN.FACP01.Alarm")[1]
    async with served(city, DEVICES["fire-gateway"]) as (_, address):
        # One more than the domain's code 2, because BACnet counts states from one.
        assert int(await client.read_property(address, state, "present-value")) == 3
        assert int(await client.read_property(address, alarm, "present-value")) == 1


async def test_the_fire_gateway_refuses_every_write(city: City, client: Application) -> None:
    before = city.truth.copy()
    async with served(city, DEVICES["fire-gateway"]) as (_, address):
        for shown_as in bacnet_map(DEVICES["fire-gateway"]).values():
            for priority in (None, 1, 8, 16):
                refused = await written(client, address, shown_as.text, 1, priority)
                assert isinstance(refused, ErrorRejectAbortNack), shown_as.text
                assert "write-access-denied" in str(refused)
    assert (city.truth == before).all()


async def test_an_input_of_a_controller_refuses_a_write(city: City, client: Application) -> None:
    async with served(city, DEVICES["ahu01"]) as (_, address):
        supply = address_of("TCH.01.E.AHU01.SAT")[1]
        assert isinstance(await written(client, address, supply, 3.0, None), ErrorRejectAbortNack)


async def test_a_set_point_is_written_read_back_and_moves_the_plant(city: City, client: Application) -> None:
    index, set_point = address_of("TCH.01.E.AHU01.SAT_SP")
    async with served(city, DEVICES["ahu01"]) as (_, address):
        assert await written(client, address, set_point, 17.5, 8) is None
        assert float(await client.read_property(address, set_point, "present-value")) == 17.5
        assert city.truth[index] == 17.5
        assert isinstance(await written(client, address, set_point, 25.0, 8), ErrorRejectAbortNack)
        assert city.truth[index] == 17.5


async def test_the_highest_priority_wins_and_relinquishing_hands_back(city: City, client: Application) -> None:
    index, speed = address_of("TCH.B1.N.PKF01.SpdCmd")
    async with served(city, DEVICES["pkf01"]) as (_, address):
        assert await written(client, address, speed, 2, 16) is None
        assert await written(client, address, speed, 3, 8) is None
        assert city.truth[index] == 2
        city.advance(WORKING_MORNING + timedelta(seconds=1), 1.0)
        assert city.truth[address_of("TCH.B1.N.PKF01.RunSts")[0]] == 1
        await client.write_property(address, speed, "present-value", Null(()), priority=8)
        assert city.truth[index] == 1
        await client.write_property(address, speed, "present-value", Null(()), priority=16)
        city.advance(WORKING_MORNING + timedelta(seconds=2), 1.0)
        assert city.truth[index] == 0


async def test_a_dropped_out_sensor_has_its_fault_flag_set(city: City, client: Application) -> None:
    city.fault_on("sensor_dropout", "AHU02.RAT", "now")
    async with served(city, DEVICES["ahu02"]) as (_, address):
        room = address_of("TCH.01.W.AHU02.RAT")[1]
        assert list(await client.read_property(address, room, "status-flags")) == [0, 1, 0, 0]
        city.fault_off("sensor_dropout")
        assert list(await client.read_property(address, room, "status-flags")) == [0, 0, 0, 0]


async def test_a_mute_device_says_nothing_until_the_fault_ends(city: City, client: Application) -> None:
    level = address_of("TCH.B2.N.TNK01.Lvl")[1]
    async with served(city, DEVICES["tnk01"]) as (_, address), client_app(apduTimeout=300) as hasty:
        city.fault_on("device_silent", "tnk01", "now")
        with pytest.raises(ErrorRejectAbortNack, match="no-response"):
            await hasty.read_property(address, level, "present-value")
        assert await client.who_is(address=address, timeout=0.5) == []
        city.fault_off("device_silent")
        assert float(await client.read_property(address, level, "present-value")) > 0.0
        assert [i_am.iAmDeviceIdentifier[1] for i_am in await client.who_is(address=address, timeout=0.5)] == [1101]


async def test_a_refusing_device_answers_with_an_error(city: City, client: Application) -> None:
    level = address_of("TCH.B2.N.TNK01.Lvl")[1]
    city.fault_on("device_refuses", "tnk01", "now")
    async with served(city, DEVICES["tnk01"]) as (_, address):
        with pytest.raises(ErrorRejectAbortNack, match="operational-problem"):
            await client.read_property(address, level, "present-value")
        city.fault_off("device_refuses")
        rows = await client.read_property_multiple(
            address, [level, ["present-value"], "analog-input,99", ["present-value"]]
        )
        assert float(rows[0][3]) > 0.0
        assert isinstance(rows[1][3], ErrorType)


async def test_a_port_that_is_taken_by_nobody_we_can_bind_is_reported(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bacnet, "_READY_WITHIN_S", 0.2)
    face = BacnetFace(DEVICES["tnk01"], city)
    with pytest.raises(OSError, match="cannot bind"):
        await face.start("203.0.113.7", 20_001)
    await face.stop()


async def written(client: Application, address: Address, what: str, value: float, priority: int | None) -> Any:
    """The error of a write, None when it was taken."""
    try:
        return await client.write_property(address, what, "present-value", value, priority=priority)
    except ErrorRejectAbortNack as refused:
        return refused
