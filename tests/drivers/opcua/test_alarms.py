"""Alarms that a real server finds itself: heard, listed after every connection, told once, acknowledged."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import pytest_asyncio
from asyncua import ua
from tests.support.opcua_conditions import Conditions
from tests.support.opcua_server import Heard, Plant, bound, opcua_device, opcua_point, opcua_server
from tests.support.until import until

from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.domain.errors import DeviceRefusedError, DeviceUnreachableError, ReadOnlyPointError
from cityhall_bms.domain.notices import DeviceNotice
from cityhall_bms.domain.quality import Quality
from cityhall_bms.ports.capabilities import AlarmingDriver
from cityhall_drivers.opcua import DRIVER, alarming
from cityhall_drivers.opcua.driver import OpcUaDriver

POINTS = bound([opcua_point("Temp")])
SOURCE = "ns=2;s=Temp"


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def plant() -> AsyncIterator[Plant]:
    async with opcua_server({"Temp": 20.0}) as one:
        yield one


@pytest_asyncio.fixture(loop_scope="module")
async def conditions(plant: Plant) -> AsyncIterator[Conditions]:
    one = Conditions(plant.server)
    await one.begin()
    await one.add("HighAlm", SOURCE, message="Temp is too high", severity=700)
    await one.add("Trip", "ns=2;s=Pump7", message="tripped", severity=900)
    yield one
    await one.remove_all()


@pytest.fixture(autouse=True)
def looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alarming, "LOOK_S", 0.02)


def driver_of(plant: Plant, **settings: object) -> OpcUaDriver:
    given: dict[str, object] = {"notices": True, "acknowledge": True, "publishing_interval_ms": 50, **settings}
    driver = DRIVER().create(opcua_device(plant.url, "", 2.0, **given), SystemClock())
    driver.plan(POINTS)
    return driver


@asynccontextmanager
async def listening(driver: OpcUaDriver) -> AsyncIterator[list[DeviceNotice]]:
    """An open driver that is heard, and that has asked for the list."""
    assert isinstance(driver, AlarmingDriver)
    notices: list[DeviceNotice] = []
    await driver.open()
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(driver.listen(notices.append))
        await until(lambda: task.done() or driver.diagnostics()["alarms"] != "not heard")
        yield notices
        await driver.close()


def states(notices: list[DeviceNotice]) -> list[tuple[str, str, str]]:
    return [(one.address, one.from_state, one.to_state) for one in notices]


async def test_an_alarm_is_told_when_it_comes_when_it_is_acknowledged_there_and_when_it_goes(
    plant: Plant, conditions: Conditions
) -> None:
    async with listening(driver_of(plant)) as notices:
        await conditions.raise_("Trip")
        await until(lambda: len(notices) == 1)
        await conditions.show("Trip", acked=True)
        await conditions.show("Trip", active=False)
        await until(lambda: len(notices) == 3)

    raised, acknowledged, over = notices
    alarm = conditions.alarms["Trip"]
    assert (raised.device, raised.address, raised.kind) == ("lifts", "ns=2;s=Trip", "off-normal-alarm")
    assert (raised.from_state, raised.to_state) == ("normal", "active")
    assert (raised.message, raised.priority) == ("Pump7: tripped", 26), "Pump7 is no point, so that its name is needed"
    assert raised.reference.endswith(" ns=2;s=Trip")
    assert (acknowledged.kind, acknowledged.to_state, acknowledged.reference) == ("ack-notification", "active", "")
    assert (over.kind, over.from_state, over.to_state) == ("off-normal-alarm", "active", "normal")
    assert over.at == int(alarm.at.timestamp()) * 1_000_000 + alarm.at.microsecond


async def test_an_alarm_about_a_point_has_the_points_address(plant: Plant, conditions: Conditions) -> None:
    async with listening(driver_of(plant)) as notices:
        await conditions.raise_("HighAlm")
        await until(lambda: notices)

    assert states(notices) == [(SOURCE, "normal", "active")]
    assert notices[0].message == "Temp is too high"


async def test_a_point_with_two_alarms_is_normal_after_the_last_of_them(plant: Plant, conditions: Conditions) -> None:
    await conditions.add("RateAlm", SOURCE, message="Temp rises too fast")
    async with listening(driver_of(plant)) as notices:
        await conditions.raise_("HighAlm")
        await conditions.raise_("RateAlm")
        await conditions.show("HighAlm", active=False, acked=True)
        await conditions.raise_("Trip")
        await until(lambda: len(notices) == 3)
        assert "normal" not in [one.to_state for one in notices], "the rate alarm stands"
        await conditions.show("RateAlm", active=False, acked=True)
        await until(lambda: len(notices) == 4)

    assert states(notices)[-1] == (SOURCE, "active", "normal")


async def test_what_stands_is_listed_after_connecting_and_what_ended_meanwhile_is_told(
    plant: Plant, conditions: Conditions
) -> None:
    driver = driver_of(plant)
    await conditions.raise_("HighAlm")
    await conditions.raise_("Trip")
    async with listening(driver) as first:
        await until(lambda: len(first) == 2)
    conditions.forget("Trip")
    async with listening(driver) as second:
        await until(lambda: second)

    assert sorted(states(first)) == [(SOURCE, "", "active"), ("ns=2;s=Trip", "", "active")]
    assert states(second) == [("ns=2;s=Trip", "active", "normal")]
    assert second[0].reference == ""


async def test_what_changes_nothing_is_not_told_again(plant: Plant, conditions: Conditions) -> None:
    async with listening(driver_of(plant)) as notices:
        await conditions.raise_("Trip")
        await conditions.show("Trip", message="tripped; still tripped")
        await conditions.show("Trip", severity=950)
        await conditions.show("Trip", branch=ua.NodeId(99, 2), active=False, acked=False)
        await conditions.show("Trip", branch=ua.NodeId(), active=True, enabled=False)
        await until(lambda: len(notices) == 3)

    assert states(notices) == [
        ("ns=2;s=Trip", "normal", "active"),
        ("ns=2;s=Trip", "active", "active"),
        ("ns=2;s=Trip", "active", "normal"),
    ]
    assert [one.priority for one in notices] == [26, 13, 13], "a change of severity is news, a branch is the past"


async def test_a_server_that_asks_us_to_look_anew_is_looked_at_anew(plant: Plant, conditions: Conditions) -> None:
    async with listening(driver_of(plant)) as notices:
        await conditions.raise_("Trip")
        await until(lambda: notices)
        conditions.forget("Trip")
        await conditions.require_refresh()
        await until(lambda: len(notices) == 2)

    assert states(notices)[1] == ("ns=2;s=Trip", "active", "normal")


async def test_a_server_without_a_list_is_heard_all_the_same(
    plant: Plant, conditions: Conditions, caplog: pytest.LogCaptureFixture
) -> None:
    conditions.list_nothing()
    driver = driver_of(plant)
    with caplog.at_level(logging.INFO, alarming.__name__):
        async with listening(driver) as notices:
            await conditions.raise_("Trip")
            await until(lambda: notices)
            assert "BadNotImplemented" in str(driver.diagnostics()["alarms"])

    said = [record.getMessage() for record in caplog.records if record.name == alarming.__name__]
    assert [one.partition(": This")[0].partition(": Requested")[0] for one in said] == [
        "lifts: alarms: heard; the list of alarms: BadNotImplemented"
    ]


async def test_an_alarm_is_acknowledged_by_its_event_with_who_did_it(plant: Plant, conditions: Conditions) -> None:
    driver = driver_of(plant)
    async with listening(driver) as notices:
        await conditions.raise_("Trip")
        await until(lambda: notices)
        await driver.acknowledge(notices[0], "operator Chen")
        await until(lambda: len(notices) == 2)
        with pytest.raises(DeviceRefusedError, match="BadEventIdUnknown"):
            await driver.acknowledge(notices[0], "again")
        with pytest.raises(DeviceRefusedError, match="needs no acknowledgement"):
            await driver.acknowledge(notices[1], "again")

    assert conditions.comments == [("Trip", "operator Chen")]
    assert notices[1].kind == "ack-notification"


async def test_nothing_is_acknowledged_where_the_site_does_not_allow_it(plant: Plant, conditions: Conditions) -> None:
    driver = driver_of(plant, acknowledge=False)
    async with listening(driver) as notices:
        await conditions.raise_("Trip")
        await until(lambda: notices)
        with pytest.raises(ReadOnlyPointError):
            await driver.acknowledge(notices[0], "operator Chen")

    assert conditions.comments == []


async def test_a_server_that_tells_no_events_is_nothing_to_complain_of(plant: Plant) -> None:
    driver = driver_of(plant, notifier="ns=2;s=Temp")
    async with listening(driver) as notices:
        assert "ns=2;s=Temp: BadServiceUnsupported" in str(driver.diagnostics()["alarms"])
        assert (await driver.read(driver.plan(POINTS))).quality.tolist() == [Quality.GOOD]

    assert notices == []


@pytest.mark.usefixtures("conditions")
async def test_without_notices_there_is_no_subscription_for_them(plant: Plant) -> None:
    driver = driver_of(plant, notices=False, acknowledge=False)
    await driver.open()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(driver.listen(lambda _: None))
        for _ in range(3):  # so that a subscription would have been made by now
            await driver.read(driver.plan(POINTS))
        assert not plant.server.iserver.subscription_service.subscriptions
        assert "alarms" not in driver.diagnostics()
        await driver.close()


async def test_values_and_alarms_are_pushed_over_one_session(plant: Plant, conditions: Conditions) -> None:
    driver, heard = driver_of(plant, mode="subscribe"), Heard()
    async with listening(driver) as notices:
        await driver.subscribe(POINTS, heard)
        for number in range(1, 4):
            await plant.set("Temp", float(number))
            await conditions.show("Trip", active=number % 2 == 1)
            await until(lambda: heard.of(7) and heard.of(7)[-1][0] == number and len(notices) == number)  # noqa: B023
        assert driver.diagnostics()["decoded_by_library"] == 0

    assert [one.to_state for one in notices] == ["active", "normal", "active"]


async def test_when_only_the_alarms_subscription_is_lost_it_is_told_and_values_go_on(
    plant: Plant, conditions: Conditions
) -> None:
    driver = driver_of(plant)
    notices: list[DeviceNotice] = []
    await driver.open()
    first = asyncio.ensure_future(driver.listen(notices.append))
    await until(lambda: driver.diagnostics()["alarms"] == "heard")
    service = plant.server.iserver.subscription_service
    [number] = service.subscriptions
    await service.subscriptions[number].monitored_item_srv.trigger_statuschange(
        ua.StatusCode(ua.StatusCodes.BadTimeout)
    )
    with pytest.raises(DeviceUnreachableError, match="the server ended the subscription"):
        async with asyncio.timeout(5.0):
            await first
    assert (await driver.read(driver.plan(POINTS))).quality.tolist() == [Quality.GOOD]

    again = asyncio.ensure_future(driver.listen(notices.append))
    await until(lambda: list(service.subscriptions) not in ([], [number]))
    await conditions.raise_("Trip")
    await until(lambda: notices)
    await driver.close()
    await again
