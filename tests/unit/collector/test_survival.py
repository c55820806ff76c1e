"""What users of the peers suffer, and do not suffer here: numbers are those of the pains that a test stands for."""

import asyncio

import numpy as np
from tests.support.fake_driver import (
    FakeBusFactory,
    FakeDriverFactory,
    FakeMemoryFactory,
    fake_device,
    fake_point,
    fake_site,
)
from tests.support.rig import Rig, small_rig

from cityhall_bms.collector.collector import CollectorOptions
from cityhall_bms.collector.publisher import SILENT_S
from cityhall_bms.domain.batch import Readings
from cityhall_bms.domain.gaps import GapCause
from cityhall_bms.domain.notices import DeviceNotice
from cityhall_bms.domain.quality import Quality


def bus_of(units: int, scan_s: float = 1.0) -> Rig:
    """Units of one bus, whose answers take 20 ms, one point each."""
    names = [f"U{number}" for number in range(units)]
    devices = [fake_device(name, timeout_s=2.0, retry_min_s=0.5, retry_max_s=30.0) for name in names]
    points = [fake_point(number, name, scan_s) for number, name in enumerate(names, 1)]
    rig = Rig(devices, points, factory=FakeBusFactory())
    for name in names:
        rig.device(name).latency_s = 0.02
    return rig


async def reads_in(rig: Rig, seconds: float) -> int:
    """Scans of all units but the first."""
    alive = [device for name, device in rig.factory.devices.items() if name != "U0"]
    before = sum(device.reads for device in alive)
    await rig.clock.advance(seconds)
    return sum(device.reads for device in alive) - before


async def test_pain_03_one_dead_unit_of_ten_costs_the_others_less_than_two_percent() -> None:
    # A bus that is busy nearly all the time: ten units, ten scans a second of 20 ms each... of which 9/10 must go on.
    rig = bus_of(10, scan_s=0.22)
    async with rig.running():
        await rig.clock.advance(60)
        sound = await reads_in(rig, 600)
        rig.device("U0").fault = "silent"
        await rig.clock.advance(60)
        with_a_dead_one = await reads_in(rig, 600)
        dead = rig.device("U0")
        assert with_a_dead_one > 0.98 * sound
        # And they themselves are on time: not one of their scans is skipped for it.
        assert dead.pings
        assert max(dead.pings[-10:]) <= 0.5
        assert rig.collector.breakers_open == 1
        dead.fault = ""
        await rig.clock.advance(60)
        assert rig.collector.lost_devices == 0


async def test_a_dead_unit_is_probed_at_most_once_per_back_off_and_read_again_only_after_an_answer() -> None:
    rig = bus_of(3)
    async with rig.running():
        await rig.clock.advance(10)
        dead = rig.device("U0")
        dead.fault = "silent"
        await rig.clock.advance(120)
        reads, pings = dead.reads, len(dead.pings)
        await rig.clock.advance(600)
        assert dead.reads == reads
        assert len(dead.pings) - pings < 600 / 15 * 2  # full jitter up to 30 s: every 15 s on average
    events = [kind for kind, device, _ in await rig.device_events() if device == "U0"]
    assert events == ["DeviceRestored", "DeviceLost"]


async def test_pain_02_devices_are_read_while_the_log_is_away_and_nothing_waits_for_it() -> None:
    rig = small_rig(devices=3, scan_s=1.0)
    async with rig.running():
        await rig.clock.advance(10)
        rig.telemetry.available = False
        before = [device.reads for device in rig.factory.devices.values()]
        await rig.clock.advance(600)
        after = [device.reads for device in rig.factory.devices.values()]
        assert all(b - a >= 599 for a, b in zip(before, after, strict=True))
        assert rig.collector.overruns == 0
        rig.telemetry.available = True
        await rig.clock.advance(10)
    times = [round(at) for at, _, quality in rig.samples(1) if quality == 0]
    assert np.diff(times).max() == 1


async def test_pain_01_a_session_that_gives_nothing_good_is_made_anew_without_an_alarm() -> None:
    rig = small_rig(scan_s=5.0)
    async with rig.running():
        await rig.clock.advance(60)
        rig.device("D1").quality = Quality.BAD_TIMEOUT
        created = rig.factory.created
        await rig.clock.advance(100)
        assert rig.factory.created == created + 1
        rig.device("D1").quality = Quality.GOOD
        await rig.clock.advance(60)
        assert rig.factory.created == created + 1
    assert [kind for kind, *_ in await rig.device_events()] == ["DeviceRestored"]


async def test_pain_07_a_subscription_that_falls_silent_is_found_by_reading_and_by_the_age_of_data() -> None:
    rig = small_rig(scan_s=5.0)
    rig.device("D1").accepts_subscription = True
    async with rig.running():
        await rig.clock.advance(1)
        rig.device("D1").push([1, 2, 3], rig.clock.now(), [1.0, 2.0, 3.0])
        reads = rig.device("D1").reads
        await rig.clock.advance(300)
        assert rig.device("D1").reads > reads  # silent points are read
        rig.device("D1").fault = "silent"
        await rig.clock.advance(120)
        rig.device("D1").fault = ""
        opens = rig.device("D1").opens
        await rig.clock.advance(120)
        assert rig.device("D1").opens > opens
        assert rig.device("D1").sink is not None  # and it is subscribed to again
    assert [kind for kind, *_ in await rig.device_events()] == ["DeviceRestored", "DeviceLost", "DeviceRestored"]


