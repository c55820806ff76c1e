"""One running interface per test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio
from tests.support.api_rig import ApiRig, running_api


@pytest_asyncio.fixture
async def rig(postgres_url: str, tmp_path: Path) -> AsyncIterator[ApiRig]:
    """The interface over an empty database."""
    async with running_api(postgres_url, tmp_path / "site") as running:
        yield running
