"""A signed record on each kind of database, once for each module that asks for it."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from tests.support.databases import DatabaseServers
from tests.support.records import signed_record
from tests.support.verified import Record

KINDS = ["postgres", pytest.param("timescale", marks=pytest.mark.timescale)]


@pytest_asyncio.fixture(scope="module", loop_scope="session", params=KINDS)
async def record(
    request: pytest.FixtureRequest, database_servers: DatabaseServers, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Record]:
    folder = tmp_path_factory.mktemp("record")
    async with database_servers.empty_database(request.param) as url:
        await signed_record(url, folder)
        yield Record(url, folder)
