"""One device and its troubles; the numbers in names are those of the field's known pains (docs/explanation)."""

import numpy as np
import pytest
from tests.support.fake_driver import FakeDevice, fake_device, fake_point
from tests.support.rig import Rig, assert_gap_free, small_rig

from cityhall_bms.collector.collector import CollectorOptions
from cityhall_bms.collector.schedule import class_phase
from cityhall_bms.domain.quality import Quality

ALL = range(1, 4)


def counts(rig: Rig, point: int) -> dict[int, int]:
    """How many samples of a point were logged, by quality."""
    qualities = [quality for _, _, quality in rig.samples(point)]
    return {quality: qualities.count(quality) for quality in set(qualities)}


async def test_a_device_is_read_at_once_and_then_at_its_deadlines() -> None:
    rig = small_rig(scan_s=5.0)
    async with rig.running():
        await rig.clock.advance(60)
    first = 5.0 * class_phase("D1", 5.0)
    assert [at for at, _ in rig.device("D1").read_at] == pytest.approx([0.0, *(first + 5.0 * k for k in range(12))])
    assert rig.collector.overruns == 0
    assert rig.collector.pollers[0].figures.late_s == pytest.approx(0.0, abs=1e-6)


async def test_every_reading_is_logged_with_its_value_and_time() -> None:
    rig = small_rig(scan_s=5.0)
    async with rig.running():
        await rig.clock.advance(60)
    for point in ALL:
        samples = rig.samples(point)
        assert len(samples) == 13
        for at_s, value, quality in samples:
            assert quality == Quality.GOOD
            assert value == point * 1e6 + ((rig.start_us + round(at_s * 1e6)) // 1_000_000) % 1_000_000
    assert_gap_free(rig.telemetry.batches())
    assert (rig.collector.scans, rig.collector.samples) == (13, 39)


async def test_points_of_different_periods_are_read_apart() -> None:
    rig = Rig([fake_device("D1")], [fake_point(1, "D1", 1.0), fake_point(2, "D1", 10.0), fake_point(3, "D1", 10.0)])
    async with rig.running():
        await rig.clock.advance(100)
    sizes = [size for _, size in rig.device("D1").read_at]
    assert (sizes.count(1), sizes.count(2)) == (101, 11)


async def test_the_first_answer_is_reported_once() -> None:
    rig = small_rig()
    async with rig.running():
        await rig.clock.advance(600)
    assert await rig.device_events() == [("DeviceRestored", "D1", "")]
    assert (await rig.events.read(0, 10, "device/"))[0].payload["down_s"] == 0.0


async def test_the_collectors_start_is_an_event_with_the_epoch_of_its_batches() -> None:
    rig = small_rig()
    async with rig.running():
        await rig.clock.advance(1)
    (started,) = await rig.events.read(0, 10, "collector/")
    assert started.payload == {"collector": "collector-1", "epoch": rig.telemetry.batches()[0].epoch}


@pytest.mark.parametrize("fault", ["refuses", "silent", "hangs", "bug"])
async def test_one_event_when_a_device_is_lost_and_one_when_it_is_back(fault: str) -> None:
    rig = small_rig()
    async with rig.running():
        await rig.clock.advance(60)
        rig.device("D1").fault = fault
        await rig.clock.advance(3600)
        assert rig.collector.lost_devices == 1
        rig.device("D1").fault = ""
        await rig.clock.advance(120)
        assert rig.collector.lost_devices == 0
    kinds = [(kind, device) for kind, device, _ in await rig.device_events()]
    assert kinds == [("DeviceRestored", "D1"), ("DeviceLost", "D1"), ("DeviceRestored", "D1")]
    restored = (await rig.events.read(0, 10, "device/"))[-1]
    assert restored.payload["down_s"] == pytest.approx(3600, abs=60)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("refuses", "connection lost"),
        ("silent", "no answer within 2 s"),
        ("hangs", "reading did not end within 14 s"),
        ("bug", "driver failed: IndexError: list index out of range"),
    ],
)
async def test_the_event_says_why(fault: str, reason: str) -> None:
    rig = small_rig()
    async with rig.running():
        await rig.clock.advance(60)
        rig.device("D1").fault = fault
        await rig.clock.advance(60)
    assert (await rig.device_events())[1] == ("DeviceLost", "D1", reason)


