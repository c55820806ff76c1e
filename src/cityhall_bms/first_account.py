"""The first way in. Nobody has a default password: whoever started the service is given a link, good once."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

from cityhall_bms.access.desk import AccountOffice, Base
from cityhall_bms.adapters.postgres.credentials import PostgresCredentials
from cityhall_bms.adapters.postgres.event_log import PostgresEventLog
from cityhall_bms.domain.access.grants import GRANTABLE, Grant, Role
from cityhall_bms.domain.errors import NotFoundError
from cityhall_bms.domain.site import Site
from cityhall_bms.ports.clock import Clock
from cityhall_bms.roles.access import zones_of
from cityhall_bms.roles.parts import pooled
from cityhall_bms.settings import Settings

FIRST: Final = "admin"
BY: Final = "system"
DEMO_ACCOUNTS: Final = ("demo", "demo2")
"""Two, so that what needs a second person can be tried."""


@asynccontextmanager
async def office(site: Site, settings: Settings, clock: Clock) -> AsyncIterator[AccountOffice]:
    """The desk of accounts over the database that the settings name."""
    async with PostgresEventLog(settings.database.url, clock) as events, pooled(settings) as pool:
        yield AccountOffice(Base(events, PostgresCredentials(pool), clock), zones_of(site))


async def first_invitation(site: Site, settings: Settings, clock: Clock) -> str | None:
    """Secret of a link for the first administrator; none where somebody chose a password already."""
    async with office(site, settings, clock) as desk:
        accounts = await desk.all()
        if any(account.password_at or account.provider for account in accounts):
            return None
        if not accounts:
            await desk.create(FIRST, [Grant(Role.ADMIN)], by=BY)
        name = next((account.name for account in accounts if Role.ADMIN in {g.role for g in account.grants}), FIRST)
        return await desk.invite(name, by=BY)


async def demo_invitations(site: Site, settings: Settings, clock: Clock) -> Sequence[str]:
    """Secrets of links that sign in by themselves, as one who may do everything and as a second one."""
    async with office(site, settings, clock) as desk:
        for name in DEMO_ACCOUNTS:
            try:
                await desk.get(name)
            except NotFoundError:
                await desk.create(name, [Grant(role) for role in GRANTABLE], by=BY)
        return [await desk.invite(name, by=BY, enters=True) for name in DEMO_ACCOUNTS]


def link(address: str, secret: str) -> str:
    """Where a browser goes with an invitation. What stands behind ``#`` is sent to no server and kept in no log."""
    return f"{address}/#/sign-in?invitation={secret}"
