"""Conditions and alarms on a real OPC UA server: raised, cleared, acknowledged (OPC 10000-9); it lists them by itself."""

import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from asyncua import Server, ua
from asyncua.common.event_objects import AlarmCondition, RefreshRequiredEvent

SERVER = ua.NodeId(ua.ObjectIds.Server)
REFRESH = ua.NodeId(ua.ObjectIds.ConditionType_ConditionRefresh)
ACKNOWLEDGE = ua.NodeId(ua.ObjectIds.AcknowledgeableConditionType_Acknowledge)


@dataclass
class Alarm:
    """The state of one condition."""

    name: str
    source: ua.NodeId
    source_name: str
    kind: int = ua.ObjectIds.OffNormalAlarmType
    active: bool = False
    acked: bool = True
    enabled: bool = True
    severity: int = 500
    message: str = ""
    branch: ua.NodeId = field(default_factory=ua.NodeId)
    event: bytes = b""
    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def node(self) -> ua.NodeId:
        return ua.NodeId(self.name, 2)


class Conditions:
    """Alarms of a server; :meth:`begin` after the server was made and before anybody listens."""

    def __init__(self, server: Server) -> None:
        self.alarms: dict[str, Alarm] = {}
        self.comments: list[tuple[str, str]] = []
        self._server = server

    async def begin(self) -> None:
        await self._server.iserver.setup_condition_methods()
        await self._server.get_node(SERVER).set_event_notifier([ua.EventNotifier.SubscribeToEvents])
        self._server.link_method(self._server.get_node(ACKNOWLEDGE), self._acknowledge)

    async def add(self, name: str, source: str, **state: Any) -> Alarm:
        alarm = Alarm(name, ua.NodeId.from_string(source), source.rpartition("=")[2], **state)
        await self._server.nodes.objects.add_object(alarm.node, name)
        self.alarms[name] = alarm
        return alarm

    async def remove_all(self) -> None:
        for name, alarm in self.alarms.items():
            self.forget(name)
            await self._server.delete_nodes([self._server.get_node(alarm.node)])

    async def show(self, name: str, **state: Any) -> None:
        """Change the state of an alarm, and tell it."""
        alarm = self.alarms[name]
        for key, value in state.items():
            setattr(alarm, key, value)
        alarm.event, alarm.at = uuid.uuid4().bytes, datetime.now(UTC)
        await self._tell(event_of(alarm))

    def forget(self, name: str) -> None:
        """Let an alarm be over without telling anybody."""
        alarm = self.alarms[name]
        alarm.active, alarm.acked = False, True
        self._server.iserver.subscription_service._conditions.pop(alarm.node, None)

    async def raise_(self, name: str, **state: Any) -> None:
        await self.show(name, active=True, acked=False, **state)

    async def require_refresh(self) -> None:
        await self._tell(RefreshRequiredEvent(SERVER))

    def list_nothing(self) -> None:
        """Be a server without ConditionRefresh."""
        self._server.link_method(self._server.get_node(REFRESH), _not_implemented)

    async def _acknowledge(self, parent: ua.NodeId, event: ua.Variant, comment: ua.Variant) -> Any:
        alarm = self.alarms[str(parent.Identifier)]
        if event.Value != alarm.event:
            return ua.StatusCode(ua.StatusCodes.BadEventIdUnknown)
        self.comments.append((alarm.name, comment.Value.Text))
        await self.show(alarm.name, acked=True)
        return []

    async def _tell(self, event: Any) -> None:
        event.emitting_node = SERVER
        await self._server.iserver.subscription_service.trigger_event(event)


def _not_implemented(*_: object) -> ua.StatusCode:
    return ua.StatusCode(ua.StatusCodes.BadNotImplemented)


def event_of(alarm: Alarm) -> AlarmCondition:
    event = AlarmCondition(alarm.source, alarm.message, alarm.severity)
    event.EventType = ua.NodeId(alarm.kind)
    event.add_property("NodeId", alarm.node, ua.VariantType.NodeId)
    event.EventId, event.SourceName, event.Time = alarm.event, alarm.source_name, alarm.at
    event.ConditionName, event.BranchId, event.Retain = alarm.name, alarm.branch, alarm.active or not alarm.acked
    setattr(event, "EnabledState/Id", alarm.enabled)
    setattr(event, "AckedState/Id", alarm.acked)
    setattr(event, "ActiveState/Id", alarm.active)
    return event
