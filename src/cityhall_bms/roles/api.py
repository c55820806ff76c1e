"""The role of the API: present values, the alarm feed, answers, and the jobs of exports."""

import asyncio
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import uvicorn

from cityhall_bms.adapters.export_desk import ExportOffice, ExportRunner, make_folder
from cityhall_bms.adapters.export_parts import Database, ExportParts
from cityhall_bms.adapters.nats.diagnostics import NatsDiagnostics
from cityhall_bms.adapters.postgres.alarm_figures import PostgresAnnunciationView
from cityhall_bms.adapters.postgres.alarm_search import PostgresAlarmRecord
from cityhall_bms.adapters.postgres.alarms_view import PostgresAlarmView
from cityhall_bms.adapters.postgres.counter_view import PostgresCounterView
from cityhall_bms.adapters.postgres.devices_view import PostgresDeviceView
from cityhall_bms.adapters.postgres.gaps import PostgresGapLedger
from cityhall_bms.adapters.postgres.hand_overs_view import PostgresHandOverView, PostgresStandingThen
from cityhall_bms.adapters.postgres.notifications_view import PostgresNotificationView
from cityhall_bms.adapters.postgres.past_view import PostgresPastView
from cityhall_bms.adapters.postgres.permits_view import PostgresPermitView
from cityhall_bms.adapters.signing import Signer
from cityhall_bms.alarms.desk import AlarmDesk
from cityhall_bms.alarms.hand_over import ShiftDesk
from cityhall_bms.alarms.notification_desk import QueuedTests
from cityhall_bms.alarms.permits import PermitOffice
from cityhall_bms.api.app import BODY_BYTES_MAX, create_app
from cityhall_bms.api.feed import AlarmFeed
from cityhall_bms.api.live import LiveFeed
from cityhall_bms.api.services import ApiServices
from cityhall_bms.domain.commanding.plant import TablePlant
from cityhall_bms.domain.topology import Topology
from cityhall_bms.historian.meter_desk import CounterDesk
from cityhall_bms.roles.commanding import CommandBasis, CommandParts
from cityhall_bms.roles.energy import EnergyBasis, EnergyParts
from cityhall_bms.roles.environment import environment_services
from cityhall_bms.roles.parts import Loop, Parts
from cityhall_bms.roles.reporting import ReportBasis, report_services
from cityhall_bms.roles.rule_desk import RuleParts
from cityhall_bms.settings import child_environment
from cityhall_bms.site_reading import described_rules, in_force, read_site_label, read_site_rules, read_site_suppression

DASHBOARD: Final = Path(__file__).parents[1] / "web_dist"
OPEN_STREAMS_END_WITHIN_S: Final = 1


def loops(parts: Parts) -> list[Loop]:
    """Give what the API role runs."""
    scan_s = {parts.ids[point.name]: point.scan_s for point in parts.site.points.values()}
    view = PostgresAlarmView(parts.pool, parts.events.listener)
    live = LiveFeed(parts.telemetry, parts.history, scan_s, parts.clock)
    feed = AlarmFeed(view, parts.events, parts.clock, Topology.of(parts.site))
    database = Database(parts.settings.database.url, parts.pool, parts.history)
    signer = Signer.load_or_create(parts.settings.key_folder)
    exports = ExportParts.on(database, parts.events, signer, parts.clock)
    context = in_force(parts.folder, parts.site)
    office = ExportOffice(exports.store, parts.settings.export_folder, parts.clock, context)
    counters = PostgresCounterView(parts.pool, parts.clock, parts.site.time_zone)
    permits = PostgresPermitView(parts.pool)
    rules = RuleParts.of(parts.pool, parts.events, parts.clock, parts.site, parts.ids, described_rules(parts.folder))
    energy = EnergyParts.of(
        EnergyBasis(
            parts.pool,
            parts.events,
            parts.clock,
            parts.site,
            parts.ids,
            parts.history.queries,
            counters,
            parts.settings.energy,
            parts.settings.document_folder,
        )
    )
    basis = CommandBasis(parts.pool, parts.events, parts.clock, parts.site, parts.ids)
    commanding = CommandParts.of(basis, TablePlant(live.table, parts.ids)).services(parts.clock, parts.events)
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
        desk=AlarmDesk(view, parts.events, parts.clock),
        alarm_record=PostgresAlarmRecord(parts.pool),
        annunciations=PostgresAnnunciationView(parts.pool),
        permits=permits,
        permit_desk=PermitOffice(parts.site, parts.events, parts.clock),
        hand_overs=PostgresHandOverView(parts.pool),
        shift_desk=ShiftDesk(
            parts.site.time_zone, PostgresStandingThen(parts.pool), permits, parts.events, parts.clock
        ),
        shifts=parts.settings.alarms.shifts(ZoneInfo(parts.site.time_zone)),
        events=parts.events,
        telemetry=parts.telemetry,
        history=parts.history,
        exports=office,
        exporter=exports.exporter,
        gaps=PostgresGapLedger(parts.pool),
        counters=counters,
        meters=CounterDesk(parts.events, counters, parts.clock),
        past=PostgresPastView(parts.pool),
        notifications=PostgresNotificationView(parts.pool),
        notification_desk=QueuedTests(parts.site, parts.events, parts.clock),
        rules=rules.services,
        commanding=commanding,
        energy=energy.services,
        environment=environment_services(
            parts.site,
            parts.ids,
            parts.history.queries,
            energy.services.reader,
            pool=parts.pool,
            events=parts.events,
            clock=parts.clock,
        ),
        reports=report_services(ReportBasis.of(parts)),
        metrics=parts.metrics.render,
        suppression=read_site_suppression(parts.folder, parts.site, read_site_rules(parts.folder)),
        label_plan=read_site_label(parts.folder),
        allowed_hosts=parts.settings.api.allowed_hosts,
    )
    parts.metrics.watch("live_position", "Telemetry position that present values reflect.", lambda: live.tail.end)
    parts.metrics.watch("feed_position", "Event position that the alarm feed reflects.", lambda: feed.tail.end)
    backtests = rules.runner.run(parts.folder, child_environment(parts.settings))
    return [
        live.run(),
        feed.run(),
        energy.services.demand.watch.run(live),
        commanding.feed.run(),
        _serve_http(_server(parts, services)),
        _make_exports(parts, office, exports),
        backtests,
    ]


async def _make_exports(parts: Parts, office: ExportOffice, exports: ExportParts) -> None:
    """Make the jobs that are asked for, in processes of their own."""
    folder = parts.settings.export_folder
    make_folder(folder)
    runner = ExportRunner(office, exports.store, exports.recorder, parts.clock)
    await runner.run(folder, child_environment(parts.settings), parts.settings.exports.keep_days)


def _server(parts: Parts, services: ApiServices) -> "Server":
    config = uvicorn.Config(
        create_app(services, DASHBOARD),
        host=parts.settings.api.host,
        port=parts.settings.api.port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=OPEN_STREAMS_END_WITHIN_S,
        ws_max_size=BODY_BYTES_MAX,
        # Compressing the same text for each console anew would cost more than making it.
        ws_per_message_deflate=False,
        lifespan="off",
    )
    return Server(config)


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


class Server(uvicorn.Server):
    """A web server that leaves the signals to us."""

    @contextmanager
    def capture_signals(self):  # type: ignore[no-untyped-def]  # noqa: ANN201 - overrides the library's
        """Capture none."""
        yield
