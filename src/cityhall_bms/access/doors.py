"""Who asks, and whether they may: looked up anew for every request, so that what was taken away is gone."""

from dataclasses import replace
from typing import Final

from cityhall_bms.access.book import AccountBook
from cityhall_bms.access.desk import TOKEN_PREFIX, Base, digest_of
from cityhall_bms.access.sign_ins import signed_in
from cityhall_bms.domain.access.grants import PERMISSIONS_OF, role_for
from cityhall_bms.domain.access.sign_ins import PermissionRefused, sign_in_stream
from cityhall_bms.domain.site import Equipment
from cityhall_bms.ports.access import Permission, Requester, Role, SignedIn
from cityhall_bms.ports.event_log import Append

TOLD_AGAIN_US: Final = 60_000_000
"""A program that asks again and again for what it may not is recorded once a minute."""
TOLD_MAX: Final = 10_000


class Porter:
    """See :class:`~cityhall_bms.ports.access.Doorkeeper`."""

    def __init__(self, base: Base) -> None:
        self._base = base
        self._book = AccountBook(base.events)
        self._told: dict[tuple[str, Permission, str], int] = {}

    async def by_session(self, secret: str) -> SignedIn | None:
        """Whose session it is."""
        record = await self._base.store.session(digest_of(secret), self._base.clock.now())
        account = None if record is None else await self._book.find(record.account)
        if record is None or account is None or account.disabled:
            return None
        return signed_in(account, record)

    async def by_token(self, secret: str) -> SignedIn | None:
        """Whose token it is."""
        if not secret.startswith(TOKEN_PREFIX):
            return None
        record = await self._base.store.token(digest_of(secret), self._base.clock.now())
        account = None if record is None else await self._book.find(record.account)
        if record is None or account is None or account.disabled:
            return None
        return SignedIn(account, record.expires_at, token=record.token, scopes=frozenset(record.scopes))

    async def active(self, who: SignedIn) -> SignedIn:
        """A person did something: the session's idle time begins anew."""
        if not who.session or who.idle_s is None:
            return who
        at = self._base.clock.now()
        await self._base.store.touch(who.session, at)
        return replace(who, ends_at=max(who.ends_at, at + round(who.idle_s * 1e6)))

    async def refused(self, who: SignedIn, what: Permission, where: str) -> None:
        """Record that somebody wanted what they may not."""
        at, key = self._base.clock.now(), (who.name, what, where)
        if at - self._told.get(key, -TOLD_AGAIN_US) < TOLD_AGAIN_US:
            return
        if len(self._told) >= TOLD_MAX:
            self._told.clear()
        self._told[key] = at
        event = PermissionRefused(who.name, what.value, where, at, who.token)
        await self._base.events.append([Append(sign_in_stream(who.name), [event], who.name)])


class RoleAuthority:
    """Who may command what, by the accounts as they are now: see :class:`~cityhall_bms.ports.access.Authority`."""

    def __init__(self, accounts: AccountBook) -> None:
        self._accounts = accounts

    async def refusal(self, who: Requester, what: Permission, equipment: Equipment) -> str | None:
        """Roles in the zone of the equipment; automation asks for nobody's approval, and gives none."""
        if who.role is Role.SERVICE:
            allowed = what in PERMISSIONS_OF[Role.SERVICE]
        else:
            account = await self._accounts.find(who.name)
            grants = () if account is None or account.disabled else account.grants
            allowed = role_for(grants, what, equipment.name) is not None
        if allowed:
            return None
        return (
            f"{who.name} 在此區域無此權限（{what}）：{equipment.name} / "
            f"{who.name} may not do this ({what}) where {equipment.name} is"
        )
