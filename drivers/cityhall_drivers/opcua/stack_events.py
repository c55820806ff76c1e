"""Events of a server through asyncua: asked for, understood as conditions, listed anew, acknowledged (OPC 10000-9)."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from asyncua import ua

from cityhall_bms.domain.errors import DeviceRefusedError
from cityhall_drivers.opcua.conditions import Condition, Marker, kebab
from cityhall_drivers.opcua.delivery import Delivery
from cityhall_drivers.opcua.stack import OpcUaSession
from cityhall_drivers.opcua.stack_services import node_of, status_words
from cityhall_drivers.opcua.stack_subscription import Subscription

QUEUE_SIZE: Final = 1000
"""Events that the server keeps between two pushes; a server may grant fewer. A full queue makes us ask for the list."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_IDS: Final = ua.ObjectIds
_MARKERS: Final = {
    _IDS.RefreshStartEventType: Marker.REFRESH_START,
    _IDS.RefreshEndEventType: Marker.REFRESH_END,
    _IDS.RefreshRequiredEventType: Marker.REFRESH_REQUIRED,
    _IDS.EventQueueOverflowEventType: Marker.REFRESH_REQUIRED,
}
_FIELDS: Final = (
    (_IDS.BaseEventType, "EventId"),
    (_IDS.BaseEventType, "EventType"),
    (_IDS.BaseEventType, "SourceNode"),
    (_IDS.BaseEventType, "SourceName"),
    (_IDS.BaseEventType, "Time"),
    (_IDS.BaseEventType, "Message"),
    (_IDS.BaseEventType, "Severity"),
    (_IDS.ConditionType, ""),
    (_IDS.ConditionType, "ConditionName"),
    (_IDS.ConditionType, "BranchId"),
    (_IDS.ConditionType, "Retain"),
    (_IDS.ConditionType, "EnabledState/Id"),
    (_IDS.AcknowledgeableConditionType, "AckedState/Id"),
    (_IDS.AlarmConditionType, "ActiveState/Id"),
)
"""What is asked for of each event: where it is defined, and the way to it; the empty way is the condition itself."""
_BASE_FIELDS: Final = 7
"""Those at the beginning, which every event has."""


async def hear(session: OpcUaSession, notifier: str, delivery: Delivery) -> Subscription:
    """Subscribe to all events of a node; :class:`DeviceRefusedError` when it tells none."""
    subscription = await session.subscribe(delivery)
    [status] = await subscription.monitor([_item(notifier)])
    if status >> 30 >= 2:
        await subscription.end_early()
        msg = f"{notifier}: {status_words(status)}"
        raise DeviceRefusedError(msg)
    return subscription


async def refresh(session: OpcUaSession, subscription: Subscription) -> None:
    """Have the server list its conditions once more, as events between two markers."""
    number = ua.Variant(subscription.number, ua.VariantType.UInt32)
    await _call(session, ua.NodeId(_IDS.ConditionType), _IDS.ConditionType_ConditionRefresh, [number])


async def acknowledge(session: OpcUaSession, condition: str, event: bytes, comment: str) -> None:
    """Acknowledge the state of a condition that this event told."""
    arguments = [ua.Variant(event, ua.VariantType.ByteString), ua.Variant(ua.LocalizedText(comment))]
    await _call(session, node_of(condition), _IDS.AcknowledgeableConditionType_Acknowledge, arguments)


def event_of(fields: Sequence[Any]) -> Condition | Marker | None:
    """What the fields of an event say; none for events of other kinds, and for states that are past (branches)."""
    if len(fields) != len(_FIELDS):
        return None
    event, kind, source, source_name, time, message, severity, node, name, branch, retain, enabled, acked, active = (
        fields
    )
    if isinstance(kind, ua.NodeId) and kind.NamespaceIndex == 0 and kind.Identifier in _MARKERS:
        return _MARKERS[kind.Identifier]
    condition = _address(node) or (f"{_address(source)}/{name}" if isinstance(name, str) and name else "")
    if not condition or _address(branch):
        return None
    is_active = retain if active is None else active
    return Condition(
        condition,
        event if isinstance(event, bytes) else b"",
        _kind(kind, name),
        _address(source),
        source_name if isinstance(source_name, str) else "",
        _text(message),
        severity if isinstance(severity, int) else 1,
        _time(time),
        is_active=bool(is_active) and enabled is not False,
        is_acknowledged=acked is not False,
    )


async def _call(session: OpcUaSession, target: ua.NodeId, method: int, arguments: list[ua.Variant]) -> None:
    request = ua.CallMethodRequest(ObjectId=target, MethodId=ua.NodeId(method), InputArguments=arguments)
    [result] = await session.client.uaclient.session.call([request])
    result.StatusCode.check()


def _item(notifier: str) -> ua.MonitoredItemCreateRequest:
    # Without a where clause: few servers know them all, and refreshes are told by events of quite another type.
    wanted = ua.EventFilter(SelectClauses=[_clause(*field) for field in _FIELDS])
    return ua.MonitoredItemCreateRequest(
        ItemToMonitor=ua.ReadValueId(NodeId=node_of(notifier), AttributeId=ua.AttributeIds.EventNotifier),
        MonitoringMode=ua.MonitoringMode.Reporting,
        RequestedParameters=ua.MonitoringParameters(
            ClientHandle=0, SamplingInterval=0.0, Filter=wanted, QueueSize=QUEUE_SIZE, DiscardOldest=True
        ),
    )


def _clause(defined_in: int, way: str) -> ua.SimpleAttributeOperand:
    return ua.SimpleAttributeOperand(
        TypeDefinitionId=ua.NodeId(defined_in),
        BrowsePath=[ua.QualifiedName(name, 0) for name in way.split("/") if name],
        AttributeId=ua.AttributeIds.Value if way else ua.AttributeIds.NodeId,
    )


def _kind(event_type: Any, condition_name: Any) -> str:  # noqa: ANN401 - whatever the server gave
    """Name of a standard type; of a type of the server's own the condition's name, or else the type's NodeId."""
    if isinstance(event_type, ua.NodeId) and event_type.NamespaceIndex == 0:
        return kebab(str(ua.ObjectIdNames.get(event_type.Identifier, ""))) or "condition"
    return condition_name if isinstance(condition_name, str) and condition_name else _address(event_type)


def _address(node: Any) -> str:  # noqa: ANN401 - whatever the server gave
    return str(node.to_string()) if isinstance(node, ua.NodeId) and not node.is_null() else ""


def _text(message: Any) -> str:  # noqa: ANN401 - whatever the server gave
    return str((message.Text if isinstance(message, ua.LocalizedText) else message) or "")


def _time(time: Any) -> int:  # noqa: ANN401 - whatever the server gave
    if not isinstance(time, datetime):
        return 0
    return max(((time if time.tzinfo else time.replace(tzinfo=UTC)) - _EPOCH) // _MICROSECOND, 0)
