"""Objects of a BACnet device: their values are the city's at the moment of asking, their commands go to it."""

from typing import Any, Final

from bacpypes3.basetypes import BinaryPV, EventState, PropertyIdentifier, Reliability, StatusFlags
from bacpypes3.errors import ExecutionError
from bacpypes3.local.analog import AnalogInputObject, AnalogOutputObject, AnalogValueObjectCmd
from bacpypes3.local.binary import BinaryInputObject, BinaryOutputObject
from bacpypes3.local.multistate import MultiStateInputObject, MultiStateOutputObject
from bacpypes3.primitivedata import Real, Unsigned

from cityhall_simulators.addresses import BacnetObject
from cityhall_simulators.description import Point, Text
from cityhall_simulators.faces.bacnet_alarms import Alarm
from cityhall_simulators.faces.bacnet_cov import Criteria
from cityhall_simulators.faces.bacnet_events import event_properties
from cityhall_simulators.faces.bacnet_shared import Shared, cov_increment, described

_UNITS: Final = {
    "°C": "degreesCelsius", "%": "percent", "%RH": "percentRelativeHumidity", "ppm": "partsPerMillion",
    "kW": "kilowatts", "kWh": "kilowattHours", "Pa": "pascals", "kPa": "kilopascals", "h": "hours", "min": "minutes",
    "m³/h": "cubicMetersPerHour", "m³": "cubicMeters", "A": "amperes", "V": "volts", "Hz": "hertz",
    "µS/cm": "microSiemens", "pH": "pH",
}  # fmt: skip
_STATE_TEXTS_MAX: Final = 32
"""Objects of more states give no texts: nobody reads a list of hundreds, and it fits no answer."""
_LIVE: Final = {
    **{name: name for name in ("presentValue", "statusFlags", "eventState", "reliability", "relinquishDefault")},
    PropertyIdentifier("present-value"): "presentValue",
    PropertyIdentifier("status-flags"): "statusFlags",
    PropertyIdentifier("event-state"): "eventState",
    PropertyIdentifier("reliability"): "reliability",
    PropertyIdentifier("relinquish-default"): "relinquishDefault",
}


class _Seen:
    """Part of every object: where its value comes from, and where a command goes."""

    _cov_criteria = Criteria
    _shared: Shared
    _point: Point
    _shown_as: BacnetObject
    _own_value: float | None = None

    @property
    def shared(self) -> Shared:
        """Its device."""
        return self._shared

    @property
    def place(self) -> int:
        """Its place within the device."""
        return self._point.index - self._shared.device.points[0].index

    def present_value(self) -> Any:  # noqa: ANN401
        """What the city shows, in the object's type."""
        return self._typed(float(self._shared.city.shown[self._point.index]))

    def status_flags(self) -> StatusFlags:
        """In alarm, fault, overridden, out of service."""
        flags = int(self._shared.flags[self.place])
        return StatusFlags([flags & 1, flags >> 1, 0, 0])

    async def read_property(self, attr: int | str, index: int | None = None) -> Any:  # noqa: ANN401
        """Live properties from the city; everything else as the library keeps it."""
        live = _LIVE.get(attr)
        if live is None:
            return await super().read_property(attr, index)  # type: ignore[misc]
        if live == "presentValue":
            return self.present_value()
        if live == "statusFlags":
            return self.status_flags()
        if live == "eventState":
            return EventState(int(self._shared.event_states[self.place]))
        if live == "reliability":
            is_bad = bool(self._shared.bad[self.place])
            return Reliability("no-sensor" if is_bad else "no-fault-detected")
        return self._relinquish_default()

    def _relinquish_default(self) -> Any:  # noqa: ANN401
        """What the plant's own control wants, or wanted when the first command came."""
        if not hasattr(self, "priorityArray"):
            raise ExecutionError(errorClass="property", errorCode="unknownProperty")
        return self.present_value() if self._own_value is None else self._typed(self._own_value)

    def _typed(self, value: float) -> Any:  # noqa: ANN401
        raw = value - self._shown_as.offset
        if self._shown_as.type.startswith("analog"):
            return Real(raw)
        return BinaryPV(int(raw)) if self._shown_as.type.startswith("binary") else Unsigned(int(raw))

    async def write_property(
        self,
        attr: int | str,
        value: Any,  # noqa: ANN401
        index: int | None = None,
        priority: int | None = None,
    ) -> None:
        """Only the present value of a writable point; the highest priority in force is what the plant gets."""
        if _LIVE.get(attr) != "presentValue" or not self._point.writable or self._shared.is_life_safety:
            raise ExecutionError(errorClass="property", errorCode="writeAccessDenied")
        city, place = self._shared.city, self._point.index
        is_released = value is None or value.__class__.__name__ == "Null"
        if not is_released and not city.accepts(place, float(value) + self._shown_as.offset):
            raise ExecutionError(errorClass="property", errorCode="valueOutOfRange")
        if self._in_force() is None:
            self._own_value = float(city.shown[place])
        await super().write_property(attr, value, index, priority)  # type: ignore[misc]
        commanded = self._in_force()
        if commanded is None:
            self._own_value = None
        city.command(place, commanded)

    def _in_force(self) -> float | None:
        for slot in self.priorityArray:  # type: ignore[attr-defined]
            if slot.null is None:
                return float(getattr(slot, slot._choice)) + self._shown_as.offset  # noqa: SLF001 - no public name
        return None


