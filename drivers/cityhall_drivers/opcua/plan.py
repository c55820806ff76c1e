"""Points of one server that are read together, as columns. Knows no library: nodes are whatever the driver reads."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.ports.driver import BoundPoint


class OpcUaPlan:
    """Nodes with the numbers of their points and what makes values of them: value = raw x scale + offset."""

    def __init__(
        self, points: Sequence[BoundPoint], nodes: Sequence[object], requested: Sequence[bytes], nodes_per_read_max: int
    ) -> None:
        self.nodes = tuple(nodes)
        self.requested = tuple(requested)
        """The same nodes as they stand in a request, encoded once."""
        self.scale: NDArray[np.float64] = np.array([bound.point.encoding.scale for bound in points], np.float64)
        self.offset: NDArray[np.float64] = np.array([bound.point.encoding.offset for bound in points], np.float64)
        self._points: NDArray[np.uint32] = np.array([bound.point_id for bound in points], np.uint32)
        self._nodes_per_read_max = nodes_per_read_max

    @property
    def points(self) -> NDArray[np.uint32]:
        """Point ids, in the order of the nodes."""
        return self._points

    @property
    def requests(self) -> int:
        """How many requests one read costs; more when the server itself wants smaller ones."""
        return -(-len(self.nodes) // self._nodes_per_read_max)
