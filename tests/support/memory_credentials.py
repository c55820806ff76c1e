"""Hashes, sessions, tokens and invitations in memory, and a hasher that takes no time."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from cityhall_bms.ports.access import Invitation, SessionRecord, TokenRecord
from cityhall_bms.ports.credentials import PasswordRecord


class QuickHasher:
    """See :class:`~cityhall_bms.ports.credentials.PasswordHasher`; counts how often it had to compare."""

    def __init__(self) -> None:
        self.compared = 0

    async def hash(self, password: str) -> str:
        return f"hash of {password}"

    async def matches(self, hashed: str | None, password: str) -> bool:
        self.compared += 1
        return hashed == f"hash of {password}"


@dataclass
class MemoryCredentials:
    """See :class:`~cityhall_bms.ports.credentials.CredentialStore`."""

    passwords: dict[str, PasswordRecord] = field(default_factory=dict)
    open: dict[bytes, SessionRecord] = field(default_factory=dict)
    good: dict[bytes, TokenRecord] = field(default_factory=dict)
    invited: dict[bytes, Invitation] = field(default_factory=dict)

    async def password(self, account: str) -> PasswordRecord | None:
        return self.passwords.get(account)

    async def set_password(self, account: str, record: PasswordRecord, at: int) -> None:
        self.passwords[account] = replace(record, failures=0)

    async def failed(self, account: str) -> int:
        record = self.passwords.get(account)
        if record is None:
            return 0
        self.passwords[account] = replace(record, failures=record.failures + 1)
        return record.failures + 1

    async def forgive(self, account: str) -> None:
        if account in self.passwords:
            self.passwords[account] = replace(self.passwords[account], failures=0)

    async def add_session(self, digest: bytes, record: SessionRecord) -> None:
        self.open[digest] = record

    async def session(self, digest: bytes, at: int) -> SessionRecord | None:
        found = self.open.get(digest)
        return found if found is not None and _is_open(found, at) else None

    async def sessions(self, account: str | None, at: int) -> Sequence[SessionRecord]:
        return [each for each in self.open.values() if account in {None, each.account} and _is_open(each, at)]

    async def touch(self, session: str, at: int) -> None:
        for digest, record in self.open.items():
            if record.session == session:
                self.open[digest] = replace(record, active_at=at)

    async def end_session(self, session: str) -> SessionRecord | None:
        return next(iter(self._take(lambda each: each.session == session)), None)

    async def end_sessions(self, account: str, *, but: str = "") -> Sequence[SessionRecord]:
        return self._take(lambda each: each.account == account and each.session != but)

    def _take(self, chosen) -> list[SessionRecord]:  # noqa: ANN001
        taken = [digest for digest, record in self.open.items() if chosen(record)]
        return [self.open.pop(digest) for digest in taken]

    async def add_token(self, digest: bytes, record: TokenRecord) -> None:
        self.good[digest] = record

    async def token(self, digest: bytes, at: int) -> TokenRecord | None:
        found = self.good.get(digest)
        return found if found is not None and at < found.expires_at else None

    async def tokens(self, account: str | None, at: int) -> Sequence[TokenRecord]:
        return [each for each in self.good.values() if account in {None, each.account} and at < each.expires_at]

    async def end_token(self, token: str) -> TokenRecord | None:
        digest = next((digest for digest, record in self.good.items() if record.token == token), None)
        return None if digest is None else self.good.pop(digest)

    async def end_tokens(self, account: str) -> Sequence[TokenRecord]:
        taken = [digest for digest, record in self.good.items() if record.account == account]
        return [self.good.pop(digest) for digest in taken]

    async def add_invitation(self, digest: bytes, invitation: Invitation) -> None:
        await self.end_invitations(invitation.account)
        self.invited[digest] = invitation

    async def invitation(self, digest: bytes, at: int) -> Invitation | None:
        found = self.invited.get(digest)
        return found if found is not None and at < found.expires_at else None

    async def take_invitation(self, digest: bytes, at: int) -> Invitation | None:
        found = await self.invitation(digest, at)
        self.invited.pop(digest, None)
        return found

    async def end_invitations(self, account: str) -> None:
        for digest in [digest for digest, each in self.invited.items() if each.account == account]:
            del self.invited[digest]


def _is_open(record: SessionRecord, at: int) -> bool:
    return at < record.ends_at and (record.idle_s is None or at < record.active_at + record.idle_s * 1e6)
