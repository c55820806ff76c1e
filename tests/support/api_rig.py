"""The HTTP interface over a real database and a real server on loopback; telemetry comes from the test."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import numpy as np
from tests.support.shown_device import ShowingFactory
from tests.support.sites import CheckingFactory, write_site

from cityhall_bms.adapters.export_desk import ExportOffice
from cityhall_bms.adapters.export_parts import Database, ExportParts
from cityhall_bms.adapters.memory_telemetry import MemoryTelemetryLog
from cityhall_bms.adapters.postgres.alarm_figures import PostgresAnnunciationView
from cityhall_bms.adapters.postgres.alarm_search import PostgresAlarmRecord
from cityhall_bms.adapters.postgres.alarms_view import PostgresAlarmView
from cityhall_bms.adapters.postgres.audit import PostgresAuditRecord
from cityhall_bms.adapters.postgres.connection import open_pool
from cityhall_bms.adapters.postgres.counter_view import PostgresCounterView
from cityhall_bms.adapters.postgres.devices_view import PostgresDeviceView
from cityhall_bms.adapters.postgres.event_log import PostgresEventLog
from cityhall_bms.adapters.postgres.gaps import PostgresGapLedger
from cityhall_bms.adapters.postgres.hand_overs_view import PostgresHandOverView, PostgresStandingThen
from cityhall_bms.adapters.postgres.history import PostgresHistory
from cityhall_bms.adapters.postgres.notifications_view import PostgresNotificationView
from cityhall_bms.adapters.postgres.past_view import PostgresPastView
from cityhall_bms.adapters.postgres.permits_view import PostgresPermitView
from cityhall_bms.adapters.postgres.projections import PROJECTIONS
from cityhall_bms.adapters.postgres.projector import Projector
from cityhall_bms.adapters.postgres.registry import PostgresPointRegistry
from cityhall_bms.adapters.postgres.sent_scans import PostgresSentScans
from cityhall_bms.adapters.postgres.walks_view import PostgresWalkView
from cityhall_bms.adapters.prometheus import Metrics
from cityhall_bms.adapters.signing import Signer
from cityhall_bms.adapters.site_files import load_site
from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.alarms.desk import AlarmDesk
from cityhall_bms.alarms.hand_over import ShiftDesk
from cityhall_bms.alarms.notification_desk import QueuedTests
from cityhall_bms.alarms.permits import PermitOffice
from cityhall_bms.api.app import create_app
from cityhall_bms.api.commissioning_services import CommissioningServices
from cityhall_bms.api.feed import AlarmFeed
from cityhall_bms.api.live import LiveFeed
from cityhall_bms.api.server import server_of
from cityhall_bms.api.services import ApiServices
from cityhall_bms.commissioning.bench import Bench
from cityhall_bms.commissioning.walking import WalkOffice
from cityhall_bms.domain.access.grants import GRANTABLE, permissions_of
from cityhall_bms.domain.alarms import AlarmRaised, AlarmReturned, alarm_id, stream_of
from cityhall_bms.domain.batch import Readings, SampleBatch
from cityhall_bms.domain.commanding.plant import TablePlant
from cityhall_bms.domain.errors import CollectorUnavailableError, NotFoundError
from cityhall_bms.domain.shifts import Shifts
from cityhall_bms.domain.site import Site
from cityhall_bms.domain.topology import Topology
from cityhall_bms.historian.last_sent import ScanReader
from cityhall_bms.historian.meter_desk import CounterDesk
from cityhall_bms.ports.access import Grant, Origin, Permission, Role
from cityhall_bms.ports.capabilities import Plain
from cityhall_bms.ports.diagnostics import Diagnosis
from cityhall_bms.ports.event_log import Append
from cityhall_bms.roles.access import AccessParts
from cityhall_bms.roles.commanding import CommandBasis, CommandParts
from cityhall_bms.roles.energy import EnergyBasis, EnergyParts
from cityhall_bms.roles.environment import environment_services
from cityhall_bms.roles.maintaining import maintenance_services
from cityhall_bms.roles.reporting import ReportBasis, report_services
from cityhall_bms.roles.rule_desk import RuleParts
from cityhall_bms.roles.scheduling import scheduling_services
from cityhall_bms.settings import (
    ApiSettings,
    DatabaseSettings,
    EnergySettings,
    LimitSettings,
    Settings,
)
from cityhall_bms.site_reading import described_rules, read_site_label
from cityhall_drivers.modbus.driver import ModbusFactory

DEADLINE_S = 20.0
WIDE = LimitSettings(requests_per_s=10_000, requests_burst=100_000, sign_ins_per_minute=1_000)
"""For tests that ask more in a second than anybody does in an hour."""
TLS = httpx.create_ssl_context()
"""For every client: reading the system's certificates for each took longer than many a test."""
ME = "王小明"
"""Who the rig's client is signed in as: somebody who may do everything everywhere."""
CHILLER = "TCH.B2.CN.CHC01"
IN_FORCE = {"site_fingerprint": "f" * 64, "rules": {"CHC_TRIP": 1}, "tariffs": {}}
TRIP = alarm_id("CHC_TRIP", CHILLER)


