"""The requests of one scan class, and what was learnt about their size. No network."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.domain.batch import Readings
from cityhall_bms.domain.quality import Quality
from cityhall_bms.ports.driver import BoundPoint
from cityhall_drivers.bacnet.codec import Answer, Object, item_of
from cityhall_drivers.bacnet.rpm import Columns, Layout, answers, columns, question, walk

_EVERY: Final = slice(None)


class Group:
    """What one request asks for: objects that follow one another in the plan, from ``start`` on."""

    __slots__ = ("_layout", "objects", "question", "rows", "start")

    def __init__(self, start: int, objects: tuple[Object, ...]) -> None:
        self.start = start
        self.objects = objects
        self.rows = slice(start, start + len(objects))
        self.question = question(objects)
        """As it is sent, but for its number."""
        self._layout: Layout | None = None

    def understood(self, data: bytes) -> Columns:
        """Values and qualities in an answer; :class:`~cityhall_drivers.bacnet.wire.FrameError` when it is none."""
        told = None if self._layout is None else self._layout.decode(data)
        if told is not None:
            return told
        found = walk(data)
        by_object = answers(self.objects, found)
        self._layout = Layout(data, self.objects, found, by_object)
        return columns(by_object)

    def same(self, answer: Answer) -> Columns:
        """One answer for all objects."""
        return columns([answer] * len(self.objects))


class Scan:
    """What the objects of a plan answered so far; who said nothing did not answer in time."""

    def __init__(self, count: int) -> None:
        self.value = np.full(count, np.nan)
        self.quality = np.full(count, Quality.BAD_TIMEOUT, np.uint8)
        self.is_empty = True
        self._told = bytearray(count)

    def put(self, group: Group, told: Columns) -> None:
        """Take a group's answer."""
        self.value[group.rows], self.quality[group.rows] = told
        self._told[group.rows] = b"\1" * len(group.objects)
        self.is_empty = False

    def has(self, group: Group) -> bool:
        """Whether a group has answered."""
        return bool(self._told[group.start])


class BacnetPlan:
    """Points of one device that are read together. Learns; belongs to one driver."""

    def __init__(self, bound: Sequence[BoundPoint], size_max: int) -> None:
        """Group; :class:`~cityhall_drivers.bacnet.codec.MistakeError` for a point that ``check`` would refuse."""
        items = [item_of(one.point) for one in bound]
        objects = tuple(dict.fromkeys(item.object for item in items))
        self.objects = objects
        self.row_of = {target: row for row, target in enumerate(objects)}
        self._points = np.array([one.point_id for one in bound], dtype=np.uint32)
        self.row = np.array([self.row_of[item.object] for item in items], np.intp)
        """Which object each point shows."""
        self._order = np.argsort(self.row, kind="stable")
        self._first = np.searchsorted(self.row[self._order], np.arange(len(objects) + 1))
        self._scale = np.array([item.scale for item in items])
        self._offset = np.array([item.offset for item in items])
        self._groups = [Group(0, objects)] if items else []
        self.cut(size_max)

    @property
    def points(self) -> NDArray[np.uint32]:
        """Point ids, in the order of every reading."""
        return self._points

    @property
    def requests(self) -> int:
        """Requests of one read, as long as the device understands ReadPropertyMultiple."""
        return len(self._groups)

    @property
    def groups(self) -> list[Group]:
        """What to ask for."""
        return list(self._groups)

    def begin(self) -> Scan:
        """Begin a scan in which nothing was answered yet."""
        return Scan(len(self.objects))

    def unanswered(self, scan: Scan) -> Group | None:
        """What to ask for next; none when the scan is complete."""
        return next((group for group in self._groups if not scan.has(group)), None)

    def cut(self, size_max: int) -> None:
        """Let no request ask for more objects than this; smaller ones stay as they are."""
        if any(len(group.objects) > size_max for group in self._groups):
            self._groups = [piece for group in self._groups for piece in _pieces(group, size_max)]

    def halve(self, group: Group) -> None:
        """Ask for the objects of a refused request in two requests from now on."""
        place = self._groups.index(group)
        self._groups[place : place + 1] = _pieces(group, (len(group.objects) + 1) // 2)

    def ask_last(self, group: Group) -> None:
        """Learn that a request was met with silence: next time the others go first, and prove the device alive."""
        self._groups.sort(key=lambda other: other is group)

    def positions(self, rows: Sequence[int]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Places of the points that show these objects, one object after the other, and how many show each."""
        first, last = self._first[rows], self._first[1:][rows]
        return np.concatenate([self._order[a:b] for a, b in zip(first, last, strict=True)]), last - first

    def scaled(
        self, number: NDArray[np.float64], quality: NDArray[np.uint8], positions: NDArray[np.intp] | slice = _EVERY
    ) -> Columns:
        """Value and quality of points by the present values that they show."""
        with np.errstate(all="ignore"):  # an overflow is found below, as a value that is not finite
            values = number * self._scale[positions] + self._offset[positions]
        broken = ~np.isfinite(values)
        values[broken] = np.nan
        return values, np.where(broken & (quality < Quality.BAD), np.uint8(Quality.BAD_DECODE), quality)

    def readings(self, scan: Scan, observed_at: int) -> Readings:
        """Make columns of one scan, all at one time."""
        values, quality = self.scaled(scan.value[self.row], scan.quality[self.row])
        return Readings(self._points, np.full(len(values), observed_at, dtype=np.int64), values, quality)


def _pieces(group: Group, size_max: int) -> list[Group]:
    if len(group.objects) <= size_max:
        return [group]
    starts = range(0, len(group.objects), size_max)
    return [Group(group.start + start, group.objects[start : start + size_max]) for start in starts]
