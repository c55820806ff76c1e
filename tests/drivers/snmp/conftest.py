"""One agent for all tests of this folder: a process of its own takes a second to start."""

from collections.abc import Iterator

import pytest
from tests.support.opcua_server import free_port
from tests.support.snmp_agent import SnmpAgent, snmp_agent


@pytest.fixture(scope="package")
def agent_process() -> Iterator[SnmpAgent]:
    with snmp_agent(free_port(), {}) as one:
        yield one


@pytest.fixture
def agent(agent_process: SnmpAgent) -> SnmpAgent:
    """The agent, holding nothing and behaving well."""
    agent_process.clear()
    return agent_process
