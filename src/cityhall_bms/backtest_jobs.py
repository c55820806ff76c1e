"""Commands about rules that need the record: backtests, drafts and promotions, beside the service or alone."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from cityhall_bms import beside, site_reading
from cityhall_bms.adapters.backtest_desk import BUSY, BacktestOffice
from cityhall_bms.adapters.postgres.backtest_store import PostgresBacktestStore, claimed_backtest
from cityhall_bms.adapters.postgres.connection import open_pool
from cityhall_bms.adapters.postgres.event_log import PostgresEventLog
from cityhall_bms.adapters.postgres.migrate import migrate
from cityhall_bms.adapters.postgres.registry import PostgresPointRegistry
from cityhall_bms.adapters.postgres.rule_history import PostgresRuleHistory
from cityhall_bms.adapters.postgres.rules_view import PostgresRuleView
from cityhall_bms.domain.errors import RefusedError
from cityhall_bms.domain.events import StoredEvent, canonical
from cityhall_bms.domain.follow_up import Handling
from cityhall_bms.domain.permits import PERMIT_STREAMS
from cityhall_bms.domain.rule_book import RuleRecord
from cityhall_bms.domain.rule_events import RuleBacktested
from cityhall_bms.domain.site import Site
from cityhall_bms.historian.intervals import local_time_us
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.event_log import EventLog
from cityhall_bms.ports.history import Window
from cityhall_bms.ports.rule_views import Backtest, BacktestOrder, ShadowDay
from cityhall_bms.rules.backtest import Backtester, Question, digest, summary, to_json
from cityhall_bms.rules.book import read_records, read_wording, taking_effect
from cityhall_bms.rules.drafts import RuleDesk, parse_draft
from cityhall_bms.rules.model import Rule
from cityhall_bms.rules.played import Surroundings
from cityhall_bms.rules.truth import Fault, read_truth
from cityhall_bms.settings import Settings
from cityhall_bms.supervisor import until_stopped

READ_EVENTS_MAX: Final = 1000
READ_TIMEOUT_S: Final = 600.0
"""What one stretch of samples may take: years of a cold history are read by the hour."""
NOTE_EVERY: Final = 0.02
"""Share after which progress is noted again."""

OnShare = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class RuleOffice:
    """What a command about rules works with."""

    site: Site
    ids: Mapping[str, int]
    desk: RuleDesk
    store: PostgresBacktestStore
    history: PostgresRuleHistory
    view: PostgresRuleView
    described: Mapping[str, Rule]
    around: Surroundings
    """In what a tested rule's alarms stand."""
    clock: Clock


@asynccontextmanager
async def rule_office(folder: Path, url: str, handling: Handling, clock: Clock) -> AsyncIterator[RuleOffice]:
    """Open what is needed on a database; :class:`SiteError` when the folder has mistakes."""
    site = site_reading.read_site(folder)
    described = site_reading.described_rules(folder)
    pool = await open_pool(url, command_timeout_s=READ_TIMEOUT_S)
    try:
        async with PostgresEventLog(url, clock) as events:
            ids = await PostgresPointRegistry(pool, events).ids()
            yield RuleOffice(
                site=site,
                ids=ids,
                desk=RuleDesk(events, clock, site, ids, described),
                store=PostgresBacktestStore(pool),
                history=PostgresRuleHistory(pool),
                view=PostgresRuleView(pool),
                described=described,
                around=await _around(folder, site, described, events, handling),
                clock=clock,
            )
    finally:
        pool.terminate()


async def _around(
    folder: Path, site: Site, described: Mapping[str, Rule], events: EventLog, handling: Handling
) -> Surroundings:
    rules = taking_effect(described, await read_records(events))
    permits: list[StoredEvent] = []
    while part := await events.read(permits[-1].position if permits else 0, READ_EVENTS_MAX, PERMIT_STREAMS):
        permits += part
    return Surroundings(site_reading.read_site_suppression(folder, site, rules), rules, permits, handling)


async def carry_out(
    office: RuleOffice, backtest: Backtest, faults: list[Fault] | None, on_share: OnShare
) -> dict[str, Any]:
    """Make a backtest that was entered, keep its result and seal it in the event log; gives the result.

    ``RefusedError`` when the rule cannot be read any more; that, too, is kept.
    """
    rule = read_wording(backtest.definition)
    if rule is None:
        msg = f"rule {backtest.rule} is written in a way that is not read any more"
        await office.store.fail(backtest.id, office.clock.now(), msg)
        raise RefusedError(msg)
    active = None if backtest.active is None else read_wording(backtest.active)
    question = Question(rule, active, Window(backtest.first, backtest.until), backtest.step_us)
    async with asyncio.TaskGroup() as tasks:
        notes = _Notes(office.store, backtest.id, on_share)
        noting = tasks.create_task(notes.run())
        tester = Backtester(office.site, office.ids, office.history, office.around)
        report = await tester.run(question, faults, notes.hear)
        noting.cancel()
    result, figures = to_json(report), summary(report)
    text, seal = canonical(result), digest(result)
    await office.store.end(backtest.id, office.clock.now(), text, seal, figures)
    event = RuleBacktested(
        rule=backtest.rule,
        fingerprint=backtest.fingerprint,
        backtest=backtest.id,
        digest=seal,
        first=backtest.first,
        until=backtest.until,
        summary=figures,
        at=office.clock.now(),
    )
    await office.desk.backtested(event, by=backtest.actor)
    return result


