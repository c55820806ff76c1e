"""Figures for Prometheus, gathered over all worker processes of one machine.

Parts of the service keep plain counters as attributes; this samples them, so that no other package knows the
library. Workers share a folder of memory-mapped files (``PROMETHEUS_MULTIPROC_DIR``, set by the supervisor).
"""

from collections.abc import Callable, Sequence
from typing import Final

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, Histogram, generate_latest, multiprocess

from cityhall_bms.ports.clock import Clock

SAMPLE_EVERY_S: Final = 2.0


class Metrics:
    """Named figures of this process."""

    def __init__(self, clock: Clock, *, shared: bool) -> None:
        self._clock = clock
        self._shared = shared
        self._own = CollectorRegistry()
        self._watched: list[tuple[Gauge, Callable[[], float]]] = []

    def watch(self, name: str, description: str, read: Callable[[], float]) -> None:
        """Publish what ``read`` gives as ``cityhall_<name>``; the unit is the end of the name."""
        registry = None if self._shared else self._own
        gauge = Gauge(f"cityhall_{name}", description, registry=registry, multiprocess_mode="mostrecent")
        self._watched.append((gauge, read))

    def histogram(self, name: str, description: str, bounds: Sequence[float]) -> Callable[[float], None]:
        """Give what to call with each value; published as ``cityhall_<name>``, counted by upper bound."""
        registry = None if self._shared else self._own
        made = Histogram(f"cityhall_{name}", description, registry=registry, buckets=bounds)
        return made.observe

    async def run(self) -> None:
        """Sample until cancelled."""
        while True:
            self.sample()
            await self._clock.sleep(SAMPLE_EVERY_S)

    def sample(self) -> None:
        """Read every figure once."""
        for gauge, read in self._watched:
            gauge.set(read())

    def render(self) -> tuple[bytes, str]:
        """Body and content type of an answer to Prometheus."""
        self.sample()
        registry = self._own
        if self._shared:
            registry = CollectorRegistry()
            multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry), CONTENT_TYPE_LATEST
