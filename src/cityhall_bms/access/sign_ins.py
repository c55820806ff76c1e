"""How people come in and leave. Whoever gives something wrong learns that it was wrong, and not what."""

from collections.abc import Sequence
from typing import Final

import structlog

from cityhall_bms.access.book import AccountBook
from cityhall_bms.access.desk import AccountOffice, Base, digest_of
from cityhall_bms.domain.access.accounts import Account, AccountLocked, PasswordChanged
from cityhall_bms.domain.access.grants import Grant
from cityhall_bms.domain.access.passwords import check_password
from cityhall_bms.domain.access.rules import AccessRules
from cityhall_bms.domain.access.sign_ins import NOBODY, SignedOut, SignInAccepted, SignInRefused, sign_in_stream
from cityhall_bms.domain.errors import ConcurrencyError, NotSignedInError, RefusedError
from cityhall_bms.domain.events import Event
from cityhall_bms.ports.access import Invitation, Opened, Origin, SessionRecord, SignedIn
from cityhall_bms.ports.credentials import PasswordHasher, PasswordRecord
from cityhall_bms.ports.event_log import Append

WRONG: Final = "帳號或密碼不正確 / the name or the password is wrong"
NO_INVITATION: Final = (
    "連結已使用或已過期，請向系統管理者索取新連結 / this link was used or is over; ask an administrator for another"
)
WORDS_MAX: Final = 200
"""Characters of what programs say of themselves that are kept."""

log = structlog.get_logger(__name__)


