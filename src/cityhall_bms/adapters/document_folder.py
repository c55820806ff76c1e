"""Proofs in a folder, each under its SHA-256: what is there was not changed, and nothing of it is ever run."""

import asyncio
import hashlib
import re
import secrets
from pathlib import Path
from typing import Final

from cityhall_bms.adapters.disk import settle
from cityhall_bms.domain.energy.documents import BYTES_MAX, media_type_of, safe_name
from cityhall_bms.domain.energy.readings import Document
from cityhall_bms.domain.errors import NotFoundError, RefusedError

_DIGEST: Final = re.compile(r"[0-9a-f]{64}")


class DocumentFolder:
    """See :class:`~cityhall_bms.ports.energy_readings.DocumentStore`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def keep(self, name: str, data: bytes) -> Document:
        """Have a file on disk, once."""
        if len(data) > BYTES_MAX:
            msg = f"附件至多 {BYTES_MAX} 位元組 / a document has {BYTES_MAX} bytes at most"
            raise RefusedError(msg)
        media_type = media_type_of(data)
        sha256 = hashlib.sha256(data).hexdigest()
        await asyncio.to_thread(self._write, sha256, data)
        return Document(sha256, safe_name(name, media_type), media_type, len(data))

    async def read(self, sha256: str) -> tuple[str, bytes]:
        """Type and bytes."""
        data = await asyncio.to_thread(self._read, sha256)
        if data is None or hashlib.sha256(data).hexdigest() != sha256:
            msg = f"沒有附件 {sha256} / there is no document {sha256}, or it is no longer what it was"
            raise NotFoundError(msg)
        return media_type_of(data), data

    def _write(self, sha256: str, data: bytes) -> None:
        if self._read(sha256) == data:
            return
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = self._folder / f".{secrets.token_hex(8)}"
        fresh.touch(mode=0o600)
        fresh.write_bytes(data)
        settle(fresh)
        fresh.rename(self._folder / sha256)
        settle(self._folder)

    def _read(self, sha256: str) -> bytes | None:
        path = self._folder / sha256
        return path.read_bytes() if _DIGEST.fullmatch(sha256) and path.is_file() else None
