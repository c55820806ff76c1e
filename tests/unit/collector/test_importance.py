"""What is skipped first when nothing can be put on disk, and that the ledger tells it."""

import numpy as np
import pytest
from tests.support.fake_driver import fake_device, fake_point
from tests.support.rig import Rig, assert_gap_free

from cityhall_bms.collector.collector import CollectorOptions
from cityhall_bms.collector.importance import Importance, importance_of
from cityhall_bms.domain.gaps import GapCause
from cityhall_bms.domain.site import PointKind, System

METER, AIR = 1, 2
BYTES = 60_000


@pytest.mark.parametrize(
    ("kind", "system", "expected"),
    [
        (PointKind.CI, System.PARKING, Importance.ESSENTIAL),
        (PointKind.AI, System.POWER, Importance.ESSENTIAL),
        (PointKind.DI, System.FIRE, Importance.ESSENTIAL),
        (PointKind.DI, System.LIFT, Importance.ESSENTIAL),
        (PointKind.DI, System.SECURITY, Importance.ESSENTIAL),
        (PointKind.AI, System.HVAC, Importance.ORDINARY),
        (PointKind.AI, System.WATER, Importance.ORDINARY),
        (PointKind.AI, System.ENVIRONMENT, Importance.MINOR),
        (PointKind.DI, System.PARKING, Importance.MINOR),
    ],
)
def test_counters_life_safety_and_supply_are_kept_longest(
    kind: PointKind, system: System, expected: Importance
) -> None:
    assert importance_of(fake_point(1, "D1", kind=kind), system) is expected


def overflowing() -> Rig:
    """A meter with a counter and a temperature sensor, both read each second, and a log that is away."""
    points = [fake_point(METER, "METER", 1.0, kind=PointKind.CI), fake_point(AIR, "AIR", 1.0)]
    rig = Rig([fake_device("METER"), fake_device("AIR")], points, options=CollectorOptions(waiting_bytes_max=BYTES))
    rig.telemetry.available = False
    return rig


async def test_pain_18_overflow_spares_counters_longest_and_is_recorded_with_count_points_and_time() -> None:
    rig = overflowing()
    async with rig.running():
        await rig.clock.advance(600)
        rig.telemetry.available = True
        await rig.clock.advance(120)
    assert_gap_free(rig.telemetry.batches())
    last_s = {point: longest_silence(rig, point)[0] for point in (METER, AIR)}
    assert last_s[AIR] < last_s[METER] - 10, "the counter was read on while the temperature was not"
    gaps = {gap.points: gap for gap in rig.ledger() if gap.cause is GapCause.OVERLOAD}
    assert set(gaps) == {(METER,), (AIR,)}
    for point in (METER, AIR):
        gap, (begin_s, end_s) = gaps[point,], longest_silence(rig, point)
        assert gap.until is not None
        assert gap.polls == pytest.approx(end_s - begin_s, abs=3)
        assert (gap.since - rig.start_us) / 1e6 == pytest.approx(begin_s, abs=3)
        assert (gap.until - rig.start_us) / 1e6 == pytest.approx(end_s, abs=3)
    assert gaps[AIR,].polls > gaps[METER,].polls


def longest_silence(rig: Rig, point: int) -> tuple[float, float]:
    """Begin and end of the longest time without a sample, s since the start."""
    at = np.array([at_s for at_s, _, _ in rig.samples(point)])
    place = int(np.argmax(np.diff(at)))
    return float(at[place]), float(at[place + 1])


async def test_pain_18_pushed_values_that_find_no_room_are_a_gap_with_their_number() -> None:
    rig = Rig([fake_device("AIR")], [fake_point(1, "AIR", 5.0)], options=CollectorOptions(waiting_bytes_max=BYTES))
    device = rig.device("AIR")
    device.accepts_subscription = True
    async with rig.running():
        await rig.clock.advance(10)
        rig.telemetry.available = False
        for turn in range(200):
            device.push([1], rig.clock.now(), [float(turn)])
            await rig.clock.advance(0.1)
        rig.telemetry.available = True
        await rig.clock.advance(30)
        device.push([1], rig.clock.now(), [999.0])
        await rig.clock.advance(5)
    (gap,) = [gap for gap in rig.ledger() if gap.cause is GapCause.OVERLOAD]
    kept = {value for _, value, _ in rig.samples(1)}
    pushed = {float(turn) for turn in range(200)}
    assert gap.polls == len(pushed - kept) > 0
    assert gap.until is not None
