"""What a collector watches of itself: overload, silent sessions, its clock."""

from tests.support.fake_driver import fake_point
from tests.support.manual_clock import ManualClock

from cityhall_bms.collector.clock_watch import ClockWatch
from cityhall_bms.collector.overload import OverloadWatch
from cityhall_bms.collector.schedule import scan_classes
from cityhall_bms.collector.watchdog import PATIENCE_MAX_S, Watchdog
from cityhall_bms.domain.gaps import Gap, GapCause
from cityhall_bms.ports.driver import BoundPoint


class Load:
    """A collector's figures, and what its watch told."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.figures = (0, 0, 0)
        self.told: list[tuple[object, ...]] = []
        self.watch = OverloadWatch(
            self.clock,
            lambda: self.figures,
            lambda cause, skipped: self.told.append(("began", cause, skipped)),
            lambda skipped, lasted: self.told.append(("ended", skipped, lasted)),
        )

    async def after(self, seconds: float, scans: int, skipped: int = 0, waits: int = 0) -> None:
        await self.clock.advance(seconds)
        self.figures = (self.figures[0] + scans, self.figures[1] + skipped, self.figures[2] + waits)
        self.watch.look()


async def test_a_skipped_scan_in_a_thousand_is_no_overload() -> None:
    load = Load()
    await load.after(5, scans=1000, skipped=1)
    assert load.told == []


async def test_an_overload_is_told_once_when_it_begins_and_once_when_it_is_over_for_half_a_minute() -> None:
    load = Load()
    await load.after(5, scans=100, skipped=20)
    await load.after(5, scans=100, skipped=20)
    await load.after(10, scans=100)
    await load.after(5, scans=100, skipped=10)  # it comes back within the half minute: still the same
    assert load.told == [("began", "devices", 20)]
    assert load.watch.overloaded
    for _ in range(6):
        await load.after(5, scans=100)
    assert load.told[1:] == [("ended", 50, 20.0)]
    assert not load.watch.overloaded


async def test_waiting_for_room_before_the_log_is_an_overload_too() -> None:
    load = Load()
    await load.after(5, scans=100, waits=1)
    assert load.told == [("began", "telemetry log", 0)]


def dog(scan_s: float = 5.0) -> Watchdog:
    return Watchdog(scan_classes([BoundPoint(1, fake_point(1, "D", scan_s))]))


def test_a_session_that_gives_nothing_good_for_a_minute_is_made_anew() -> None:
    watch = dog()
    watch.begin(0.0)
    assert not watch.barks(59.0)
    watch.good(59.0)
    assert not watch.barks(118.0)
    assert watch.barks(119.0)


def test_a_slow_device_gets_five_of_its_scans() -> None:
    watch = dog(scan_s=600.0)
    watch.begin(0.0)
    assert not watch.barks(2999.0)
    assert watch.barks(3000.0)


def test_where_a_new_driver_does_not_help_the_patience_doubles_up_to_an_hour() -> None:
    watch, now, barks = dog(), 0.0, []
    watch.begin(now)
    while now < 40_000.0:
        now += 1.0
        if watch.barks(now):
            barks.append(now)
            watch.begin(now)
    waits = [b - a for a, b in zip([0.0, *barks], barks, strict=False)]
    assert waits[:4] == [60.0, 120.0, 240.0, 480.0]
    assert max(waits) == PATIENCE_MAX_S
    watch.good(now)
    assert watch.barks(now + 60.0)


async def test_a_clock_that_is_set_forwards_or_back_leaves_a_gap_of_the_time_between() -> None:
    clock, gaps = ManualClock(), list[Gap]()
    watch = ClockWatch(clock, gaps.append)
    await clock.advance(60)
    watch.look()
    assert gaps == []
    before = clock.now()
    clock.jump(3600)
    watch.look()
    assert gaps == [Gap("", GapCause.CLOCK, before, 0, (), before + 3_600_000_000)]
    clock.jump(-3600)
    watch.look()
    assert gaps[1] == Gap("", GapCause.CLOCK, before, 0, (), before + 3_600_000_000)
    assert watch.jumps == 2


async def test_a_clock_that_is_trimmed_is_no_jump() -> None:
    clock, gaps = ManualClock(), list[Gap]()
    watch = ClockWatch(clock, gaps.append)
    for _ in range(20):
        clock.jump(1)
        watch.look()
    assert gaps == []
