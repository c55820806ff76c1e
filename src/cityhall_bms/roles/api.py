"""The role of the API: present values, the alarm feed, answers, and the jobs of exports."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from cityhall_bms.adapters.export_desk import ExportOffice, ExportRunner, make_folder
from cityhall_bms.adapters.export_parts import Database, ExportParts
from cityhall_bms.adapters.nats.arrays import NatsArrays
from cityhall_bms.adapters.nats.diagnostics import NatsDiagnostics
from cityhall_bms.adapters.postgres.alarm_figures import PostgresAnnunciationView
from cityhall_bms.adapters.postgres.alarm_search import PostgresAlarmRecord
from cityhall_bms.adapters.postgres.alarms_view import PostgresAlarmView
from cityhall_bms.adapters.postgres.audit import PostgresAuditRecord
from cityhall_bms.adapters.postgres.counter_view import PostgresCounterView
from cityhall_bms.adapters.postgres.devices_view import PostgresDeviceView
from cityhall_bms.adapters.postgres.gaps import PostgresGapLedger
from cityhall_bms.adapters.postgres.hand_overs_view import PostgresHandOverView, PostgresStandingThen
from cityhall_bms.adapters.postgres.notifications_view import PostgresNotificationView
from cityhall_bms.adapters.postgres.past_view import PostgresPastView
from cityhall_bms.adapters.postgres.permits_view import PostgresPermitView
from cityhall_bms.adapters.postgres.sent_scans import PostgresSentScans
from cityhall_bms.adapters.postgres.walks_view import PostgresWalkView
from cityhall_bms.adapters.signing import Signer
from cityhall_bms.alarms.desk import AlarmDesk
from cityhall_bms.alarms.hand_over import ShiftDesk
from cityhall_bms.alarms.notification_desk import QueuedTests
from cityhall_bms.alarms.permits import PermitOffice
from cityhall_bms.api.app import create_app
from cityhall_bms.api.command_services import CommandServices
from cityhall_bms.api.commissioning_services import CommissioningServices
from cityhall_bms.api.energy_services import EnergyServices
from cityhall_bms.api.feed import AlarmFeed
from cityhall_bms.api.live import LiveFeed
from cityhall_bms.api.server import Server, server_of
from cityhall_bms.api.services import ApiServices
from cityhall_bms.commissioning.bench import Bench
from cityhall_bms.commissioning.walking import WalkOffice
from cityhall_bms.domain.commanding.plant import TablePlant
from cityhall_bms.domain.topology import Topology
from cityhall_bms.historian.last_sent import ScanReader
from cityhall_bms.historian.meter_desk import CounterDesk
from cityhall_bms.roles.access import AccessParts
from cityhall_bms.roles.commanding import CommandBasis, CommandParts
from cityhall_bms.roles.energy import EnergyBasis, EnergyParts
from cityhall_bms.roles.environment import environment_services
from cityhall_bms.roles.maintaining import maintenance_services
from cityhall_bms.roles.parts import Loop, Parts
from cityhall_bms.roles.reporting import ReportBasis, report_services
from cityhall_bms.roles.rule_desk import RuleParts
from cityhall_bms.roles.scheduling import scheduling_services
from cityhall_bms.settings import child_environment
from cityhall_bms.site_reading import described_rules, in_force, read_site_label, read_site_rules, read_site_suppression

DASHBOARD: Final = Path(__file__).parents[1] / "web_dist"


@dataclass(frozen=True, slots=True)
class Core:
    """Parts that run, or that several others are joined from."""

    view: PostgresAlarmView
    live: LiveFeed
    feed: AlarmFeed
    exports: ExportParts
    office: ExportOffice
    counters: PostgresCounterView
    rules: RuleParts
    energy: EnergyServices
    commanding: CommandServices

    @classmethod
    def of(cls, parts: Parts) -> "Core":
        """Join them."""
        scan_s = {parts.ids[point.name]: point.scan_s for point in parts.site.points.values()}
        pool, events, clock, site, ids = parts.pool, parts.events, parts.clock, parts.site, parts.ids
        view = PostgresAlarmView(pool, events.listener)
        live = LiveFeed(parts.telemetry, parts.history, scan_s, clock)
        database = Database(parts.settings.database.url, pool, parts.history)
        exports = ExportParts.on(database, events, Signer.load_or_create(parts.settings.key_folder), clock)
        context = in_force(parts.folder, site)
        counters = PostgresCounterView(pool, clock, site.time_zone)
        settings, queries = parts.settings, parts.history.queries
        energy = EnergyBasis(
            pool, events, clock, site, ids, queries, counters, settings.energy, settings.document_folder
        )
        commanding = CommandParts.of(CommandBasis(pool, events, clock, site, ids), TablePlant(live.table, ids))
        return cls(
            view=view,
            live=live,
            feed=AlarmFeed(view, events, clock, Topology.of(site)),
            exports=exports,
            office=ExportOffice(exports.store, settings.export_folder, clock, context),
            counters=counters,
            rules=RuleParts.of(pool, events, clock, site, ids, described_rules(parts.folder)),
            energy=EnergyParts.of(energy).services,
            commanding=commanding.services(clock, events, NatsArrays(parts.telemetry.client, site.code)),
        )


def loops(parts: Parts) -> list[Loop]:
    """Give what the API role runs."""
    core = Core.of(parts)
    services = _services(parts, core)
    live, feed = core.live, core.feed
    parts.metrics.watch("live_position", "Telemetry position that present values reflect.", lambda: live.tail.end)
    parts.metrics.watch("feed_position", "Event position that the alarm feed reflects.", lambda: feed.tail.end)
    return [
        live.run(),
        feed.run(),
        core.energy.demand.watch.run(live),
        core.commanding.feed.run(),
        _serve_http(server_of(create_app(services, DASHBOARD), parts.settings.api, parts.settings.limits)),
        _make_exports(parts, core.office, core.exports),
        core.rules.runner.run(parts.folder, child_environment(parts.settings)),
    ]


def _services(parts: Parts, core: Core) -> ApiServices:
    pool, events, clock, site = parts.pool, parts.events, parts.clock, parts.site
    permits = PostgresPermitView(pool)
    reader, queries = core.energy.reader, parts.history.queries
    return ApiServices(
        site=site,
        ids=parts.ids,
        endpoints=_endpoints(parts),
        clock=clock,
        access=AccessParts.of(pool, events, clock, site, parts.settings).services,
        live=core.live,
        feed=core.feed,
        alarms=core.view,
        devices=PostgresDeviceView(pool),
        diagnostics=NatsDiagnostics(parts.telemetry.client, site.code),
        desk=AlarmDesk(core.view, events, clock),
        alarm_record=PostgresAlarmRecord(pool),
        audit=PostgresAuditRecord(pool),
        annunciations=PostgresAnnunciationView(pool),
        permits=permits,
        permit_desk=PermitOffice(site, events, clock),
        hand_overs=PostgresHandOverView(pool),
        shift_desk=ShiftDesk(site.time_zone, PostgresStandingThen(pool), permits, events, clock),
        shifts=parts.settings.alarms.shifts(ZoneInfo(site.time_zone)),
        events=events,
        telemetry=parts.telemetry,
        history=parts.history,
        exports=core.office,
        exporter=core.exports.exporter,
        gaps=PostgresGapLedger(pool),
        counters=core.counters,
        meters=CounterDesk(events, core.counters, clock),
        past=PostgresPastView(pool),
        sent=ScanReader(site, parts.factories, PostgresSentScans(pool)),
        notifications=PostgresNotificationView(pool),
        notification_desk=QueuedTests(site, events, clock),
        rules=core.rules.services,
        commanding=core.commanding,
        commissioning=_commissioning(parts),
        energy=core.energy,
        environment=environment_services(site, parts.ids, queries, reader, pool=pool, events=events, clock=clock),
        reports=report_services(ReportBasis.of(parts)),
        maintenance=maintenance_services(pool, events, clock, site, parts.ids, core.energy.documents),
        scheduling=scheduling_services(site, parts.ids, queries, pool=pool, events=events, clock=clock),
        metrics=parts.metrics.render,
        suppression=read_site_suppression(parts.folder, site, read_site_rules(parts.folder)),
        label_plan=read_site_label(parts.folder),
        allowed_hosts=parts.settings.api.allowed_hosts,
        limit_settings=parts.settings.limits,
    )


def _commissioning(parts: Parts) -> CommissioningServices:
    bench = Bench(parts.site, parts.ids, parts.factories, parts.clock)
    office = WalkOffice(parts.site, parts.events, parts.clock)
    return CommissioningServices(bench, PostgresWalkView(parts.pool), office)


async def _make_exports(parts: Parts, office: ExportOffice, exports: ExportParts) -> None:
    """Make the jobs that are asked for, in processes of their own."""
    folder = parts.settings.export_folder
    make_folder(folder)
    runner = ExportRunner(office, exports.store, exports.recorder, parts.clock)
    await runner.run(folder, child_environment(parts.settings), parts.settings.exports.keep_days)


async def _serve_http(server: Server) -> None:
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
