"""What the supervisor finds out before it starts anything, and how it asks whether all is ready."""

import asyncio
import os
import signal
import socket
from pathlib import Path

import pytest
from tests.support.certificates import write_certificate
from tests.support.manual_clock import ManualClock

from cityhall_bms import bootstrap, demo, supervisor
from cityhall_bms.adapters.embedded.errors import FolderInUseError
from cityhall_bms.settings import ApiSettings, Settings


def names_in(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


async def test_a_taken_port_is_told_at_once_and_nothing_is_started(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        settings = Settings(data_dir=tmp_path / "data", api=ApiSettings(port=other.getsockname()[1]))
        job = supervisor.Job(tmp_path / "site", settings, bootstrap.ROLES)
        with pytest.raises(supervisor.NotReadyError, match=r"cannot listen on 127\.0\.0\.1 port \d+.*--port"):
            async with supervisor.running(job, ManualClock()):
                pass

    assert not (tmp_path / "data").exists()


async def test_a_certificate_that_is_no_use_is_told_at_once(tmp_path: Path) -> None:
    certificate, key = write_certificate(tmp_path / "ours")
    (tmp_path / "empty.pem").touch()
    for chain, secret in ((tmp_path / "none.pem", key), (tmp_path / "empty.pem", key), (certificate, certificate)):
        api = ApiSettings(port=1025, tls_certificate=str(chain), tls_key=str(secret))
        with pytest.raises(supervisor.NotReadyError, match=r"api\.tls_certificate"):
            supervisor.require_usable(api)
    supervisor.require_usable(ApiSettings(port=1025, tls_certificate=str(certificate), tls_key=str(key)))


async def test_a_data_folder_in_use_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "metrics").mkdir()
    (tmp_path / "metrics" / "counter_1.db").write_text("of the running service")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        free = probe.getsockname()[1]
    settings = Settings(data_dir=tmp_path, api=ApiSettings(port=free))
    job = supervisor.Job(tmp_path / "site", settings, bootstrap.ROLES)

    with supervisor.claimed(tmp_path, "service.lock"), pytest.raises(FolderInUseError, match=str(os.getpid())):
        async with supervisor.running(job, ManualClock()):
            pass

    assert (tmp_path / "metrics" / "counter_1.db").exists()


def test_a_data_folder_that_cannot_be_made_is_told_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(supervisor.NotReadyError, match="--data-dir"), supervisor.claimed(tmp_path / "file" / "x", "l"):
        pass


async def test_a_second_demo_leaves_the_site_of_the_first_alone(tmp_path: Path) -> None:
    with supervisor.claimed(tmp_path, "demo.lock"), pytest.raises(FolderInUseError):
        await demo._run(demo.Options.of("small", 1, 0, tmp_path, []), ManualClock())

    assert names_in(tmp_path) == ["demo.lock"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_stop_is_heard_also_while_everything_still_starts(number: signal.Signals) -> None:
    begun, cleaned = asyncio.Event(), asyncio.Event()

    async def starts_for_ever() -> None:
        try:
            begun.set()
            await asyncio.Event().wait()
        finally:
            cleaned.set()

    async with asyncio.timeout(5.0), asyncio.TaskGroup() as tasks:
        tasks.create_task(supervisor.until_stopped(starts_for_ever()))
        await begun.wait()
        os.kill(os.getpid(), number)

    assert cleaned.is_set()
    asyncio.get_running_loop().remove_signal_handler(number)
