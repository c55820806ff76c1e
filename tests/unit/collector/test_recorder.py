"""What becomes of pushes that hold several values of one point."""

from collections.abc import Sequence

import numpy as np
from tests.support.fake_driver import fake_device, fake_point
from tests.support.rig import Rig

from cityhall_bms.domain.batch import Readings
from cityhall_bms.domain.gaps import GapCause
from cityhall_bms.domain.quality import Quality


def pushing_rig(deadband: float = 0.0) -> Rig:
    rig = Rig([fake_device("D1")], [fake_point(number, "D1", 3600.0, deadband=deadband) for number in (1, 2)])
    rig.device("D1").accepts_subscription = True
    return rig


def push(rig: Rig, point: Sequence[int], value: Sequence[float], quality: Sequence[int]) -> None:
    """Push values that were seen a second after one another."""
    sink = rig.device("D1").sink
    assert sink is not None
    at = rig.clock.now() + np.arange(len(point)) * 1_000_000
    sink(Readings(np.array(point, np.uint32), at, np.array(value), np.array(quality, np.uint8), partial=True))


async def test_values_that_go_and_come_back_within_one_push_are_recorded_in_spite_of_a_deadband() -> None:
    rig = pushing_rig(deadband=5.0)
    async with rig.running():
        await rig.clock.advance(10)
        push(rig, [1], [20.0], [0])
        push(rig, [1, 2, 1, 1], [30.0, 7.0, 20.0, 21.0], [0] * 4)
        await rig.clock.advance(10)
    assert [value for _, value, _ in rig.samples(1)][-3:] == [20.0, 30.0, 20.0]
    assert rig.samples(2)[-1][1] == 7.0


async def test_the_last_of_several_values_says_whether_a_gap_lasts() -> None:
    rig = pushing_rig()
    missing = float("nan")
    async with rig.running():
        await rig.clock.advance(10)
        push(rig, [1, 1], [missing, 20.0], [Quality.BAD_REFUSED, 0])
        await rig.clock.advance(10)
        assert rig.collector.open_gaps == 0
        push(rig, [2], [missing], [Quality.BAD_TIMEOUT])
        await rig.clock.advance(1)
        push(rig, [2, 2], [20.0, missing], [0, Quality.BAD_TIMEOUT])
        await rig.clock.advance(10)
        assert rig.collector.open_gaps == 1
    assert [(gap.cause, gap.points, gap.until is None) for gap in rig.ledger()] == [
        (GapCause.REFUSED, (1,), False),
        (GapCause.TIMEOUT, (2,), False),
        (GapCause.TIMEOUT, (2,), True),
    ]
