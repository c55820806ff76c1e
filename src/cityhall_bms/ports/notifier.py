"""The way to people's telephones and mail boxes."""

from collections.abc import Collection, Sequence
from typing import Protocol

from cityhall_bms.domain.notifications import Delivery


class Notifier(Protocol):
    """Hands messages to channels, which it knows by name; their addresses stay with it."""

    @property
    def channels(self) -> Collection[str]:
        """Names of the channels whose address is known."""
        ...

    async def send(self, channel: str, title: str, text: str, attachments: Sequence[str] = ()) -> Delivery:
        """Hand over one message, and say what came of it. It never raises, and its reasons hold no secret.

        ``attachments`` are files below the data folder; a channel that takes none gets the text alone.
        """
        ...
