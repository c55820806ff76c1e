"""Address space of an OPC UA server: an object per piece of equipment, a variable per point."""

from typing import Any, Final

from asyncua import Node, Server, ua
from asyncua.crypto.permission_rules import User, UserRole
from asyncua.server.address_space import AttributeService

from cityhall_simulators.addresses import opcua_node
from cityhall_simulators.description import Device, Point
from cityhall_simulators.runtime import City

_ADMIN: Final = User(role=UserRole.Admin)
NAMESPACE: Final = "urn:cityhall:simulator"
TYPES: Final = {"AI": ua.VariantType.Double, "AO": ua.VariantType.Double, "SP": ua.VariantType.Double,
                "CI": ua.VariantType.Double, "DI": ua.VariantType.Boolean, "DO": ua.VariantType.Boolean,
                "MI": ua.VariantType.Int32, "MO": ua.VariantType.Int32}  # fmt: skip
_UNITS_URI: Final = "http://www.opcfoundation.org/UA/units/un/cefact"
_UNECE: Final = {
    "°C": "CEL", "%": "P1", "A": "AMP", "V": "VLT", "kV": "KVT", "Hz": "HTZ", "kW": "KWT", "kWh": "KWH", "Pa": "PAL",
    "kPa": "KPA", "h": "HUR", "min": "MIN", "s": "SEC", "m³": "MTQ", "m³/h": "MQH", "ppm": "59",
}  # fmt: skip
"""Codes of UNECE recommendation 20."""


def is_analog(point: Point) -> bool:
    """Whether it has units, a range and a history."""
    return TYPES[point.role.kind] is ua.VariantType.Double


async def build_nodes(server: Server, device: Device) -> dict[ua.NodeId, Point]:
    """Make the nodes of a device; gives the point of each variable, in the order of the points."""
    namespace = await server.register_namespace(NAMESPACE)
    made: dict[ua.NodeId, Point] = {}
    for equipment in device.equipment:
        parent = await server.nodes.objects.add_object(f"ns={namespace};s={equipment.name}", equipment.name)
        for point in (p for p in device.points if p.equipment is equipment):
            variable = await _variable(parent, namespace, point)
            made[variable.nodeid] = point
    return made


async def _variable(parent: Node, namespace: int, point: Point) -> Node:
    kind = TYPES[point.role.kind]
    first = False if kind is ua.VariantType.Boolean else 0
    variable = await parent.add_variable(opcua_node(point), f"{namespace}:{point.role.role}", first, varianttype=kind)
    if point.writable:
        await variable.set_writable()
    if is_analog(point):
        await _describe(variable, point)
    return variable


async def _describe(variable: Node, point: Point) -> None:
    """Range, unit and the promise of a history."""
    if point.role.low is not None and point.role.high is not None:
        await variable.add_property(ua.NodeId(), "0:EURange", ua.Range(Low=point.role.low, High=point.role.high))
    if point.role.unit:
        await variable.add_property(ua.NodeId(), "0:EngineeringUnits", engineering_unit(point.role.unit))
    for attribute in (ua.AttributeIds.AccessLevel, ua.AttributeIds.UserAccessLevel):
        await variable.set_attr_bit(attribute, ua.AccessLevel.HistoryRead)
    await variable.write_attribute(ua.AttributeIds.Historizing, ua.DataValue(ua.Variant(True)))  # noqa: FBT003


def engineering_unit(unit: str) -> ua.EUInformation:
    """A unit as part 8 (5.6.3) has it: the number is made of the characters of its UNECE code; -1 without one."""
    code = _UNECE.get(unit)
    number = -1 if code is None else int.from_bytes(code.encode("ascii"), "big")
    return ua.EUInformation(_UNITS_URI, number, ua.LocalizedText(unit), ua.LocalizedText(unit))


class Attributes(AttributeService):
    """The library's attribute service, with the range of each writable point: a value beyond it is refused."""

    def __init__(self, aspace: Any, points: dict[ua.NodeId, Point], city: City) -> None:  # noqa: ANN401
        super().__init__(aspace)
        self._points = points
        self._city = city

    async def write(self, params: ua.WriteParameters, user: User = _ADMIN) -> list[ua.StatusCode]:
        """The library's hook; one status for each item."""
        results: list[ua.StatusCode] = []
        for item in params.NodesToWrite:
            if user.role is not UserRole.Admin and self._is_beyond(item):
                results.append(ua.StatusCode(ua.StatusCodes.BadOutOfRange))
            else:
                results += await super().write(ua.WriteParameters(NodesToWrite=[item]), user)
        return results

    def _is_beyond(self, item: ua.WriteValue) -> bool:
        point = self._points.get(item.NodeId)
        if point is None or not point.writable or item.AttributeId != ua.AttributeIds.Value:
            return False
        value = item.Value.Value.Value if item.Value.Value is not None else None
        return isinstance(value, bool | int | float) and not self._city.accepts(point.index, float(value))
