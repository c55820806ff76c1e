"""Being a foreign device of a BBMD, which passes broadcasts on to us (ANSI/ASHRAE 135, annex J.5)."""

import asyncio
from collections.abc import Callable
from typing import Final

from cityhall_drivers.bacnet.wire import register_foreign, result_code

ANSWER_WITHIN_S: Final = 3.0
AGAIN_AFTER_S: Final = 30.0
"""After a refusal, or silence."""
_SUCCESS: Final = 0x0000
_REFUSED: Final = 0x0030

Send = Callable[[bytes, tuple[str, int]], None]


class ForeignRegistration:
    """Registers, and renews at half of its time; ``state`` says in words how that went last."""

    def __init__(self, bbmd: tuple[str, int], ttl_s: int) -> None:
        self.state = "not registered"
        self.is_registered = False
        self._bbmd = bbmd
        self._ttl_s = ttl_s
        self._send: Send | None = None
        self._next: asyncio.TimerHandle | None = None

    @property
    def name(self) -> str:
        """Where the BBMD is."""
        return f"{self._bbmd[0]}:{self._bbmd[1]}"

    def begin(self, send: Send) -> None:
        """Register now, and stay registered."""
        self._send = send
        self._register()

    def end(self) -> None:
        """Renew no longer; the BBMD forgets us after our time."""
        self._note("not registered", is_registered=False)
        self._send = None
        self._later(None, 0.0)

    def heard(self, content: bytes, source: tuple[str, int]) -> None:
        """Take a result; one of somebody else is not ours. :class:`FrameError` when it is none."""
        if source != self._bbmd or self._send is None:
            return
        code = result_code(content)
        if code == _SUCCESS:
            self._note("registered", is_registered=True)
            self._later(self._register, self._ttl_s / 2)
            return
        words = "it refuses foreign devices (NAK 0x0030)" if code == _REFUSED else f"it answers with code 0x{code:04X}"
        self._note(words, is_registered=False)
        self._later(self._register, min(AGAIN_AFTER_S, self._ttl_s / 2))

    def _register(self) -> None:
        if self._send is not None:
            self._send(register_foreign(self._ttl_s), self._bbmd)
            self._later(self._unanswered, ANSWER_WITHIN_S)

    def _unanswered(self) -> None:
        self._note(f"it does not answer within {ANSWER_WITHIN_S:g} s", is_registered=False)
        self._later(self._register, min(AGAIN_AFTER_S, self._ttl_s / 2))

    def _note(self, words: str, *, is_registered: bool) -> None:
        self.state, self.is_registered = words, is_registered

    def _later(self, what: Callable[[], None] | None, after_s: float) -> None:
        if self._next is not None:
            self._next.cancel()
        self._next = None if what is None else asyncio.get_running_loop().call_later(after_s, what)
