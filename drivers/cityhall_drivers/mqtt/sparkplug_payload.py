"""The payload of Sparkplug B (Sparkplug 3.0, clause 6.4): protobuf, described at run time instead of by generated code.

Only what carries numbers is described; protobuf steps over fields that it does not know, as it is meant to. Groups of
values that no point can hold (data sets, templates, arrays) therefore look like metrics without a value.
"""

from dataclasses import dataclass
from typing import Any, Final

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory  # type: ignore[import-untyped]
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

from cityhall_bms.domain.quality import BAD_FROM, Quality
from cityhall_drivers.mqtt.values import NAN, PAYLOAD_MAX, UndecodableError, number, number_of_text

PACKAGE: Final = "cityhall.sparkplug"
_FIELD: Final = descriptor_pb2.FieldDescriptorProto
_TYPES: Final = {
    "uint32": _FIELD.TYPE_UINT32,
    "uint64": _FIELD.TYPE_UINT64,
    "float": _FIELD.TYPE_FLOAT,
    "double": _FIELD.TYPE_DOUBLE,
    "bool": _FIELD.TYPE_BOOL,
    "string": _FIELD.TYPE_STRING,
    "bytes": _FIELD.TYPE_BYTES,
}
_MESSAGES: Final[dict[str, tuple[tuple[int, str, str], ...]]] = {
    "PropertyValue": (
        (1, "type", "uint32"),
        (2, "is_null", "bool"),
        (3, "int_value", "uint32"),
        (4, "long_value", "uint64"),
    ),
    "PropertySet": ((1, "keys", "string*"), (2, "values", "PropertyValue*")),
    "Metric": (
        (1, "name", "string"),
        (2, "alias", "uint64"),
        (3, "timestamp", "uint64"),
        (4, "datatype", "uint32"),
        (5, "is_historical", "bool"),
        (6, "is_transient", "bool"),
        (7, "is_null", "bool"),
        (9, "properties", "PropertySet"),
        (10, "int_value", "uint32"),
        (11, "long_value", "uint64"),
        (12, "float_value", "float"),
        (13, "double_value", "double"),
        (14, "boolean_value", "bool"),
        (15, "string_value", "string"),
    ),
    "Payload": (
        (1, "timestamp", "uint64"),
        (2, "metrics", "Metric*"),
        (3, "seq", "uint64"),
        (4, "uuid", "string"),
        (5, "body", "bytes"),
    ),
}
"""Fields by number, name and type; ``*`` repeats."""
_VALUE_FIELDS: Final = ("int_value", "long_value", "float_value", "double_value", "boolean_value", "string_value")

SIGNED_BITS: Final = {1: 8, 2: 16, 3: 32, 4: 64}
UNSIGNED_BITS: Final = {5: 8, 6: 16, 7: 32, 8: 64}
FLOATS: Final = frozenset({9, 10})
BOOLEAN: Final = 11
TEXTS: Final = frozenset({12, 14})
DATE_TIME: Final = 13
"""Data types of clause 6.4.16: Int8 to Int64, UInt8 to UInt64, Float, Double, Boolean, String, DateTime, Text."""
QUALITIES: Final = {0: Quality.BAD, 192: Quality.GOOD, 500: Quality.UNCERTAIN_STALE}
"""Property ``Quality`` of a metric (clause 6.4.14)."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric of a message. ``value`` is raw: which field of the payload held it decides how it is read."""

    name: str
    alias: int | None
    datatype: int
    at_ms: int
    field: str
    value: Any
    null: bool = False
    historical: bool = False
    quality: Quality = Quality.GOOD


@dataclass(frozen=True, slots=True)
class Payload:
    """One message: ``sequence`` is none where a message has none (NDEATH, NCMD)."""

    at_ms: int
    sequence: int | None
    metrics: tuple[Metric, ...]


def decode(data: bytes) -> Payload:
    """Read a message; :class:`UndecodableError` for bytes that are none."""
    if len(data) > PAYLOAD_MAX:
        msg = "too long"
        raise UndecodableError(msg)
    message = _PAYLOAD()
    try:
        message.ParseFromString(data)
    except DecodeError as error:
        raise UndecodableError(str(error)) from error
    sequence = message.seq if message.HasField("seq") else None
    return Payload(message.timestamp, sequence, tuple(_metric(metric, message.timestamp) for metric in message.metrics))


