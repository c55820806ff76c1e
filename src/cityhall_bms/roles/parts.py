"""What the roles of one process share, and how a role that only one process may have is taken."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg

from cityhall_bms.adapters.installed_drivers import find_factories, find_profile_folders
from cityhall_bms.adapters.nats.telemetry_log import JetStreamTelemetryLog
from cityhall_bms.adapters.postgres.connection import open_pool
from cityhall_bms.adapters.postgres.event_log import PostgresEventLog
from cityhall_bms.adapters.postgres.history import PostgresHistory
from cityhall_bms.adapters.postgres.lease import PostgresLease, Work
from cityhall_bms.adapters.postgres.registry import PostgresPointRegistry
from cityhall_bms.adapters.prometheus import Metrics
from cityhall_bms.adapters.site_files import load_site
from cityhall_bms.domain.site import Site
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.driver import DriverFactory
from cityhall_bms.settings import Settings, metrics_are_shared

Loop = Coroutine[Any, Any, None]


@dataclass(frozen=True, slots=True)
class Parts:
    """What the roles of one process share."""

    folder: Path
    site: Site
    ids: Mapping[str, int]
    factories: Mapping[str, DriverFactory]
    settings: Settings
    clock: Clock
    events: PostgresEventLog
    telemetry: JetStreamTelemetryLog
    pool: asyncpg.Pool
    history: PostgresHistory
    metrics: Metrics


@asynccontextmanager
async def open_parts(folder: Path, settings: Settings, clock: Clock) -> AsyncIterator[Parts]:
    """Connect what the roles of this process share; everything is closed at the end."""
    factories = find_factories()
    site = load_site(folder, factories, find_profile_folders())
    async with AsyncExitStack() as stack:
        events = await stack.enter_async_context(PostgresEventLog(settings.database.url, clock))
        pool = await stack.enter_async_context(pooled(settings))
        telemetry = await stack.enter_async_context(
            await JetStreamTelemetryLog.connect(settings.nats.url, site.code, clock, settings.nats.store_bytes_max)
        )
        yield Parts(
            folder=folder,
            site=site,
            ids=await PostgresPointRegistry(pool, events).ids(),
            factories=factories,
            settings=settings,
            clock=clock,
            events=events,
            telemetry=telemetry,
            pool=pool,
            history=await stack.enter_async_context(
                PostgresHistory.open(settings.database.url, clock, site.time_zone, settings.historian.raw_days)
            ),
            metrics=Metrics(clock, shared=metrics_are_shared()),
        )


@asynccontextmanager
async def pooled(settings: Settings) -> AsyncIterator[asyncpg.Pool]:
    """Connections to the database that the settings name."""
    pool = await open_pool(settings.database.url)
    try:
        yield pool
    finally:
        pool.terminate()


def led(parts: Parts, name: str, work: Work) -> Loop:
    """Work that only one process of a site may do: the others stand by."""
    lease = PostgresLease(parts.settings.database.url, name, process_name(), parts.clock, parts.events)
    parts.metrics.watch(f"{name}_standby", "1 while another process does this job.", lambda: not lease.held)
    return lease.run(work)


def process_name() -> str:
    """Name of this process among all that share a site."""
    return f"{socket.gethostname()}:{os.getpid()}"


async def together(*loops: Loop) -> None:
    """Run loops that end together."""
    async with asyncio.TaskGroup() as tasks:
        for loop in loops:
            tasks.create_task(loop)
