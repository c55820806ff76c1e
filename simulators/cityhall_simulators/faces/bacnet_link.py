"""The wire of a BACnet device: mute, or slow, without the library behind it knowing."""

import asyncio
from collections.abc import Callable
from typing import Any, Final

SLOW_S: Final = 3.0
"""How late a device answers that has become slow: as long as clients usually wait."""


class _Wire:
    """A datagram transport that swallows what a mute device would not say, and keeps back what a slow one says."""

    def __init__(self, transport: Any, is_mute: Callable[[], bool], is_slow: Callable[[], bool]) -> None:  # noqa: ANN401
        self._transport = transport
        self._is_mute = is_mute
        self._is_slow = is_slow

    def sendto(self, data: bytes, address: Any = None) -> None:  # noqa: ANN401
        if self._is_mute():
            return
        if self._is_slow():
            asyncio.get_running_loop().call_later(SLOW_S, self._late, data, address)
        else:
            self._transport.sendto(data, address)

    def _late(self, data: bytes, address: Any) -> None:  # noqa: ANN401
        if not self._transport.is_closing():
            self._transport.sendto(data, address)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self._transport, name)


def put_on_wire(server: Any, is_mute: Callable[[], bool], is_slow: Callable[[], bool]) -> None:  # noqa: ANN401
    """Put ``server``, a bound IPv4 datagram server of the library, behind such a wire, for both directions."""
    heard = server.confirmation

    async def confirmation(pdu: Any) -> None:  # noqa: ANN401
        if not is_mute():
            await heard(pdu)

    server.confirmation = confirmation
    server.local_transport = _Wire(server.local_transport, is_mute, is_slow)
