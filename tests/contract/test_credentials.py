"""What keeps secrets keeps them the same in memory, which tests use, and in PostgreSQL; and the first way in."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from tests.support.manual_clock import ManualClock
from tests.support.memory_credentials import MemoryCredentials
from tests.support.sites import CheckingFactory, write_site

from cityhall_bms import first_account
from cityhall_bms.access.desk import AccountOffice, Base, digest_of
from cityhall_bms.access.sign_ins import Reception
from cityhall_bms.adapters.argon2_hasher import Argon2Hasher
from cityhall_bms.adapters.postgres.connection import open_pool
from cityhall_bms.adapters.postgres.credentials import PostgresCredentials
from cityhall_bms.adapters.postgres.event_log import PostgresEventLog
from cityhall_bms.adapters.site_files import load_site
from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.domain.access.rules import AccessRules
from cityhall_bms.ports.access import Invitation, Origin, Permission, SessionRecord, TokenRecord
from cityhall_bms.ports.credentials import CredentialStore, PasswordRecord
from cityhall_bms.settings import DatabaseSettings, Settings

NOW = ManualClock().now()
MINUTE = 60_000_000


@pytest_asyncio.fixture(params=["memory", "postgres"])
async def store(request: pytest.FixtureRequest, postgres_url: str) -> AsyncIterator[CredentialStore]:
    if request.param == "memory":
        yield MemoryCredentials()
        return
    pool = await open_pool(postgres_url)
    yield PostgresCredentials(pool)
    pool.terminate()


def session(name: str, account: str = "ann", idle_s: float | None = 900.0) -> SessionRecord:
    return SessionRecord(name, account, NOW, NOW, NOW + 600 * MINUTE, idle_s, Origin("10.0.0.7", "a"), "password")


async def test_a_password_counts_its_failures_until_it_is_changed_or_forgiven(store: CredentialStore) -> None:
    assert await store.password("ann") is None
    assert await store.failed("ann") == 0
    await store.set_password("ann", PasswordRecord("h1"), NOW)
    assert [await store.failed("ann") for _ in range(2)] == [1, 2]
    await store.forgive("ann")
    assert await store.failed("ann") == 1
    await store.set_password("ann", PasswordRecord("h2", ("h1",)), NOW)
    assert await store.password("ann") == PasswordRecord("h2", ("h1",), 0)


async def test_a_session_is_open_while_it_is_used_and_not_beyond_its_end(store: CredentialStore) -> None:
    await store.add_session(b"1", session("one"))
    await store.add_session(b"2", session("wall", "wall", None))
    assert await store.session(b"1", NOW + 14 * MINUTE) == session("one")
    assert await store.session(b"1", NOW + 15 * MINUTE) is None
    await store.touch("one", NOW + 14 * MINUTE)
    assert await store.session(b"1", NOW + 28 * MINUTE) is not None
    assert await store.session(b"2", NOW + 599 * MINUTE) is not None
    assert await store.session(b"2", NOW + 600 * MINUTE) is None
    assert [each.session for each in await store.sessions("ann", NOW)] == ["one"]
    ended = await store.end_session("one")
    assert ended is not None
    assert await store.end_session("one") is None


async def test_all_sessions_of_an_account_end_but_one(store: CredentialStore) -> None:
    for digest, name, account in ((b"1", "one", "ann"), (b"2", "two", "ann"), (b"3", "three", "bob")):
        await store.add_session(digest, session(name, account))
    assert [each.session for each in await store.end_sessions("ann", but="two")] == ["one"]
    assert {each.session for each in await store.sessions(None, NOW)} == {"two", "three"}


async def test_a_token_is_good_until_it_ends(store: CredentialStore) -> None:
    record = TokenRecord("t1", "ann", "portal", (Permission.READ,), NOW, NOW + 10 * MINUTE, None)
    await store.add_token(b"t", record)
    found = await store.token(b"t", NOW)
    assert found is not None
    assert found.scopes == (Permission.READ,)
    assert await store.token(b"t", NOW + 10 * MINUTE) is None
    assert [each.token for each in await store.end_tokens("ann")] == ["t1"]
    assert await store.end_token("t1") is None


async def test_an_invitation_is_taken_once_and_the_newest_counts(store: CredentialStore) -> None:
    for digest in (b"old", b"new"):
        await store.add_invitation(digest, Invitation("ann", NOW + MINUTE))
    assert await store.invitation(b"old", NOW) is None
    assert await store.invitation(b"new", NOW + MINUTE) is None
    await store.add_invitation(b"again", Invitation("ann", NOW + MINUTE, enters=True))
    assert await store.take_invitation(b"again", NOW) == Invitation("ann", NOW + MINUTE, enters=True)
    assert await store.take_invitation(b"again", NOW) is None


async def test_the_first_link_is_told_until_somebody_chose_a_password(postgres_url: str, tmp_path: Path) -> None:
    clock = SystemClock()
    settings = Settings(data_dir=tmp_path, database=DatabaseSettings(url=postgres_url))
    site = load_site(write_site(tmp_path / "site"), {"modbus": CheckingFactory()})
    first = await first_account.first_invitation(site, settings, clock)
    second = await first_account.first_invitation(site, settings, clock)
    assert first != second
    assert second is not None
    pool = await open_pool(postgres_url)
    async with PostgresEventLog(postgres_url, clock) as events:
        base = Base(events, PostgresCredentials(pool), clock)
        reception = Reception(base, AccountOffice(base, frozenset()), Argon2Hasher(), AccessRules())
        opened = await reception.with_invitation(second, "a sentence of its own", Origin())
        assert opened.who.name == first_account.FIRST
        assert opened.who.permissions == {Permission.READ, Permission.AUDIT, Permission.ADMINISTER}
        kept = await pool.fetchval("SELECT hash FROM access_password")
        assert kept.startswith("$argon2id$")
        assert await pool.fetchval("SELECT count(*) FROM access_session WHERE digest = $1", digest_of(opened.secret))
    pool.terminate()
    assert await first_account.first_invitation(site, settings, clock) is None
    links = await first_account.demo_invitations(site, settings, clock)
    assert len(set(links)) == 2
