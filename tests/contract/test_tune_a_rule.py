"""The commands of the tuning page, one after the other, beside a database: draft, backtest, promote."""

import hashlib
import json
from pathlib import Path

import pytest
from tests.support.histories import HOUR, MINUTE, T0, logged
from tests.support.sites import write_site

from cityhall_bms import backtest_jobs, bootstrap
from cityhall_bms.adapters.backtest_desk import BUSY, BacktestOffice
from cityhall_bms.adapters.postgres.backtest_store import claimed_backtest
from cityhall_bms.adapters.postgres.connection import open_pool
from cityhall_bms.adapters.postgres.event_log import PostgresEventLog
from cityhall_bms.adapters.postgres.history import PostgresHistory
from cityhall_bms.adapters.postgres.registry import PostgresPointRegistry
from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.domain.errors import RefusedError, SiteError
from cityhall_bms.domain.follow_up import Handling
from cityhall_bms.ports.rule_views import BacktestOrder, BacktestState
from cityhall_bms.settings import DatabaseSettings, Settings

POINT = "TCH.01.E.AHU01.SAT"
DRAFT = """
[[rule]]
id = "WARM"
equipment_class = "Air_Handling_Unit"
detects = ["H13"]
condition = "SAT > 20 °C"
on_delay_s = 600
priority = 3
text_zh = "{equipment} 送風過熱：{value} {unit}"
text_en = "{equipment} supply air too warm: {value} {unit}"
source = "test"
"""
TRUTH = """\
{"what": "fouled_coil", "where": "TCH.01.E.AHU01", "from": "2026-07-01T09:00:00+08:00", \
"to": "2026-07-01T10:00:00+08:00", "provokes": ["H13"]}
"""


async def test_a_rule_is_drafted_tested_and_promoted_by_commands(postgres_url: str, tmp_path: Path) -> None:
    clock, site = SystemClock(), tmp_path / "site"
    write_site(site)
    profile = site / "profiles" / "chiller.toml"
    profile.write_text(profile.read_text().replace("input:{equipment}", "input:110"))
    settings = Settings(data_dir=tmp_path / "var", database=DatabaseSettings(url=postgres_url))
    await bootstrap.prepare(site, settings, clock)
    pool = await open_pool(postgres_url)
    async with (
        PostgresEventLog(postgres_url, clock) as events,
        PostgresHistory.open(postgres_url, clock, "Asia/Taipei") as history,
    ):
        number = (await PostgresPointRegistry(pool, events).ids())[POINT]
        warm = range(60, 120)
        rows = [(number, T0 + n * MINUTE, 25.0 if n in warm else 15.0, 0) for n in range(240)]
        await history.store([logged(n, rows[n - 1 : n]) for n in range(1, 241)])
        file, truth, out = tmp_path / "warm.toml", tmp_path / "truth.jsonl", tmp_path / "out.json"
        file.write_text(DRAFT.replace("°C", "kW"), encoding="utf-8")
        with pytest.raises(SiteError, match="column 5"):
            await backtest_jobs.keep_draft(site, "WARM", file, "ann", settings, clock)
        file.write_text(DRAFT, encoding="utf-8")
        record = await backtest_jobs.keep_draft(site, "WARM", file, "ann", settings, clock)
        assert record.draft is not None
        assert record.draft.version == 1
        with pytest.raises(RefusedError, match="not tested"):
            await backtest_jobs.promote(site, "WARM", "why", "ann", settings, clock)

        truth.write_text(TRUTH, encoding="utf-8")
        shares: list[float] = []
        asked = backtest_jobs.BacktestRequest("WARM", "2026-07-01T08:00", "2026-07-01T12:00", 60.0, truth, "ann")
        result = await backtest_jobs.backtest(site, asked, settings, clock, shares.append)
        backtest_jobs.write_result(out, result)
        record = await backtest_jobs.promote(site, "WARM", "why", "ann", settings, clock)
        told = [event.type for event in await events.read(stream="rule/WARM")]
    pool.terminate()

    (episode,) = result["episodes"]
    assert (episode["began"] - T0) // MINUTE == 70
    assert (episode["ended"] - T0) // MINUTE == 120
    assert (result["score"]["recall"], result["score"]["precision"]) == (1.0, 1.0)
    assert result["until"] - result["first"] == 4 * HOUR
    assert shares[-1] > 0.9
    lines = backtest_jobs.told(result)
    assert lines[-1] == f"sha256 {hashlib.sha256(out.read_bytes()).hexdigest()}"
    assert json.loads(out.read_text(encoding="utf-8")) == json.loads(json.dumps(result))
    assert record.promotion is not None
    assert lines[-1].endswith(record.promotion.evidence["digest"])
    assert told == ["RuleDrafted", "RuleBacktested", "RulePromoted"]


async def test_a_job_is_made_by_one_process_and_taken_up_again_after_it_was_cut_off(
    postgres_url: str, tmp_path: Path
) -> None:
    clock, site = SystemClock(), tmp_path / "site"
    write_site(site)
    profile = site / "profiles" / "chiller.toml"
    profile.write_text(profile.read_text().replace("input:{equipment}", "input:110"))
    settings = Settings(data_dir=tmp_path / "var", database=DatabaseSettings(url=postgres_url))
    await bootstrap.prepare(site, settings, clock)
    file = tmp_path / "warm.toml"
    file.write_text(DRAFT, encoding="utf-8")
    await backtest_jobs.keep_draft(site, "WARM", file, "ann", settings, clock)
    status: list[int] = []
    async with backtest_jobs.rule_office(site, postgres_url, Handling(), clock) as office:
        desk = BacktestOffice(office.store, office.desk, office.described, clock)
        asked = await desk.ask("WARM", BacktestOrder(T0, T0 + HOUR, MINUTE), by="ann")
        # As one that was killed leaves it: begun, and without an end.
        await office.store.advance(asked.id, 0.4)
        async with claimed_backtest(postgres_url, asked.id) as ours:
            assert ours
            await backtest_jobs.make(site, asked.id, settings, clock, status.append)
            assert status == [BUSY]
            assert await office.store.next_open() == asked.id
        await backtest_jobs.make(site, asked.id, settings, clock, status.append)
        made = await office.store.get(asked.id)
        record = await office.desk.record("WARM")
        assert await office.store.next_open() is None
    assert (made.state, made.progress, made.digest) == (
        BacktestState.DONE,
        1.0,
        record.backtest and record.backtest.digest,
    )
    assert status == [BUSY]
