"""Intrinsic reporting: alarms that a BACnet device finds itself, tells to its recipients, and lists when asked.

ANSI/ASHRAE 135 clauses 13.2 to 13.12. The library's own algorithms run once per object and change of value, and take
the priority of another transition than the one they report.
"""

from datetime import datetime
from typing import Any, Final

import numpy as np
from bacpypes3.apdu import (
    AcknowledgeAlarmRequest,
    ConfirmedEventNotificationRequest,
    GetEventInformationACK,
    GetEventInformationRequest,
    UnconfirmedEventNotificationRequest,
)
from bacpypes3.app import Application
from bacpypes3.basetypes import (
    BinaryPV,
    Destination,
    EventState,
    EventTransitionBits,
    GetEventInformationEventSummary,
    NotificationParameters,
    NotificationParametersChangeOfReliabilityType,
    NotificationParametersChangeOfState,
    NotificationParametersOutOfRange,
    PropertyStates,
    Reliability,
    TimeStamp,
)
from bacpypes3.errors import ExecutionError
from bacpypes3.local.object import Object as LocalObject
from bacpypes3.object import NotificationClassObject
from bacpypes3.pdu import Address, LocalBroadcast, LocalStation, RemoteBroadcast, RemoteStation
from bacpypes3.primitivedata import Date, ObjectIdentifier, Time, Unsigned

from cityhall_simulators.addresses import BacnetObject
from cityhall_simulators.faces.bacnet_alarms import FAULT, LOW_LIMIT, NORMAL, Alarm, Conditions, EventStates, advance
from cityhall_simulators.faces.bacnet_shared import Shared, bacnet_time

RECIPIENTS_MAX: Final = 16
"""Of one notification class: each alarm is told to all of them."""
SUMMARIES_MAX: Final = 12
"""Event summaries in one answer, so that it needs no segments."""
_ACK_REQUIRED: Final = (1, 1, 0)
_UNSPECIFIED: Final = 255


def transition_of(state: int) -> int:
    """Place of an event state among the transitions: to off-normal, to fault, to normal."""
    return 2 if state == NORMAL else 1 if state == FAULT else 0


def notification_priority(priority: int, transition: int) -> int:
    """BACnet priority: 64 numbers for each priority of the domain, off-normal the most urgent among them."""
    return 64 * (priority - 1) + 16 * (transition + 1)


def event_properties(alarm: Alarm, shown_as: BacnetObject) -> dict[str, Any]:
    """Properties that an object has because it reports an alarm."""
    never = TimeStamp(dateTime=_never())
    options: dict[str, Any] = {
        "notificationClass": alarm.priority,
        "eventEnable": [1, 1, 1],
        "ackedTransitions": [1, 1, 1],
        "notifyType": "alarm",
        "eventTimeStamps": [never, never, never],
        "eventDetectionEnable": True,
        "timeDelay": int(alarm.delay_s),
        "timeDelayNormal": int(alarm.delay_s),
    }
    if shown_as.type.startswith("binary"):
        options["alarmValue"] = "active"
    elif alarm.state is not None:
        options["alarmValues"] = [int(alarm.state - shown_as.offset)]
    else:
        options["limitEnable"] = [int(alarm.low is not None), int(alarm.high is not None)]
        options["lowLimit"], options["highLimit"] = alarm.low or 0.0, alarm.high or 0.0
        options["deadband"] = alarm.deadband
    return options


def _never() -> Any:  # noqa: ANN401
    made = bacnet_time(datetime(2000, 1, 1))  # noqa: DTZ001 - replaced at once
    made.date, made.time = Date((_UNSPECIFIED,) * 4), Time((_UNSPECIFIED,) * 4)
    return made


class NotificationClass(LocalObject, NotificationClassObject):
    """Who is told of alarms of one priority. Clients write themselves into the list, but not at life safety."""

    _shared: Shared

    async def write_property(
        self,
        attr: int | str,
        value: Any,  # noqa: ANN401
        index: int | None = None,
        priority: int | None = None,
    ) -> None:
        """Only the whole list of recipients, while it is short enough."""
        name = attr if isinstance(attr, str) else self._property_identifier_class(attr).attr
        if name != "recipientList" or self._shared.is_life_safety:
            raise ExecutionError(errorClass="property", errorCode="writeAccessDenied")
        if len(value) > RECIPIENTS_MAX:
            raise ExecutionError(errorClass="resources", errorCode="noSpaceToWriteProperty")
        await super().write_property(attr, value, index, priority)


