"""Where secrets are kept: only as hashes, and in no event. Whoever reads the log or an export learns none."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from cityhall_bms.ports.access import Invitation, SessionRecord, TokenRecord


@dataclass(frozen=True, slots=True)
class PasswordRecord:
    """What is kept of a password: the hash in use, those before it (newest first), wrong attempts in a row."""

    hash: str
    before: Sequence[str] = ()
    failures: int = 0


class PasswordHasher(Protocol):
    """Makes and compares hashes, slowly and not in the loop's own thread."""

    async def hash(self, password: str) -> str:
        """A salted hash."""
        ...

    async def matches(self, hashed: str | None, password: str) -> bool:
        """Whether a password is that of a hash; none takes the same time, and never matches."""
        ...


class CredentialStore(Protocol):
    """Accounts are named by their keys, secrets by their SHA-256. Times are µs UTC.

    Raises ``EventLogUnavailableError`` when it cannot be reached.
    """

    async def password(self, account: str) -> PasswordRecord | None:
        """What is kept of an account's password."""
        ...

    async def set_password(self, account: str, record: PasswordRecord, at: int) -> None:
        """Keep a password, and count its failures from none."""
        ...

    async def failed(self, account: str) -> int:
        """Count one wrong password; how many there were in a row."""
        ...

    async def forgive(self, account: str) -> None:
        """Count failures from none."""
        ...

    async def add_session(self, digest: bytes, record: SessionRecord) -> None:
        """Keep a session; those that are over go."""
        ...

    async def session(self, digest: bytes, at: int) -> SessionRecord | None:
        """A session that is open at a time."""
        ...

    async def sessions(self, account: str | None, at: int) -> Sequence[SessionRecord]:
        """Sessions that are open at a time, the newest first."""
        ...

    async def touch(self, session: str, at: int) -> None:
        """Something was done in a session."""
        ...

    async def end_session(self, session: str) -> SessionRecord | None:
        """End a session; what was ended, or none."""
        ...

    async def end_sessions(self, account: str, *, but: str = "") -> Sequence[SessionRecord]:
        """End all sessions of an account, except one; what was ended."""
        ...

    async def add_token(self, digest: bytes, record: TokenRecord) -> None:
        """Keep a token."""
        ...

    async def token(self, digest: bytes, at: int) -> TokenRecord | None:
        """A token that is good at a time; its use is noted, by the minute."""
        ...

    async def tokens(self, account: str | None, at: int) -> Sequence[TokenRecord]:
        """Tokens that are good at a time, the newest first."""
        ...

    async def end_token(self, token: str) -> TokenRecord | None:
        """End a token; what was ended, or none."""
        ...

    async def end_tokens(self, account: str) -> Sequence[TokenRecord]:
        """End all tokens of an account; what was ended."""
        ...

    async def add_invitation(self, digest: bytes, invitation: Invitation) -> None:
        """Keep an invitation; earlier ones of the account are good no more."""
        ...

    async def invitation(self, digest: bytes, at: int) -> Invitation | None:
        """An invitation that is good at a time."""
        ...

    async def take_invitation(self, digest: bytes, at: int) -> Invitation | None:
        """Use an invitation up: of several who try at once one gets it."""
        ...

    async def end_invitations(self, account: str) -> None:
        """No invitation of an account is good any more."""
        ...