async def test_a_lost_device_is_one_bad_scan_of_all_its_points() -> None:
    rig = Rig([fake_device("D1")], [fake_point(1, "D1", 1.0), fake_point(2, "D1", 10.0), fake_point(3, "D1", 60.0)])
    async with rig.running():
        await rig.clock.advance(60)
        rig.device("D1").fault = "refuses"
        await rig.clock.advance(3600)
    for point in ALL:
        assert counts(rig, point)[Quality.BAD_DEVICE_LOST] == 1
        assert rig.samples(point)[-1][2] == Quality.BAD_DEVICE_LOST


async def test_a_device_whose_clock_is_ahead_is_seen_to_be_lost() -> None:
    rig = small_rig(scan_s=1.0)
    rig.device("D1").ahead_s = 4.0
    async with rig.running():
        await rig.clock.advance(60)
        rig.device("D1").fault = "refuses"
        await rig.clock.advance(10)
    newest = max(rig.samples(1))
    assert newest[2] == Quality.BAD_DEVICE_LOST


async def test_a_device_never_reached_is_lost_once_and_its_points_are_bad() -> None:
    rig = small_rig()
    rig.device("D1").fault = "refuses"
    async with rig.running():
        await rig.clock.advance(600)
    assert await rig.device_events() == [("DeviceLost", "D1", "connection refused")]
    assert counts(rig, 1) == {Quality.BAD_DEVICE_LOST: 1}


async def test_a_device_that_opens_and_then_answers_half_a_round_is_not_back() -> None:
    rig = Rig([fake_device("D1")], [fake_point(1, "D1", 1.0), fake_point(2, "D1", 10.0)])
    rig.device("D1").unanswered = frozenset({2})
    async with rig.running():
        await rig.clock.advance(600)
    assert await rig.device_events() == [("DeviceLost", "D1", "half of it is dead")]
    assert counts(rig, 1)[Quality.GOOD] > 10
    # Whatever it showed meanwhile, what counts last is that it is lost.
    assert rig.samples(1)[-1][2] == Quality.BAD_DEVICE_LOST


async def test_a_lost_device_is_tried_again_ever_more_rarely_up_to_its_maximum() -> None:
    device = fake_device("D1", retry_min_s=0.5, retry_max_s=30.0)
    rig = Rig([device], [fake_point(1, "D1")], options=CollectorOptions(tick_s=5.0))
    rig.device("D1").fault = "refuses"
    async with rig.running():
        await rig.clock.advance(20_000)
        # Full jitter: half of the maximum on average.
        assert 20_000 / 30 < rig.device("D1").opens < 20_000 / 10


async def test_each_attempt_closes_what_it_opened() -> None:
    rig = small_rig()
    rig.device("D1").fault = "silent"
    async with rig.running():
        await rig.clock.advance(600)
        rig.device("D1").fault = ""
        await rig.clock.advance(60)
    device = rig.device("D1")
    assert device.opens > 10
    assert device.opens == device.closes


@pytest.mark.parametrize("fault", ["bug", "close_bug"])
async def test_a_driver_that_failed_is_replaced(fault: str) -> None:
    rig = small_rig()
    async with rig.running():
        await rig.clock.advance(20)
        assert rig.factory.created == 1
        rig.device("D1").fault = fault
        await rig.clock.advance(20)
        rig.device("D1").fault = ""
        await rig.clock.advance(60)
        assert rig.factory.created >= 2
        assert rig.collector.lost_devices == 0


async def test_readings_of_other_points_than_planned_are_never_taken() -> None:
    rig = small_rig()
    rig.device("D1").values = lambda points, _now: points * 1.0
    async with rig.running():
        await rig.clock.advance(20)
        rig.device("D1").confused = True
        await rig.clock.advance(6)
        assert rig.collector.lost_devices == 1
    assert (await rig.device_events())[-1][2] == "driver failed: ValueError: it gave other points than it planned"
    assert {value for _, value, quality in rig.samples(1) if quality == 0} == {1.0}


