"""The certificates of a device's session, watched for as long as it is open."""

import asyncio
import logging
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from cityhall_bms.domain.notices import DeviceNotice
from cityhall_drivers.opcua.certificates import (
    CERTIFICATE_FILE,
    NEXT_CERTIFICATE_FILE,
    client_identity,
    trusted_certificate,
)
from cityhall_drivers.opcua.expiry import ExpiryBook
from cityhall_drivers.opcua.service import Service
from cityhall_drivers.opcua.trust import names_host, validity_of

LOOK_AGAIN_S: Final = 3600.0
_OWN_REMEDY: Final = f"請將 {NEXT_CERTIFICATE_FILE} 加入各伺服器的信任清單 add it to the trusted ones of every server"
_SERVERS_REMEDY: Final = "請更新伺服器的憑證，再存成此檔 renew the server's certificate, and save the new one here"

log = logging.getLogger(__name__)


class Watching(Service):
    """Tells in time that a certificate expires."""

    _book: ExpiryBook | None = None
    _doubted = b""

    async def _watch(self, sink: Callable[[DeviceNotice], None]) -> None:
        while self._config.encrypted:
            for notice in await asyncio.to_thread(self._look):
                sink(notice)
            await self._clock.sleep(LOOK_AGAIN_S)

    def _look(self) -> list[DeviceNotice]:
        folder, server = Path(self._device.folder), self._config.server_certificate or ""
        ends: dict[str, int] = {}
        with suppress(OSError, ValueError):  # told by the next connection
            client_identity(folder, socket.gethostname(), self._clock.now())
        for file in (CERTIFICATE_FILE, server):
            try:
                certificate = trusted_certificate(folder / file)
                ends[file] = validity_of(certificate).until
                if file == server:
                    self._doubt(certificate, file)
            except (OSError, ValueError) as error:
                # Being replaced just now, or spoilt: then the next connection says so.
                log.debug("%s: %s: %s", self._device.name, file, error)
        self._book = self._book or ExpiryBook(self._device.name)
        remedies = {CERTIFICATE_FILE: _OWN_REMEDY, server: _SERVERS_REMEDY}
        return self._book.look(ends, remedies, self._clock.now())

    def _doubt(self, certificate: bytes, file: str) -> None:
        """Warn once of a certificate made for another host: it is trusted, since an engineer named its file."""
        host = self._config.url.removeprefix("opc.tcp://").partition("/")[0].rpartition(":")[0]
        if certificate != self._doubted and not names_host(certificate, host):
            self._doubted = certificate
            log.warning("%s: %s 不是為 %s 製作的憑證 was not made for host %s", self._device.name, file, host, host)