class _AnalogInput(_Seen, AnalogInputObject): ...


class _AnalogOutput(_Seen, AnalogOutputObject): ...


class _AnalogValue(_Seen, AnalogValueObjectCmd): ...


class _BinaryInput(_Seen, BinaryInputObject): ...


class _BinaryOutput(_Seen, BinaryOutputObject): ...


class _MultiStateInput(_Seen, MultiStateInputObject): ...


class _MultiStateOutput(_Seen, MultiStateOutputObject): ...


_CLASS_OF: Final[dict[str, Any]] = {
    "analog-input": _AnalogInput,
    "analog-output": _AnalogOutput,
    "analog-value": _AnalogValue,
    "binary-input": _BinaryInput,
    "binary-output": _BinaryOutput,
    "multi-state-input": _MultiStateInput,
    "multi-state-output": _MultiStateOutput,
}


def make_object(point: Point, shared: Shared, alarm: Alarm | None) -> Any:  # noqa: ANN401
    """The object that shows a point, with the properties of its alarm if it reports one."""
    shown_as = shared.objects[point.index]
    value = float(shared.city.shown[point.index]) - shown_as.offset
    options: dict[str, Any] = {
        "objectIdentifier": (shown_as.type, shown_as.instance),
        "objectName": point.name,
        "description": described(point),
        "statusFlags": [0, 0, 0, 0],
        "eventState": "normal",
        "reliability": "noFaultDetected",
        "outOfService": False,
    }
    if shown_as.type.startswith("analog"):
        options |= {"presentValue": value} | _analog(point)
    elif shown_as.type.startswith("binary"):
        options |= {"presentValue": int(value), "polarity": "normal"} | _binary(point)
    else:
        options |= {"presentValue": int(value)} | _multi_state(point, shown_as)
    if alarm is not None:
        options |= event_properties(alarm, shown_as)
    made = _CLASS_OF[shown_as.type](**options)
    made._shared, made._point, made._shown_as = shared, point, shown_as  # noqa: SLF001 - the library allows no others
    return made


def _analog(point: Point) -> dict[str, Any]:
    options: dict[str, Any] = {
        "units": _UNITS.get(point.role.unit, "noUnits"),
        "covIncrement": cov_increment(point),
    }
    if point.role.low is not None:
        options["minPresValue"] = point.role.low
    if point.role.high is not None:
        options["maxPresValue"] = point.role.high
    if point.role.kind == "AI" and point.role.resolution > 0.0:
        options["resolution"] = point.role.resolution
    return options


def _binary(point: Point) -> dict[str, Any]:
    states = point.role.states
    return {"inactiveText": _both(states[0]), "activeText": _both(states[1])} if {0, 1} <= states.keys() else {}


def _multi_state(point: Point, shown_as: BacnetObject) -> dict[str, Any]:
    count = int(max(point.role.states) - shown_as.offset)
    options: dict[str, Any] = {"numberOfStates": count}
    if count <= _STATE_TEXTS_MAX:
        texts = (point.role.states.get(int(number + shown_as.offset)) for number in range(1, count + 1))
        options["stateText"] = [_both(text) if text is not None else "-" for text in texts]
    return options


def _both(text: Text) -> str:
    return f"{text.zh} {text.en}"
