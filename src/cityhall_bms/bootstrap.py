"""The only file that knows every part: it joins them into the roles that a process runs."""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Final
from zoneinfo import ZoneInfo

import asyncpg
import structlog
import uvicorn

from cityhall_bms.adapters.collector_metrics import watch_collector
from cityhall_bms.adapters.export_desk import ExportOffice, ExportRunner, make_folder
from cityhall_bms.adapters.export_parts import Database, ExportParts
from cityhall_bms.adapters.installed_drivers import find_factories, find_profile_folders
from cityhall_bms.adapters.nats.diagnostics import NatsDiagnostics
from cityhall_bms.adapters.nats.telemetry_log import JetStreamTelemetryLog
from cityhall_bms.adapters.postgres.alarms_view import PostgresAlarmView
from cityhall_bms.adapters.postgres.connection import open_pool
from cityhall_bms.adapters.postgres.counter_record import PostgresCounterRecord
from cityhall_bms.adapters.postgres.counter_view import PostgresCounterView
from cityhall_bms.adapters.postgres.devices_view import PostgresDeviceView
from cityhall_bms.adapters.postgres.event_log import PostgresEventLog
from cityhall_bms.adapters.postgres.gaps import PostgresGapLedger
from cityhall_bms.adapters.postgres.history import PostgresHistory
from cityhall_bms.adapters.postgres.lease import Fence, PostgresLease, Work
from cityhall_bms.adapters.postgres.past_view import PostgresPastView
from cityhall_bms.adapters.postgres.projections import PROJECTIONS
from cityhall_bms.adapters.postgres.projector import Projector
from cityhall_bms.adapters.postgres.record_heads import PostgresRecordHeads
from cityhall_bms.adapters.postgres.registry import PostgresPointRegistry
from cityhall_bms.adapters.prometheus import Metrics
from cityhall_bms.adapters.seal_files import FOLDER, SealFiles
from cityhall_bms.adapters.signing import Signer, key_ring
from cityhall_bms.adapters.site_diff import fingerprint
from cityhall_bms.adapters.site_files import load_site
from cityhall_bms.adapters.site_files.rules import rule_files
from cityhall_bms.alarms.desk import AlarmDesk
from cityhall_bms.alarms.notice_keeper import NoticeKeeper
from cityhall_bms.alarms.shelf_keeper import ShelfKeeper
from cityhall_bms.alarms.spool_keeper import SpoolKeeper
from cityhall_bms.api.app import create_app
from cityhall_bms.api.feed import AlarmFeed
from cityhall_bms.api.live import LiveFeed
from cityhall_bms.api.services import ApiServices
from cityhall_bms.backing_up import migrate_safely
from cityhall_bms.collector.collector import Collector, CollectorOptions, Logs
from cityhall_bms.collector.settled_heap import set_aside, settle_heap
from cityhall_bms.domain.errors import CityHallError, SiteError
from cityhall_bms.domain.site import Site
from cityhall_bms.historian.counter_teller import CounterTeller
from cityhall_bms.historian.day_sealing import DaySealer
from cityhall_bms.historian.historian import Historian
from cityhall_bms.historian.meter_desk import CounterDesk
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.driver import DriverFactory
from cityhall_bms.rules.binding import bind
from cityhall_bms.rules.book import keep_book
from cityhall_bms.rules.files import library, read_rules, rules_in_force
from cityhall_bms.rules.model import Rule
from cityhall_bms.rules.runner import RulesRunner
from cityhall_bms.settings import Settings, child_environment, metrics_are_shared
from cityhall_bms.upkeep import history_keeper

ROLES: Final = ("collector", "historian", "rules", "api")
DASHBOARD: Final = Path(__file__).parent / "web_dist"
OPEN_STREAMS_END_WITHIN_S: Final = 1
STOP_WITHIN_S: Final = 20

log = structlog.get_logger(__name__)


class RoleError(CityHallError):
    """A role that does not exist."""


def parse_roles(text: str) -> tuple[str, ...]:
    """Roles of ``all`` or a list with commas; :class:`RoleError` for an unknown one."""
    chosen = ROLES if text == "all" else tuple(part.strip() for part in text.split(","))
    for role in chosen:
        if role not in ROLES:
            msg = f"--roles {text}: there is no role '{role}'; take all, or some of {', '.join(ROLES)}"
            raise RoleError(msg)
    return chosen


def read_site(folder: Path) -> Site:
    """Read and check a site folder; :class:`SiteError` with every mistake."""
    return load_site(folder, find_factories(), find_profile_folders())


