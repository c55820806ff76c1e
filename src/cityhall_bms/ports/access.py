"""Who asks, how the service knows, and what they may do where."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from cityhall_bms.domain.access.accounts import Account
from cityhall_bms.domain.access.grants import (
    EVERYWHERE,
    PERMISSIONS_OF,
    Grant,
    Permission,
    Role,
    permissions_of,
    role_for,
)
from cityhall_bms.domain.site import Equipment

__all__ = ["EVERYWHERE", "PERMISSIONS_OF", "Account", "Grant", "Permission", "Role"]


@dataclass(frozen=True, slots=True)
class Requester:
    """Who wants a command, in what role, from where."""

    name: str
    role: Role = Role.OPERATOR
    console: str = ""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Somebody whom the service knows. ``scopes`` narrows what a token may do; ``session`` names the session, or none.

    ``ends_at`` is when the session or token ends without further ado, µs UTC.
    """

    account: Account
    ends_at: int
    session: str = ""
    token: str = ""
    scopes: frozenset[Permission] | None = None
    idle_s: float | None = None

    @property
    def name(self) -> str:
        """What is recorded as ``by``."""
        return self.account.name

    @property
    def permissions(self) -> frozenset[Permission]:
        """What they may do somewhere."""
        found = permissions_of(self.account.grants)
        return found if self.scopes is None else found & self.scopes

    def role_for(self, permission: Permission, equipment: str | None = None) -> Role | None:
        """The role by which they may do something, to equipment or anywhere at all; or none."""
        if self.scopes is not None and permission not in self.scopes:
            return None
        return role_for(self.account.grants, permission, equipment)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a request comes from, as it is recorded: address, and what the program calls itself."""

    address: str = ""
    agent: str = ""


class Authority(Protocol):
    """Decides who may command what. ``EventLogUnavailableError`` when it cannot find out: then nobody may."""

    async def refusal(self, who: Requester, what: Permission, equipment: Equipment) -> str | None:
        """Why somebody may not do it to equipment, in both languages; none when they may."""
        ...


@dataclass(frozen=True, slots=True)
class Opened:
    """A session that was opened; ``secret`` is told to nobody else, and is kept nowhere."""

    who: SignedIn
    secret: str


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """A session as it is listed; times are µs UTC."""

    session: str
    account: str
    begun_at: int
    active_at: int
    ends_at: int
    idle_s: float | None
    origin: Origin
    by: str
    """How it was opened: ``password``, ``invitation``, ``link``, or the name of a provider."""


@dataclass(frozen=True, slots=True)
class TokenRecord:
    """A token as it is listed, without what makes it work; times are µs UTC."""

    token: str
    account: str
    name: str
    scopes: Sequence[Permission]
    made_at: int
    expires_at: int
    used_at: int | None


@dataclass(frozen=True, slots=True)
class MadeToken:
    """A token that was made; ``secret`` is shown once, and is kept nowhere."""

    record: TokenRecord
    secret: str


@dataclass(frozen=True, slots=True)
class Invitation:
    """Whom an invitation is for. ``enters``: it opens a session by itself, without a password (the demo's link)."""

    account: str
    expires_at: int
    enters: bool = False


class Accounts(Protocol):
    """The accounts, by the event log. ``EventLogUnavailableError`` when it cannot be reached."""

    async def get(self, name: str) -> Account:
        """One account, by its name in whatever case; ``NotFoundError`` when there is none."""
        ...

    async def all(self) -> Sequence[Account]:
        """Every account, by name."""
        ...


class AccountDesk(Accounts, Protocol):
    """What administrators do about accounts. ``RefusedError`` for what the state or the rules do not allow."""

    async def create(self, name: str, grants: Sequence[Grant], *, by: str, wall: bool = False) -> Account:
        """Make an account, which nobody can sign in to before it is invited."""
        ...

    async def grant(self, name: str, grants: Sequence[Grant], *, by: str) -> Account:
        """Give an account these roles, and no others."""
        ...

    async def disable(self, name: str, *, by: str, reason: str) -> Account:
        """End an account: its sessions, its tokens and its invitations with it."""
        ...

    async def enable(self, name: str, *, by: str) -> Account:
        """Take a disabled account into use again."""
        ...

    async def unlock(self, name: str, *, by: str) -> Account:
        """Let a locked account try again at once."""
        ...

    async def invite(self, name: str, *, by: str, enters: bool = False) -> str:
        """A link's secret, good once and for a day, with which somebody chooses a password."""
        ...


class SignIns(Protocol):
    """How people come in and leave. ``NotSignedInError`` says no more than that it was wrong."""

    async def with_password(self, name: str, password: str, origin: Origin) -> Opened:
        """Sign in."""
        ...

    async def invitation(self, secret: str) -> Invitation:
        """Whom an invitation is for, as long as it is good."""
        ...

    async def with_invitation(self, secret: str, password: str | None, origin: Origin) -> Opened:
        """Use an invitation up: choose the password, where it asks for one, and sign in."""
        ...

    async def from_provider(self, name: str, grants: Sequence[Grant], provider: str, origin: Origin) -> Opened:
        """Sign in somebody whom an identity provider vouches for; the account is made where there is none."""
        ...

    async def turned_away(self, reason: str, origin: Origin) -> None:
        """Record that a provider did not vouch for somebody, and why."""
        ...

    async def change_password(self, who: SignedIn, old: str, new: str) -> None:
        """Choose another password; every other session of the account ends."""
        ...

    async def sign_out(self, who: SignedIn) -> None:
        """End one's own session."""
        ...


class Doorkeeper(Protocol):
    """Knows who asks, by a session's or a token's secret; none for one that is not good, or not any more."""

    async def by_session(self, secret: str) -> SignedIn | None:
        """Whose session it is."""
        ...

    async def by_token(self, secret: str) -> SignedIn | None:
        """Whose token it is."""
        ...

    async def active(self, who: SignedIn) -> SignedIn:
        """A person did something: the session's idle time begins anew."""
        ...

    async def refused(self, who: SignedIn, what: Permission, where: str) -> None:
        """Record that somebody wanted what they may not."""
        ...


class Credentials(Protocol):
    """Lists and ends of sessions and tokens."""

    async def sessions(self, account: str | None = None) -> Sequence[SessionRecord]:
        """Sessions that are open: of an account, or all."""
        ...

    async def end_session(self, session: str, *, by: str) -> None:
        """End one; ``NotFoundError`` when none is named so."""
        ...

    async def tokens(self, account: str | None = None) -> Sequence[TokenRecord]:
        """Tokens that are good: of an account, or all."""
        ...

    async def make_token(
        self, account: str, name: str, scopes: Sequence[Permission], days: int, *, by: str
    ) -> MadeToken:
        """Make one; ``RefusedError`` for scopes that the account has not."""
        ...

    async def revoke_token(self, token: str, *, by: str) -> None:
        """End one; ``NotFoundError`` when none is named so."""
        ...
