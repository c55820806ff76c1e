"""What devices keep of a point, asked over a real server of collectors in other processes."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest
from tests.support.command_rig import AHU, CHILLER, CommandRig
from tests.support.nats_server import NatsServer, nats_server

from cityhall_bms.adapters.nats.arrays import NatsArrays
from cityhall_bms.adapters.nats.telemetry_log import JetStreamTelemetryLog
from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.collector.command_writing import array_of
from cityhall_bms.domain.errors import CollectorUnavailableError

SAT, CHWS = f"{AHU}.SAT_SP", f"{CHILLER}.CHWS_SP"


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[NatsServer]:
    async with nats_server(tmp_path) as running:
        yield running


async def test_the_collector_that_has_the_point_asks_its_device(server: NatsServer) -> None:
    rig = CommandRig()
    rig.panel(SAT).arrays[rig.ids[SAT]] = {5: 12.0}

    async def ask(point: str) -> Mapping[int, float] | None:
        if point == "bug":
            raise ZeroDivisionError
        return await array_of(rig.life.collector, point)

    async with (
        await JetStreamTelemetryLog.connect(server.url, "TCH", SystemClock(), 64 * 1024**2) as log,
        rig.running(),
        asyncio.TaskGroup() as tasks,
    ):
        arrays = NatsArrays(log.client, "TCH")
        with pytest.raises(CollectorUnavailableError, match="no collector is running"):
            await arrays.of(SAT)
        answering = tasks.create_task(arrays.answer(ask))
        await asyncio.sleep(0)  # it subscribes
        await log.client.flush()
        await rig.command(SAT, 16.0)
        assert await arrays.of(SAT) == {5: 12.0, 8: 16.0}
        assert await arrays.of(CHWS) is None, "its device keeps none"
        with pytest.raises(CollectorUnavailableError, match="ZeroDivisionError"):
            await arrays.of("bug")
        rig.panel(SAT).fault = "refuses"
        await rig.clock.advance(20.0)
        with pytest.raises(CollectorUnavailableError, match="not connected"):
            await arrays.of(SAT)
        answering.cancel()