async def test_pain_07_a_subscription_whose_session_ends_is_made_anew_within_seconds_and_not_at_its_next_reading() -> (
    None
):
    rig = small_rig(scan_s=5.0)
    device = rig.device("D1")
    device.accepts_subscription = True
    async with rig.running():
        await rig.clock.advance(21)
        device.push([1, 2, 3], rig.clock.now(), [1.0, 2.0, 3.0])
        device.trouble, device.fault = "the server hung up", "refuses"
        await rig.clock.advance(1.1)
        assert rig.collector.lost_devices == 1
        device.trouble, device.fault = None, ""
        await rig.clock.advance(2)
        assert rig.collector.lost_devices == 0
        assert device.sink is not None
    assert ("DeviceLost", "D1", "the server hung up") in await rig.device_events()


async def test_every_poll_of_an_outage_is_in_the_ledger() -> None:
    rig = small_rig(scan_s=5.0)
    async with rig.running():
        await rig.clock.advance(62)
        rig.device("D1").fault = "silent"
        await rig.clock.advance(600)
        rig.device("D1").fault = ""
        await rig.clock.advance(60)
    (gap,) = rig.ledger()
    assert (gap.device, gap.cause, gap.points) == ("D1", GapCause.DEVICE_DOWN, ())
    assert gap.until is not None
    assert abs(gap.polls - (gap.until - gap.since) / 5e6) < 1


async def test_a_device_in_maintenance_is_not_polled_and_says_why() -> None:
    rig = Rig([fake_device("D1", maintenance=True)], [fake_point(1, "D1", 10.0)])
    async with rig.running():
        await rig.clock.advance(300)
    assert rig.device("D1").opens == 0
    assert [quality for _, _, quality in rig.samples(1)] == [Quality.BAD_OUT_OF_SERVICE]
    assert [(gap.cause, gap.until) for gap in rig.ledger()] == [(GapCause.MAINTENANCE, None)]
    assert rig.ledger()[0].polls >= 24
    assert await rig.device_events() == []


async def test_the_time_in_which_nobody_collected_is_a_gap_of_everything() -> None:
    rig = small_rig()
    async with rig.running():
        await rig.clock.advance(60)
    ended = rig.clock.now()
    await rig.clock.advance(3600)
    rig.collector = rig.make_collector()
    async with rig.running():
        await rig.clock.advance(10)
    (gap,) = rig.ledger()
    silent_us = round(SILENT_S * 1e6)  # for so long the new collector makes sure that the old one is gone
    assert (gap.device, gap.cause, gap.until) == ("", GapCause.SERVICE_STOPPED, ended + 3_600_000_000 + silent_us)
    assert abs(gap.since - ended) < 2_000_000


async def test_pain_09_after_an_outage_the_devices_memory_fills_the_gap_while_it_is_read_on() -> None:
    rig = Rig([fake_device("D1")], [fake_point(1, "D1", 5.0)], factory=FakeMemoryFactory())
    async with rig.running():
        await rig.clock.advance(60)
        assert rig.device("D1").asked_history == []
        rig.device("D1").fault = "silent"
        await rig.clock.advance(600)
        # What it remembers lies in the middle of the outage.
        middle = rig.clock.now() - 300_000_000
        rig.device("D1").remembers = [remembered(middle + second * 1_000_000) for second in range(3)]
        rig.device("D1").fault = ""
        await rig.clock.advance(60)
    ((since, until),) = rig.device("D1").asked_history
    assert since < middle < until
    filled = [(at, value) for at, value, quality in rig.samples(1) if quality == 0 and value == 77.0]
    assert len(filled) == 3


def remembered(at: int) -> Readings:
    return Readings(np.array([1], np.uint32), np.array([at]), np.array([77.0]), np.zeros(1, np.uint8))


async def test_what_a_device_says_of_itself_is_in_its_stream() -> None:
    rig = Rig([fake_device("D1")], [fake_point(1, "D1", 5.0)], factory=FakeMemoryFactory())
    async with rig.running():
        await rig.clock.advance(1)
        notices = rig.device("D1").notices
        assert notices is not None
        notices(
            DeviceNotice("D1", "analog-input,1", "out-of-range", "normal", "high-limit", rig.clock.now(), "太熱\x00")
        )
        await rig.clock.advance(1)
    stored = [one for one in await rig.events.read(0, 100, "device/D1") if one.type == "DeviceNoticed"]
    assert [(one.payload["to_state"], one.payload["message"]) for one in stored] == [("high-limit", "太熱")]


