"""For each fault: what the log confirmed is in the database, exactly once, in order per point. Counted.

One load and two historians run on while one fault follows another; ``make faults ROUNDS=50`` repeats them all.
"""

import asyncio
import itertools
import os
import signal
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from random import Random

import nats
import pytest
import pytest_asyncio
from tests.support.fault_rig import PATIENCE_S, FaultRig, fault_rig, wipe
from tests.support.load_process import SITE

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.faults,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.xdist_group("faults"),
]
RANDOM = Random(5)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def rig() -> AsyncIterator[FaultRig]:
    with tempfile.TemporaryDirectory(prefix="cityhall-") as name:
        async with fault_rig(Path(name)) as running:
            yield running


async def database_stopped(rig: FaultRig) -> None:
    await rig.postgres.stop()
    await rig.more_acknowledged()
    await rig.postgres.start()


async def database_killed(rig: FaultRig) -> None:
    os.kill(rig.postgres.pid, signal.SIGKILL)
    await rig.more_acknowledged()
    await rig.postgres.stop()
    await rig.postgres.start()


async def database_paused(rig: FaultRig) -> None:
    processes = [rig.postgres.pid, *_children(rig.postgres.pid)]
    _signal(processes, signal.SIGSTOP)
    await rig.more_acknowledged()
    _signal(processes, signal.SIGCONT)


async def log_killed(rig: FaultRig) -> None:
    await rig.nats.kill()
    await asyncio.sleep(0.5)
    await rig.nats.start()


async def log_paused(rig: FaultRig) -> None:
    pid = rig.nats.pid
    _signal([pid], signal.SIGSTOP)
    await asyncio.sleep(4.0)  # longer than a confirmation is waited for
    _signal([pid], signal.SIGCONT)


async def log_restarted_with_an_empty_folder(rig: FaultRig) -> None:
    _signal([rig.loads["load"].pid], signal.SIGSTOP)
    await rig.log_is_quiet()
    await rig.check()
    await rig.nats.kill()
    wipe(rig.folder / "nats")
    await rig.nats.start()
    _signal([rig.loads["load"].pid], signal.SIGCONT)


async def collector_killed(rig: FaultRig) -> None:
    rig.loads["load"].kill()
    rig.loads["load"].wait()
    rig.start_load("load")


async def collector_paused_and_replaced(rig: FaultRig) -> None:
    frozen = rig.loads["load"]
    _signal([frozen.pid], signal.SIGSTOP)
    rig.start_load("load")
    await rig.more_acknowledged()
    _signal([frozen.pid], signal.SIGCONT)
    async with asyncio.timeout(PATIENCE_S):
        while frozen.poll() is None:  # noqa: ASYNC110 - it finds its name taken, and ends
            await asyncio.sleep(0.05)


async def historian_killed_at_any_instant(rig: FaultRig) -> None:
    for _ in range(2):
        await rig.all_started()
        await asyncio.sleep(RANDOM.uniform(0.0, 0.4))
        active = await rig.active_historian()
        active.kill()
        active.wait()
        rig.historians.remove(active)
        rig.start_historian()


async def historian_paused_and_replaced(rig: FaultRig) -> None:
    frozen, before = await rig.active_historian(), await rig.takeovers()
    _signal([frozen.pid], signal.SIGSTOP)
    async with asyncio.timeout(PATIENCE_S):
        while await rig.active_historian() is frozen or await rig.takeovers() == before:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.1)
    await rig.more_acknowledged()
    _signal([frozen.pid], signal.SIGCONT)
    await rig.more_acknowledged()
    assert await rig.active_historian() is not frozen


async def clock_jumps(rig: FaultRig) -> None:
    for number in (signal.SIGUSR1, signal.SIGUSR2, signal.SIGUSR2, signal.SIGUSR1):
        _signal([rig.loads["load"].pid], number)
        await rig.more_acknowledged(20)


async def redelivery_and_reordering(rig: FaultRig) -> None:
    """Somebody sends the newest batches again, without the names by which the log would know them, and backwards."""
    client = await nats.connect(rig.nats.url)
    stream = client.jetstream()
    end = (await stream.stream_info("TELEMETRY")).state.last_seq
    batches = [await stream.get_msg("TELEMETRY", seq=place) for place in range(max(end - 20, 1), end + 1)]
    for batch in reversed(batches):
        await stream.publish(f"telemetry.{SITE}.again", batch.data or b"")
    await client.close()


FAULTS: list[Callable[[FaultRig], Awaitable[None]]] = [
    database_stopped,
    database_killed,
    database_paused,
    log_killed,
    log_paused,
    log_restarted_with_an_empty_folder,
    collector_killed,
    collector_paused_and_replaced,
    historian_paused_and_replaced,
    historian_killed_at_any_instant,
    clock_jumps,
    redelivery_and_reordering,
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
async def test_pain_17_what_was_acknowledged_is_stored_exactly_once(
    rig: FaultRig, fault: Callable[[FaultRig], Awaitable[None]], rounds: int
) -> None:
    for _ in range(rounds):
        before = rig.acknowledged().total()
        await fault(rig)
        await rig.more_acknowledged()
        counts = await rig.check()
        print(f"{fault.__name__}: {rig.acknowledged().total() - before} scans through it; {counts}")  # noqa: T201 - the counts are the result


async def test_pain_21_after_all_faults_nothing_is_lost_doubled_or_out_of_order(rig: FaultRig) -> None:
    load = rig.loads["load"]
    load.terminate()
    load.wait()
    await rig.check()
    rows = await rig.stored()
    # A batch whose confirmation died with its collector may be stored as well; nothing else may.
    unknown = Counter(scan for scan, _, _ in rows) - rig.acknowledged()
    assert unknown.total() <= 40
    for _, stored in itertools.groupby(rows, key=lambda row: row[2]):
        numbers = [number for (number, _), _, _ in stored]
        falls = sum(after < before for before, after in itertools.pairwise(numbers))
        # Numbers fall where a new life of the load began, and nowhere else.
        assert falls <= rig.lives


def _children(pid: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        if parent == pid:
            found.append(int(stat.parent.name))
    return found


def _signal(processes: list[int], number: signal.Signals) -> None:
    for pid in processes:
        os.kill(pid, number)
