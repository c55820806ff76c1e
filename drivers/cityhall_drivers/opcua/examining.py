"""A look at single points of an OPC UA server, and at the requests of a plan."""

import math
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from cityhall_bms.domain.quality import Quality
from cityhall_bms.ports.capabilities import Examined, PlannedRequest
from cityhall_bms.ports.driver import BoundPoint
from cityhall_drivers.opcua.methods import is_method, readable
from cityhall_drivers.opcua.service import Service
from cityhall_drivers.opcua.stack_reading import Shown, show_value
from cityhall_drivers.opcua.stack_services import in_service_words

_ENVELOPE_BYTES: Final = 24
"""Message, security and sequence headers of an unencrypted message (Part 6, clause 6.7.2)."""
_QUESTION_BYTES: Final = _ENVELOPE_BYTES + 54
_ANSWER_BYTES: Final = _ENVELOPE_BYTES + 36
_VALUE_ID_BYTES: Final = 18
"""Attribute, range and encoding of one node to be read, and the fixed part of its NodeId."""
_DATA_VALUE_BYTES: Final = 26
"""Mask, a number of eight bytes with its type, and two times."""


class Examining(Service):
    """Shows its work."""

    async def examine(self, points: Sequence[BoundPoint]) -> Sequence[Examined]:
        """Ask for each point alone: the bytes of its DataValue, type, status and both times."""
        found = []
        for bound in points:
            if is_method(bound.point.address):
                found.append(_called(bound))
                continue
            with in_service_words(bound.point.name):
                found.append(_examined(bound, await show_value(self._living(), bound)))
        return found

    def explain(self, points: Sequence[BoundPoint]) -> Sequence[PlannedRequest]:
        """Requests of one read; bytes are those of an unencrypted session, values taken for eight bytes each."""
        points, size = readable(points), self._config.nodes_per_read_max
        return [_planned(points[first : first + size]) for first in range(0, len(points), size)]


def _called(bound: BoundPoint) -> Examined:
    note = "方法：只能呼叫，沒有值可讀 a method: it is called, and has no value to read"
    return Examined(bound.point.name, bound.point.address, "", math.nan, Quality.BAD_NO_DATA, note)


def _examined(bound: BoundPoint, shown: Shown) -> Examined:
    note = f"{shown.variant_type}, {shown.status}, 來源 source {_time(shown.source_time)}, "
    note += f"伺服器 server {_time(shown.server_time)}"
    point = bound.point
    return Examined(point.name, point.address, shown.raw.hex(" "), shown.value, shown.quality, note)


def _time(moment: datetime | None) -> str:
    return "-" if moment is None else moment.isoformat()


def _planned(points: Sequence[BoundPoint]) -> PlannedRequest:
    first, last = points[0].point.address, points[-1].point.address
    span = first if len(points) == 1 else f"{first} … {last}"
    names = sum(len(bound.point.address.encode()) for bound in points)
    each = len(points) * (_VALUE_ID_BYTES + _DATA_VALUE_BYTES)
    return PlannedRequest(f"Read {span}", len(points), _QUESTION_BYTES + _ANSWER_BYTES + names + each)
