"""Notifications through Apprise: the only file that imports it.

Addresses hold passwords and tokens. They come from a file with the secrets, and neither they nor anything that the
library says of them leaves this module: what is reported is one of a few sentences of our own.
"""

import asyncio
import logging
import re
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import structlog

from cityhall_bms.adapters.site_files.mistakes import Mistakes
from cityhall_bms.adapters.site_files.toml_file import read_toml
from cityhall_bms.domain.errors import SiteError
from cityhall_bms.domain.notifications import Delivery, Outcome

if TYPE_CHECKING:
    import apprise
    from apprise.logger import NotifyLogEntry
    from apprise.result import AppriseResult

CHANNELS_FILE: Final = "secrets/channels.toml"
"""Below the site folder, where the settings name no other."""
SEND_LIMIT_S: Final = 30.0
GIVE_UP_AFTER_S: Final = SEND_LIMIT_S + 10.0
"""A library that does not keep its own limit is not waited for."""
_STATUS: Final = re.compile(r"\berror=(\d{3})\b")
_MAIL_STATUS: Final = re.compile(r"\(([45]\d\d), b?['\"]")
_EXCEPTION: Final = "Socket Exception"
"""How the library's own account of an exception begins; what else it says at that level quotes the message."""
_NEVER_LEFT: Final = (
    "connection refused", "failed to establish a new connection", "name or service not known", "failed to resolve",
    "temporary failure in name resolution", "no route to host", "network is unreachable", "connect timeout",
    "certificate verify failed", "nodename nor servname", "no address associated with hostname",
)  # fmt: skip
"""What libraries say when a connection never stood; anything else may have carried the message."""

log = structlog.get_logger(__name__)


