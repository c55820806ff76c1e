"""What the API needs for rules, and the jobs of backtests."""

from collections.abc import Mapping
from dataclasses import dataclass

import asyncpg

from cityhall_bms.adapters.backtest_desk import BacktestOffice, BacktestRunner
from cityhall_bms.adapters.postgres.backtest_store import PostgresBacktestStore
from cityhall_bms.adapters.postgres.rules_view import PostgresRuleView
from cityhall_bms.api.rule_services import RuleServices
from cityhall_bms.domain.site import Site
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.event_log import EventLog
from cityhall_bms.rules.catalogue import Catalogue
from cityhall_bms.rules.drafts import RuleDesk
from cityhall_bms.rules.model import Rule


@dataclass(frozen=True, slots=True)
class RuleParts:
    """The services of the routes, and what makes the tests that they ask for."""

    services: RuleServices
    runner: BacktestRunner

    @classmethod
    def of(
        cls, pool: asyncpg.Pool, events: EventLog, clock: Clock, site: Site, ids: Mapping[str, int],
        described: Mapping[str, Rule],
    ) -> "RuleParts":  # fmt: skip
        """Join them; ``described`` are the rules of the files."""
        desk, store = RuleDesk(events, clock, site, ids, described), PostgresBacktestStore(pool)
        office = BacktestOffice(store, desk, described, clock)
        services = RuleServices(Catalogue(site, ids, described), PostgresRuleView(pool), desk, store, office)
        return cls(services, BacktestRunner(office, store, clock))
