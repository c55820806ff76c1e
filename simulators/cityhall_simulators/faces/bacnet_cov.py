"""Change of value: which subscribed objects have news, and the notifications that say so (ANSI/ASHRAE 135, 13.1)."""

import asyncio
from typing import Any, Final

import numpy as np
from bacpypes3.apdu import ConfirmedCOVNotificationRequest, UnconfirmedCOVNotificationRequest
from bacpypes3.basetypes import PropertyValue
from bacpypes3.constructeddata import Any as AnyValue
from numpy.typing import NDArray

from cityhall_simulators.faces.bacnet_outbox import Outbox

SUBSCRIPTIONS_MAX: Final = 1_000
"""Of one device; more are refused, as real devices refuse them."""


class CovTable:
    """Who of a device's objects is watched, and what was reported of it last. Places count within the device."""

    def __init__(self, increments: NDArray[np.float64]) -> None:
        self._increments = increments
        self._reported = np.zeros(len(increments))
        self._reported_flags = np.zeros(len(increments), dtype=np.uint8)
        self._is_watched = np.zeros(len(increments), dtype=np.bool_)
        self._is_owed = np.zeros(len(increments), dtype=np.bool_)
        self._criteria: dict[int, Criteria] = {}

    def watch(self, place: int, criteria: "Criteria", value: float, flags: int) -> None:
        """Begin to compare with what the first subscriber is told at once."""
        self._criteria[place] = criteria
        self._is_watched[place] = True
        self._is_owed[place] = False
        self._reported[place], self._reported_flags[place] = value, flags

    def forget(self, place: int) -> None:
        """The last subscriber left."""
        self._criteria.pop(place, None)
        self._is_watched[place] = False

    def owe(self, place: int) -> None:
        """A notification could not be sent; let the next comparison send it."""
        self._is_owed[place] = True

    def news(self, shown: NDArray[np.float64], flags: NDArray[np.uint8]) -> "list[Criteria]":
        """Objects whose value moved by its increment, or whose status flags changed, since they were reported."""
        if not self._criteria:
            return []
        moved = np.abs(shown - self._reported) >= self._increments
        due = self._is_watched & (moved | (flags != self._reported_flags) | self._is_owed)
        self._reported[due], self._reported_flags[due], self._is_owed[due] = shown[due], flags[due], False
        return [self._criteria[place] for place in np.flatnonzero(due).tolist()]


class Criteria:
    """The library's name for what watches one object; it keeps the subscriptions and sends to them."""

    def __init__(self, obj: Any) -> None:  # noqa: ANN401
        self._obj = obj
        self._waiting: set[int] = set()
        self.cov_subscriptions: list[Any] = []
        obj.shared.cov.watch(obj.place, self, obj.shared.shown[obj.place], obj.shared.flags[obj.place])

    def add_subscription(self, cov: Any) -> None:  # noqa: ANN401
        """Called by the library."""
        self.cov_subscriptions.append(cov)

    def cancel_subscription(self, cov: Any) -> None:  # noqa: ANN401
        """Called by the library, also when a lifetime ends."""
        cov.cancel_subscription()
        self.cov_subscriptions.remove(cov)

    def unbind(self) -> None:
        """Called by the library when nobody is subscribed any more."""
        self._obj.shared.cov.forget(self._obj.place)

    def send_cov_notifications(self, subscription: Any = None) -> None:  # noqa: ANN401
        """Tell a new subscriber, or all of them. One confirmed notification at a time waits for its answer."""
        for cov in self.cov_subscriptions if subscription is None else [subscription]:
            if cov in self.cov_subscriptions:
                self._send(cov, self._obj.shared.outbox)

    def _send(self, cov: Any, outbox: Outbox) -> None:  # noqa: ANN401
        key = id(cov)
        if key in self._waiting:
            self._obj.shared.cov.owe(self._obj.place)
            return
        done = None
        if cov.confirmed:
            self._waiting.add(key)
            done = lambda: self._waiting.discard(key)  # noqa: E731 - a line
        if not outbox.send(self._notification(cov), done):
            self._waiting.discard(key)
            self._obj.shared.cov.owe(self._obj.place)

    def _notification(self, cov: Any) -> Any:  # noqa: ANN401
        left_s = 0
        if cov.cancel_handle is not None:
            left_s = max(1, int(cov.cancel_handle.when() - asyncio.get_running_loop().time()))
        kind = ConfirmedCOVNotificationRequest if cov.confirmed else UnconfirmedCOVNotificationRequest
        return kind(
            subscriberProcessIdentifier=cov.proc_id,
            initiatingDeviceIdentifier=self._obj.shared.device_identifier,
            monitoredObjectIdentifier=cov.obj_id,
            timeRemaining=left_s,
            listOfValues=[
                PropertyValue(propertyIdentifier="presentValue", value=AnyValue(self._obj.present_value())),
                PropertyValue(propertyIdentifier="statusFlags", value=AnyValue(self._obj.status_flags())),
            ],
            destination=cov.client_addr,
        )
