"""Writing a value and calling a method through asyncua, each with the server's own data types."""

from collections.abc import Sequence
from typing import Any, Final

from asyncua import Node, ua
from asyncua.common.ua_utils import data_type_to_variant_type

from cityhall_bms.domain.errors import DeviceRefusedError
from cityhall_bms.ports.capabilities import Plain
from cityhall_drivers.opcua.stack import OpcUaSession
from cityhall_drivers.opcua.stack_services import node_of, status_name
from cityhall_drivers.opcua.writing import BOOLEAN, DOUBLE, FLOAT, NUMERIC, in_plain

_SCALAR_RANKS: Final = frozenset({-1, -2, -3})
"""Scalar, any, scalar or one dimension (Part 3, clause 5.6.2)."""
_STRING: Final = 12
_ATTRIBUTES: Final = (ua.AttributeIds.DataType, ua.AttributeIds.ValueRank, ua.AttributeIds.Value)


async def builtin_type(session: OpcUaSession, address: str) -> int:
    """Built-in type of a variable's value, a number; :class:`DeviceRefusedError` for whatever holds none."""
    node = session.client.get_node(node_of(address))
    data_type, rank, value = await node.read_attributes(_ATTRIBUTES)
    _check(data_type.StatusCode, address)
    if rank.Value.Value is not None and rank.Value.Value not in _SCALAR_RANKS:
        msg = f"{address}: 是陣列，不能寫入單一數值 it is an array, not one number"
        raise DeviceRefusedError(msg)
    found = await _variant_type(session.client.get_node(data_type.Value.Value))
    if found is ua.VariantType.Variant:
        # The node takes several types: the one it holds now is the one it has been given so far.
        found = value.Value.VariantType if value.Value is not None else ua.VariantType.Null
    if found.value not in NUMERIC:
        msg = f"{address}: 節點的型別 {found.name} 不是數值 the node holds {found.name}, no number"
        raise DeviceRefusedError(msg)
    return int(found.value)


async def write_value(session: OpcUaSession, address: str, raw: float, variant_type: int) -> None:
    """Write a node's value; :class:`DeviceRefusedError` in plain words when the server does not take it."""
    # Without status and times: many servers let nobody write those (BadWriteNotSupported).
    value = ua.DataValue(ua.Variant(raw, ua.VariantType(variant_type)), StatusCode=None)
    question = ua.WriteValue(NodeId=node_of(address), AttributeId=ua.AttributeIds.Value, Value=value)
    [result] = await session.client.uaclient.session.write(ua.WriteParameters(NodesToWrite=[question]))
    _check(result, address)


async def call_method(
    session: OpcUaSession, object_id: str, method_id: str, arguments: Sequence[Plain]
) -> tuple[Plain, ...]:
    """Call a method, its arguments made what the server declares; :class:`DeviceRefusedError` in plain words."""
    inputs = await _inputs(session, method_id, arguments)
    request = ua.CallMethodRequest(ObjectId=node_of(object_id), MethodId=node_of(method_id), InputArguments=inputs)
    [result] = await session.client.uaclient.session.call([request])
    for place, status in enumerate(result.InputArgumentResults or ()):
        if not status.is_good():
            msg = f"{method_id}: 引數 argument {place + 1}: {in_plain(status_name(status.value))}"
            raise DeviceRefusedError(msg)
    _check(result.StatusCode, method_id)
    return tuple(_plain(one.Value) for one in result.OutputArguments or ())


async def input_types(session: OpcUaSession, method_id: str) -> list[int]:
    """Built-in types of the arguments that a method takes, by their numbers."""
    declared = await _declared(session, method_id)
    return [(await _variant_type(session.client.get_node(one.DataType))).value for one in declared]


async def _declared(session: OpcUaSession, method_id: str) -> Sequence[Any]:
    # A method without arguments has no such property.
    for found in await session.client.get_node(node_of(method_id)).get_properties():
        if (await found.read_browse_name()).Name == "InputArguments":
            return await found.read_value() or ()
    return ()


async def _inputs(session: OpcUaSession, method_id: str, arguments: Sequence[Plain]) -> list[ua.Variant]:
    declared = await _declared(session, method_id)
    if len(declared) != len(arguments):
        names = ", ".join(str(one.Name) for one in declared) or "-"
        msg = f"{method_id}: 需要 {len(declared)} 個引數 it takes {len(declared)} arguments ({names})"
        raise DeviceRefusedError(msg)
    return [
        _argument(given, await _variant_type(session.client.get_node(wanted.DataType)), str(wanted.Name))
        for given, wanted in zip(arguments, declared, strict=True)
    ]


def _argument(given: Plain, wanted: ua.VariantType, name: str) -> ua.Variant:
    """An argument as the declared type; never a guess."""
    kind = wanted.value
    is_number = isinstance(given, int | float) and not isinstance(given, bool)
    fits = (
        (kind == BOOLEAN and isinstance(given, bool))
        or (kind in {FLOAT, DOUBLE} and is_number)
        or (kind in NUMERIC - {BOOLEAN, FLOAT, DOUBLE} and is_number and float(given or 0).is_integer())
        or (kind == _STRING and isinstance(given, str))
    )
    if not fits:
        msg = f"引數 argument '{name}': {given!r} 不是 is no {wanted.name}"
        raise DeviceRefusedError(msg)
    return ua.Variant(int(given or 0) if kind in NUMERIC - {BOOLEAN, FLOAT, DOUBLE} else given, wanted)


async def _variant_type(data_type: Node) -> ua.VariantType:
    return ua.VariantType(await data_type_to_variant_type(data_type))


def _plain(value: Any) -> Plain:  # noqa: ANN401 - whatever the server gave
    return value if isinstance(value, str | int | float | bool) or value is None else str(value)


def _check(status: ua.StatusCode | None, what: str) -> None:
    if status is not None and not status.is_good():
        msg = f"{what}: {in_plain(status_name(status.value))}"
        raise DeviceRefusedError(msg)
