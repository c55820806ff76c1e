"""Fixtures of all tests."""

from collections.abc import AsyncIterator

import hypothesis
import pytest
import pytest_asyncio
from tests.support import databases

# How long an example takes says nothing on a machine whose cores are busy with other tests.
hypothesis.settings.register_profile("ours", deadline=None)
hypothesis.settings.load_profile("ours")


def pytest_addoption(parser: pytest.Parser) -> None:
    """How often, or for how long, tests do what a quick run does a few times only."""
    parser.addoption("--cycles", type=int, default=10, help="kill-and-restore cycles per protocol")
    parser.addoption("--rounds", type=int, default=1, help="how often each fault of the fault suite is repeated")
    parser.addoption(
        "--fuzz", type=int, default=0, help="requests per operation against a demo (0: a few, a small site)"
    )
    parser.addoption("--minutes", type=float, default=0.0, help="minutes of them, instead of a number")


def pytest_itemcollected(item: pytest.Item) -> None:
    """Tests that share what is made once per module or folder run in one process, or each process makes it again."""
    shared = _shared_by(item)
    if shared and item.get_closest_marker("xdist_group") is None:
        item.add_marker(pytest.mark.xdist_group(shared))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tell the scheduler each test's group.

    It reads the group from the end of the test's id. pytest-xdist 3.8 writes it to an attribute that pytest 9.2 no
    longer reads, so that every group was ignored.
    """
    for item in items if getattr(config.option, "loadgroup", False) else ():
        group = item.get_closest_marker("xdist_group")
        if group is not None and not item.nodeid.endswith(f"@{group.args[0]}"):
            item._id = type(item._id).parse(f"{item.nodeid}@{group.args[0]}")  # type: ignore[attr-defined]


def _shared_by(item: pytest.Item) -> str:
    """The folder or module whose fixture the test shares with others; nothing when it has all for itself."""
    found = getattr(item, "_fixtureinfo", None)
    definitions = [definition for each in found.name2fixturedefs.values() for definition in each] if found else []
    # Every process has the database servers of this file, and the event loops of plugins.
    wide = [one for one in definitions if one.scope != "function" and one.baseid.startswith("tests/")]
    return min((one.baseid for one in wide), key=len, default="")


@pytest.fixture
def cycles(request: pytest.FixtureRequest) -> int:
    """How often a torture test kills and restores its device."""
    return int(request.config.getoption("--cycles"))


@pytest.fixture
def rounds(request: pytest.FixtureRequest) -> int:
    """How often each fault of the fault suite happens."""
    return int(request.config.getoption("--rounds"))


@pytest.fixture
def minutes(request: pytest.FixtureRequest) -> float:
    """For how long a torture test goes on; 0 when the number of cycles counts."""
    return float(request.config.getoption("--minutes"))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def database_servers() -> AsyncIterator[databases.DatabaseServers]:
    """PostgreSQL and TimescaleDB of this test process; a server starts when it is first asked for."""
    async with databases.database_servers() as servers:
        yield servers


KINDS = ["postgres", pytest.param("timescale", marks=pytest.mark.timescale)]


@pytest_asyncio.fixture(params=KINDS, loop_scope="session")
async def database_url(
    request: pytest.FixtureRequest, database_servers: databases.DatabaseServers
) -> AsyncIterator[str]:
    """Give a database with the present schema and nothing in it, on plain PostgreSQL and on TimescaleDB."""
    async with database_servers.empty_database(request.param) as url:
        yield url


@pytest_asyncio.fixture(params=KINDS, loop_scope="session")
async def bare_database_url(
    request: pytest.FixtureRequest, database_servers: databases.DatabaseServers
) -> AsyncIterator[str]:
    """Give a database without a schema, for tests of how it comes by one."""
    async with database_servers.bare_database(request.param) as url:
        yield url


@pytest_asyncio.fixture(loop_scope="session")
async def postgres_url(database_servers: databases.DatabaseServers) -> AsyncIterator[str]:
    """Give a database with the present schema on plain PostgreSQL, for tests that are not about the storage."""
    async with database_servers.empty_database("postgres") as url:
        yield url