class _Notes:
    """Writes down now and then how far a test is."""

    def __init__(self, store: PostgresBacktestStore, identity: str, on_share: OnShare) -> None:
        self._store = store
        self._identity = identity
        self._on_share = on_share
        self._share = 0.0
        self._changed = asyncio.Event()

    def hear(self, share: float) -> None:
        """Take in a share, 0..1."""
        self._on_share(share)
        if share - self._share >= NOTE_EVERY:
            self._share = share
            self._changed.set()

    async def run(self) -> None:
        """Write, for ever."""
        await self._store.advance(self._identity, 0.0)
        while True:
            await self._changed.wait()
            self._changed.clear()
            await self._store.advance(self._identity, self._share)


async def make(folder: Path, identity: str, settings: Settings, clock: Clock, on_status: Callable[[int], None]) -> None:
    """Make a test that was asked for; ``on_status`` hears :data:`BUSY` when another process makes it now."""
    await until_stopped(_make(folder, identity, settings, clock, on_status))


async def _make(
    folder: Path, identity: str, settings: Settings, clock: Clock, on_status: Callable[[int], None]
) -> None:
    url, handling = settings.database.url, settings.alarms.handling
    async with claimed_backtest(url, identity) as ours, rule_office(folder, url, handling, clock) as office:
        if not ours:
            on_status(BUSY)
            return
        await carry_out(office, await office.store.get(identity), None, lambda _: None)


@dataclass(frozen=True, slots=True)
class BacktestRequest:
    """What the command line asks for; texts are as people wrote them."""

    rule: str
    begin: str
    end: str
    step_s: float
    truth: Path | None
    actor: str


async def backtest(
    folder: Path, asked: BacktestRequest, settings: Settings, clock: Clock, on_share: OnShare
) -> dict[str, Any]:
    """Test a rule's draft, or what is in force, on the history of a site; a running service may work on meanwhile."""
    faults = None if asked.truth is None else _faults(asked.truth)
    async with beside.database(settings, clock) as running:
        url = running.database.url
        await migrate(url)
        async with rule_office(folder, url, settings.alarms.handling, clock) as office:
            zone = ZoneInfo(office.site.time_zone)
            order = BacktestOrder(
                local_time_us(asked.begin, zone), local_time_us(asked.end, zone), round(asked.step_s * 1e6)
            )
            bench = BacktestOffice(office.store, office.desk, office.described, clock)
            entered = await bench.ask(asked.rule, order, by=asked.actor)
            async with claimed_backtest(url, entered.id):
                return await carry_out(office, entered, faults, on_share)


async def keep_draft(folder: Path, rule: str, file: Path, by: str, settings: Settings, clock: Clock) -> RuleRecord:
    """Keep the rule of a file as a draft; :class:`SiteError` with every mistake."""
    table = parse_draft(_text(file))
    async with beside.database(settings, clock) as running:
        await migrate(running.database.url)
        async with rule_office(folder, running.database.url, settings.alarms.handling, clock) as office:
            return await office.desk.draft(rule, table, by=by)


async def promote(folder: Path, rule: str, reason: str, by: str, settings: Settings, clock: Clock) -> RuleRecord:
    """Promote a draft; the running service takes it by itself."""
    async with beside.database(settings, clock) as running:
        await migrate(running.database.url)
        async with rule_office(folder, running.database.url, settings.alarms.handling, clock) as office:
            record = await office.desk.record(rule)
            days: Sequence[ShadowDay] = ()
            if record.shadow is not None:
                zone, now = office.site.time_zone, clock.now()
                days = await office.view.shadow_days(rule, record.shadow.fingerprint, zone, now)
            return await office.desk.promote(rule, by=by, reason=reason, days=days)


def write_result(path: Path, result: Mapping[str, Any]) -> None:
    """Write a result as it was digested; ``RefusedError`` when it cannot be written."""
    try:
        path.write_text(canonical(dict(result)), encoding="utf-8")
    except OSError as error:
        msg = f"{path} cannot be written: {error.strerror or error}"
        raise RefusedError(msg) from error


def told(result: Mapping[str, Any]) -> list[str]:
    """Result in a few lines for people."""
    figures, apart, score = result["figures"], result["difference"], result["score"]
    bound = (
        f"{result['rule']} 版本 version {result['version']}: {result['subjects']} subjects, "
        f"{len(result['not_applicable'])} 不適用 not applicable, {result['samples']:,} samples"
    )
    rang = (
        f"次數 episodes {result['episode_count']}, 抑制 hidden {result['hidden']}, "
        f"每日響鈴 rings per day {figures['per_day']:.3f}, "
        f"十分鐘最多 peak in 10 min {figures['peak_10_min']}, 抖動 chattering {len(figures['chattering'])}, "
        f"瞬間 fleeting {figures['fleeting']}, 持續 standing {result['standing_s'] / 3600:.1f} h"
    )
    lines = [bound, rang]
    if apart is not None:
        lines.append(
            f"與現行版本比較 against version {result['active']['version']}: 相同 both {apart['both']}, "
            f"僅新版 only new {apart['only_new']}, 僅現行 only active {apart['only_old']}"
        )
    if score is not None:
        lines.append(
            f"故障 faults {score['faults']}, 找到 found {score['found']}; "
            f"召回率 recall {_share(score['recall'])}, 精確率 precision {_share(score['precision'])}"
        )
    lines += [f"停用 parked: {item['rule']}: {item['reason']}" for item in result["failures"]]
    return [*lines, f"sha256 {digest(result)}"]


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _faults(path: Path) -> list[Fault]:
    return read_truth(_text(path), path.name)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        msg = f"{path} cannot be read: {error}"
        raise RefusedError(msg) from error
