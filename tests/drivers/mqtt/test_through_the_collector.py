"""A whole collector that listens to a real broker: recorded, lost with the broker, and back by itself."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from random import Random

from tests.support.manual_clock import ManualClock
from tests.support.mqtt_broker import account, mqtt_broker, mqtt_device, mqtt_point
from tests.support.torture import Judge, Subject, site_of
from tests.support.until import until

from cityhall_bms.adapters.memory import MemoryEventLog
from cityhall_bms.collector.collector import Collector, CollectorOptions, Logs
from cityhall_bms.domain.batch import SampleBatch
from cityhall_bms.domain.quality import Quality
from cityhall_drivers.mqtt import DRIVER


class Record(Judge):
    """A telemetry log that keeps (value, quality) of the one point, in order."""

    def __init__(self) -> None:
        super().__init__({1: 0.0})
        self.kept: list[tuple[float, Quality]] = []

    async def publish(self, batch: SampleBatch) -> None:
        self.kept += [(float(v), Quality(int(q))) for v, q in zip(batch.value, batch.quality, strict=True)]


async def until_after(clock: ManualClock, condition: Callable[[], object], seconds: float) -> None:
    """Let seconds pass, again and again, until something holds."""

    async def passing() -> None:
        while True:
            await clock.advance(seconds)
            await asyncio.sleep(0.005)

    async with asyncio.TaskGroup() as tasks:
        going = tasks.create_task(passing())
        await until(condition)
        going.cancel()


async def test_pain_01_a_collector_hears_again_after_the_broker_was_killed(tmp_path: Path) -> None:
    clock, log = ManualClock(), Record()
    async with mqtt_broker(tmp_path) as broker:
        device = mqtt_device(broker.port, tmp_path, 1.0, **account(tmp_path))
        point = mqtt_point("m/2", scan_s=10.0)
        subject = Subject(DRIVER(), device, [point], {point.name: 0.0})
        events = MemoryEventLog(clock)
        collector = Collector(
            site_of(subject), {point.name: 1}, {"mqtt": subject.factory}, Logs(log, events), clock, Random(1),
            options=CollectorOptions(tick_s=0.05),
        )  # fmt: skip
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(collector.run())
            await until_after(clock, lambda: log.kept, 0.05)
            await broker.publish("m/2", "5")
            await until_after(clock, lambda: (5.0, Quality.GOOD) in log.kept, 0.05)
            await broker.kill()
            await until_after(clock, lambda: collector.lost_devices, 1.0)
            await broker.start()
            await until_after(clock, lambda: not collector.lost_devices, 1.0)
            await broker.publish("m/2", "6")
            await until_after(clock, lambda: (6.0, Quality.GOOD) in log.kept, 0.05)
            running.cancel()

    states = [quality for _, quality in log.kept]
    assert states[0] is Quality.BAD_NO_DATA, "nothing was heard yet"
    assert Quality.BAD_DEVICE_LOST in states
    kinds = [stored.type for stored in await events.read(0, 100, "device/")]
    assert [kind for kind in kinds if kind in {"DeviceLost", "DeviceRestored"}] == [
        "DeviceRestored",
        "DeviceLost",
        "DeviceRestored",
    ]