class Reception:
    """See :class:`~cityhall_bms.ports.access.SignIns`."""

    def __init__(self, base: Base, office: AccountOffice, hasher: PasswordHasher, rules: AccessRules) -> None:
        self._base = base
        self._office = office
        self._book = AccountBook(base.events)
        self._hasher = hasher
        self._rules = rules

    async def with_password(self, name: str, password: str, origin: Origin) -> Opened:
        """Sign in."""
        account = await self._book.find(name)
        record = None if account is None else await self._base.store.password(account.key)
        # Always compared, so that an account that is unknown, locked or disabled takes as long as any other.
        right = await self._hasher.matches(None if record is None else record.hash, password)
        if account is None or record is None:
            raise await self._refuse(NOBODY if account is None else account.name, "unknown", origin)
        if account.disabled or account.locked(self._base.clock.now()):
            raise await self._refuse(account.name, "disabled" if account.disabled else "locked", origin)
        if not right:
            await self._count(account)
            raise await self._refuse(account.name, "password", origin)
        await self._base.store.forgive(account.key)
        return await self._open(account, "password", origin)

    async def invitation(self, secret: str) -> Invitation:
        """Whom an invitation is for, as long as it is good."""
        found = await self._base.store.invitation(digest_of(secret), self._base.clock.now())
        account = None if found is None else await self._book.find(found.account)
        if found is None or account is None or account.disabled:
            raise NotSignedInError(NO_INVITATION)
        return Invitation(account.name, found.expires_at, found.enters)

    async def with_invitation(self, secret: str, password: str | None, origin: Origin) -> Opened:
        """Use an invitation up: choose the password, where it asks for one, and sign in."""
        at = self._base.clock.now()
        try:
            invitation = await self.invitation(secret)
        except NotSignedInError:
            await self._refuse(NOBODY, "invitation", origin)
            raise
        account = await self._book.get(invitation.account)
        record = None
        if not invitation.enters:
            record = await self._choose(account, password or "")
        if await self._base.store.take_invitation(digest_of(secret), at) is None:
            raise NotSignedInError(NO_INVITATION)
        if record is None:
            return await self._open(account, "link", origin)
        await self._base.store.set_password(account.key, record, at)
        changed = await self._book.change(account, PasswordChanged(account.name, "invitation", at), account.name)
        return await self._open(changed, "invitation", origin)

    async def from_provider(self, name: str, grants: Sequence[Grant], provider: str, origin: Origin) -> Opened:
        """Sign in somebody whom an identity provider vouches for; the account is made where there is none."""
        account = await self._book.find(name)
        if account is None:
            account = await self._office.create(name, grants, by=provider, provider=provider)
        if account.provider != provider or account.disabled:
            raise await self._refuse(account.name, "disabled" if account.disabled else "provider", origin)
        account = await self._office.grant(account.name, grants, by=provider)
        return await self._open(account, provider, origin)

    async def turned_away(self, reason: str, origin: Origin) -> None:
        """Record that a provider did not vouch for somebody."""
        await self._refuse(NOBODY, reason[:WORDS_MAX], origin)

    async def change_password(self, who: SignedIn, old: str, new: str) -> None:
        """Choose another password; every other session of the account ends."""
        account, store = await self._book.get(who.name), self._base.store
        found = await store.password(account.key)
        if found is None or not await self._hasher.matches(found.hash, old):
            await self._count(account)
            msg = "原密碼不正確 / the old password is wrong"
            raise RefusedError(msg)
        record = await self._choose(account, new)
        at = self._base.clock.now()
        await store.set_password(account.key, record, at)
        await self._book.change(account, PasswordChanged(account.name, "old", at), account.name)
        for ended in await store.end_sessions(account.key, but=who.session):
            await self._tell(account.name, SignedOut(account.name, ended.session, account.name, at))

    async def sign_out(self, who: SignedIn) -> None:
        """End one's own session."""
        if await self._base.store.end_session(who.session) is not None:
            event = SignedOut(who.name, who.session, who.name, self._base.clock.now())
            await self._tell(who.name, event)

    async def _choose(self, account: Account, password: str) -> PasswordRecord:
        """What is kept of a new password; ``RefusedError`` for one that is not good enough, or was used before."""
        rules = self._rules.passwords
        check_password(password, account.name, rules)
        found = await self._base.store.password(account.key)
        used = () if found is None else (found.hash, *found.before)[: rules.remembered]
        for hashed in used:
            if await self._hasher.matches(hashed, password):
                last = rules.remembered
                msg = f"不可使用最近 {last} 次的密碼 / one of the last {last} passwords is refused"
                raise RefusedError(msg)
        return PasswordRecord(await self._hasher.hash(password), used)

    async def _count(self, account: Account) -> None:
        """Count a wrong password, and lock the account when there were too many in a row."""
        lock, at = self._rules.lock, self._base.clock.now()
        failures = await self._base.store.failed(account.key)
        if failures < lock.failures_max:
            return
        event = AccountLocked(account.name, failures, at, at + round(lock.lock_s * 1e6))
        try:
            await self._book.change(account, event, account.name)
        except ConcurrencyError:
            return  # another attempt at the same moment locked it
        await self._base.store.forgive(account.key)
        log.warning("an account is locked", account=account.name, failures=failures)

    async def _open(self, account: Account, how: str, origin: Origin) -> Opened:
        rules, at, secret = self._rules.sessions, self._base.clock.now(), self._base.new_secret()
        record = SessionRecord(
            session=self._base.new_name(),
            account=account.key,
            begun_at=at,
            active_at=at,
            ends_at=at + round((rules.wall_lasts_s if account.wall else rules.lasts_s) * 1e6),
            idle_s=None if account.wall else rules.idle_s,
            origin=Origin(origin.address[:WORDS_MAX], origin.agent[:WORDS_MAX]),
            by=how,
        )
        words = (record.origin.address, record.origin.agent)
        await self._tell(account.name, SignInAccepted(account.name, record.session, how, at, *words))
        await self._base.store.add_session(digest_of(secret), record)
        return Opened(signed_in(account, record), secret)

    async def _refuse(self, name: str, reason: str, origin: Origin) -> NotSignedInError:
        words = (origin.address[:WORDS_MAX], origin.agent[:WORDS_MAX])
        await self._tell(name, SignInRefused(name, reason, self._base.clock.now(), *words))
        return NotSignedInError(WRONG)

    async def _tell(self, name: str, event: Event) -> None:
        await self._base.events.append([Append(sign_in_stream(name), [event], name)])


def signed_in(account: Account, record: SessionRecord) -> SignedIn:
    """Whose session it is; it ends at its limit, or when nobody does anything for too long."""
    idle_end = record.ends_at if record.idle_s is None else record.active_at + round(record.idle_s * 1e6)
    return SignedIn(account, min(record.ends_at, idle_end), session=record.session, idle_s=record.idle_s)
