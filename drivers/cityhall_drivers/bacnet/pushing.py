"""Changes that a BACnet device tells by itself, where its device file says so, and what there is to say of it all."""

from collections.abc import Callable, Mapping, Sequence

from cityhall_bms.domain.batch import Readings
from cityhall_bms.ports.capabilities import Plain
from cityhall_bms.ports.driver import BoundPoint, ReadPlan
from cityhall_drivers.bacnet.cov import Subscription, Ties
from cityhall_drivers.bacnet.plan import BacnetPlan, Scan
from cityhall_drivers.bacnet.reading import Reading


class Pushing(Reading):
    """Subscribes."""

    _cov: Subscription | None = None

    async def subscribe(self, points: Sequence[BoundPoint], sink: Callable[[Readings], None]) -> bool:
        """Subscribe to the objects of these points; false when the device is to be polled, or knows no COV.

        What the device has no room for, or will not tell, is read at its own period and handed to ``sink`` likewise.
        """
        if self._config.mode != "cov":
            return False
        ties = Ties(self._field, self._config, self._clock, self.read, lambda: self._size_max)
        subscription = Subscription(ties, points, sink)
        if not await subscription.begin():
            return False
        self._cov = subscription
        return True

    async def end_subscription(self) -> None:
        """Unsubscribe; never raises."""
        subscription, self._cov = self._cov, None
        if subscription is not None:
            await subscription.end()

    def trouble(self) -> str | None:
        """Why nothing more may be told by the device: it does not answer those who keep its subscriptions."""
        return None if self._cov is None else self._cov.silence

    async def read(self, plan: ReadPlan) -> Readings:
        """Read as :meth:`Reading.read`; a subscription is compared with what was read."""
        if self._cov is not None:
            self._cov.check()
        return await super().read(plan)

    def _seen(self, plan: BacnetPlan, scan: Scan) -> None:
        if self._cov is not None:
            self._cov.compare(plan, scan.value.tolist())

    def diagnostics(self) -> Mapping[str, Plain]:
        """What was learnt of the device, and what happened."""
        foreign = self._field.endpoint.foreign
        return {
            "where": self._config.where,
            "apdu_max": self._peer.apdu_max,
            "objects_per_request": self._size_max,
            "reads_multiple": self._multiple,
            **{name: self._field.counts[name] for name in ("questions", "silences", "fallbacks", "nonsense")},
            **{f"socket.{name}": count for name, count in self._field.endpoint.counts.items()},
            **({} if foreign is None else {"bbmd": f"{foreign.name}: {foreign.state}"}),
            **({} if self._cov is None else self._cov.figures()),
        }