async def test_raw_bytes_go_with_their_scan_also_when_no_value_is_news() -> None:
    rig = Rig([fake_device("D1")], [fake_point(1, "D1", 1.0, deadband=1e12)])
    rig.device("D1").raw = b"\x03\x01"
    async with rig.running():
        await rig.clock.advance(10)
    raws = [raw for batch in rig.telemetry.batches() for raw in batch.raws]
    assert len(raws) == rig.device("D1").reads > len(rig.samples(1))
    assert {(raw.device, raw.data) for raw in raws} == {("D1", b"\x03\x01")}


async def test_many_devices_do_not_begin_in_the_same_moment_and_classes_of_a_device_have_their_own_beat() -> None:
    names = [f"D{number}" for number in range(200)]
    points = [
        fake_point(2 * place + n, name, scan_s)
        for place, name in enumerate(names)
        for n, scan_s in ((1, 2.0), (2, 4.0))
    ]
    rig = Rig([fake_device(name) for name in names], points)
    async with rig.running():
        await rig.clock.advance(60)
    starts = sorted(at for device in rig.factory.devices.values() for at, _ in device.read_at)
    first = [device.read_at[0][0] for device in rig.factory.devices.values()]
    assert max(first) - min(first) > 0.5
    busiest = max(np.histogram(starts, bins=np.arange(10.0, 60.0, 0.1))[0])
    # 150 scans a second are 15 in a tenth; at the full second there are no more than anywhere else.
    assert busiest < 45


class TestLiveChange:
    """A changed site folder while everything runs."""

    async def test_devices_that_did_not_change_notice_nothing(self) -> None:
        rig = small_rig(devices=3, scan_s=5.0)
        async with rig.running():
            await rig.clock.advance(60)
            kept = {name: (device.opens, device.closes) for name, device in rig.factory.devices.items()}
            pollers = {poller.device.name: poller for poller in rig.collector.pollers}
            devices = [fake_device("D1"), fake_device("D2", timeout_s=9.0), fake_device("D4")]
            points = [fake_point(1, "D1"), fake_point(2, "D1"), fake_point(3, "D1")]
            points += [fake_point(4, "D2"), fake_point(5, "D2"), fake_point(6, "D2"), fake_point(10, "D4")]
            site, _ = fake_site(devices, points)
            change = await rig.collector.reconfigure(site, {p.name: int(p.address) for p in points})
            await rig.clock.advance(60)
        assert (change.added, change.changed, change.removed) == (["D4"], ["D2"], ["D3"])
        after = {poller.device.name: poller for poller in rig.collector.pollers}
        assert after["D1"] is pollers["D1"]
        assert rig.device("D1").opens == kept["D1"][0]
        assert rig.device("D2").opens == kept["D2"][0] + 1
        assert rig.device("D3").closes == kept["D3"][1] + 1
        reads = np.diff([at for at, _ in rig.device("D1").read_at][1:])
        assert np.allclose(reads, 5.0)
        assert rig.samples(10)

    async def test_points_of_a_device_that_is_gone_say_so(self) -> None:
        rig = small_rig(devices=2)
        async with rig.running():
            await rig.clock.advance(20)
            points = [fake_point(number, "D1") for number in (1, 2, 3)]
            site, ids = fake_site([fake_device("D1")], points)
            await rig.collector.reconfigure(site, ids)
            await rig.clock.advance(20)
        assert rig.samples(4)[-1][2] == Quality.BAD_OUT_OF_SERVICE
        assert rig.collector.scans == sum(device.reads for device in rig.factory.devices.values())


async def test_an_overloaded_collector_says_so_once_in_the_event_log() -> None:
    rig = small_rig(devices=1, scan_s=1.0, options=CollectorOptions(tick_s=0.5))
    rig.device("D1").latency_s = 3.0
    async with rig.running():
        await rig.clock.advance(120)
        assert rig.collector.overload.overloaded
        rig.device("D1").latency_s = 0.0
        await rig.clock.advance(120)
        assert not rig.collector.overload.overloaded
    stored = [one.type for one in await rig.events.read(0, 1000, "collector/")]
    assert stored == ["CollectorStarted", "CollectorOverloaded", "CollectorRelieved"]
    overloads = [gap for gap in rig.ledger() if gap.cause is GapCause.OVERLOAD]
    assert sum(gap.polls for gap in overloads) == rig.collector.overruns
    assert all(gap.until is not None for gap in overloads)


async def test_connections_are_not_all_made_at_once() -> None:
    names = [f"D{number}" for number in range(300)]
    rig = Rig([fake_device(name) for name in names], [fake_point(n, name) for n, name in enumerate(names, 1)])
    opening, most = 0, 0

    class Slow(FakeDriverFactory):
        def create(self, device, clock):  # noqa: ANN001, ANN202
            driver = super().create(device, clock)
            plain = driver.open

            async def open_slowly() -> None:
                nonlocal opening, most
                opening += 1
                most = max(most, opening)
                await clock.sleep(5.0)
                opening -= 1
                await plain()

            driver.open = open_slowly
            return driver

    rig.factory = Slow()
    rig.collector = rig.make_collector()
    async with rig.running():
        await rig.clock.advance(60)
    assert most == 64
    assert all(device.reads for device in rig.factory.devices.values())
    assert asyncio.all_tasks() == {asyncio.current_task()}
