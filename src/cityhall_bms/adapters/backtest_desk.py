"""Where backtests are asked for, and what makes them one after the other, each in a process of its own."""

import asyncio
import secrets
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from signal import SIGTERM
from typing import Final

import structlog

from cityhall_bms.adapters.embedded.child import Child, ChildPlan, StopStep, start_child
from cityhall_bms.adapters.postgres.backtest_store import PostgresBacktestStore
from cityhall_bms.domain.errors import CityHallError, NotFoundError
from cityhall_bms.domain.rule_book import RuleRecord
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.history import Window
from cityhall_bms.ports.rule_views import Backtest, BacktestOrder
from cityhall_bms.rules.backtest import Question, checked
from cityhall_bms.rules.book import definition, fingerprint, read_wording
from cityhall_bms.rules.drafts import RuleDesk
from cityhall_bms.rules.model import Rule

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
LOOK_EVERY_S: Final = 60.0
AGAIN_AFTER_S: Final = 5.0
TRIES_MAX: Final = 3
BUSY: Final = 75
"""Exit status of a process that found another one making the same test."""
STOP_STEPS: Final = (StopStep(SIGTERM, 5.0),)

log = structlog.get_logger(__name__)


class BacktestOffice:
    """See :class:`~cityhall_bms.ports.rule_views.BacktestDesk`; ``described`` are the rules of the files."""

    def __init__(
        self, store: PostgresBacktestStore, desk: RuleDesk, described: Mapping[str, Rule], clock: Clock
    ) -> None:
        self._store = store
        self._desk = desk
        self._described = described
        self._clock = clock
        self.asked = asyncio.Event()
        """Set when there is something to do for who makes the tests."""

    async def ask(self, rule: str, question: BacktestOrder, *, by: str) -> Backtest:
        """Have a rule's draft tested, in comparison with what is in force; without a draft what is in force."""
        record = await self._desk.record(rule)
        wording, active = self._wordings(record)
        window = Window(question.first, question.until)
        checked(Question(wording, active, window, question.step_us))
        now = self._clock.now()
        backtest = Backtest(
            id=f"{EPOCH + timedelta(microseconds=now):%Y%m%dT%H%M%S}-{secrets.token_hex(4)}",
            rule=rule,
            fingerprint=fingerprint(wording),
            actor=by,
            asked_at=now,
            first=question.first,
            until=question.until,
            step_us=question.step_us,
            definition=definition(wording),
            active=None if active is None else definition(active),
        )
        await self._store.begin(backtest)
        self.asked.set()
        return backtest

    def _wordings(self, record: RuleRecord) -> tuple[Rule, Rule | None]:
        """What is tested, and what with; a rule that no start has written down yet is the files'."""
        applied = None if record.applied is None else read_wording(record.applied.definition)
        active = applied or self._described.get(record.rule)
        draft = None if record.draft is None else read_wording(record.draft.definition)
        if draft is not None:
            return draft, active
        if active is None:
            msg = f"there is no rule {record.rule}; GET /api/v1/rules lists them"
            raise NotFoundError(msg)
        return active, None


class BacktestRunner:
    """Makes tests that were asked for; one that was cut off, with us or without, is taken up again."""

    def __init__(self, office: BacktestOffice, store: PostgresBacktestStore, clock: Clock) -> None:
        self._office = office
        self._store = store
        self._clock = clock
        self._tries: dict[str, int] = {}

    async def run(self, folder: Path, environment: Mapping[str, str]) -> None:
        """Make what is asked for about the site of a folder, for ever; ``environment`` tells a maker the settings."""
        while True:
            self._office.asked.clear()
            try:
                if not await self._next(folder, environment):
                    await self._wait()
            except CityHallError as error:
                log.warning("backtests wait", reason=str(error))
                await self._clock.sleep(AGAIN_AFTER_S)

    async def _next(self, folder: Path, environment: Mapping[str, str]) -> bool:
        """Make one; false when there is none to make now."""
        identity = await self._store.next_open()
        if identity is None:
            return False
        code = await self._made(folder, identity, environment)
        if code == BUSY:
            return False
        if code:
            tries = self._tries[identity] = self._tries.get(identity, 0) + 1
            log.warning("the process that makes a backtest ended", backtest=identity, exit_code=code, tries=tries)
            if tries == TRIES_MAX:
                reason = f"it could not be made in {tries} tries; the service's log says why"
                await self._store.fail(identity, self._clock.now(), reason)
            await self._clock.sleep(AGAIN_AFTER_S)
        return True

    async def _made(self, folder: Path, identity: str, environment: Mapping[str, str]) -> int:
        child: Child = await start_child(
            ChildPlan(
                arguments=(sys.executable, "-m", "cityhall_bms", "rules", "make-backtest", str(folder), identity),
                cwd=Path.cwd(),
                log=None,
                death_signal=SIGTERM,
                environment=environment,
            )
        )
        try:
            return await child.wait()
        finally:
            await child.stop(STOP_STEPS)

    async def _wait(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            asked = tasks.create_task(self._office.asked.wait())
            late = tasks.create_task(self._clock.sleep(LOOK_EVERY_S))
            await asyncio.wait([asked, late], return_when=asyncio.FIRST_COMPLETED)
            asked.cancel()
            late.cancel()