def encode(payload: Payload) -> bytes:
    """Write a message."""
    message = _PAYLOAD(timestamp=payload.at_ms)
    if payload.sequence is not None:
        message.seq = payload.sequence
    for metric in payload.metrics:
        one = message.metrics.add(timestamp=metric.at_ms, datatype=metric.datatype)
        if metric.name:
            one.name = metric.name
        if metric.alias is not None:
            one.alias = metric.alias
        if metric.null:
            one.is_null = True
        elif metric.field:
            setattr(one, metric.field, metric.value)
        if metric.historical:
            one.is_historical = True
        if metric.quality is not Quality.GOOD:
            one.properties.keys.append("Quality")
            code = next(code for code, quality in QUALITIES.items() if quality is metric.quality)
            one.properties.values.add(type=3, int_value=code)
    return bytes(message.SerializeToString())


def value_of(metric: Metric, datatype: int) -> tuple[float, int]:
    """Value and quality of a metric of a data type (that of its birth where the message does not repeat it)."""
    if metric.null:
        return NAN, Quality.BAD_NO_DATA
    value, quality = _number(metric, datatype)
    worst = max(int(quality), int(metric.quality))
    return (NAN if worst >= BAD_FROM else value), worst


def _number(metric: Metric, datatype: int) -> tuple[float, int]:
    """Read a value by its type; a field that does not belong to the type is no number."""
    kind = metric.field
    if kind in {"int_value", "long_value"}:
        return _whole(metric.value, datatype, 32 if kind == "int_value" else 64)
    if kind in {"float_value", "double_value"} and datatype in FLOATS:
        return number(metric.value)
    if kind == "boolean_value" and datatype == BOOLEAN:
        return float(metric.value), Quality.GOOD
    if kind == "string_value" and datatype in TEXTS:
        return number_of_text(metric.value)
    return NAN, Quality.BAD_DECODE


def _whole(raw: int, datatype: int, width: int) -> tuple[float, int]:
    if datatype in SIGNED_BITS:
        return _signed(raw, SIGNED_BITS[datatype], width)
    if datatype in UNSIGNED_BITS and raw >> UNSIGNED_BITS[datatype] == 0:
        return float(raw), Quality.GOOD
    if datatype == DATE_TIME and width == 64:
        return raw / 1e3, Quality.GOOD
    return NAN, Quality.BAD_DECODE


def _signed(raw: int, bits: int, width: int) -> tuple[float, int]:
    """Two's complement of ``bits``, alone or extended to the ``width`` of its field."""
    low = raw & ((1 << bits) - 1)
    value = low - (1 << bits) if low >> (bits - 1) else low
    if raw in {low, value & ((1 << width) - 1)}:
        return float(value), Quality.GOOD
    return NAN, Quality.BAD_DECODE


def _metric(message: Any, sent_ms: int) -> Metric:  # noqa: ANN401 - a message of protobuf
    field = message.WhichOneof("value") or ""
    return Metric(
        name=message.name,
        alias=message.alias if message.HasField("alias") else None,
        datatype=message.datatype,
        at_ms=message.timestamp or sent_ms,
        field=field,
        value=getattr(message, field) if field else None,
        null=message.is_null,
        historical=message.is_historical,
        quality=_quality(message.properties) if message.HasField("properties") else Quality.GOOD,
    )


def _quality(properties: Any) -> Quality:  # noqa: ANN401 - a message of protobuf
    for key, value in zip(properties.keys, properties.values, strict=False):
        if key == "Quality":
            code = value.long_value if value.HasField("long_value") else value.int_value
            return QUALITIES.get(code, Quality.UNCERTAIN)
    return Quality.GOOD


def _message_class() -> Any:  # noqa: ANN401 - a class that protobuf makes
    """Describe the messages to protobuf (proto2: every field knows whether it was sent)."""
    file = descriptor_pb2.FileDescriptorProto(name="cityhall/sparkplug.proto", package=PACKAGE, syntax="proto2")
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        if name == "Metric":
            message.oneof_decl.add(name="value")
        for number_, key, kind in fields:
            one = message.field.add(name=key, number=number_, label=_FIELD.LABEL_OPTIONAL)
            if kind.endswith("*"):
                one.label = _FIELD.LABEL_REPEATED
            if kind.rstrip("*") in _TYPES:
                one.type = _TYPES[kind.rstrip("*")]
            else:
                one.type, one.type_name = _FIELD.TYPE_MESSAGE, f".{PACKAGE}.{kind.rstrip('*')}"
            if name == "Metric" and key in _VALUE_FIELDS:
                one.oneof_index = 0
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{PACKAGE}.Payload"))


_PAYLOAD: Final = _message_class()
