"""What an OPC UA server remembers (historical access): it fills our gaps."""

import logging
from collections.abc import AsyncIterator, Sequence
from itertools import groupby
from typing import Final

import numpy as np

from cityhall_bms.domain.batch import Readings
from cityhall_bms.domain.errors import DeviceRefusedError
from cityhall_bms.ports.driver import BoundPoint
from cityhall_drivers.opcua.codec import Columns, scaled
from cityhall_drivers.opcua.methods import readable
from cityhall_drivers.opcua.service import Service
from cityhall_drivers.opcua.stack_history import Portion, Wanted, read_raw
from cityhall_drivers.opcua.stack_services import in_service_words, status_name
from cityhall_drivers.stretches import Stretch, nothing, readings_of

NODES_MAX: Final = 50
"""Nodes asked for at once."""
VALUES_MAX: Final = 50
"""Values of each node in one answer: together with the nodes some tens of milliseconds of work for the library."""
EMPTY_ANSWERS_MAX: Final = 10
"""So many answers of a node in a row may say *go on* and hold nothing."""
FAR_AWAY: Final = 2**62
_BAD_CONTINUATION: Final = "BadContinuationPointInvalid"
_NO_CONTINUATION: Final = "BadNoContinuationPoints"

log = logging.getLogger(__name__)


class Remembering(Service):
    """Reads histories."""

    _told_without_history = False

    async def history(self, points: Sequence[BoundPoint], start: int, until: int) -> AsyncIterator[Readings]:
        """Raw values of ``start <= time < until`` of all points together, oldest first, some of each at a time.

        Times are those of the source. Nodes for which the server has no continuation point left follow one by one.
        Nodes without a history are left out. :class:`DeviceRefusedError` when there is none of any node, once: after
        that such a server gives nothing.
        """
        cursors = [_Cursor(bound, start, until) for bound in readable(points)]
        await self._fill(cursors, until)
        if cursors and all(cursor.refusal for cursor in cursors):
            self._tell_once(cursors[0].refusal)
            return
        self._told_without_history = False
        async for readings in self._together(cursors, until):
            yield readings
        for cursor in [one for one in cursors if one.is_put_off]:
            cursor.resume()
            async for readings in self._together([cursor], until):
                yield readings

    async def _together(self, cursors: "Sequence[_Cursor]", until: int) -> AsyncIterator[Readings]:
        while True:
            await self._fill(cursors, until)
            horizon = min((cursor.reaches for cursor in cursors), default=FAR_AWAY)
            found = [cursor.take(horizon) for cursor in cursors]
            if not any(len(one) for one in found):
                return
            yield readings_of(found)

    async def _fill(self, cursors: "Sequence[_Cursor]", until: int) -> None:
        """Read on until every cursor has samples, or nothing more to come."""
        while hungry := [cursor for cursor in cursors if cursor.is_hungry]:
            # One question has one beginning for all its nodes.
            for start, alike in groupby(sorted(hungry, key=_start), _start):
                group = list(alike)
                for first in range(0, len(group), NODES_MAX):
                    await self._ask(group[first : first + NODES_MAX], start, until)

    async def _ask(self, cursors: "Sequence[_Cursor]", start: int, until: int) -> None:
        session = self._living()
        with in_service_words("history"):
            portions = await read_raw(session, [cursor.wanted for cursor in cursors], start, until, VALUES_MAX)
        for cursor, portion in zip(cursors, portions, strict=True):
            cursor.put(portion)

    def _tell_once(self, refusal: str) -> None:
        if not self._told_without_history:
            self._told_without_history = True
            msg = f"{self._device.name}: 伺服器不保存歷史資料 the server keeps no history of these nodes ({refusal})"
            raise DeviceRefusedError(msg)


class _Cursor:
    """A place in the history of one node, and the samples read so far that are not handed over yet."""

    def __init__(self, bound: BoundPoint, start: int, until: int) -> None:
        self.refusal = ""
        self.is_put_off = False
        """Whether it waits until the others are done, since the server had no continuation point left for it."""
        self.asked_from = start
        """Beginning of the question that is being answered; it stays while the server's continuation lasts."""
        self._bound = bound
        self._from, self._until = start, until
        self._waiting = nothing(bound.point_id)
        self._continuation = b""
        self._empty_answers = 0
        self._is_over = False

    @property
    def wanted(self) -> Wanted:
        """What to ask for next."""
        return Wanted(self._bound.point.address, self._continuation)

    @property
    def is_hungry(self) -> bool:
        """Whether it has nothing to hand over and there may be more."""
        return not self._is_over and not len(self._waiting)

    @property
    def reaches(self) -> int:
        """Time up to which nothing of this node is missing any more."""
        return FAR_AWAY if self._is_over else int(self._waiting.at[-1])

    def take(self, horizon: int) -> Stretch:
        """Hand over what lies up to this time."""
        taken, self._waiting = self._waiting.split(horizon)
        return taken

    def put(self, portion: Portion) -> None:
        """Take an answer, and find out where the next one begins."""
        name = status_name(portion.status)
        if name == _BAD_CONTINUATION and self._continuation:
            # The server needed the place for others: begin anew behind the last sample that came.
            self._ask_again()
            return
        if name == _NO_CONTINUATION and not self.is_put_off:
            self.is_put_off = self._is_over = True
            return
        if portion.status >> 30 >= 2:
            self.refusal, self._is_over = name, True
            log.debug("%s: no history: %s", self._bound.point.name, name)
            return
        self._waiting = _stretch_of(portion.columns, self._bound).within(max(self._from, 1), self._until)
        if len(self._waiting):
            self._from = int(self._waiting.at[-1]) + 1
        self._go_on(portion)

    def resume(self) -> None:
        """Go on after having been put off; it is not put off again."""
        self._is_over = False
        self._ask_again()

    def _go_on(self, portion: Portion) -> None:
        count = len(portion.columns.value)
        self._empty_answers = 0 if count else self._empty_answers + 1
        self._continuation = portion.continuation
        if portion.continuation:
            self._is_over = self._empty_answers > EMPTY_ANSWERS_MAX
        elif count >= VALUES_MAX and len(self._waiting):
            # Some servers stop at the number asked for without saying that there is more.
            self._ask_again()
        else:
            self._is_over = True

    def _ask_again(self) -> None:
        self._continuation, self.asked_from = b"", self._from


def _stretch_of(columns: Columns, bound: BoundPoint) -> Stretch:
    """Samples in the point's unit, as they came; those without any time are of the time 0."""
    encoding = bound.point.encoding
    value = scaled(columns, np.array([encoding.scale]), np.array([encoding.offset]))
    return Stretch(bound.point_id, columns.source_at, value, columns.quality)


def _start(cursor: _Cursor) -> int:
    return cursor.asked_from
