"""Accounts of people and of programs: the fold of what was decided about each. No secret is ever in an event."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from cityhall_bms.domain.access.grants import EVERYWHERE, GRANTABLE, Grant, Role
from cityhall_bms.domain.audit import SERVICE_ACTORS
from cityhall_bms.domain.errors import RefusedError
from cityhall_bms.domain.events import EVENT_TYPES, Event, StoredEvent, stored

ACCOUNT_STREAMS: Final = "account/"
NAME_CHARACTERS: Final = range(2, 65)
NAME_PATTERN: Final = re.compile(r"[^\W_](?:[\w .@'·-]*[^\W_])?")
"""Letters and digits of any script; inside also spaces and the signs that names have."""
RESERVED: Final = SERVICE_ACTORS | {"service", "operator"}
"""Names under which the service itself records what it does."""
ZONES_MAX: Final = 200


@stored
@dataclass(frozen=True, slots=True)
class AccountCreated(Event):
    """An account was made. ``wall``: of a wall view, which reads only and stays signed in; ``provider`` vouches."""

    account: str
    by: str
    at: int
    wall: bool = False
    provider: str = ""


@stored
@dataclass(frozen=True, slots=True)
class RolesGranted(Event):
    """From now on an account has these roles in these zones, and no others."""

    account: str
    grants: list[dict[str, Any]]
    by: str
    at: int


@stored
@dataclass(frozen=True, slots=True)
class AccountInvited(Event):
    """A link was made that is good once until a time; ``enters``: it signs in by itself."""

    account: str
    by: str
    at: int
    until: int
    enters: bool = False


@stored
@dataclass(frozen=True, slots=True)
class PasswordChanged(Event):
    """Somebody chose a password: of an ``invitation``, or in place of the ``old`` one."""

    account: str
    how: str
    at: int


@stored
@dataclass(frozen=True, slots=True)
class AccountLocked(Event):
    """Too many wrong passwords: nobody gets in with one before a time."""

    account: str
    failures: int
    at: int
    until: int


@stored
@dataclass(frozen=True, slots=True)
class AccountUnlocked(Event):
    """An administrator let a locked account try again at once."""

    account: str
    by: str
    at: int


@stored
@dataclass(frozen=True, slots=True)
class AccountDisabled(Event):
    """An account is over: nobody gets in with it."""

    account: str
    by: str
    at: int
    reason: str


@stored
@dataclass(frozen=True, slots=True)
class AccountEnabled(Event):
    """A disabled account may be used again."""

    account: str
    by: str
    at: int


@dataclass(frozen=True, slots=True)
class Account:
    """One account as it stands. Times are µs UTC; ``locked_until`` 0 when it never was."""

    name: str
    grants: tuple[Grant, ...] = ()
    wall: bool = False
    provider: str = ""
    created_at: int = 0
    password_at: int | None = None
    locked_until: int = 0
    disabled: bool = False
    version: int = 1

    @property
    def key(self) -> str:
        """What names are the same by."""
        return key_of(self.name)

    def locked(self, at: int) -> bool:
        """Whether it is locked at a time."""
        return at < self.locked_until


def key_of(name: str) -> str:
    """What two names are the same by: without regard to case, width and composition of characters."""
    return unicodedata.normalize("NFKC", name.strip()).casefold()


def account_stream(name: str) -> str:
    """Event stream of one account."""
    return f"{ACCOUNT_STREAMS}{key_of(name)}"


def check_name(name: str) -> str:
    """The name as it is kept; ``RefusedError`` says what a name is."""
    found = unicodedata.normalize("NFKC", name.strip())
    if len(found) not in NAME_CHARACTERS or NAME_PATTERN.fullmatch(found) is None:
        msg = (
            f"帳號名稱為 {NAME_CHARACTERS[0]}–{NAME_CHARACTERS[-1]} 個字元，以文字或數字開頭結尾 / "
            f"an account's name has {NAME_CHARACTERS[0]} to {NAME_CHARACTERS[-1]} characters, and begins and ends "
            "with a letter or digit"
        )
        raise RefusedError(msg)
    if key_of(found) in RESERVED:
        msg = f"{found} 是系統保留名稱 / the service itself acts under the name {found}"
        raise RefusedError(msg)
    return found


def check_grants(grants: Sequence[Grant], places: frozenset[str], *, wall: bool = False) -> tuple[Grant, ...]:
    """Grants in one order, each role once; ``RefusedError`` for zones that the site has not, or a wall that acts."""
    by_role: dict[Role, set[str]] = {}
    for grant in grants:
        if grant.role not in GRANTABLE:
            msg = f"角色 {grant.role} 不可授予 / the role {grant.role} cannot be granted"
            raise RefusedError(msg)
        unknown = sorted(set(grant.zones) - places - {EVERYWHERE})
        if unknown or not grant.zones:
            what = ", ".join(unknown) or "-"
            msg = f"案場沒有區域 {what}；全部為 {EVERYWHERE} / the site has no zone {what}; all of it is {EVERYWHERE}"
            raise RefusedError(msg)
        by_role.setdefault(grant.role, set()).update(grant.zones)
    if wall and set(by_role) - {Role.VIEWER}:
        msg = "電視牆帳號只能檢視 / the account of a wall view only views"
        raise RefusedError(msg)
    return tuple(
        Grant(role, (EVERYWHERE,) if EVERYWHERE in by_role[role] else tuple(sorted(by_role[role])))
        for role in GRANTABLE
        if role in by_role
    )


def as_words(grants: Sequence[Grant]) -> list[dict[str, Any]]:
    """Grants as an event has them."""
    return [{"role": grant.role.value, "zones": list(grant.zones)} for grant in grants]


def fold_account(account: Account | None, entry: StoredEvent) -> Account | None:
    """Account after one entry of its stream; what cannot follow, or is of a newer version, changes nothing."""
    event = entry.event() if entry.type in EVENT_TYPES else None
    if isinstance(event, AccountCreated) and account is None:
        return Account(event.account, (), event.wall, event.provider, event.at, version=entry.version)
    if account is None or event is None:
        return account
    return replace(account, version=entry.version, **_changes(event))


def _changes(event: Event) -> Mapping[str, Any]:
    match event:
        case RolesGranted():
            return {"grants": tuple(_grant(words) for words in event.grants if words["role"] in set(GRANTABLE))}
        case PasswordChanged():
            return {"password_at": event.at, "locked_until": 0}
        case AccountLocked() | AccountUnlocked():
            return {"locked_until": event.until if isinstance(event, AccountLocked) else 0}
        case AccountDisabled() | AccountEnabled():
            return {"disabled": isinstance(event, AccountDisabled)}
    return {}


def _grant(words: Mapping[str, Any]) -> Grant:
    return Grant(Role(words["role"]), tuple(words["zones"]))
