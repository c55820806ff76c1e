"""What administrators do about accounts, sessions and tokens."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from cityhall_bms.access.book import AccountBook
from cityhall_bms.domain.access.accounts import (
    Account,
    AccountCreated,
    AccountDisabled,
    AccountEnabled,
    AccountInvited,
    AccountUnlocked,
    RolesGranted,
    as_words,
    check_grants,
    check_name,
)
from cityhall_bms.domain.access.grants import EVERYWHERE, Grant, Permission, Role, permissions_of
from cityhall_bms.domain.access.sign_ins import SignedOut, TokenMade, TokenRevoked, sign_in_stream
from cityhall_bms.domain.errors import ConcurrencyError, NotFoundError, RefusedError
from cityhall_bms.domain.events import Event
from cityhall_bms.ports.access import Invitation, MadeToken, SessionRecord, TokenRecord
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.credentials import CredentialStore
from cityhall_bms.ports.event_log import Append, EventLog

DAY_US: Final = 86_400_000_000
INVITATION_DAYS: Final = 1
TOKEN_DAYS_MAX: Final = 366
TOKENS_MAX: Final = 20
"""Tokens of one account; more are a program that runs wild."""
TOKEN_PREFIX: Final = "bms_"  # noqa: S105 - how all of them begin
"""Lets whoever finds one in a log or a repository know what it is."""


@dataclass(frozen=True, slots=True)
class Base:
    """What all desks of access rest on. ``new_secret`` gives 256 bits that nobody can guess."""

    events: EventLog
    store: CredentialStore
    clock: Clock
    new_secret: Callable[[], str] = lambda: secrets.token_urlsafe(32)
    new_name: Callable[[], str] = lambda: secrets.token_hex(6)


def digest_of(secret: str) -> bytes:
    """What is kept of a secret of 256 bits: there is nothing to guess, and so nothing to slow down."""
    return sha256(secret.encode("utf-8", "surrogatepass")).digest()


class AccountOffice:
    """See :class:`~cityhall_bms.ports.access.AccountDesk` and :class:`~cityhall_bms.ports.access.Credentials`."""

    def __init__(self, base: Base, places: frozenset[str]) -> None:
        self._base = base
        self._book = AccountBook(base.events)
        self._places = places
        self.get = self._book.get
        self.all = self._book.all

    async def create(
        self, name: str, grants: Sequence[Grant], *, by: str, wall: bool = False, provider: str = ""
    ) -> Account:
        """Make an account, which nobody can sign in to before it is invited."""
        kept, at = check_name(name), self._base.clock.now()
        words = as_words(check_grants(grants, self._places, wall=wall))
        events = [AccountCreated(kept, by, at, wall, provider), RolesGranted(kept, words, by, at)]
        try:
            return await self._book.begin(events, kept, by)
        except ConcurrencyError as error:
            msg = f"已有帳號 {kept} / an account named {kept} is there already"
            raise RefusedError(msg) from error

    async def grant(self, name: str, grants: Sequence[Grant], *, by: str) -> Account:
        """Give an account these roles, and no others."""
        account = await self._book.get(name)
        checked = check_grants(grants, self._places, wall=account.wall)
        if checked == account.grants:
            return account
        if _administers(account) and not any(_admits(grant) for grant in checked):
            await self._require_another_admin(account)
        event = RolesGranted(account.name, as_words(checked), by, self._base.clock.now())
        return await self._book.change(account, event, by)

    async def disable(self, name: str, *, by: str, reason: str) -> Account:
        """End an account: its sessions, its tokens and its invitations with it."""
        account = await self._book.get(name)
        if account.disabled:
            msg = f"帳號 {account.name} 已停用 / the account {account.name} is disabled already"
            raise RefusedError(msg)
        if _administers(account):
            await self._require_another_admin(account)
        event = AccountDisabled(account.name, by, self._base.clock.now(), reason)
        disabled = await self._book.change(account, event, by)
        store = self._base.store
        await store.end_invitations(account.key)
        await self._tell_ended(await store.end_sessions(account.key), await store.end_tokens(account.key), by)
        return disabled

    async def enable(self, name: str, *, by: str) -> Account:
        """Take a disabled account into use again."""
        account = await self._book.get(name)
        if not account.disabled:
            msg = f"帳號 {account.name} 未停用 / the account {account.name} is not disabled"
            raise RefusedError(msg)
        return await self._book.change(account, AccountEnabled(account.name, by, self._base.clock.now()), by)

    async def unlock(self, name: str, *, by: str) -> Account:
        """Let a locked account try again at once."""
        account, at = await self._book.get(name), self._base.clock.now()
        if not account.locked(at):
            msg = f"帳號 {account.name} 未鎖定 / the account {account.name} is not locked"
            raise RefusedError(msg)
        unlocked = await self._book.change(account, AccountUnlocked(account.name, by, at), by)
        await self._base.store.forgive(account.key)
        return unlocked

    async def invite(self, name: str, *, by: str, enters: bool = False) -> str:
        """A link's secret, good once and for a day, with which somebody chooses a password."""
        account, at = await self._book.get(name), self._base.clock.now()
        if account.disabled or account.provider:
            msg = f"帳號 {account.name} 不以密碼登入 / the account {account.name} does not sign in with a password"
            raise RefusedError(msg)
        secret, until = self._base.new_secret(), at + INVITATION_DAYS * DAY_US
        await self._book.change(account, AccountInvited(account.name, by, at, until, enters), by)
        await self._base.store.add_invitation(digest_of(secret), Invitation(account.key, until, enters))
        return secret

    async def sessions(self, account: str | None = None) -> Sequence[SessionRecord]:
        """Sessions that are open: of an account, or all."""
        key = None if account is None else (await self._book.get(account)).key
        return await self._base.store.sessions(key, self._base.clock.now())

    async def end_session(self, session: str, *, by: str) -> None:
        """End one; ``NotFoundError`` when none is named so."""
        ended = None if "\x00" in session else await self._base.store.end_session(session)
        if ended is None:
            msg = "沒有這個連線 / no session is named so, or it is over"
            raise NotFoundError(msg)
        await self._tell_ended([ended], [], by)

    async def tokens(self, account: str | None = None) -> Sequence[TokenRecord]:
        """Tokens that are good: of an account, or all."""
        key = None if account is None else (await self._book.get(account)).key
        return await self._base.store.tokens(key, self._base.clock.now())

    async def make_token(
        self, account: str, name: str, scopes: Sequence[Permission], days: int, *, by: str
    ) -> MadeToken:
        """Make one; ``RefusedError`` for scopes that the account has not."""
        owner, at = await self._book.get(account), self._base.clock.now()
        beyond = sorted(set(scopes) - permissions_of(owner.grants))
        if beyond or not scopes or owner.disabled or not 0 < days <= TOKEN_DAYS_MAX:
            msg = (
                f"權杖的權限須為帳號所有（{', '.join(beyond) or '至少一項'}），最長 {TOKEN_DAYS_MAX} 天 / "
                f"a token has some of its account's permissions ({', '.join(beyond) or 'one at least'}), "
                f"for {TOKEN_DAYS_MAX} days at most"
            )
            raise RefusedError(msg)
        if len(await self._base.store.tokens(owner.key, at)) >= TOKENS_MAX:
            msg = f"每個帳號至多 {TOKENS_MAX} 個權杖 / an account has {TOKENS_MAX} tokens at most"
            raise RefusedError(msg)
        secret, until = TOKEN_PREFIX + self._base.new_secret(), at + days * DAY_US
        kept = tuple(sorted(set(scopes)))
        record = TokenRecord(self._base.new_name(), owner.key, name, kept, at, until, None)
        words = [scope.value for scope in kept]
        await self._tell(owner.name, TokenMade(owner.name, record.token, name, words, by, at, until), by)
        await self._base.store.add_token(digest_of(secret), record)
        return MadeToken(record, secret)

    async def revoke_token(self, token: str, *, by: str) -> None:
        """End one; ``NotFoundError`` when none is named so."""
        ended = None if "\x00" in token else await self._base.store.end_token(token)
        if ended is None:
            msg = "沒有這個權杖 / no token is named so"
            raise NotFoundError(msg)
        await self._tell_ended([], [ended], by)

    async def _require_another_admin(self, account: Account) -> None:
        others = [each for each in await self._book.all() if each.key != account.key and _administers(each)]
        if not others:
            msg = "至少須有一個可用的系統管理者 / one administrator of the whole building must stay"
            raise RefusedError(msg)

    async def _tell_ended(self, sessions: Sequence[SessionRecord], tokens: Sequence[TokenRecord], by: str) -> None:
        at = self._base.clock.now()
        for session in sessions:
            await self._tell(session.account, SignedOut(session.account, session.session, by, at), by)
        for token in tokens:
            await self._tell(token.account, TokenRevoked(token.account, token.token, by, at), by)

    async def _tell(self, account: str, event: Event, by: str) -> None:
        await self._base.events.append([Append(sign_in_stream(account), [event], by)])


def _admits(grant: Grant) -> bool:
    return grant.role is Role.ADMIN and EVERYWHERE in grant.zones


def _administers(account: Account) -> bool:
    return not account.disabled and any(_admits(grant) for grant in account.grants)
