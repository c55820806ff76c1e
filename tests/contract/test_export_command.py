"""``cityhall-bms export``: a file and its manifest beside the service; proven where no database is."""

from pathlib import Path

import pytest
from tests.support.histories import HOUR, T0, logged
from tests.support.sites import write_site

from cityhall_bms import bootstrap, export_jobs
from cityhall_bms.adapters.postgres.connection import open_pool
from cityhall_bms.adapters.postgres.event_log import PostgresEventLog
from cityhall_bms.adapters.postgres.export_store import PostgresExportStore
from cityhall_bms.adapters.postgres.history import PostgresHistory
from cityhall_bms.adapters.postgres.registry import PostgresPointRegistry
from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.domain.errors import CityHallError
from cityhall_bms.exports.verification import Verdict
from cityhall_bms.ports.exports import ExportFormat
from cityhall_bms.settings import DatabaseSettings, ExportSettings, Settings

POINT = "TCH.01.E.AHU01.SAT"


async def test_the_command_hands_out_a_file_that_is_proven_and_keeps_nothing_back(
    postgres_url: str, tmp_path: Path
) -> None:
    clock, site = SystemClock(), tmp_path / "site"
    write_site(site)
    profile = site / "profiles" / "chiller.toml"
    profile.write_text(profile.read_text().replace("input:{equipment}", "input:110"))
    settings = Settings(
        data_dir=tmp_path / "var",
        database=DatabaseSettings(url=postgres_url),
        exports=ExportSettings(free_bytes_min=0),
    )
    await bootstrap.prepare(site, settings, clock)
    pool = await open_pool(postgres_url)
    async with (
        PostgresEventLog(postgres_url, clock) as events,
        PostgresHistory.open(postgres_url, clock, "Asia/Taipei") as history,
    ):
        number = (await PostgresPointRegistry(pool, events).ids())[POINT]
        await history.store([logged(1, [(number, T0 + n * HOUR, float(n), 0) for n in range(5)])])
        handed: list[Path] = []
        asked = export_jobs.ExportRequest(
            [POINT], "2026-07-01T08:00", "2026-07-01T12:00", tmp_path / "out.csv", ExportFormat.CSV_LONG, language="en"
        )
        job = export_jobs.ExportJob(site, settings, asked, lambda *_: None, lambda *paths: handed.extend(paths))
        await export_jobs.export(job, clock)
        wrong = export_jobs.ExportRequest([POINT], "2026-07-01", "2026-07-02", tmp_path / "no.csv", interval="7m")
        with pytest.raises(ExceptionGroup) as failure:
            await export_jobs.export(
                export_jobs.ExportJob(site, settings, wrong, lambda *_: None, handed.extend), clock
            )
        exports = await PostgresExportStore(pool).page(5, None)
        told = [event.type for event in await events.read(stream="export/")]
    pool.terminate()

    assert failure.group_contains(CityHallError, match="7m")
    assert sorted(export.state.value for export in exports) == ["done", "failed"]
    assert told == ["ExportMade", "ExportFailed"]
    assert handed == [tmp_path / "out.csv", tmp_path / "out.csv.manifest.json"]
    assert handed[0].read_bytes().count(b"\r\n") == 5
    assert list(settings.export_folder.iterdir()) == []
    [key] = settings.key_folder.glob("public-*.pem")
    assert [check.verdict for check in export_jobs.prove(handed[0], None, key)] == [Verdict.PROVEN] * 4
