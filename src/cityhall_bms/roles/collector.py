"""The collector's role: poll the devices, and take a changed site folder while running."""

import asyncio
import signal
from random import Random

import structlog

from cityhall_bms.adapters.collector_metrics import watch_collector
from cityhall_bms.adapters.installed_drivers import find_profile_folders
from cityhall_bms.adapters.nats.diagnostics import NatsDiagnostics
from cityhall_bms.adapters.postgres.registry import PostgresPointRegistry
from cityhall_bms.adapters.site_files import load_site
from cityhall_bms.alarms.spool_keeper import SpoolKeeper
from cityhall_bms.collector.collector import Collector, CollectorOptions, Logs
from cityhall_bms.collector.settled_heap import set_aside, settle_heap
from cityhall_bms.domain.errors import SiteError
from cityhall_bms.roles.commanding import commander
from cityhall_bms.roles.parts import Loop, Parts, process_name

log = structlog.get_logger(__name__)


def loops(parts: Parts) -> list[Loop]:
    """Give what a collector runs."""
    options = CollectorOptions(parts.settings.collector.name, process_name(), parts.settings.collector.tick_s)
    logs = Logs(parts.telemetry, parts.events)
    collector = Collector(
        parts.site,
        parts.ids,
        parts.factories,
        logs,
        parts.clock,
        Random(),  # noqa: S311 - jitter, no secret
        options=options,
    )
    watch_collector(parts.metrics, collector)
    watch = parts.metrics.watch
    spool = SpoolKeeper(options.name, parts.telemetry, parts.events, parts.clock)
    watch("telemetry_log_fill_ratio", "Use of the telemetry log's room.", lambda: spool.fill)
    watch("telemetry_log_alarm_priority", "Priority of the alarm that it fills up; 0 = none.", lambda: spool.priority)
    telling = NatsDiagnostics(parts.telemetry.client, parts.site.code).answer(options.name, collector.diagnostics)
    commanding = commander(parts, collector, Random())  # noqa: S311 - jitter, no secret
    following = _follow_site(parts, collector)
    return [settle_heap(parts.clock), collector.run(), commanding, following, spool.run(), telling]


async def _follow_site(parts: Parts, collector: Collector) -> None:
    """Take the site folder anew at every SIGHUP: the supervisor has checked and recorded it."""
    asked = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, asked.set)
    while True:
        await asked.wait()
        asked.clear()
        try:
            site = await asyncio.to_thread(load_site, parts.folder, parts.factories, find_profile_folders())
        except SiteError as error:
            log.warning("the site folder changed again, and is not taken", reason=str(error))
            continue
        await collector.reconfigure(site, await PostgresPointRegistry(parts.pool, parts.events).ids())
        set_aside()
