"""What a BACnet device sends unasked, with a bound: the library waits for as many answers as one asks it to."""

from collections import Counter
from collections.abc import Callable
from typing import Any, Final

from bacpypes3.apdu import ConfirmedRequestPDU
from bacpypes3.app import Application

IN_FLIGHT_MAX: Final = 32
"""Confirmed notifications that one receiver has not yet answered. Beyond 256 the library would never come back."""


class Outbox:
    """Sends notifications, and counts those that wait for their answer."""

    def __init__(self, app: Application) -> None:
        self._app = app
        self._in_flight: Counter[str] = Counter()

    def send(self, request: Any, done: Callable[[], None] | None = None) -> bool:  # noqa: ANN401
        """Send a notification to its destination; False when the receiver owes too many answers already.

        ``done`` is called when a confirmed one was answered or given up.
        """
        receiver = str(request.pduDestination)
        if not isinstance(request, ConfirmedRequestPDU):
            self._app.request(request)
            return True
        if self._in_flight[receiver] >= IN_FLIGHT_MAX:
            return False
        self._in_flight[receiver] += 1

        def answered(future: Any) -> None:  # noqa: ANN401
            self._in_flight[receiver] -= 1
            # An answer that never came is the receiver's loss; asking for it keeps the loop from complaining.
            if not future.cancelled():
                future.exception()
            if done is not None:
                done()

        self._app.request(request).add_done_callback(answered)
        return True
