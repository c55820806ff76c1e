"""Locks on a data folder: one for its owner, one that outlives the owner in the children."""

import fcntl
import os
from contextlib import suppress
from pathlib import Path
from typing import Final

from cityhall_bms.adapters.embedded.errors import EmbeddedServiceError, FolderInUseError
from cityhall_bms.ports.clock import Clock

POLL_S: Final = 0.02


class FolderLock:
    """A lock file that this process holds until ``release``, or until its death."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def take(self) -> None:
        """Take it, or raise :class:`FolderInUseError` naming the holder."""
        descriptor = _locked(self._path)
        if descriptor is None:
            holder = self._path.read_text().strip() or "unknown"
            msg = (
                f"{self._path.parent} is in use by process {holder}; "
                "stop it, or choose another data directory (--data-dir)"
            )
            raise FolderInUseError(msg)
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        self._descriptor = descriptor

    def release(self) -> None:
        """Give it back; harmless when it is not held."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def holder_of(path: Path) -> int | None:
    """Process that holds a lock; none when nobody does."""
    if not path.exists():
        return None
    descriptor = _locked(path)
    if descriptor is not None:
        os.close(descriptor)
        return None
    holder = path.read_text().strip()
    return int(holder) if holder.isdigit() else None


async def lock_for_child(path: Path, clock: Clock, patience_s: float) -> int:
    """Take a lock for a new child to inherit, and return its descriptor; the caller closes its own copy.

    A child (and all that it forked) holds the lock until the last of them has ended. So a new child never meets the
    dying one of a supervisor that was killed. After ``patience_s`` :class:`EmbeddedServiceError`.
    """
    deadline = clock.monotonic() + patience_s
    while (descriptor := _locked(path)) is None:
        if clock.monotonic() > deadline:
            msg = f"an earlier service still works in {path.parent} after {patience_s:.0f} s; end its processes"
            raise EmbeddedServiceError(msg)
        await clock.sleep(POLL_S)
    return descriptor


def _locked(path: Path) -> int | None:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    except OSError as error:
        os.close(descriptor)
        msg = f"{path} cannot be locked ({error}); choose a data directory on a local disk"
        raise EmbeddedServiceError(msg) from error
    return descriptor


def last_lines(log: Path, count: int = 12) -> str:
    """Return the end of a service's log, for an error message."""
    with suppress(OSError):
        lines = log.read_bytes()[-16_384:].decode(errors="replace").splitlines()
        return "\n".join(f"    {line}" for line in lines[-count:])
    return "    (no log)"
