"""A way into a service that runs in processes of its own: a token, made over its database."""

import urllib.request
from pathlib import Path

from cityhall_bms.access.desk import AccountOffice, Base
from cityhall_bms.adapters.embedded import EmbeddedPostgres
from cityhall_bms.adapters.postgres.connection import open_pool
from cityhall_bms.adapters.postgres.credentials import PostgresCredentials
from cityhall_bms.adapters.postgres.event_log import PostgresEventLog
from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.domain.access.grants import GRANTABLE, Grant, permissions_of
from cityhall_bms.domain.errors import NotFoundError

NAME = "測試程式"


async def token_headers(dsn: str) -> dict[str, str]:
    """Headers of somebody who may do everything everywhere; the schema must be there."""
    clock, pool = SystemClock(), await open_pool(dsn)
    try:
        async with PostgresEventLog(dsn, clock) as events:
            desk = AccountOffice(Base(events, PostgresCredentials(pool), clock), frozenset())
            try:
                account = await desk.get(NAME)
            except NotFoundError:
                account = await desk.create(NAME, [Grant(role) for role in GRANTABLE], by="test")
            made = await desk.make_token(account.name, "test", sorted(permissions_of(account.grants)), 1, by="test")
    finally:
        pool.terminate()
    return {"Authorization": f"Bearer {made.secret}"}


async def embedded_token_headers(data_dir: Path) -> dict[str, str]:
    """The same for a service with a database of its own."""
    return await token_headers(EmbeddedPostgres(data_dir, SystemClock()).dsn)


def is_ready(port: int) -> bool:
    """Whether a service on loopback answers that all is well."""
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5).close()
    except OSError:
        return False
    return True
