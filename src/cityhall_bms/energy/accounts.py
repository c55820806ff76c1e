"""Questions about several meters at once: balances of the tree, and what a tenant, a floor or a zone took."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cityhall_bms.domain.energy.amounts import Amounts
from cityhall_bms.domain.energy.balance import BalanceLimits, NodeBalance, balance, meters_of
from cityhall_bms.domain.energy.combining import combined
from cityhall_bms.domain.energy.commodities import Commodity
from cityhall_bms.domain.energy.meters import Metering
from cityhall_bms.ports.counters import Estimate
from cityhall_bms.ports.energy import MeterReader
from cityhall_bms.ports.history import Window


@dataclass(frozen=True, slots=True)
class Asked:
    """Which time, in which intervals, how silences are spread, and the record of which moment (µs UTC)."""

    window: Window
    interval: str
    estimate: Estimate = Estimate.NONE
    known_at: int | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody's total of a commodity: which meters make it up; its row in the amounts beside it."""

    commodity: Commodity
    tenant: str = ""
    zone: str = ""
    floor: str = ""


@dataclass(frozen=True, slots=True)
class Statement:
    """Totals (rows of ``amounts``) of accounts, and the meters of each with their factors."""

    accounts: Sequence[Account]
    meters: Sequence[Mapping[str, float]]
    amounts: Amounts


class MeterAccounts:
    """Reads what it needs in one question."""

    def __init__(self, metering: Metering, reader: MeterReader, limits: BalanceLimits) -> None:
        self._metering = metering
        self._reader = reader
        self.limits = limits

    def nodes(self) -> list[str]:
        """Every meter that has parts, from the top down."""
        roots = self._metering.roots()
        below = [meter.name for root in roots for meter in (root, *self._metering.below(root.name))]
        return [name for name in below if self._metering.parts(name)]

    async def read(self, meters: Sequence[str], asked: Asked) -> Amounts:
        """Amounts of some meters."""
        return await self._reader.amounts(
            meters, asked.window, asked.interval, estimate=asked.estimate, known_at=asked.known_at
        )

    async def balances(self, nodes: Sequence[str], asked: Asked) -> tuple[Amounts, list[NodeBalance]]:
        """Balance of each of some nodes, and the amounts they are made from."""
        rows = meters_of(self._metering, nodes)
        read = await self.read(rows, asked)
        return read, [balance(self._metering, node, read, rows, self.limits) for node in nodes]

    async def statement(self, accounts: Sequence[Account], asked: Asked) -> Statement:
        """Totals of those accounts that have a meter."""
        factors = {
            account: self._metering.total_of(account.commodity, account.tenant, zone=account.zone, floor=account.floor)
            for account in accounts
        }
        known = [account for account in accounts if factors[account]]
        rows = list(dict.fromkeys(name for account in known for name in factors[account]))
        read = await self.read(rows, asked)
        meters = [factors[account] for account in known]
        return Statement(known, meters, combined(read, rows, meters))
