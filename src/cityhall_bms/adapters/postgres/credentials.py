"""Hashes of passwords, sessions, tokens and invitations in PostgreSQL."""

from collections.abc import Sequence
from typing import Final

import asyncpg

from cityhall_bms.adapters.postgres.connection import translated
from cityhall_bms.adapters.postgres.sql import load
from cityhall_bms.domain.errors import EventLogUnavailableError
from cityhall_bms.ports.access import Invitation, Origin, Permission, SessionRecord, TokenRecord
from cityhall_bms.ports.credentials import PasswordRecord

QUERIES: Final = load("access.sql")
USE_NOTED_EVERY_US: Final = 60_000_000
"""A token's last use is kept to the minute: a program that asks fifty times a second writes once."""


class PostgresCredentials:
    """See :class:`~cityhall_bms.ports.credentials.CredentialStore`."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def password(self, account: str) -> PasswordRecord | None:
        """What is kept of an account's password."""
        row = await self._row("password", account)
        return None if row is None else PasswordRecord(row["hash"], tuple(row["before"]), row["failures"])

    async def set_password(self, account: str, record: PasswordRecord, at: int) -> None:
        """Keep a password, and count its failures from none."""
        await self._do("set_password", account, record.hash, list(record.before), at)

    async def failed(self, account: str) -> int:
        """Count one wrong password; how many there were in a row."""
        row = await self._row("failed", account)
        return 0 if row is None else int(row["failures"])

    async def forgive(self, account: str) -> None:
        """Count failures from none."""
        await self._do("forgive", account)

    async def add_session(self, digest: bytes, record: SessionRecord) -> None:
        """Keep a session; those that are over go."""
        await self._do("forget_sessions", record.begun_at)
        times = (record.begun_at, record.active_at, record.ends_at, _us(record.idle_s))
        where = (record.origin.address, record.origin.agent, record.by)
        await self._do("add_session", digest, record.session, record.account, *times, *where)

    async def session(self, digest: bytes, at: int) -> SessionRecord | None:
        """A session that is open at a time."""
        row = await self._row("session", digest, at)
        return None if row is None else _session(row)

    async def sessions(self, account: str | None, at: int) -> Sequence[SessionRecord]:
        """Sessions that are open at a time, the newest first."""
        return [_session(row) for row in await self._rows("sessions", account, at)]

    async def touch(self, session: str, at: int) -> None:
        """Something was done in a session."""
        await self._do("touch", session, at)

    async def end_session(self, session: str) -> SessionRecord | None:
        """End a session; what was ended, or none."""
        row = await self._row("end_session", session)
        return None if row is None else _session(row)

    async def end_sessions(self, account: str, *, but: str = "") -> Sequence[SessionRecord]:
        """End all sessions of an account, except one; what was ended."""
        return [_session(row) for row in await self._rows("end_sessions", account, but)]

    async def add_token(self, digest: bytes, record: TokenRecord) -> None:
        """Keep a token."""
        scopes = [scope.value for scope in record.scopes]
        what = (digest, record.token, record.account, record.name, scopes)
        await self._do("add_token", *what, record.made_at, record.expires_at)

    async def token(self, digest: bytes, at: int) -> TokenRecord | None:
        """A token that is good at a time; its use is noted, by the minute."""
        row = await self._row("token", digest, at)
        if row is None:
            return None
        if row["used_at"] is None or row["used_at"] < at - USE_NOTED_EVERY_US:
            await self._do("used_token", digest, at, at - USE_NOTED_EVERY_US)
        return _token(row)

    async def tokens(self, account: str | None, at: int) -> Sequence[TokenRecord]:
        """Tokens that are good at a time, the newest first."""
        return [_token(row) for row in await self._rows("tokens", account, at)]

    async def end_token(self, token: str) -> TokenRecord | None:
        """End a token; what was ended, or none."""
        row = await self._row("end_token", token)
        return None if row is None else _token(row)

    async def end_tokens(self, account: str) -> Sequence[TokenRecord]:
        """End all tokens of an account; what was ended."""
        return [_token(row) for row in await self._rows("end_tokens", account)]

    async def add_invitation(self, digest: bytes, invitation: Invitation) -> None:
        """Keep an invitation; earlier ones of the account are good no more."""
        await self._do("add_invitation", digest, invitation.account, invitation.expires_at, invitation.enters)

    async def invitation(self, digest: bytes, at: int) -> Invitation | None:
        """An invitation that is good at a time."""
        row = await self._row("invitation", digest, at)
        return None if row is None else Invitation(*row)

    async def take_invitation(self, digest: bytes, at: int) -> Invitation | None:
        """Use an invitation up: of several who try at once one gets it."""
        row = await self._row("take_invitation", digest, at)
        return None if row is None else Invitation(*row)

    async def end_invitations(self, account: str) -> None:
        """No invitation of an account is good any more."""
        await self._do("end_invitations", account)

    async def _do(self, query: str, *values: object) -> None:
        with translated(EventLogUnavailableError):
            await self._pool.execute(QUERIES[query], *values)

    async def _row(self, query: str, *values: object) -> asyncpg.Record | None:
        with translated(EventLogUnavailableError):
            return await self._pool.fetchrow(QUERIES[query], *values)

    async def _rows(self, query: str, *values: object) -> list[asyncpg.Record]:
        with translated(EventLogUnavailableError):
            return await self._pool.fetch(QUERIES[query], *values)


def _us(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1e6)


def _session(row: asyncpg.Record) -> SessionRecord:
    return SessionRecord(
        session=row["session"],
        account=row["account"],
        begun_at=row["begun_at"],
        active_at=row["active_at"],
        ends_at=row["ends_at"],
        idle_s=None if row["idle_us"] is None else row["idle_us"] / 1e6,
        origin=Origin(row["address"], row["agent"]),
        by=row["by"],
    )


def _token(row: asyncpg.Record) -> TokenRecord:
    return TokenRecord(
        token=row["token"],
        account=row["account"],
        name=row["name"],
        scopes=tuple(Permission(scope) for scope in row["scopes"] if scope in set(Permission)),
        made_at=row["made_at"],
        expires_at=row["expires_at"],
        used_at=row["used_at"],
    )
