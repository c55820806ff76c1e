"""A subscription that lives on and tells nothing: found because reading finds what it should have told."""

import numpy as np
import pytest
from tests.support.fake_driver import fake_point
from tests.support.rig import Rig, small_rig

from cityhall_bms.collector.hearing import FOUND_FIRST, FOUND_MOST, Hearing
from cityhall_bms.domain.site import PointKind
from cityhall_bms.ports.driver import BoundPoint

MINUTE_US = 60_000_000


class Session:
    """One temperature (1), one switch (2), one level with a deadband of 5 (3); a read each minute."""

    def __init__(self) -> None:
        points = [
            BoundPoint(1, fake_point(1, "D1")),
            BoundPoint(2, fake_point(2, "D1", kind=PointKind.DI)),
            BoundPoint(3, fake_point(3, "D1", deadband=5.0)),
        ]
        self.hearing = Hearing(points)
        self.now = 0
        self.hearing.begin(self.now, subscribed=True)

    def read(self, *values: float) -> bool:
        self.now += MINUTE_US
        self.hearing.read(np.array([1, 2, 3], np.uint32), np.array(values))
        return self.hearing.gave_up()

    def told(self, point: int, value: float) -> None:
        self.hearing.told(np.array([point], np.uint32), np.array([value]), self.now)


def test_three_reads_that_find_what_was_not_told_and_the_subscription_is_given_up() -> None:
    session = Session()
    assert [session.read(21.0, switch, 50.0) for switch in (0.0, 1.0, 0.0, 1.0)] == [False, False, False, True]


def test_reads_that_find_nothing_between_do_not_excuse_it() -> None:
    session = Session()
    found = [session.read(21.0, switch, 50.0) for switch in (0.0, 1.0, 1.0, 1.0, 0.0, 0.0, 1.0)]
    assert found == [False] * 6 + [True]


def test_a_device_in_which_nothing_changes_is_not_deaf() -> None:
    session = Session()
    assert not any(session.read(21.0, 1.0, 50.0) for _ in range(100))


@pytest.mark.parametrize(("temperature", "level"), [(0.5, 0.0), (0.0, 4.9)])
def test_moves_that_a_device_may_keep_to_itself_are_no_proof(temperature: float, level: float) -> None:
    session = Session()
    assert not any(session.read(21.0 + n % 2 * temperature, 1.0, 50.0 + n % 2 * level) for n in range(100))


def test_values_that_are_missing_are_no_change() -> None:
    session = Session()
    assert not any(session.read(np.nan if n % 2 else 21.0, 1.0, 50.0) for n in range(100))


def test_whoever_tells_anything_is_not_deaf() -> None:
    session = Session()
    for n in range(50):
        assert not session.read(21.0, n % 2, 50.0)
        assert not session.read(21.0, (n + 1) % 2, 50.0)
        session.told(1, 21.0)


def test_what_was_told_is_not_found_again() -> None:
    session = Session()
    session.read(21.0, 0.0, 50.0)
    for n in range(50):
        session.told(2, n % 2)
        assert not session.read(21.0, n % 2, 50.0)


def test_where_a_new_subscription_does_not_help_it_is_given_up_ever_more_rarely() -> None:
    session = Session()
    given_up_at = []
    for n in range(1500):
        if session.read(21.0, n % 2, 50.0):
            given_up_at.append(n)
            session.hearing.begin(session.now, subscribed=True)
            session.told(2, n % 2)  # that with which every subscription begins
    waits = np.diff(given_up_at).tolist()
    assert waits[:5] == [2 * FOUND_FIRST, 4 * FOUND_FIRST, 8 * FOUND_FIRST, 16 * FOUND_FIRST, 32 * FOUND_FIRST]
    assert max(waits) == FOUND_MOST


def test_a_polled_device_is_not_asked_to_tell_anything() -> None:
    session = Session()
    session.hearing.begin(session.now, subscribed=False)
    assert not any(session.read(21.0, n % 2, 50.0) for n in range(100))


def ramp(now: int) -> float:
    """A value that moves by a quarter or more every ten seconds."""
    return 10.0 * (1 + now // 10_000_000 % 4)


class TestInTheCollector:
    """The whole way: from a server that forgets its subscriptions to one that tells again."""

    async def pushing(self) -> Rig:
        rig = small_rig(scan_s=5.0)
        device = rig.device("D1")
        device.accepts_subscription = True
        device.first_values_at = rig.start_us
        device.values = lambda points, now: points * 0.0 + ramp(now)
        return rig

    async def test_pain_07_a_subscription_that_its_server_forgot_is_made_again_and_no_alarm_is_raised(self) -> None:
        rig = await self.pushing()
        device = rig.device("D1")
        async with rig.running():
            await rig.clock.advance(1)
            assert (device.opens, device.sink is None) == (1, False)
            device.sink = None  # the server restarts: the session goes on, its subscriptions are gone
            await rig.clock.advance(90)
            assert device.opens >= 2
            assert device.sink is not None
        assert [kind for kind, *_ in await rig.device_events()] == ["DeviceRestored"]

    async def test_pain_07_a_subscription_that_tells_is_left_alone(self) -> None:
        rig = await self.pushing()
        device = rig.device("D1")
        async with rig.running():
            for _ in range(300):
                await rig.clock.advance(2)
                now = rig.clock.now()
                device.push([1, 2, 3], now, [ramp(now)] * 3)
        assert device.opens == 1