async def test_pain_01_a_device_that_was_killed_and_restored_a_thousand_times_is_read_again_each_time() -> None:
    device = fake_device("D1", retry_max_s=30.0)
    rig = Rig([device], [fake_point(1, "D1", 5.0)], options=CollectorOptions(tick_s=5.0))
    device = rig.device("D1")
    async with rig.running():
        await rig.clock.advance(5)
        for number in range(1000):
            device.fault = ("refuses", "silent", "hangs")[number % 3]
            await rig.clock.advance(7)
            device.fault = ""
            good_before = rig.collector.scans
            # One back-off period, and the attempt that was under way.
            await rig.clock.advance(30 + 2.5)
            assert rig.collector.scans > good_before, number
    kinds = [kind for kind, _, _ in await rig.device_events()]
    assert kinds == ["DeviceRestored", *["DeviceLost", "DeviceRestored"] * 1000]


async def test_pain_02_polling_goes_on_while_the_telemetry_log_is_down() -> None:
    rig = small_rig(devices=5, scan_s=5.0)
    async with rig.running():
        await rig.clock.advance(60)
        rig.telemetry.available = False
        reads = rig.device("D1").reads
        await rig.clock.advance(3600)
        assert rig.device("D1").reads - reads == 720
        rig.telemetry.available = True
        await rig.clock.advance(60)
    assert rig.collector.overruns == 0
    for point in range(1, 16):
        assert len(rig.samples(point)) == 1 + 3720 // 5
    assert_gap_free(rig.telemetry.batches())


async def test_pain_02_polling_goes_on_while_the_event_log_is_down() -> None:
    rig = small_rig(devices=2)
    rig.events.available = False
    async with rig.running():
        await rig.clock.advance(60)
        rig.device("D1").fault = "refuses"
        await rig.clock.advance(600)
        assert rig.device("D2").reads == 1 + 660 // 5
        rig.events.available = True
        await rig.clock.advance(30)
    assert [kind for kind, _, _ in await rig.device_events()] == ["DeviceRestored", "DeviceRestored", "DeviceLost"]


@pytest.mark.parametrize("fault", ["refuses", "silent", "hangs", "bug", "close_bug"])
async def test_pain_03_one_dead_unit_of_ten_costs_the_others_nothing(fault: str) -> None:
    rig = small_rig(devices=10, scan_s=1.0)
    async with rig.running():
        await rig.clock.advance(10)
        rig.device("D4").fault = fault
        before = {name: device.reads for name, device in rig.factory.devices.items()}
        await rig.clock.advance(600)
        for name, device in rig.factory.devices.items():
            if name != "D4":
                assert device.reads - before[name] == 600, name
                assert rig.collector.pollers[int(name[1:]) - 1].overruns == 0
        assert rig.device("D4").reads < 500


async def test_a_slow_device_skips_scans_and_says_how_many() -> None:
    rig = small_rig(scan_s=1.0)
    rig.device("D1").latency_s = 2.5
    async with rig.running():
        await rig.clock.advance(100)
    device = rig.device("D1")
    assert 38 <= device.reads <= 41
    assert rig.collector.overruns + device.reads == pytest.approx(100, abs=4)


async def test_when_the_queue_is_full_pollers_slow_down_and_nothing_is_lost() -> None:
    rig = small_rig(devices=4, scan_s=1.0, options=CollectorOptions(waiting_bytes_max=50_000))
    rig.telemetry.available = False
    async with rig.running():
        await rig.clock.advance(3600)
        assert rig.collector.queue_fill >= 0.75
        rig.telemetry.available = True
        await rig.clock.advance(60)
    assert rig.collector.publisher.put_waits >= 4
    assert rig.collector.overruns > 10_000
    logged = sum(len(batch) for batch in rig.telemetry.batches())
    assert logged == rig.collector.samples == 3 * sum(device.reads for device in rig.factory.devices.values())
    assert_gap_free(rig.telemetry.batches())


