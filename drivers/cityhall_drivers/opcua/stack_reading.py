"""Single values with their bytes, each asked for alone: for reading back, and for people who want to see them."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from asyncua import ua
from asyncua.ua.ua_binary import from_binary

from cityhall_bms.domain.quality import Quality
from cityhall_bms.ports.driver import BoundPoint
from cityhall_drivers.opcua.codec import decode, scaled
from cityhall_drivers.opcua.stack import OpcUaSession
from cityhall_drivers.opcua.stack_services import node_of, status_name


@dataclass(frozen=True, slots=True)
class Shown:
    """One DataValue: its bytes as they came, and what they say."""

    raw: bytes
    value: float
    """In the point's unit; NaN where there is none."""
    quality: Quality
    status: str
    variant_type: str
    source_time: datetime | None
    server_time: datetime | None


async def show_value(session: OpcUaSession, bound: BoundPoint) -> Shown:
    """Read one point now."""
    question = ua.ReadRequest()
    node = ua.ReadValueId(NodeId=node_of(bound.point.address), AttributeId=ua.AttributeIds.Value)
    question.Parameters = ua.ReadParameters(MaxAge=0, TimestampsToReturn=ua.TimestampsToReturn.Both, NodesToRead=[node])
    answer = await session.client.uaclient.session._send_request(question)  # noqa: SLF001 - the bytes have no other door
    from_binary(ua.NodeId, answer)
    from_binary(ua.ResponseHeader, answer).ServiceResult.check()
    if int.from_bytes(answer.read(4), "little", signed=True) != 1:
        msg = "the server answered another number of nodes than one"
        raise ua.UaError(msg)
    whole = answer.copy()
    data = from_binary(ua.DataValue, answer)
    return _shown(whole.read(len(whole) - len(answer)), data, bound)


def _shown(raw: bytes, data: ua.DataValue, bound: BoundPoint) -> Shown:
    columns, encoding = decode([data]), bound.point.encoding
    value = scaled(columns, np.array([encoding.scale]), np.array([encoding.offset]))
    return Shown(
        raw,
        float(value[0]),
        Quality(int(columns.quality[0])),
        status_name(data.StatusCode.value if data.StatusCode is not None else 0),
        data.Value.VariantType.name if data.Value is not None else "Null",
        data.SourceTimestamp,
        data.ServerTimestamp,
    )
