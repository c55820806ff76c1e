"""From ``cityhall-sim history`` to ``cityhall-bms import``, as an operator types it."""

import asyncio
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import numpy as np
import pytest
from typer.testing import CliRunner

from cityhall_bms.adapters.embedded.folder_lock import FolderLock
from cityhall_bms.adapters.history_folder import HistoryFolder
from cityhall_bms.cli import app as service
from cityhall_bms.ports.history_import import DayOfSamples
from cityhall_simulators.cli import app as simulator
from cityhall_simulators.description import load_building
from cityhall_simulators.free_ports import choose_ports
from cityhall_simulators.secrets_folder import write_secrets
from cityhall_simulators.site_folder import write_site


@pytest.fixture(autouse=True, scope="module")
def _logs_stay_as_they_are() -> Iterator[None]:
    """A command sets up the log of its process; here that is the tests', and its stream ends with the command."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cityhall_bms.cli.configure_logs", lambda: None)
        yield


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small site and two days of its history, hour by hour."""
    folder = tmp_path_factory.mktemp("made")
    building = load_building("small")
    write_site(folder / "site", building, "127.0.0.1", choose_ports("127.0.0.1", building.port_labels, 15_020))
    write_secrets(folder / "site", "127.0.0.1")
    days = ["--from", "2015-07-01", "--to", "2015-07-03", "--interval", "1h"]
    result = CliRunner().invoke(simulator, ["history", "small", str(folder / "history"), *days])
    assert result.exit_code == 0, result.output
    return folder


def load(history: Path, site: Path, *options: str) -> tuple[int, str]:
    result = CliRunner().invoke(service, ["import", str(history), "--site", str(site), *options])
    return result.exit_code, result.output


async def fetch(url: str, query: str) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(url)
    try:
        return list(await connection.fetch(query))
    finally:
        await connection.close()


def test_what_the_simulator_wrote_is_in_history_once_however_often_it_is_loaded(
    made: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CITYHALL_DATABASE__URL", postgres_url)
    names = json.loads((made / "history" / "manifest.json").read_text(encoding="utf-8"))["points"]
    samples = 48 * len(names)

    for _ in range(2):
        status, output = load(made / "history", made / "site", "--data-dir", str(tmp_path / "data"))
        assert (status, f"{samples:,} samples of {len(names)} points" in output) == (0, True), output

    query = """SELECT p.name, count(*) AS samples, min(s.observed_at)::text AS first, min(s.value) AS low
               FROM sample s JOIN point p USING (point_id) GROUP BY p.name"""
    rows = {row["name"]: row for row in asyncio.run(fetch(postgres_url, query))}
    assert sorted(rows) == sorted(names)
    assert {(row["samples"], row["first"][:19]) for row in rows.values()} == {(48, "2015-06-30 16:00:00")}
    assert np.isfinite([row["low"] for row in rows.values()]).all()
    (event,) = asyncio.run(fetch(postgres_url, "SELECT payload FROM event WHERE type = 'HistoryImported'"))
    assert json.loads(event["payload"])["samples"] == samples
    assert not (tmp_path / "data").exists(), "a database of one's own needs no data folder"


def test_an_import_that_is_stopped_says_so_and_goes_on_when_it_is_called_again(
    made: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CITYHALL_DATABASE__URL", postgres_url)
    read_day = HistoryFolder.read_day

    def stopped(self: HistoryFolder, number: int) -> DayOfSamples:
        if number == 2:
            os.kill(os.getpid(), signal.SIGTERM)
        return read_day(self, number)

    with monkeypatch.context() as patched:
        patched.setattr(HistoryFolder, "read_day", stopped)
        status, output = load(made / "history", made / "site")
    assert (status, "call it again" in output) == (130, True), output
    count = "SELECT count(DISTINCT observed_at) AS hours, count(*) AS samples FROM sample"
    assert asyncio.run(fetch(postgres_url, count))[0]["hours"] == 24

    status, output = load(made / "history", made / "site")
    assert status == 0, output
    assert asyncio.run(fetch(postgres_url, count))[0]["hours"] == 48


def test_a_data_folder_in_which_a_service_works_is_left_alone(made: Path, tmp_path: Path) -> None:
    lock = FolderLock(tmp_path / "service.lock")
    lock.take()
    try:
        status, output = load(made / "history", made / "site", "--data-dir", str(tmp_path))
    finally:
        lock.release()

    assert status == 1
    assert "is in use by process" in output
    assert [file.name for file in tmp_path.iterdir()] == ["service.lock"]


def test_points_that_the_site_does_not_have_are_all_named_and_nothing_is_started(made: Path, tmp_path: Path) -> None:
    copy = tmp_path / "history"
    copy.mkdir()
    manifest = json.loads((made / "history" / "manifest.json").read_text(encoding="utf-8"))
    manifest["points"][3:5] = ["TCH.B9.X.NOP01.One", "TCH.B9.X.NOP01.Two"]
    (copy / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")

    status, output = load(copy, made / "site", "--data-dir", str(tmp_path / "data"))

    assert status == 1
    assert "TCH.B9.X.NOP01.One" in output
    assert "TCH.B9.X.NOP01.Two" in output
    assert not (tmp_path / "data").exists()