class ChannelsFile(Mapping[str, str]):
    """Addresses by channel, from a TOML file of ``name = "address"`` that is read anew whenever it changed.

    None where there is no file. A change with a mistake in it is told once, and what was read before stays.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int] | None = None
        self._read: dict[str, str] = {}
        self._reading = threading.Lock()

    def __getitem__(self, channel: str) -> str:
        """Give the address of a channel."""
        return self._now()[channel]

    def __iter__(self) -> Iterator[str]:
        """Go through the names of channels."""
        return iter(self._now())

    def __len__(self) -> int:
        """Count the channels."""
        return len(self._now())

    def _now(self) -> dict[str, str]:
        # Messages go out in threads: whoever asks while a changed file is read waits for what it says.
        with self._reading:
            return self._up_to_date()

    def _up_to_date(self) -> dict[str, str]:
        try:
            found = self._path.stat()
        except OSError:
            self._seen, self._read = None, {}
            return self._read
        seen = (found.st_mtime_ns, found.st_size)
        if seen != self._seen:
            self._seen = seen
            try:
                self._read = read_channels(self._path)
            except SiteError as error:
                # Alarms must ring even if nobody can be told.
                log.error("the addresses of the channels cannot be read", reason=str(error))  # noqa: TRY400 - no trace
        return self._read


def read_channels(path: Path) -> dict[str, str]:
    """Addresses of a file; :class:`SiteError` with every mistake, of which none shows an address."""
    mistakes = Mistakes()
    file = read_toml(path, path.name, mistakes)
    if file is None:
        raise SiteError(mistakes.sorted())
    for name, address in file.data.items():
        if not isinstance(address, str) or _service(address) is None:
            remedy = "write an address that Apprise knows, like 'mailtos://user:password@host?to=name@host'"
            mistakes.add(path.name, file.line(name), name, "no service knows this address", remedy)
    if mistakes:
        raise SiteError(mistakes.sorted())
    return {str(name): str(address) for name, address in file.data.items()}


class _Heard:
    """What the library logged of one call; looked at, never kept."""

    def __init__(self) -> None:
        self.warnings = ""
        self.exceptions = ""

    def take(self, entry: "NotifyLogEntry", _service: object = None) -> None:
        """Take one entry."""
        if entry.message.startswith(_EXCEPTION):
            self.exceptions += f"{entry.message}\n"
        elif entry.level == "WARNING":
            self.warnings += f"{entry.message}\n"


class AppriseNotifier:
    """Sends each message in a thread of its own, within a time limit; see :class:`~cityhall_bms.ports.notifier`."""

    def __init__(self, addresses: Mapping[str, str], folder: Path | None = None) -> None:
        # What the library logs names addresses; everything that matters of it is in what `send` gives.
        logger = logging.getLogger("apprise")
        logger.propagate = False
        logger.addHandler(logging.NullHandler())
        logger.setLevel(logging.DEBUG)
        self._addresses = addresses
        self._folder = folder

    @property
    def channels(self) -> Collection[str]:
        """Names of the channels whose address is known."""
        return self._addresses.keys()

    async def send(self, channel: str, title: str, text: str, attachments: Sequence[str] = ()) -> Delivery:
        """Hand over one message, and say what came of it; ``attachments`` are files below the folder.

        What is no longer there, and what the channel's service takes none of, is left out: the text says what it was.
        """
        try:
            async with asyncio.timeout(GIVE_UP_AFTER_S):
                return await asyncio.to_thread(self._send, channel, title, text, attachments)
        except TimeoutError:
            return Delivery(Outcome.UNCERTAIN, f"the channel did not answer within {GIVE_UP_AFTER_S:.0f} s")

    def _send(self, channel: str, title: str, text: str, attachments: Sequence[str]) -> Delivery:
        address = self._addresses.get(channel)
        if address is None:
            return Delivery(Outcome.NOT_SENT, f"no address is known for the channel {channel}")
        files = [] if self._folder is None else [self._folder / name for name in attachments]
        return _hand_over(address, title, text, [str(file) for file in files if file.is_file()])


def _hand_over(address: str, title: str, text: str, files: Sequence[str]) -> Delivery:
    service = _service(address)
    if service is None:
        return Delivery(Outcome.NOT_SENT, "no service knows the channel's address")
    heard = _Heard()
    try:
        result = service.notify(
            text,
            title=title,
            body_format="text",
            attach=list(files) if files and all(each.attachment_support for each in service) else None,
            timeout=SEND_LIMIT_S,
            log_callback=heard.take,
            log_level=logging.DEBUG,
        )
    except Exception as error:  # noqa: BLE001 - a plugin's bug must not stop the others; its text may hold secrets
        return Delivery(Outcome.UNCERTAIN, f"the service failed: {type(error).__name__}")
    return _delivery(result, heard)


def _delivery(result: "AppriseResult", heard: _Heard) -> Delivery:
    """Outcome in our own words. Only what certainly did not arrive counts as not sent."""
    if result.status.name == "SUCCESS":
        return Delivery(Outcome.ACCEPTED)
    if result.status.name == "TIMEOUT":
        return Delivery(Outcome.UNCERTAIN, f"the channel did not answer within {SEND_LIMIT_S:.0f} s")
    code = _STATUS.search(heard.warnings) or _MAIL_STATUS.search(heard.exceptions)
    if code:
        return Delivery(Outcome.NOT_SENT, f"the channel refused it with status {code[1]}")
    said = heard.exceptions.lower()
    if any(word in said for word in _NEVER_LEFT):
        return Delivery(Outcome.NOT_SENT, "the channel cannot be reached")
    if "timed out" in said:
        return Delivery(Outcome.UNCERTAIN, "the channel did not answer in time")
    return Delivery(Outcome.UNCERTAIN, "the connection broke before the channel answered")


def _service(address: str) -> "apprise.Apprise | None":
    """A fresh one for each message, so that nothing of one call is left for the next; none for an unknown address."""
    import apprise  # noqa: PLC0415 - half a second and 20 MB that only who sends shall pay

    asset = apprise.AppriseAsset(async_mode=False, storage_mode="memory")
    service = apprise.Apprise(asset=asset)
    return service if service.add(address) and len(service) else None
