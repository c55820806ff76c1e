"""What a server pushes: changes of values become readings. Pure."""

import logging
from collections.abc import Callable, Iterable

import numpy as np

from cityhall_bms.domain.batch import Readings
from cityhall_bms.ports.clock import Clock
from cityhall_drivers.opcua.codec import Columns, quality_of, scaled
from cityhall_drivers.opcua.delivery import Delivery
from cityhall_drivers.opcua.plan import OpcUaPlan
from cityhall_drivers.opcua.wire import Message

log = logging.getLogger(__name__)


class Pushes(Delivery):
    """Receiver of one subscription. The client handle of a monitored item is its place in the plan."""

    def __init__(self, device: str, plan: OpcUaPlan, sink: Callable[[Readings], None], clock: Clock) -> None:
        super().__init__(device, clock)
        self.plan = plan
        self.values_dropped = 0
        """How often the server said that its queue was full before a value."""
        self._sink = sink

    def refuse(self, results: Iterable[tuple[int, int]]) -> None:
        """Push the points that the server would not monitor, by handle and status, as bad."""
        refused = [(handle, quality_of(status)) for handle, status in results if status >> 30 >= 2]
        if not refused:
            return
        handles = np.array([handle for handle, _ in refused], np.intp)
        self._sink(
            Readings(
                self.plan.points[handles],
                np.full(len(refused), self._clock.now(), np.int64),
                np.full(len(refused), np.nan),
                np.array([quality for _, quality in refused], np.uint8),
                partial=True,
            )
        )

    def _push(self, message: Message) -> None:
        handles, columns = message.handles, message.columns
        known = handles < len(self.plan.nodes)
        if not known.all():
            handles = handles[known]
            columns = Columns(columns.value[known], columns.quality[known], columns.source_at[known], columns.overflows)
        if columns.overflows:
            self._note_dropped(columns.overflows)
        if not len(handles):
            return
        at = np.where(columns.source_at > 0, columns.source_at, self._clock.now())
        value = scaled(columns, self.plan.scale[handles], self.plan.offset[handles])
        self._sink(Readings(self.plan.points[handles], at, value, columns.quality, partial=True))

    def _note_dropped(self, values: int) -> None:
        if not self.values_dropped:
            log.warning("%s: its queues are too short, the server drops values: raise queue_size", self._device)
        self.values_dropped += values