@dataclass
class ToldDiagnostics:
    """A collector that says of each device what the test told it, and of others nothing."""

    figures: dict[str, Mapping[str, Plain]] = field(default_factory=dict)

    async def of(self, device: str) -> Diagnosis:
        if device not in self.figures:
            msg = f"no collector answered for {device}"
            raise CollectorUnavailableError(msg)
        return Diagnosis("collector-1", self.figures[device])


@dataclass
class ToldArrays:
    """Devices that keep of each point what the test told them; of others no collector says anything."""

    arrays: dict[str, Mapping[int, float] | None] = field(default_factory=dict)

    async def of(self, point: str) -> Mapping[int, float] | None:
        if point not in self.arrays:
            msg = f"no collector answered for {point}"
            raise CollectorUnavailableError(msg)
        return self.arrays[point]


@dataclass
class ApiRig:
    """What a test needs: a client, and the logs to write into."""

    client: httpx.AsyncClient
    services: ApiServices
    telemetry: MemoryTelemetryLog
    history: PostgresHistory
    events: PostgresEventLog
    dsn: str
    folder: Path
    exports: ExportParts
    told: "ToldDiagnostics"
    sequence: int = 0
    _known: dict[tuple[str, tuple[Permission, ...]], dict[str, str]] = field(default_factory=dict)

    async def known_as(
        self, name: str, *roles: Role, zones: Sequence[str] = ("*",), scopes: Sequence[Permission] = ()
    ) -> dict[str, str]:
        """Headers by which a request is somebody else's: in every role everywhere when none is named.

        An account that is there keeps its roles.
        """
        key = (name, tuple(scopes))
        if key not in self._known:
            self._known[key] = await signed_in(self.services, name, *roles, zones=zones, scopes=scopes)
        return self._known[key]

    async def session(self, name: str = ME) -> str:
        """Value of a session's cookie, for a browser in front of the rig."""
        await self.known_as(name)
        link = await self.services.access.accounts.invite(name, by="test", enters=True)
        return (await self.services.access.sign_ins.with_invitation(link, None, Origin())).secret

    @asynccontextmanager
    async def nobody(self) -> AsyncIterator[httpx.AsyncClient]:
        """A client that nobody signed in."""
        async with httpx.AsyncClient(base_url=self.client.base_url, timeout=DEADLINE_S, verify=TLS) as client:
            yield client

    async def measure(self, at: int, values: dict[str, tuple[float, int]]) -> SampleBatch:
        """One scan of some points, through the log into history and the live table."""
        self.sequence += 1
        points = np.array([self.services.ids[name] for name in values], np.uint32)
        scan = Readings(
            points,
            np.full(len(points), at, np.int64),
            np.array([value for value, _ in values.values()], np.float64),
            np.array([quality for _, quality in values.values()], np.uint8),
        )
        batch = SampleBatch.gather("rig", 1, self.sequence, at, [scan])
        await self.telemetry.publish(batch)
        end = await self.telemetry.end()
        reader = await self.telemetry.reader(after=end - 1)
        await self.history.store(await reader.fetch(10, 1.0))
        await reader.close()
        await eventually(lambda: self.services.live.tail.end >= end)
        return batch

    async def raise_alarm(
        self, identity: str = TRIP, *, priority: int = 2, occurrence: int = 1, latching: bool = False
    ) -> int:
        """An alarm rings, and is in the view; gives its position."""
        rule, _, subject = identity.partition("~")
        event = AlarmRaised(
            rule=rule, rule_version=1, subject=subject, equipment=CHILLER, system="hvac", priority=priority,
            text_zh="冰水主機跳脫", text_en="Chiller tripped", latching=latching, occurrence=occurrence,
            observed_at=self.services.clock.now(), value=1.0,
        )  # fmt: skip
        return await self._append(identity, event)

    async def return_alarm(self, identity: str = TRIP) -> int:
        return await self._append(identity, AlarmReturned(observed_at=self.services.clock.now()))

    async def _append(self, identity: str, event: AlarmRaised | AlarmReturned) -> int:
        stored = await self.events.append([Append(stream_of(identity), [event], "rules")])
        position = stored[-1].position
        await eventually(lambda: self.services.feed.tail.end >= position)
        return position


