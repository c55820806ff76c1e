"""What the API needs from the rest of the service."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request

from cityhall_bms.api.access_services import AccessServices
from cityhall_bms.api.command_services import CommandServices
from cityhall_bms.api.commissioning_services import CommissioningServices
from cityhall_bms.api.energy_services import EnergyServices
from cityhall_bms.api.environment_services import EnvironmentServices
from cityhall_bms.api.feed import AlarmFeed
from cityhall_bms.api.limits import Limits
from cityhall_bms.api.live import LiveFeed
from cityhall_bms.api.maintenance_services import MaintenanceServices
from cityhall_bms.api.report_services import ReportServices
from cityhall_bms.api.rule_services import RuleServices
from cityhall_bms.api.scheduling_services import SchedulingServices
from cityhall_bms.domain.label import LabelPlan
from cityhall_bms.domain.shifts import Shifts
from cityhall_bms.domain.site import Site
from cityhall_bms.domain.suppression import Suppression
from cityhall_bms.ports.alarm_desk import AlarmDesk
from cityhall_bms.ports.alarm_figures import AnnunciationView
from cityhall_bms.ports.alarm_search import AlarmRecord
from cityhall_bms.ports.audit import AuditRecord
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.counters import CounterView, MeterDesk
from cityhall_bms.ports.diagnostics import DeviceDiagnostics
from cityhall_bms.ports.event_log import EventLog
from cityhall_bms.ports.exports import ExportDesk, StreamingExporter
from cityhall_bms.ports.gap_ledger import GapLedger
from cityhall_bms.ports.hand_overs import HandOverDesk, HandOverView
from cityhall_bms.ports.notifications import NotificationDesk, NotificationView
from cityhall_bms.ports.past import PastView
from cityhall_bms.ports.permits import PermitDesk, PermitView
from cityhall_bms.ports.queries import HistoryQueries, QueryableHistory
from cityhall_bms.ports.read_models import AlarmView, DeviceView
from cityhall_bms.ports.sent import LastSent
from cityhall_bms.ports.telemetry_log import TelemetryLog
from cityhall_bms.settings import LimitSettings


@dataclass(frozen=True, slots=True)
class ApiServices:
    """Read models, logs and handlers behind the routes."""

    site: Site
    ids: Mapping[str, int]
    endpoints: Mapping[str, str]
    """Where each device is, for people."""
    clock: Clock
    access: AccessServices
    live: LiveFeed
    feed: AlarmFeed
    alarms: AlarmView
    devices: DeviceView
    diagnostics: DeviceDiagnostics
    desk: AlarmDesk
    alarm_record: AlarmRecord
    audit: AuditRecord
    annunciations: AnnunciationView
    permits: PermitView
    permit_desk: PermitDesk
    hand_overs: HandOverView
    shift_desk: HandOverDesk
    shifts: Shifts
    events: EventLog
    telemetry: TelemetryLog
    history: QueryableHistory
    exports: ExportDesk
    exporter: StreamingExporter
    gaps: GapLedger
    counters: CounterView
    meters: MeterDesk
    past: PastView
    sent: LastSent
    notifications: NotificationView
    notification_desk: NotificationDesk
    rules: RuleServices
    commanding: CommandServices
    commissioning: CommissioningServices
    energy: EnergyServices
    environment: EnvironmentServices
    reports: ReportServices
    maintenance: MaintenanceServices
    scheduling: SchedulingServices
    metrics: Callable[[], tuple[bytes, str]]
    """Body and content type of ``/metrics``."""
    suppression: Suppression = field(default_factory=Suppression)
    """What hides what at this site; nothing by default."""
    label_plan: LabelPlan = field(default_factory=LabelPlan)
    """Indicators of the Intelligent Building label; none by default."""
    allowed_hosts: tuple[str, ...] = ("127.0.0.1", "localhost", "[::1]")
    limit_settings: LimitSettings = field(default_factory=LimitSettings)
    limits: Limits = field(init=False)
    """How much of what callers may ask for is used."""
    names: Mapping[int, str] = field(init=False)
    """Point names by number."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "limits", Limits(self.limit_settings, self.clock))
        object.__setattr__(self, "names", {number: name for name, number in self.ids.items()})

    @property
    def queries(self) -> HistoryQueries:
        """What screens and reports ask of history."""
        return self.history.queries


def services(request: Request) -> ApiServices:
    """Give a route its services."""
    found: ApiServices = request.app.state.services
    return found


Services = Annotated[ApiServices, Depends(services)]
