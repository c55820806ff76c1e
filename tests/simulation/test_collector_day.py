"""A day of forty devices with random troubles, in seconds."""

import hashlib
from dataclasses import dataclass
from itertools import pairwise
from random import Random

import numpy as np
import pytest
from tests.support.fake_driver import fake_device, fake_point
from tests.support.rig import Rig, assert_gap_free, quiet_collector

from cityhall_bms.collector.collector import CollectorOptions
from cityhall_bms.domain.live import LiveTable
from cityhall_bms.domain.quality import Quality

DEVICES = 40
DAY_S = 86_400
PERIODS_S = (300.0, 600.0, 900.0, 1800.0)
TROUBLES = ("refuses", "silent", "hangs", "bug")


@dataclass(frozen=True)
class Day:
    rig: Rig
    events: list[tuple[str, str, str]]
    fingerprint: str


def forty_devices(seed: int) -> Rig:
    names = [f"D{number}" for number in range(1, DEVICES + 1)]
    points = [
        fake_point(3 * place + n, name, PERIODS_S[(place + n) % 4], deadband=5.0 if n == 2 else 0.0)
        for place, name in enumerate(names)
        for n in (1, 2, 3)
    ]
    # A tick of 5 s keeps the day short; everything else is as in service.
    return Rig([fake_device(name) for name in names], points, seed, CollectorOptions(tick_s=5.0))


async def live_through_a_day(seed: int, duration_s: float = DAY_S) -> Day:
    rig = forty_devices(seed)
    random = Random(seed)
    async with rig.running():
        for _ in range(int(duration_s // 600)):
            for device in rig.factory.devices.values():
                device.fault = random.choice(TROUBLES) if random.random() < 0.08 else ""
            rig.telemetry.available = random.random() > 0.1
            rig.events.available = random.random() > 0.1
            await rig.clock.advance(600)
        for device in rig.factory.devices.values():
            device.fault = ""
        rig.telemetry.available = rig.events.available = True
        await rig.clock.advance(120)
    digest = hashlib.sha256()
    for batch in rig.telemetry.batches():
        digest.update(batch.encode())
    events = await rig.device_events()
    digest.update(repr(events).encode())
    return Day(rig, events, digest.hexdigest())


@pytest.fixture(autouse=True)
def no_traces(monkeypatch: pytest.MonkeyPatch) -> None:
    quiet_collector(monkeypatch)


async def test_a_day_of_forty_devices_loses_nothing_and_tells_each_outage_once() -> None:
    day = await live_through_a_day(seed=7)
    rig = day.rig
    batches = rig.telemetry.batches()

    assert_gap_free(batches)
    assert sum(len(batch) for batch in batches) == rig.collector.publisher.samples
    # What pollers recorded, and one scan of three points for each outage: nothing lost, nothing doubled.
    lost = sum(int((batch.quality == Quality.BAD_DEVICE_LOST).sum()) for batch in batches)
    assert sum(len(batch) for batch in batches) == rig.collector.samples + lost
    seen = {(int(p), int(at)) for batch in batches for p, at in zip(batch.point, batch.observed_at, strict=True)}
    assert len(seen) == sum(len(batch) for batch in batches)

    for number in range(1, DEVICES + 1):
        kinds = [kind for kind, device, _ in day.events if device == f"D{number}"]
        assert all(one != other for one, other in pairwise(kinds)), f"D{number}"
        assert kinds[-1] == "DeviceRestored"
    outages = sum(kind == "DeviceLost" for kind, _, _ in day.events)
    assert outages == sum(poller.figures.losses for poller in rig.collector.pollers) > 200
    assert rig.collector.lost_devices == 0
    assert rig.collector.queue_fill == 0

    table = LiveTable(dict.fromkeys(range(1, 3 * DEVICES + 1), PERIODS_S[-1]))
    for batch in batches:
        table.apply(batch)
    assert (table.quality_now(rig.clock.now())[1:] == Quality.GOOD).all()


async def test_the_same_seed_gives_the_same_day_to_the_byte() -> None:
    one = await live_through_a_day(seed=3, duration_s=4 * 3600)
    other = await live_through_a_day(seed=3, duration_s=4 * 3600)
    assert one.fingerprint == other.fingerprint
    assert one.fingerprint != (await live_through_a_day(seed=4, duration_s=4 * 3600)).fingerprint


async def test_points_of_a_healthy_device_are_as_fresh_as_their_period_all_day() -> None:
    rig = forty_devices(seed=1)
    async with rig.running():
        await rig.clock.advance(4 * 3600)
    for number in (1, 4, 7, 10):
        at_s = [at for at, _, _ in rig.samples(number)]
        period = PERIODS_S[((number - 1) // 3 + 1) % 4]
        np.testing.assert_allclose(np.diff(at_s)[1:], period, atol=1e-5)
        assert len(at_s) == pytest.approx(4 * 3600 / period + 1, abs=1)
    assert rig.collector.overruns == 0
