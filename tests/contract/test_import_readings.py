"""``meter import``: a file of readings is tried, entered once, and refused when it cannot be read."""

from pathlib import Path

import pytest
from tests.support.histories import T0
from tests.support.manual_clock import ManualClock
from tests.support.sites import CheckingFactory, write_site

from cityhall_bms import site_reading
from cityhall_bms.adapters.postgres.event_log import PostgresEventLog
from cityhall_bms.domain.errors import RefusedError
from cityhall_bms.meter_cli import enter_file
from cityhall_bms.ports.energy_readings import RowOutcome
from cityhall_bms.settings import DatabaseSettings, Settings

METER = """\
[[meter]]
name = "FUEL"
commodity = "fuel"
text_zh = "油料"
text_en = "Fuel"
manual = true
"""
ROWS = "meter,first_day,last_day,amount,unit\nFUEL,2026-05-01,2026-05-31,1490,L\nFUEL,2026-06-01,2026-06-30,1.5185,m3\n"


async def test_a_file_is_entered_once(postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, file = write_site(tmp_path / "site"), tmp_path / "fuel.csv"
    (folder / "meters.toml").write_text(METER, encoding="utf-8")
    monkeypatch.setattr(site_reading, "find_factories", lambda: {"modbus": CheckingFactory()})
    settings, clock = Settings(database=DatabaseSettings(url=postgres_url)), ManualClock(T0)

    with pytest.raises(RefusedError):
        await enter_file(folder, file, settings, clock, ("王小明", False))
    file.write_bytes("單位".encode("big5"))
    with pytest.raises(RefusedError, match="UTF-8"):
        await enter_file(folder, file, settings, clock, ("王小明", False))
    file.write_text(ROWS, encoding="utf-8-sig")
    for dry_run, outcome in ((True, RowOutcome.ENTERED), (False, RowOutcome.ENTERED), (False, RowOutcome.UNCHANGED)):
        found = await enter_file(folder, file, settings, clock, ("王小明", dry_run))
        assert [(row.outcome, row.reading.amount) for row in found.rows] == [(outcome, 1490.0), (outcome, 1518.5)]

    async with PostgresEventLog(postgres_url, clock) as events:
        entries = await events.read(0, stream="meter_reading/FUEL")
    assert [(entry.type, entry.actor, entry.payload["number"]) for entry in entries] == [
        ("ReadingEntered", "王小明", 1),
        ("ReadingEntered", "王小明", 2),
    ]