def make_notification_class(priority: int, shared: Shared) -> NotificationClass:
    """The class of one priority, with nobody to tell yet."""
    made = NotificationClass(
        objectIdentifier=("notification-class", priority),
        objectName=f"{shared.device.name} alarms {priority}",
        description=f"優先等級 {priority} / priority {priority}",
        notificationClass=priority,
        priority=[notification_priority(priority, transition) for transition in range(3)],
        ackRequired=list(_ACK_REQUIRED),
        recipientList=[],
    )
    made._shared = shared  # noqa: SLF001 - the library allows no other names
    return made


class Events:
    """Alarms of one device, as it finds and tells them."""

    def __init__(self, shared: Shared, alarms: dict[int, Alarm], objects: dict[int, Any], app: Application) -> None:
        self._shared = shared
        self._alarms = list(alarms.values())
        self._objects = [objects[place] for place in alarms]
        priorities = {alarm.priority for alarm in self._alarms}
        self._classes = {p: app.get_object_id(ObjectIdentifier(("notification-class", p))) for p in priorities}
        self._app = app
        self._places = np.array(list(alarms), dtype=np.intp)
        self._conditions = Conditions(self._alarms)
        self._states = EventStates.normal(len(alarms))

    def refresh(self, at_s: float) -> None:
        """Find what has begun or ended by ``at_s`` (a steady clock), and tell it."""
        shared, before = self._shared, self._states
        values, bad = shared.shown[self._places], shared.bad[self._places]
        self._states = advance(self._conditions, before, values, bad, at_s)
        changed = np.flatnonzero(self._states.now != before.now)
        if not len(changed):
            return
        shared.event_states[self._places] = self._states.now
        for row in changed.tolist():
            self._transition(row, int(before.now[row]), int(self._states.now[row]))

    def _transition(self, row: int, from_state: int, to_state: int) -> None:
        obj, transition = self._objects[row], transition_of(to_state)
        stamp = TimeStamp(dateTime=bacnet_time(self._shared.now()))
        stamps, acked = list(obj.eventTimeStamps), list(obj.ackedTransitions)
        stamps[transition], acked[transition] = stamp, int(not _ACK_REQUIRED[transition])
        obj.eventTimeStamps, obj.ackedTransitions = stamps, acked
        of_fault = FAULT in {from_state, to_state}
        self._tell(
            row,
            transition,
            timeStamp=stamp,
            notifyType="alarm",
            ackRequired=bool(_ACK_REQUIRED[transition]),
            fromState=EventState(from_state),
            toState=EventState(to_state),
            eventValues=self._fault_values(row) if of_fault else self._values(row, to_state or from_state),
            eventType="changeOfReliability" if of_fault else self._event_type(row),
        )

    def _tell(self, row: int, transition: int, **parameters: Any) -> None:  # noqa: ANN401
        obj, alarm = self._objects[row], self._alarms[row]
        parameters |= {
            "initiatingDeviceIdentifier": self._shared.device_identifier,
            "eventObjectIdentifier": obj.objectIdentifier,
            "notificationClass": alarm.priority,
            "priority": notification_priority(alarm.priority, transition),
            "messageText": obj.description,
        }
        for recipient in self._classes[alarm.priority].recipientList:
            address = self._address_of(recipient)
            if address is None or not recipient.transitions[transition] or not self._is_on_duty(recipient):
                continue
            kind = (
                ConfirmedEventNotificationRequest
                if recipient.issueConfirmedNotifications
                else UnconfirmedEventNotificationRequest
            )
            self._shared.outbox.send(
                kind(processIdentifier=recipient.processIdentifier, destination=address, **parameters)
            )

    def _is_on_duty(self, recipient: Destination) -> bool:
        moment = bacnet_time(self._shared.now())
        weekday = moment.date[3] - 1
        return bool(recipient.validDays[weekday]) and recipient.fromTime <= moment.time <= recipient.toTime

    def _address_of(self, recipient: Destination) -> Address | None:
        """Where a recipient is; None for a device that this one has never heard of."""
        to = recipient.recipient
        if to.device is not None:
            known = self._app.device_info_cache.instance_cache.get(to.device[1])
            return None if known is None else known.device_address
        network, mac = to.address.networkNumber, bytes(to.address.macAddress)
        if network == 0:
            return LocalStation(mac) if mac else LocalBroadcast()
        return RemoteStation(network, mac) if mac else RemoteBroadcast(network)

    def _event_type(self, row: int) -> str:
        return "outOfRange" if self._alarms[row].state is None else "changeOfState"

    def _values(self, row: int, state: int) -> NotificationParameters:
        obj, alarm = self._objects[row], self._alarms[row]
        if alarm.state is None:
            limit = alarm.low if state == LOW_LIMIT else alarm.high
            return NotificationParameters(
                outOfRange=NotificationParametersOutOfRange(
                    exceedingValue=obj.present_value(),
                    statusFlags=obj.status_flags(),
                    deadband=alarm.deadband,
                    exceededLimit=limit or 0.0,
                )
            )
        value = obj.present_value()
        name = "binaryValue" if isinstance(value, BinaryPV) else "unsignedValue"
        return NotificationParameters(
            changeOfState=NotificationParametersChangeOfState(
                newState=PropertyStates(**{name: value}), statusFlags=obj.status_flags()
            )
        )

    def _fault_values(self, row: int) -> NotificationParameters:
        is_bad = bool(self._shared.bad[self._places[row]])
        return NotificationParameters(
            changeOfReliability=NotificationParametersChangeOfReliabilityType(
                reliability=Reliability("no-sensor" if is_bad else "no-fault-detected"),
                statusFlags=self._objects[row].status_flags(),
                propertyValues=[],
            )
        )

    def information(self, request: GetEventInformationRequest) -> GetEventInformationACK:
        """Objects that are in alarm, or whose transitions nobody has acknowledged yet, after the last one received."""
        rows = [
            row
            for row, obj in enumerate(self._objects)
            if self._states.now[row] != NORMAL or not all(obj.ackedTransitions)
        ]
        last = request.lastReceivedObjectIdentifier
        names = [self._objects[row].objectIdentifier for row in rows]
        rows = rows[names.index(last) + 1 :] if last in names else rows
        return GetEventInformationACK(
            listOfEventSummaries=[self._summary(row) for row in rows[:SUMMARIES_MAX]],
            moreEvents=len(rows) > SUMMARIES_MAX,
            context=request,
        )

    def _summary(self, row: int) -> GetEventInformationEventSummary:
        obj, alarm = self._objects[row], self._alarms[row]
        return GetEventInformationEventSummary(
            objectIdentifier=obj.objectIdentifier,
            eventState=EventState(int(self._states.now[row])),
            acknowledgedTransitions=EventTransitionBits(list(obj.ackedTransitions)),
            eventTimeStamps=list(obj.eventTimeStamps),
            notifyType="alarm",
            eventEnable=EventTransitionBits([1, 1, 1]),
            eventPriorities=[Unsigned(notification_priority(alarm.priority, transition)) for transition in range(3)],
        )

    def acknowledge(self, request: AcknowledgeAlarmRequest) -> None:
        """Mark a transition as seen and say so; :class:`ExecutionError` when there was no such transition."""
        rows = [r for r, obj in enumerate(self._objects) if obj.objectIdentifier == request.eventObjectIdentifier]
        if not rows:
            raise ExecutionError(errorClass="object", errorCode="noAlarmConfigured")
        obj, state = self._objects[rows[0]], int(request.eventStateAcknowledged)
        transition = transition_of(state)
        if str(obj.eventTimeStamps[transition]) != str(request.timeStamp):
            raise ExecutionError(errorClass="services", errorCode="invalidTimeStamp")
        acked = list(obj.ackedTransitions)
        acked[transition] = 1
        obj.ackedTransitions = acked
        self._tell(
            rows[0],
            transition,
            timeStamp=TimeStamp(dateTime=bacnet_time(self._shared.now())),
            notifyType="ackNotification",
            toState=EventState(state),
            eventType=self._event_type(rows[0]),
        )
