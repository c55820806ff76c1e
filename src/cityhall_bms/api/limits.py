"""How much one caller, and all together, may ask: requests, tries to sign in, open streams, exports at once.

A caller is its session or token; its account, for what it keeps open; its address, as long as nobody knows who asks.
"""

from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from typing import Final

from cityhall_bms.domain.errors import TooManyError
from cityhall_bms.domain.rates import Rate, RateMeter, Seats, seconds_to_wait
from cityhall_bms.ports.clock import Clock
from cityhall_bms.settings import LimitSettings

SEAT_RETRY_S: Final = 10
ACCOUNTS_PER_ADDRESS: Final = 6
"""For how many accounts one address may try at once: one password tried on all accounts is as bad as the reverse."""


class Limits:
    """The limits of one process, and how much of them is used."""

    def __init__(self, settings: LimitSettings, clock: Clock) -> None:
        self._clock = clock
        self._requests = RateMeter(Rate(settings.requests_per_s, settings.requests_burst))
        self._sign_ins = RateMeter(Rate.per_minute(settings.sign_ins_per_minute))
        self._addresses = RateMeter(Rate.per_minute(settings.sign_ins_per_minute * ACCOUNTS_PER_ADDRESS))
        self.streams = Seats(settings.streams_each, settings.streams_all)
        self.exports = Seats(settings.exports_each, settings.exports_all)

    def request(self, caller: Hashable) -> None:
        """Count a request; :class:`TooManyError` when it is one too many."""
        self._count(self._requests, caller, "太多請求 / too many requests")

    def sign_in(self, account: str, address: str) -> None:
        """Count a try to sign in; :class:`TooManyError` when it is one too many."""
        self._count(self._addresses, address, "太多次登入 / too many tries to sign in")
        self._count(self._sign_ins, (account.casefold(), address), "太多次登入 / too many tries to sign in")

    def _count(self, meter: RateMeter, caller: Hashable, what: str) -> None:
        wait = meter.wait_s(caller, self._clock.monotonic())
        if wait:
            seconds = seconds_to_wait(wait)
            msg = f"{what}: {seconds} s"
            raise TooManyError(msg, seconds)


@contextmanager
def seated(seats: Seats, caller: Hashable, what: str) -> Iterator[None]:
    """Hold a seat while something goes on; :class:`TooManyError` when there is none."""
    if not seats.take(caller):
        msg = f"{what}: 請關閉其他的再試 / close others and try again"
        raise TooManyError(msg, SEAT_RETRY_S)
    try:
        yield
    finally:
        seats.give_back(caller)
