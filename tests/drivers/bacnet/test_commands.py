"""Writing, priorities and a look at single points, against simulated devices."""

import pytest
from tests.support.bacnet_bound import bound, bound_of, commanded, driven, driving
from tests.support.bacnet_device import BacnetDevice, Habits, bacnet_device
from tests.support.simulated_bacnet import address_of, new_city, show, strike

from cityhall_bms.domain.errors import DeviceRefusedError, DeviceUnreachableError, ReadOnlyPointError
from cityhall_bms.domain.quality import Quality
from cityhall_bms.ports.capabilities import ExaminableDriver, PriorityDriver, WritableDriver
from cityhall_simulators.runtime import City

FAN, LEVEL, SET_POINT = "TCH.B1.N.PKF01.SpdCmd", "TCH.B2.N.TNK01.Lvl", "TCH.01.E.AHU01.SAT_SP"

city = pytest.fixture(new_city)


async def test_pain_13_a_value_is_written_at_a_priority_read_back_and_given_up(city: City) -> None:
    index, address = address_of(SET_POINT)
    target = commanded(address)
    async with driven(city, "ahu01") as (_, driver):
        assert isinstance(driver, WritableDriver)
        schedule = await driver.write(target, 15.5, 16)
        operator = await driver.write(target, 14.25, 8)
        assert city.truth[index] == 14.25
        released = await driver.write(target, None, 8)
        assert city.truth[index] == 15.5
        nobody = await driver.write(target, None, 16)
    assert (schedule.value, schedule.quality, schedule.priority) == (15.5, Quality.GOOD, 16)
    assert (operator.value, operator.priority) == (14.25, 8)
    assert (released.value, released.priority) == (15.5, 16)
    assert nobody.priority is None


async def test_pain_13_who_holds_a_priority_is_seen_and_that_a_lower_command_does_not_win(city: City) -> None:
    index, address = address_of(SET_POINT)
    target = commanded(address)
    async with driven(city, "ahu01") as (_, driver):
        assert isinstance(driver, PriorityDriver)
        assert await driver.priorities(bound(SET_POINT)) == {}
        await driver.write(target, 14.0, 8)
        beneath = await driver.write(target, 18.0, 12)
        assert await driver.priorities(bound(SET_POINT)) == {8: 14.0, 12: 18.0}
    assert city.truth[index] == 14.0
    assert (beneath.value, beneath.priority) == (14.0, 8)


async def test_what_is_written_is_in_the_points_unit(city: City) -> None:
    index, address = address_of(SET_POINT)
    async with driven(city, "ahu01") as (_, driver):
        held = await driver.write(commanded(address, scale=1.8, offset=32.0), 59.0, 8)  # °F
        assert await driver.priorities(bound(SET_POINT, scale=1.8, offset=32.0)) == {8: pytest.approx(59.0)}
    assert city.truth[index] == pytest.approx(15.0)
    assert held.value == pytest.approx(59.0)


async def test_a_fan_stage_is_written_as_a_state(city: City) -> None:
    _, address = address_of(FAN)
    assert address.startswith("multi-state-output")
    async with driven(city, "pkf01") as (_, driver):
        assert (await driver.write(commanded(address), 3.0, 8)).value == 3.0


async def test_a_device_says_in_plain_words_why_it_refuses(city: City) -> None:
    _, address = address_of(SET_POINT)
    async with driven(city, "ahu01") as (_, driver):
        # Its range is 12 to 20 degrees.
        with pytest.raises(DeviceRefusedError, match="priority 8: value-out-of-range"):
            await driver.write(commanded(address), 25.0, 8)
        with pytest.raises(DeviceRefusedError, match="unknown-object"):
            await driver.write(commanded("analog-value,999"), 25.0, 8)
        strike(city, "device_refuses", "ahu01")
        with pytest.raises(DeviceRefusedError, match="operational-problem"):
            await driver.write(commanded(address), 15.0, 8)


async def test_a_gateway_of_life_safety_refuses_every_write(city: City) -> None:
    _, address = address_of("TCH.01.E.FZN01.State")
    async with driven(city, "fire-gateway") as (_, driver):
        with pytest.raises(DeviceRefusedError, match="never written"):
            await driver.write(commanded(address), 1.0, 8)
        with pytest.raises(DeviceRefusedError, match=r"unknown-object|write-access-denied"):
            await driver.write(commanded("analog-value,1"), 1.0, 8)


