"""What the routes of rules need."""

from dataclasses import dataclass

from cityhall_bms.ports.rule_views import BacktestDesk, BacktestStore, RuleView
from cityhall_bms.rules.catalogue import Catalogue
from cityhall_bms.rules.drafts import RuleDesk


@dataclass(frozen=True, slots=True)
class RuleServices:
    """Read models and handlers behind the routes of rules."""

    catalogue: Catalogue
    view: RuleView
    desk: RuleDesk
    backtests: BacktestStore
    office: BacktestDesk