def read_site_rules(folder: Path) -> list[Rule]:
    """Rules in force at a site: the shipped ones, replaced by its own of the same id."""
    return rules_in_force(library(), read_rules(rule_files(folder)))


def in_force(folder: Path, site: Site) -> dict[str, Any]:
    """What the figures of a site rest on, for the manifests of exports: its fingerprint, and versions of its rules."""
    rules = {rule.id: rule.version for rule in read_site_rules(folder)}
    return {"site_fingerprint": fingerprint(site), "rules": rules, "tariffs": {}}


async def prepare(folder: Path, settings: Settings, clock: Clock) -> None:
    """Bring the schema up to date and take the site into service, before any role starts."""
    site = read_site(folder)
    read_site_rules(folder)
    await migrate_safely(settings, clock)
    async with PostgresEventLog(settings.database.url, clock) as events, pooled(settings) as pool:
        await PostgresPointRegistry(pool, events).apply(site, actor="system")


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


Loop = Coroutine[Any, Any, None]


async def work(folder: Path, settings: Settings, roles: Sequence[str], clock: Clock) -> None:
    """Run roles in this process until SIGTERM or Ctrl-C."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with _parts(folder, settings, clock) as parts, asyncio.TaskGroup() as tasks:
        loops = [loop for role in roles for loop in BUILD[role](parts)]
        running = [tasks.create_task(loop) for loop in (*loops, parts.metrics.run())]
        await stop.wait()
        # The kernel ends us if we cannot: a process that hears no one must not outlive its supervisor.
        signal.alarm(STOP_WITHIN_S)
        for task in running:
            task.cancel()


@asynccontextmanager
async def _parts(folder: Path, settings: Settings, clock: Clock) -> AsyncIterator[Parts]:
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


def _collector(parts: Parts) -> list[Loop]:
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
    return [settle_heap(parts.clock), collector.run(), _follow_site(parts, collector), spool.run(), telling]


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


def _historian(parts: Parts) -> list[Loop]:
    historian = Historian(parts.telemetry, parts.history, parts.events, parts.clock)
    projector = Projector(parts.events, parts.pool, PROJECTIONS, parts.clock)
    parts.metrics.watch("historian_samples", "Samples stored.", lambda: historian.samples)
    parts.metrics.watch("historian_position", "Telemetry position that history reflects.", lambda: historian.position)

    async def work(fence: Fence) -> None:
        parts.history.write_behind(fence)
        teller = CounterTeller(PostgresCounterRecord(parts.pool), parts.site, parts.events, parts.clock)
        keepers = _day_sealer(parts), _history_keeper(parts), teller.run()
        await _together(historian.run(), projector.run(), *keepers)

    return [_led(parts, "historian", work)]


async def _history_keeper(parts: Parts) -> None:
    async with history_keeper(parts.settings, parts.site, parts.ids, parts.clock) as keeper:
        watch = parts.metrics.watch
        watch("history_days_packed", "Days packed into the cold form.", lambda: keeper.days_packed)
        watch("history_days_archived", "Days written to the archive.", lambda: keeper.days_archived)
        watch("history_rows_expired", "Rows that were kept long enough.", lambda: keeper.rows_expired)
        await keeper.run()


def _day_sealer(parts: Parts) -> Loop:
    folder = parts.settings.key_folder
    signer = Signer.load_or_create(folder)
    copies = SealFiles(parts.settings.data_dir / FOLDER, key_ring(folder))
    heads, zone = PostgresRecordHeads(parts.pool), ZoneInfo(parts.site.time_zone)
    return DaySealer(heads, signer, copies, parts.events, parts.clock, site=parts.site.code, zone=zone).run()


def _rules(parts: Parts) -> list[Loop]:
    rules = read_site_rules(parts.folder)
    binding = bind(rules, parts.site, parts.ids)
    view = PostgresAlarmView(parts.pool, parts.events.listener)
    keeper = ShelfKeeper(view, AlarmDesk(parts.events, parts.clock), parts.clock)
    newest: list[RulesRunner] = []
    watch = parts.metrics.watch
    watch("rules_steps", "Ticks that the rules engine evaluated.", lambda: newest[0].steps if newest else 0)
    watch("rules_position", "Telemetry position that the rules reflect.", lambda: newest[0].position if newest else 0)

    async def work(fence: Fence) -> None:
        # A new one each time: what another process decided meanwhile is in the log.
        events = parts.events.behind(fence)
        runner = RulesRunner(binding, parts.telemetry, events, parts.clock)
        newest[:] = [runner]
        # Before anything can ring by them.
        await keep_book(rules, events, parts.clock)
        await _together(runner.run(), keeper.run(), NoticeKeeper(parts.site, parts.events, parts.clock).run())

    return [_led(parts, "rules", work)]


def _led(parts: Parts, name: str, work: Work) -> Loop:
    """Work that only one process of a site may do: the others stand by."""
    lease = PostgresLease(parts.settings.database.url, name, process_name(), parts.clock, parts.events)
    parts.metrics.watch(f"{name}_standby", "1 while another process does this job.", lambda: not lease.held)
    return lease.run(work)


def process_name() -> str:
    """Name of this process among all that share a site."""
    return f"{socket.gethostname()}:{os.getpid()}"


async def _together(*loops: Loop) -> None:
    async with asyncio.TaskGroup() as tasks:
        for loop in loops:
            tasks.create_task(loop)


def _api(parts: Parts) -> list[Loop]:
    scan_s = {parts.ids[point.name]: point.scan_s for point in parts.site.points.values()}
    view = PostgresAlarmView(parts.pool, parts.events.listener)
    live = LiveFeed(parts.telemetry, parts.history, scan_s, parts.clock)
    feed = AlarmFeed(view, parts.events, parts.clock)
    database = Database(parts.settings.database.url, parts.pool, parts.history)
    signer = Signer.load_or_create(parts.settings.key_folder)
    exports = ExportParts.on(database, parts.events, signer, parts.clock)
    context = in_force(parts.folder, parts.site)
    office = ExportOffice(exports.store, parts.settings.export_folder, parts.clock, context)
    counters = PostgresCounterView(parts.pool, parts.clock, parts.site.time_zone)
    services = ApiServices(
        site=parts.site,
        ids=parts.ids,
        endpoints=_endpoints(parts),
        clock=parts.clock,
        live=live,
        feed=feed,
        alarms=view,
        devices=PostgresDeviceView(parts.pool),
        diagnostics=NatsDiagnostics(parts.telemetry.client, parts.site.code),
        desk=AlarmDesk(parts.events, parts.clock),
        events=parts.events,
        telemetry=parts.telemetry,
        history=parts.history,
        exports=office,
        exporter=exports.exporter,
        gaps=PostgresGapLedger(parts.pool),
        counters=counters,
        meters=CounterDesk(parts.events, counters, parts.clock),
        past=PostgresPastView(parts.pool),
        metrics=parts.metrics.render,
        allowed_hosts=parts.settings.api.allowed_hosts,
    )
    parts.metrics.watch("live_position", "Telemetry position that present values reflect.", lambda: live.tail.end)
    parts.metrics.watch("feed_position", "Event position that the alarm feed reflects.", lambda: feed.tail.end)
    config = uvicorn.Config(
        create_app(services, DASHBOARD),
        host=parts.settings.api.host,
        port=parts.settings.api.port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=OPEN_STREAMS_END_WITHIN_S,
        lifespan="off",
    )
    return [live.run(), feed.run(), _serve_http(Server(config)), _make_exports(parts, office, exports)]


async def _make_exports(parts: Parts, office: ExportOffice, exports: ExportParts) -> None:
    """Make the jobs that are asked for, in processes of their own."""
    folder = parts.settings.export_folder
    make_folder(folder)
    runner = ExportRunner(office, exports.store, exports.recorder, parts.clock)
    await runner.run(folder, child_environment(parts.settings), parts.settings.exports.keep_days)


async def _serve_http(server: uvicorn.Server) -> None:
    """Serve until cancelled, and then end the open streams in good order."""
    async with asyncio.TaskGroup() as tasks:
        serving = tasks.create_task(server.serve())
        try:
            await asyncio.Event().wait()
        finally:
            server.should_exit = True
            await asyncio.wait([serving])


def _endpoints(parts: Parts) -> dict[str, str]:
    return {name: parts.factories[device.protocol].endpoint(device) for name, device in parts.site.devices.items()}


BUILD: Final[Mapping[str, Callable[[Parts], list[Loop]]]] = {
    "collector": _collector,
    "historian": _historian,
    "rules": _rules,
    "api": _api,
}


class Server(uvicorn.Server):
    """A web server that leaves the signals to us."""

    @contextmanager
    def capture_signals(self):  # type: ignore[no-untyped-def]  # noqa: ANN201 - overrides the library's
        """Capture none."""
        yield
