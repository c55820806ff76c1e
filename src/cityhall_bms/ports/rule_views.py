"""What is known about rules, their shadows and their backtests."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from cityhall_bms.domain.rule_book import RuleRecord


@dataclass(frozen=True, slots=True)
class ShadowDay:
    """What a draft would have rung on one day (ISO date of the building): occurrences, subjects, time stood (s)."""

    day: str
    raised: int
    subjects: int
    standing_s: float


class RuleView(Protocol):
    """Read model of rules. ``EventLogUnavailableError`` when it cannot be reached."""

    async def records(self) -> Mapping[str, RuleRecord]:
        """Every rule that the event log has ever held, by id."""
        ...

    async def get(self, rule: str) -> RuleRecord | None:
        """One of them."""
        ...

    async def shadow_days(self, rule: str, fingerprint: str, time_zone: str, now: int) -> Sequence[ShadowDay]:
        """Days on which a draft would have rung, oldest first; what still stands, stands until ``now`` (µs UTC)."""
        ...


class BacktestState(StrEnum):
    """How far a backtest is."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Backtest:
    """A test of a wording (``definition``) on history, in comparison with the ``active`` one. Times µs UTC."""

    id: str
    rule: str
    fingerprint: str
    actor: str
    asked_at: int
    first: int
    until: int
    step_us: int
    definition: Mapping[str, Any]
    active: Mapping[str, Any] | None
    state: BacktestState = BacktestState.WAITING
    progress: float = 0.0
    digest: str | None = None
    summary: Mapping[str, Any] | None = None
    reason: str = ""
    ended_at: int | None = None


class BacktestStore(Protocol):
    """Backtests and their results. ``HistoryUnavailableError`` when it cannot be reached."""

    async def begin(self, backtest: Backtest) -> None:
        """Enter a new one."""
        ...

    async def get(self, identity: str) -> Backtest:
        """One backtest; ``NotFoundError``."""
        ...

    async def page(self, rule: str, limit: int, before: str | None) -> Sequence[Backtest]:
        """Those of a rule, the newest first, those before a given one."""
        ...

    async def result(self, identity: str) -> str | None:
        """Result as it was digested (canonical JSON); none while there is none."""
        ...


class BacktestDesk(Protocol):
    """Where backtests are asked for."""

    async def ask(self, rule: str, question: "BacktestOrder", *, by: str) -> Backtest:
        """Have one made; ``RefusedError`` when it makes no sense, ``NotFoundError`` for a rule that there is not."""
        ...


@dataclass(frozen=True, slots=True)
class BacktestOrder:
    """Which stretch (µs UTC, ``until`` excluded) is to be replayed, in steps of so long."""

    first: int
    until: int
    step_us: int
