"""A file that is hashed while it is written, and that goes on after its writer was killed."""

import hashlib
import os
import shutil
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self

from cityhall_bms.domain.errors import CityHallError

READ_BYTES: Final = 1 << 20


class ExportFileError(CityHallError):
    """The file of an export cannot be written or read; the text says why."""


class HashedFile:
    """Begins a file anew, or goes on with one after its first ``keep`` bytes; ``with`` closes it."""

    def __init__(self, path: Path, keep: int = 0) -> None:
        self.path = path
        self.bytes = 0
        self._digest = hashlib.sha256()
        try:
            self._file: IO[bytes] = path.open("r+b" if keep else "wb")
        except OSError as error:
            raise _unwritable(path, error) from error
        try:
            self._read_back(keep)
        except (OSError, ExportFileError) as error:
            self._file.close()
            raise (_unwritable(path, error) if isinstance(error, OSError) else error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    @property
    def sha256(self) -> str:
        """Of everything written so far, in hexadecimal."""
        return self._digest.hexdigest()

    def write(self, data: bytes) -> None:
        """Add some bytes; :class:`ExportFileError` when they have no room."""
        try:
            self._file.write(data)
        except OSError as error:
            raise _unwritable(self.path, error) from error
        self._digest.update(data)
        self.bytes += len(data)

    def settle(self) -> None:
        """Have everything on disk."""
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise _unwritable(self.path, error) from error

    def _read_back(self, keep: int) -> None:
        while self.bytes < keep and (data := self._file.read(min(READ_BYTES, keep - self.bytes))):
            self._digest.update(data)
            self.bytes += len(data)
        if self.bytes < keep:
            msg = f"{self.path} has only {self.bytes} of the {keep} bytes that were safe on disk"
            raise ExportFileError(msg)
        self._file.truncate(keep)


def measure(path: Path) -> tuple[int, str]:
    """Size and SHA-256 (hexadecimal) of a file; :class:`ExportFileError` when it cannot be read."""
    digest, size = hashlib.sha256(), 0
    try:
        with path.open("rb") as file:
            while data := file.read(READ_BYTES):
                digest.update(data)
                size += len(data)
    except OSError as error:
        msg = f"{path} cannot be read: {error.strerror or error}"
        raise ExportFileError(msg) from error
    return size, digest.hexdigest()


def require_room(folder: Path, free_bytes_min: int) -> None:
    """Refuse to go on (:class:`ExportFileError`) when less than that would stay free on the disk."""
    free = shutil.disk_usage(folder).free
    if free < free_bytes_min:
        msg = f"{folder}: {free:,} bytes are free, and exports leave at least {free_bytes_min:,} to the service"
        raise ExportFileError(msg)


def _unwritable(path: Path, error: OSError) -> ExportFileError:
    return ExportFileError(f"{path} cannot be written: {error.strerror or error}")
