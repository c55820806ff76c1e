"""Every driver, killed and restored over and over: it comes back by itself, and never takes one value for another.

``--cycles`` says how often (`make torture` does it a thousand times per protocol), ``--minutes`` for how long at least.
"""

import logging
import sys
from random import Random

import pytest
from tests.support.rig import quiet_collector
from tests.support.torture import Effort, Outcome, torture
from tests.support.torture_subjects import SUBJECTS, Pace

pytestmark = [pytest.mark.faults, pytest.mark.timeout(14_400)]

MEMORY_GROWTH_MAX_MB = 24.0
"""What an allocator may keep for itself; more is a leak."""
REST_S, LOOK_S = 1.0, 0.01
"""For hours of all subjects side by side."""
MEASURED_CYCLES = 1000
"""From so many on, every subject gets them all, and time-outs are short: the machine has nothing else to do then."""


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Log nothing: what is said of thousands of outages would be kept, with every frame, until the test ends."""
    quiet_collector(monkeypatch)
    monkeypatch.setattr(logging.root.manager, "disable", logging.CRITICAL)


@pytest.mark.parametrize("protocol", SUBJECTS)
async def test_pain_01_a_device_killed_and_restored_comes_back_by_itself_every_time(
    protocol: str, cycles: int, minutes: float
) -> None:
    random = Random(20)
    build, share = SUBJECTS[protocol]
    if minutes:
        pace, effort = Pace(random, slower=10.0, patience=4.0, hurry=4.0), Effort(0, minutes, REST_S, LOOK_S)
    elif cycles >= MEASURED_CYCLES:
        pace, effort = Pace(random), Effort(cycles)
    else:
        pace, effort = Pace(random, patience=2.0, hurry=6.0), Effort(max(round(cycles * share), 2))
    async with build(pace) as (subject, wire):
        outcome = await torture(subject, wire, effort, random)
    _report(protocol, outcome)
    assert outcome.wrong == []
    assert outcome.lost == outcome.restored - 1
    assert outcome.lost >= outcome.kills
    assert outcome.tasks[1] <= outcome.tasks[0] + 2
    assert outcome.sockets[1] <= outcome.sockets[0] + 2
    assert outcome.memory_mb[1] <= outcome.memory_mb[0] + MEMORY_GROWTH_MAX_MB
    # The first attempt after the wire is whole succeeds; one may have begun before, into the broken wire.
    assert sorted(outcome.attempts)[len(outcome.attempts) // 2] <= 2
    if cycles >= MEASURED_CYCLES and not minutes:
        # What a machine that is busy with other tests may miss: it loses a device whose wire is whole.
        assert outcome.relapses == 0
        assert max(outcome.attempts) <= 2


def _report(protocol: str, outcome: Outcome) -> None:
    """Figures for whoever asks for the output (`make torture` does)."""
    sys.stdout.write(
        f"{protocol}: {outcome.cycles} cycles, {outcome.lost} losses; every point good again after "
        f"{_spread(outcome.recovered_s)}, unlost {_spread(outcome.calmed_s)}; "
        f"opened once {sum(one <= 1 for one in outcome.attempts)} of {len(outcome.attempts)}, "
        f"at most {max(outcome.attempts, default=0)} times; relapses {outcome.relapses}; "
        f"{outcome.good} good values, {len(outcome.wrong)} wrong; tasks {outcome.tasks}, sockets {outcome.sockets}, "
        f"memory {outcome.memory_mb[0]:.1f} to {outcome.memory_mb[1]:.1f} MB\n"
    )


def _spread(times_s: list[float]) -> str:
    times = sorted(times_s)
    if not times:
        return "none"
    return f"{times[len(times) // 2]:.3f} s (median), {times[-1]:.3f} s (longest)"
