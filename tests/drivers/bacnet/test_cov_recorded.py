"""Subscriptions behind a whole collector: what is told is recorded, and so is what is not."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from random import Random

from tests.support.bacnet_device import bacnet_point, site_device
from tests.support.raw_bacnet import RawDevice, analogs, raw_bacnet
from tests.support.torture import Judge, Subject, site_of
from tests.support.until import until

from cityhall_bms.adapters.memory import MemoryEventLog
from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.collector.collector import Collector, CollectorOptions, Logs
from cityhall_drivers.bacnet import DRIVER


@asynccontextmanager
async def recorded(device: RawDevice) -> AsyncIterator[Judge]:
    """Collect from the device; points are numbered as their objects are, and scanned every 50 ms."""
    async with raw_bacnet(device) as wire:
        described = site_device(wire.port, device.instance, mode="cov")
        points = [
            replace(bacnet_point(f"analog-input,{number}", f"P{number}"), device=described.name, scan_s=0.05)
            for _, number in device.values
        ]
        expected = {number: value for (_, number), value in device.values.items()}
        judge, clock = Judge(expected), SystemClock()
        collector = Collector(
            site_of(Subject(DRIVER(), described, points, {})),
            {point.name: number for number, point in enumerate(points, 1)},
            {"bacnet": DRIVER()},
            Logs(judge, MemoryEventLog(clock)),
            clock,
            Random(1),
            options=CollectorOptions(tick_s=0.005),
        )
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(collector.run())
            try:
                yield judge
            finally:
                running.cancel()


async def test_pain_11_what_a_device_tells_and_what_it_has_no_room_for_are_both_recorded() -> None:
    device = RawDevice(values=analogs(6), cov_max=4)
    async with recorded(device) as judge:
        await until(lambda: bool((judge.counts() >= 1).all()))
        await until(lambda: device.asked["subscribe"] == 5)
        polls = device.asked["multiple"]
        before = judge.counts()
        for number in range(1, 7):
            device.change((0, number), number * 1.5)
        await until(lambda: bool((judge.counts() > before).all()))
        assert device.asked["multiple"] > polls, "the last two are asked for"
        await until(lambda: bool((judge.counts()[4:] >= before[4:] + 3).all()))
        assert judge.wrong == []
    assert not device.subscriptions
