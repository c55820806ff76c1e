"""Which account a service runs under, and what that account can reach.

Root hands its services to an unprivileged account: PostgreSQL refuses to run as root, and NATS needs no right at all.
"""

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cityhall_bms.adapters.embedded.errors import EmbeddedServiceError

PREFERRED: Final = ("postgres", "nobody")


@dataclass(frozen=True, slots=True)
class Account:
    """An unprivileged account to drop to."""

    uid: int
    gid: int


def account_for(folder: Path) -> Account | None:
    """Choose the account for a service whose files are in ``folder``; None = our own.

    A folder that already belongs to somebody keeps its owner: a service that was once started by its user
    must still be startable by that user after root started it.
    """
    if os.geteuid() != 0:
        return None
    if folder.is_dir():
        owner = folder.stat()
        if owner.st_uid != 0:
            return Account(owner.st_uid, owner.st_gid)
    for name in PREFERRED:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid)
    msg = f"running as root needs one of the accounts {' or '.join(PREFERRED)}; run as an ordinary user instead"
    raise EmbeddedServiceError(msg)


def may_enter(status: os.stat_result, account: Account) -> bool:
    """Say whether the mode bits let the account through a folder (or run a file)."""
    if status.st_uid == account.uid:
        return bool(status.st_mode & stat.S_IXUSR)
    if status.st_gid == account.gid:
        return bool(status.st_mode & stat.S_IXGRP)
    return bool(status.st_mode & stat.S_IXOTH)


def cannot_pass(path: Path, account: Account) -> list[Path]:
    """List the folders on the way to ``path`` (without itself) that the account may not enter, outermost first."""
    return [folder for folder in reversed(path.resolve().parents) if not may_enter(folder.stat(), account)]


def make_folder(folder: Path, account: Account | None) -> None:
    """Make a private folder (0700) that belongs to the service's account; :class:`EmbeddedServiceError` if not ours."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = folder.lstat()  # not stat: a link put there by somebody else must not be followed
    if account is not None and stat.S_ISDIR(status.st_mode) and status.st_uid == 0:
        os.chown(folder, account.uid, account.gid, follow_symlinks=False)
        status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != (account.uid if account else os.geteuid()):
        msg = f"{folder} belongs to another account; start as that account, or choose another data directory"
        raise EmbeddedServiceError(msg)
    folder.chmod(0o700)


def write_private(path: Path, text: str, account: Account | None) -> None:
    """Replace a file, mode 0600, owned by the service's account; never through a link that is already there."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "w") as file:
        file.write(text)
        if account is not None:
            os.fchown(file.fileno(), account.uid, account.gid)
    fresh.replace(path)
