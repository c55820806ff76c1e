"""Pollers and commands take turns at a device's one driver."""

import asyncio

import pytest
from tests.support.fake_driver import FakeDevice, FakeDriver
from tests.support.manual_clock import ManualClock
from tests.support.rig import small_rig

from cityhall_bms.collector.turns import Turns
from cityhall_bms.domain.errors import DeviceUnreachableError


async def test_turns_are_given_in_order_and_one_at_a_time() -> None:
    turns, order = Turns(), list[str]()
    turns.lend(FakeDriver(FakeDevice("D1"), 2.0, ManualClock()))

    async def user(name: str) -> None:
        async with turns.turn():
            order.append(f"{name} begins")
            await asyncio.sleep(0)
            order.append(f"{name} ends")

    await asyncio.gather(*(user(name) for name in "ABC"))
    assert order == [f"{name} {what}" for name in "ABC" for what in ("begins", "ends")]


async def test_without_a_session_there_is_no_turn() -> None:
    turns = Turns()
    with pytest.raises(DeviceUnreachableError):
        async with turns.turn():
            pass
    turns.lend(FakeDriver(FakeDevice("D1"), 2.0, ManualClock()))
    turns.withdraw()
    with pytest.raises(DeviceUnreachableError):
        async with turns.turn():
            pass


async def test_a_scan_waits_for_whoever_has_the_driver_and_a_turn_for_the_scan() -> None:
    rig = small_rig(scan_s=5.0)
    async with rig.running():
        await rig.clock.advance(20)
        [poller] = rig.collector.pollers
        reads = rig.device("D1").reads
        async with poller.turn("testing"):
            await rig.clock.advance(8)
            assert rig.device("D1").reads == reads, "no scan while somebody has the driver"
        await rig.clock.advance(5)
        assert rig.device("D1").reads > reads


async def test_a_turn_that_never_ends_is_cut_and_the_device_is_read_on() -> None:
    rig = small_rig(scan_s=5.0)
    async with rig.running():
        await rig.clock.advance(20)
        [poller] = rig.collector.pollers
        cut = asyncio.get_running_loop().create_task(forever(poller))
        await rig.clock.advance(60)
        assert cut.done()
        assert isinstance(cut.exception(), DeviceUnreachableError)
        reads = rig.device("D1").reads
        await rig.clock.advance(20)
        assert rig.device("D1").reads > reads


async def forever(poller: object) -> None:
    async with poller.turn("testing"):  # type: ignore[attr-defined]
        await asyncio.get_running_loop().create_future()


async def test_a_lost_device_gives_no_turn() -> None:
    rig = small_rig(scan_s=5.0)
    async with rig.running():
        await rig.clock.advance(20)
        rig.device("D1").fault = "refuses"
        await rig.clock.advance(20)
        [poller] = rig.collector.pollers
        with pytest.raises(DeviceUnreachableError):
            async with poller.turn("testing"):
                pass
