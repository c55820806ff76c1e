"""Points of one agent that are read together, and in which requests. Pure."""

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.domain.batch import Readings
from cityhall_bms.domain.quality import Quality, is_bad
from cityhall_bms.ports.driver import BoundPoint
from cityhall_drivers.snmp.addresses import address_of, oid_of
from cityhall_drivers.snmp.mib import Oid

NOT_ASKED: Final = (float("nan"), int(Quality.BAD_TIMEOUT))


class SnmpPlan:
    """Instances in the order of their points; value = raw x scale + offset."""

    def __init__(self, points: Sequence[BoundPoint], per_request_max: int) -> None:
        self.oids: tuple[Oid, ...] = tuple(oid_of(bound.point.address) for bound in points)
        self._scale = np.array([bound.point.encoding.scale for bound in points], np.float64)
        self._offset = np.array([bound.point.encoding.offset for bound in points], np.float64)
        self._points: NDArray[np.uint32] = np.array([bound.point_id for bound in points], np.uint32)
        self._per_request_max = per_request_max

    @property
    def points(self) -> NDArray[np.uint32]:
        """Point ids, in the order of the readings."""
        return self._points

    @property
    def requests(self) -> int:
        """How many requests one read costs; more when the agent wants smaller ones."""
        return -(-len(self.oids) // self._per_request_max)

    def points_text(self, places: Iterable[int]) -> list[str]:
        """Instances as people write them."""
        return [address_of(self.oids[place]) for place in places]

    def groups(self, per_request: int, alone: Iterable[Oid]) -> list[list[int]]:
        """Places that are asked for together; troublemakers come last, each by itself."""
        troubled = set(alone)
        calm = [place for place, oid in enumerate(self.oids) if oid not in troubled]
        groups = [calm[first : first + per_request] for first in range(0, len(calm), per_request)]
        return groups + [[place] for place, oid in enumerate(self.oids) if oid in troubled]

    def readings(self, answers: dict[int, tuple[float, int]], at: int) -> Readings:
        """Readings of what was answered, by place; the rest was asked for in vain."""
        told = [answers.get(place, NOT_ASKED) for place in range(len(self.oids))]
        quality = np.array([quality for _, quality in told], np.uint8)
        value = np.array([value for value, _ in told], np.float64) * self._scale + self._offset
        value[is_bad(quality)] = np.nan
        return Readings(self._points, np.full(len(told), at, np.int64), value, quality)