async def signed_in(
    services: ApiServices, name: str, *roles: Role, zones: Sequence[str] = ("*",), scopes: Sequence[Permission] = ()
) -> dict[str, str]:
    """Headers of a token of an account, which is made where there is none."""
    desk = services.access.accounts
    try:
        account = await desk.get(name)
    except NotFoundError:
        grants = [Grant(role, tuple(zones)) for role in roles or GRANTABLE]
        account = await desk.create(name, grants, by="test")
    wanted = scopes or sorted(permissions_of(account.grants))
    made = await services.access.credentials.make_token(account.name, "test", wanted, 1, by="test")
    return {"Authorization": f"Bearer {made.secret}"}


async def eventually(condition: Any, deadline_s: float = DEADLINE_S) -> None:
    """Return when the condition holds; fail when it does not in time."""
    async with asyncio.timeout(deadline_s):
        while not condition():  # noqa: ASYNC110 - what is waited for lives in other tasks
            await asyncio.sleep(0.01)


async def read_events(
    client: httpx.AsyncClient, path: str, count: int, headers: dict[str, str] | None = None
) -> list[dict[str, Any]]:
    """The first events of a stream that say something, so not where it stands: type, id and data."""
    found: list[dict[str, Any]] = []
    async with asyncio.timeout(DEADLINE_S), client.stream("GET", path, headers=headers) as response:
        assert response.status_code == 200, await response.aread()
        event: dict[str, Any] = {}
        async for line in response.aiter_lines():
            field, _, value = line.partition(": ")
            if field in {"event", "id"}:
                event[field] = value
            elif field == "data":
                event["data"] = json.loads(value)
            elif not line and "data" in event:
                found += [event] if event["event"] != "position" else []
                event = {}
                if len(found) == count:
                    break
    return found


@asynccontextmanager
async def running_api(
    dsn: str,
    folder: Path,
    more_points: str = "",
    dashboard: Path | None = None,
    more_equipment: str = "",
    limits: LimitSettings = WIDE,
    more_site: str = "",
) -> AsyncIterator[ApiRig]:
    """Serve the hand-written site of ``tests.support.sites`` over an empty database, with more points and equipment."""
    clock = SystemClock()
    with (write_site(folder) / "points.csv").open("a", encoding="utf-8") as points:
        points.write(more_points)
    with (folder / "equipment.csv").open("a", encoding="utf-8") as equipment:
        equipment.write(more_equipment)
    with (folder / "site.toml").open("a", encoding="utf-8") as described:
        described.write(more_site)
    site = load_site(folder, {"modbus": CheckingFactory()})
    pool = await open_pool(dsn)
    telemetry = MemoryTelemetryLog(clock)
    try:
        async with PostgresEventLog(dsn, clock) as events, PostgresHistory.open(dsn, clock, site.time_zone) as history:
            ids = await PostgresPointRegistry(pool, events).apply(site, actor="test")
            signer = Signer.load_or_create(folder / "keys")
            exports = ExportParts.on(Database(dsn, pool, history), events, signer, clock)
            told = ToldDiagnostics()
            base = _Base(dsn, folder, site, ids, clock, pool, events, history)
            services = replace(_services(base, telemetry, exports, told), limit_settings=limits)
            projector = Projector(events, pool, PROJECTIONS, clock)
            async with _serving(services, projector, dashboard) as client:
                client.headers.update(await signed_in(services, ME))
                yield ApiRig(client, services, telemetry, history, events, dsn, folder, exports, told)
    finally:
        pool.terminate()


@dataclass(frozen=True)
class _Base:
    """What the services of a rig are joined from."""

    dsn: str
    folder: Path
    site: Site
    ids: Mapping[str, int]
    clock: SystemClock
    pool: Any
    events: PostgresEventLog
    history: PostgresHistory


