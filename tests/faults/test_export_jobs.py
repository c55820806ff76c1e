"""``kill -9`` of the process that makes an export: the job goes on, and the file is the same to the byte."""

import asyncio
import os
import signal
from pathlib import Path

import pytest
from tests.support.export_rig import ExportRig, exports_on, query
from tests.support.histories import SECOND, T0, scan
from tests.support.until import until

from cityhall_bms.adapters.export_desk import ExportRunner
from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.ports.exports import Export, ExportPoint, ExportState
from cityhall_bms.ports.history import Window
from cityhall_bms.settings import DatabaseSettings, ExportSettings, Settings, child_environment

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]

POINTS = [ExportPoint(number, f"P{number}", "kW") for number in range(1, 301)]
SCANS = 1_200
WITHIN_S = 100.0
OPEN = {ExportState.WAITING, ExportState.RUNNING}


def makers() -> list[int]:
    """Processes of ours that make an export."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            words = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if parent == os.getpid() and b"make-export" in words:
            found.append(int(folder.name))
    return found


async def test_a_job_whose_process_is_killed_comes_to_the_same_bytes(postgres_url: str, tmp_path: Path) -> None:
    clock = SystemClock()
    settings = Settings(
        data_dir=tmp_path, database=DatabaseSettings(url=postgres_url), exports=ExportSettings(free_bytes_min=0)
    )
    async with exports_on(postgres_url, tmp_path) as rig:
        await rig.history.store([scan(n + 1, T0 + n * SECOND, [n + 0.125] * len(POINTS)) for n in range(SCANS)])
        asked = query(points=POINTS, window=Window(T0, T0 + SCANS * SECOND))
        expected = (await rig.made(asked)).read_bytes()
        export = rig.new(asked)
        await rig.office.ask(export)
        runner = ExportRunner(rig.office, rig.parts.store, rig.parts.recorder, clock)
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(runner.run(rig.folder, child_environment(settings), 30))
            path = rig.office.file_of(export)
            await until(lambda: path.exists() and path.stat().st_size > 100_000, WITHIN_S)
            [maker] = makers()
            os.kill(maker, signal.SIGKILL)
            await _over(rig, export)
            running.cancel()
        done = await rig.office.get(export.id)
        events = [event.type for event in await rig.events.read(stream=f"export/{export.id}")]
    assert (done.state, done.reason) == (ExportState.DONE, "")
    assert path.read_bytes() == expected
    assert events == ["ExportMade"]
    assert makers() == []


async def _over(rig: ExportRig, export: Export) -> None:
    async with asyncio.timeout(WITHIN_S):
        while (await rig.office.get(export.id)).state in OPEN:  # noqa: ASYNC110 - it is over in another process
            await asyncio.sleep(0.1)
