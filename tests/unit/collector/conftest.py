"""Fixtures of the collector's tests."""

import pytest
from tests.support.rig import quiet_collector


@pytest.fixture(autouse=True)
def no_traces(monkeypatch: pytest.MonkeyPatch) -> None:
    quiet_collector(monkeypatch)