def _services(base: _Base, telemetry: MemoryTelemetryLog, exports: ExportParts, told: ToldDiagnostics) -> ApiServices:
    folder, site, ids, clock, pool = base.folder, base.site, base.ids, base.clock, base.pool
    events, history, queries = base.events, base.history, base.history.queries
    view, permits = PostgresAlarmView(pool, events.listener), PostgresPermitView(pool)
    counters = PostgresCounterView(pool, clock, site.time_zone)
    energy = EnergyParts.of(
        EnergyBasis(pool, events, clock, site, ids, queries, counters, EnergySettings(), folder / "documents")
    ).services
    live = LiveFeed(telemetry, history, {ids[p.name]: p.scan_s for p in site.points.values()}, clock)
    commands = CommandParts.of(CommandBasis(pool, events, clock, site, ids), TablePlant(live.table, ids))
    reports = ReportBasis(folder, _settings(folder, base.dsn), pool, events, clock, site, ids, queries)
    return ApiServices(
        site=site,
        ids=ids,
        endpoints=dict.fromkeys(site.devices, "127.0.0.1:5020 unit 1"),
        clock=clock,
        access=replace(
            AccessParts.of(pool, events, clock, site, _settings(folder, base.dsn)).services, streams_checked_every_s=0.2
        ),
        live=live,
        feed=AlarmFeed(view, events, clock, Topology.of(site)),
        alarms=view,
        devices=PostgresDeviceView(pool),
        diagnostics=told,
        desk=AlarmDesk(view, events, clock),
        alarm_record=PostgresAlarmRecord(pool),
        audit=PostgresAuditRecord(pool),
        annunciations=PostgresAnnunciationView(pool),
        permits=permits,
        permit_desk=PermitOffice(site, events, clock),
        hand_overs=PostgresHandOverView(pool),
        shift_desk=ShiftDesk(site.time_zone, PostgresStandingThen(pool), permits, events, clock),
        shifts=Shifts([420, 900, 1_380], ZoneInfo(site.time_zone)),
        events=events,
        telemetry=telemetry,
        history=history,
        exports=ExportOffice(exports.store, folder / "exports", clock, IN_FORCE),
        exporter=exports.exporter,
        gaps=PostgresGapLedger(pool),
        counters=counters,
        meters=CounterDesk(events, counters, clock),
        past=PostgresPastView(pool),
        sent=ScanReader(site, {"modbus": ModbusFactory()}, PostgresSentScans(pool)),
        notifications=PostgresNotificationView(pool),
        notification_desk=QueuedTests(site, events, clock),
        rules=RuleParts.of(pool, events, clock, site, ids, described_rules(folder)).services,
        energy=energy,
        environment=environment_services(site, ids, queries, energy.reader, pool=pool, events=events, clock=clock),
        commanding=commands.services(clock, events, ToldArrays()),
        commissioning=CommissioningServices(
            Bench(site, ids, {"modbus": ShowingFactory()}, clock),
            PostgresWalkView(pool),
            WalkOffice(site, events, clock),
        ),
        reports=report_services(reports),
        maintenance=maintenance_services(pool, events, clock, site, ids, energy.documents),
        scheduling=scheduling_services(site, ids, queries, pool=pool, events=events, clock=clock),
        metrics=Metrics(clock, shared=False).render,
        label_plan=read_site_label(folder),
    )


def _settings(folder: Path, dsn: str) -> Settings:
    return Settings(data_dir=folder / "data", database=DatabaseSettings(url=dsn))


@asynccontextmanager
async def _serving(
    services: ApiServices, projector: Projector, dashboard: Path | None
) -> AsyncIterator[httpx.AsyncClient]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        # Without TCP_NODELAY, which asyncio sets on what it opens itself: some tests read a view right after a write, and
        # have not learned to wait for it yet.
        server = server_of(create_app(services, dashboard), ApiSettings(), services.limit_settings)
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        async with (
            httpx.AsyncClient(base_url=address, timeout=DEADLINE_S, verify=TLS) as client,
            asyncio.TaskGroup() as tasks,
        ):
            loops: Sequence[asyncio.Task[None]] = [
                tasks.create_task(services.live.run()),
                tasks.create_task(services.energy.demand.watch.run(services.live)),
                tasks.create_task(services.feed.run()),
                tasks.create_task(services.commanding.feed.run()),
                tasks.create_task(projector.run()),
            ]
            serving = tasks.create_task(server.serve(sockets=[listener]))
            await eventually(lambda: server.started and services.live.ready and services.feed.ready)
            try:
                yield client
            finally:
                server.should_exit = True
                await serving
                for loop in loops:
                    loop.cancel()