@pytest.mark.parametrize("priority", [0, 1, 5, 6, 7, 9, 17])
async def test_priorities_of_life_safety_and_of_others_are_not_ours(city: City, priority: int) -> None:
    _, address = address_of(SET_POINT)
    index, before = address_of(SET_POINT)[0], city.truth.copy()
    async with driven(city, "ahu01") as (_, driver):
        with pytest.raises(ReadOnlyPointError, match="not ours"):
            await driver.write(commanded(address), 15.0, priority)
        assert await driver.priorities(bound(SET_POINT)) == {}
    assert city.truth[index] == before[index]


async def test_a_device_that_says_nothing_leaves_the_state_unknown(city: City) -> None:
    _, address = address_of(SET_POINT)
    async with driven(city, "ahu01", timeout_s=0.3) as (_, driver):
        strike(city, "device_silent", "ahu01")
        with pytest.raises(DeviceUnreachableError, match="no answer"):
            await driver.write(commanded(address), 15.0, 8)


async def test_an_object_without_a_priority_array_is_written_and_read_back_all_the_same() -> None:
    device = BacnetDevice()
    made = device.add("analog-value,1", 21.0)
    async with bacnet_device(device), driving(device.port, device.instance) as driver:
        held = await driver.write(commanded("analog-value,1"), 22.5, 8)
        assert await driver.priorities(bound_of("analog-value,1")) == {}
    assert (held.value, held.priority) == (22.5, None)
    assert made.presentValue == 22.5


async def test_a_device_that_says_yes_and_keeps_its_own_value_is_found_out() -> None:
    device = BacnetDevice()
    made = device.add("analog-value,1", 21.0)

    async def write_nothing(*_: object, **__: object) -> None:
        """Confirm, and do nothing."""

    object.__setattr__(made, "write_property", write_nothing)
    async with bacnet_device(device), driving(device.port, device.instance) as driver:
        with pytest.raises(DeviceRefusedError, match=r"22\.5 was accepted at priority 8, and 21\.0 is kept"):
            await driver.write(commanded("analog-value,1"), 22.5, 8)


async def test_a_point_is_shown_with_its_bytes_flags_and_reliability(city: City) -> None:
    show(city, SET_POINT, 16.0)
    async with driven(city, "ahu01") as (_, driver):
        assert isinstance(driver, ExaminableDriver)
        (seen,) = await driver.examine([bound(SET_POINT, scale=2.0)])
    # REAL 16.0: application tag 4 of four bytes (clause 20.2.6).
    assert seen.raw == "44 41 80 00 00"
    assert (seen.value, seen.quality) == (32.0, Quality.GOOD)
    assert seen.address == address_of(SET_POINT)[1]
    assert seen.note == "reliability no-fault-detected"


async def test_a_broken_sensor_is_shown_with_its_reason(city: City) -> None:
    city.bad[address_of(LEVEL)[0]] = True
    async with driven(city, "tnk01") as (_, driver):
        (seen,) = await driver.examine([bound(LEVEL)])
    assert seen.quality is Quality.BAD_DEVICE_FAULT
    assert seen.note == "fault, reliability no-sensor"


async def test_a_point_that_the_device_does_not_know_says_so() -> None:
    device = BacnetDevice(habits=Habits(knows_multiple=False))
    device.add("analog-value,1", 21.0)
    async with bacnet_device(device), driving(device.port, device.instance) as driver:
        known, unknown = await driver.examine([bound_of("analog-value,1"), bound_of("analog-value,2")])
    assert known.value == 21.0
    assert (unknown.raw, unknown.quality, unknown.note) == ("", Quality.BAD_REFUSED, "unknown-object")


async def test_the_requests_of_a_read_are_explained_with_the_bytes_that_they_cost() -> None:
    device = BacnetDevice()
    for number in range(1, 26):
        device.add(f"analog-input,{number}", 1.0)
    points = [bound_of(f"analog-input,{number}", number) for number in range(1, 26)]
    async with bacnet_device(device), driving(device.port, device.instance, objects_per_request_max=20) as driver:
        first, second = driver.explain(points)
    assert (first.what, first.points) == ("ReadPropertyMultiple analog-input,1 … analog-input,20", 20)
    # BVLC 4 and NPDU 2 each way; question 4 + 11 per object, answer 3 + 23 per object (clauses 20.1.2, 20.2, 21).
    assert first.bytes == 6 + 4 + 11 * 20 + 6 + 3 + 23 * 20
    assert second.points == 5