class TestPushed:
    """Devices that push changes."""

    async def pushing(self) -> tuple[Rig, FakeDevice]:
        rig = small_rig(scan_s=5.0)
        rig.device("D1").accepts_subscription = True
        return rig, rig.device("D1")

    async def test_everything_is_read_once_and_then_pushes_are_logged_without_polling(self) -> None:
        rig, device = await self.pushing()
        async with rig.running():
            await rig.clock.advance(0.1)
            for step in range(20):
                device.push([1, 2, 3], rig.clock.now(), [1.0 + step, 2.0, 3.0])
                await rig.clock.advance(2)
        assert device.reads == 1
        assert len(rig.samples(1)) == 21
        # A chance selection of points never becomes a point set.
        sets = [int(s) for batch in rig.telemetry.batches() for s in batch.scan_set]
        assert sum(1 for s in sets if s) == 1

    async def test_pain_10_points_that_are_not_pushed_any_more_are_polled_as_a_safety_net(self) -> None:
        rig, device = await self.pushing()
        async with rig.running():
            await rig.clock.advance(600)
        # A third of the minute after which a value of a 5 s scan is uncertain.
        assert device.reads == 1 + 600 // 20
        assert np.diff([at for at, _, _ in rig.samples(2)]).max() < 60

    async def test_a_point_without_a_value_is_never_asked_for_and_makes_nobody_poll_the_others(self) -> None:
        rig, device = await self.pushing()
        device.unreadable = frozenset({2})
        async with rig.running():
            await rig.clock.advance(0.1)
            for step in range(100):
                device.push([1, 3], rig.clock.now(), [float(step)] * 2)
                await rig.clock.advance(5)
        assert device.reads == 1
        assert [count for _, count in device.read_at] == [2]
        assert rig.samples(2) == []

    async def test_a_device_of_which_nothing_can_be_read_is_not_read(self) -> None:
        rig, device = await self.pushing()
        device.accepts_subscription, device.unreadable = False, frozenset({1, 2, 3})
        async with rig.running():
            await rig.clock.advance(60)
        assert (device.opens, device.reads) == (1, 0)

    async def test_a_quiet_point_never_looks_stale_whenever_it_was_last_pushed(self) -> None:
        rig, device = await self.pushing()
        async with rig.running():
            for step in range(200):
                await rig.clock.advance(7 + step % 53)
                device.push([1, 2, 3], rig.clock.now(), [float(step)] * 3)
        assert np.diff(sorted({at for at, _, _ in rig.samples(1)})).max() < 45

    async def test_a_device_that_does_not_take_the_subscription_is_polled(self) -> None:
        rig, device = await self.pushing()
        async with rig.running():
            await rig.clock.advance(1)
            device.accepts_subscription = False
            device.fault = "refuses"
            await rig.clock.advance(60)
            device.fault = ""
            await rig.clock.advance(60)
            reads = device.reads
            await rig.clock.advance(60)
        assert device.reads - reads == 12

    async def test_a_lost_device_is_subscribed_again(self) -> None:
        rig, device = await self.pushing()
        async with rig.running():
            await rig.clock.advance(2)
            device.fault = "refuses"
            await rig.clock.advance(120)
            device.fault = ""
            await rig.clock.advance(60)
            device.push([2], rig.clock.now(), [77.0])
            await rig.clock.advance(1)
        assert 77.0 in [value for _, value, _ in rig.samples(2)]

    async def test_what_a_subscription_only_repeats_is_not_recorded_again(self) -> None:
        rig, device = await self.pushing()
        long_ago = rig.clock.now() - 3_600_000_000
        async with rig.running():
            await rig.clock.advance(0.1)
            device.push([1, 2], long_ago, [5.0, 6.0])  # as the subscription begins: changes from before it
            device.push([1], long_ago + 1, [7.0])  # a device whose clock is an hour behind
            await rig.clock.advance(2)
        assert 5.0 not in [value for _, value, _ in rig.samples(1)]
        assert 6.0 not in [value for _, value, _ in rig.samples(2)]
        assert 7.0 in [value for _, value, _ in rig.samples(1)]

    async def test_a_push_of_anothers_point_is_refused_and_hurts_nobody(self) -> None:
        rig, device = await self.pushing()
        async with rig.running():
            await rig.clock.advance(2)
            device.push([99], rig.clock.now(), [1.0])
            device.push([1], rig.clock.now(), [5.0])
            await rig.clock.advance(2)
        assert rig.samples(99) == []
        assert 5.0 in [value for _, value, _ in rig.samples(1)]
        assert rig.collector.lost_devices == 0

    async def test_after_an_outage_the_value_is_shown_again_though_its_last_change_was_long_ago(self) -> None:
        rig, device = await self.pushing()
        device.first_values_at = rig.start_us - 3_600_000_000
        async with rig.running():
            await rig.clock.advance(60)
            device.fault = "refuses"
            await rig.clock.advance(60)
            device.fault = ""
            while rig.collector.lost_devices:
                await rig.clock.advance(0.5)
            await rig.clock.advance(0.6)
        newest = max(rig.samples(1))
        assert newest[2] == Quality.GOOD
