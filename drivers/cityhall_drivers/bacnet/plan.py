"""The requests of one scan class, and what was learnt about their size. No network."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.domain.batch import Readings
from cityhall_bms.domain.quality import Quality
from cityhall_bms.ports.driver import BoundPoint
from cityhall_drivers.bacnet.codec import Answer, Object, item_of


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """What one request asks for."""

    objects: tuple[Object, ...]


class BacnetPlan:
    """Points of one device that are read together. Learns; belongs to one driver."""

    def __init__(self, bound: Sequence[BoundPoint], size_max: int) -> None:
        """Group; :class:`~cityhall_drivers.bacnet.codec.MistakeError` for a point that ``check`` would refuse."""
        items = [item_of(one.point) for one in bound]
        self._points = np.array([one.point_id for one in bound], dtype=np.uint32)
        self._objects = [item.object for item in items]
        self._scale = np.array([item.scale for item in items])
        self._offset = np.array([item.offset for item in items])
        self._groups = [Group(tuple(dict.fromkeys(self._objects)))] if items else []
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

    def cut(self, size_max: int) -> None:
        """Let no request ask for more objects than this; smaller ones stay as they are."""
        self._groups = [piece for group in self._groups for piece in _pieces(group, size_max)]

    def halve(self, group: Group) -> None:
        """Ask for the objects of a refused request in two requests from now on."""
        place = self._groups.index(group)
        self._groups[place : place + 1] = _pieces(group, (len(group.objects) + 1) // 2)

    def ask_last(self, group: Group) -> None:
        """Learn that a request was met with silence: next time the others go first, and prove the device alive."""
        self._groups.sort(key=lambda other: other is group)

    def readings(self, answers: Mapping[Object, Answer], observed_at: int) -> Readings:
        """Make columns of one scan, all at one time; an object without an answer was not answered in time."""
        missing = (np.nan, Quality.BAD_TIMEOUT)
        found = [answers.get(target, missing) for target in self._objects]
        with np.errstate(all="ignore"):  # an overflow is found below, as a value that is not finite
            values = np.array([value for value, _ in found], dtype=np.float64) * self._scale + self._offset
        quality = np.array([quality for _, quality in found], dtype=np.uint8)
        broken = ~np.isfinite(values)
        values[broken] = np.nan
        quality[broken & (quality < Quality.BAD)] = Quality.BAD_DECODE
        return Readings(self._points, np.full(len(values), observed_at, dtype=np.int64), values, quality)


def _pieces(group: Group, size_max: int) -> list[Group]:
    if len(group.objects) <= size_max:
        return [group]
    starts = range(0, len(group.objects), size_max)
    return [Group(group.objects[start : start + size_max]) for start in starts]
