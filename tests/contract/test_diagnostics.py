"""How a device fares, asked over a real server of collectors in other processes."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.support.nats_server import NatsServer, nats_server
from tests.support.rig import small_rig
from tests.support.until import until

from cityhall_bms.adapters.nats.diagnostics import NatsDiagnostics
from cityhall_bms.adapters.nats.telemetry_log import JetStreamTelemetryLog
from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.domain.errors import CollectorUnavailableError
from cityhall_bms.ports.capabilities import Plain

SITE = "CITYHALL"


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[NatsServer]:
    async with nats_server(tmp_path) as running:
        yield running


async def connect(server: NatsServer) -> JetStreamTelemetryLog:
    return await JetStreamTelemetryLog.connect(server.url, SITE, SystemClock(), 64 * 1024**2)


@asynccontextmanager
async def answering(server: NatsServer, name: str, devices: Mapping[str, Mapping[str, Plain]]) -> AsyncIterator[None]:
    """A process whose collector has these devices."""
    async with await connect(server) as log, asyncio.TaskGroup() as tasks:
        answering = tasks.create_task(NatsDiagnostics(log.client, SITE).answer(name, devices.__getitem__))
        await asyncio.sleep(0)  # it subscribes
        await log.client.flush()
        yield
        answering.cancel()


async def test_the_collector_that_has_the_device_answers(server: NatsServer) -> None:
    rig = small_rig(devices=2)
    async with rig.running():
        await rig.clock.advance(60)
    figures = {name: rig.collector.diagnostics(name) for name in ("D1", "D2")}
    async with (
        answering(server, "north", {"D1": figures["D1"]}),
        answering(server, "south", {"D2": figures["D2"]}),
        await connect(server) as log,
    ):
        told = [await NatsDiagnostics(log.client, SITE).of(name) for name in ("D1", "D2")]
    assert [one.collector for one in told] == ["north", "south"]
    assert [one.figures for one in told] == [figures["D1"], figures["D2"]]
    assert figures["D1"]["scans"] == 13


async def test_without_a_collector_the_answer_is_that_none_runs(server: NatsServer) -> None:
    async with await connect(server) as log:
        with pytest.raises(CollectorUnavailableError, match="no collector is running"):
            await NatsDiagnostics(log.client, SITE).of("D1")


async def test_a_device_that_no_collector_has_is_waited_for_in_vain(server: NatsServer) -> None:
    async with answering(server, "north", {}), await connect(server) as log:
        with pytest.raises(CollectorUnavailableError, match="no collector answered for D9"):
            await NatsDiagnostics(log.client, SITE).of("D9")


async def test_a_figure_that_is_no_number_is_none(server: NatsServer) -> None:
    async with answering(server, "north", {"D1": {"driver.rate": float("nan")}}), await connect(server) as log:
        told = await NatsDiagnostics(log.client, SITE).of("D1")
    assert told.figures == {"driver.rate": None}


async def test_a_driver_that_fails_to_tell_silences_nobody_else(server: NatsServer) -> None:
    class Broken(dict[str, Mapping[str, Plain]]):
        def __getitem__(self, name: str) -> Mapping[str, Plain]:
            return {"share": 1 / 0} if name == "D1" else super().__getitem__(name)

    async with answering(server, "north", Broken({"D2": {"scans": 1}})), await connect(server) as log:
        asking = NatsDiagnostics(log.client, SITE)
        with pytest.raises(CollectorUnavailableError):
            await asking.of("D1")
        assert (await asking.of("D2")).figures == {"scans": 1}


async def test_answers_go_on_after_the_server_was_away(server: NatsServer) -> None:
    async with answering(server, "north", {"D1": {"scans": 1}}), await connect(server) as log:
        asking = NatsDiagnostics(log.client, SITE)
        await server.kill()
        await until(lambda: not log.client.is_connected)
        with pytest.raises(CollectorUnavailableError):
            await asking.of("D1")
        await server.start()
        told: list[str] = []

        async def ask() -> None:
            while not told:
                try:
                    told.append((await asking.of("D1")).collector)
                except CollectorUnavailableError:
                    await asyncio.sleep(0.05)

        async with asyncio.timeout(30):
            await ask()
    assert told == ["north"]
