"""The whole interface, tried by schemathesis with what its own description allows and with what it does not.

A quick run makes a few hundred requests of a small site. ``--fuzz N`` (``make fuzz``) makes N and more of each operation of a
demo, with every boundary of its description; ten thousand together.
"""

import asyncio
import re
import sys
import sysconfig
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from tests.support.api_rig import running_api
from tests.support.demo import running_demo

HERE = Path(__file__).parents[1]
SCHEMATHESIS = Path(sysconfig.get_path("scripts"), "schemathesis")
DESCRIPTION = HERE.parent / "web" / "openapi.json"
CONFIG = HERE / "support" / "schemathesis.toml"
SEED = 7
QUICK = 2


@dataclass(frozen=True)
class Target:
    """What is tried, and by how much."""

    address: str
    headers: dict[str, str]
    each: int
    phases: str


@pytest_asyncio.fixture
async def target(
    request: pytest.FixtureRequest, postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Target]:
    each = int(request.config.getoption("--fuzz"))
    if each:
        monkeypatch.setenv("CITYHALL_LIMITS__REQUESTS_PER_S", "10000")
        with running_demo(tmp_path, "--site", "small") as demo:
            yield Target(demo.address, demo.token(), each, "examples,coverage,fuzzing")
        return
    async with running_api(postgres_url, tmp_path / "site") as rig:
        yield Target(str(rig.client.base_url), dict(await rig.known_as("fuzzer")), QUICK, "fuzzing")


@pytest.mark.timeout(7_200)
async def test_no_request_makes_an_error_of_ours_or_an_answer_that_is_not_described(target: Target) -> None:
    named = [f"--header={name}:{value}" for name, value in target.headers.items()]
    process = await asyncio.create_subprocess_exec(
        SCHEMATHESIS, f"--config-file={CONFIG}", "run", str(DESCRIPTION), f"--url={target.address}",
        f"--max-examples={target.each}", f"--phases={target.phases}", f"--seed={SEED}",
        # Streams have no end; their refusals are tested where they are.
        "--exclude-path-regex=(stream|feed)$", "--continue-on-failure", "--request-timeout=30", "--no-shrink",
        "--warnings=off", *named,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    try:
        said = (await process.communicate())[0].decode()
    finally:
        with suppress(ProcessLookupError):
            process.kill()

    made = re.search(r"(\d+) generated", said)
    assert made is not None, said
    sys.stdout.write(f"{made[1]} requests\n")
    assert process.returncode == 0, said[-20_000:]
    assert int(made[1]) > 100
