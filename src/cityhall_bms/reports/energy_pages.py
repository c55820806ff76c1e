"""The monthly energy report, and the tenants': what was used, what it cost, who used it, and what nobody counted."""

from collections.abc import Sequence
from datetime import timedelta
from zoneinfo import ZoneInfo

import numpy as np

from cityhall_bms.domain.energy.bills import Bill
from cityhall_bms.domain.energy.commodities import Commodity
from cityhall_bms.domain.energy.periods import Period, months_of
from cityhall_bms.domain.errors import NotFoundError, RefusedError
from cityhall_bms.domain.reports import ReportWish
from cityhall_bms.domain.site import Text
from cityhall_bms.energy.accounts import Account, Asked
from cityhall_bms.energy.billing import MonthBill, Terms
from cityhall_bms.ports.history import Window
from cityhall_bms.reports.asking import address, between
from cityhall_bms.reports.comparing import compared_sentences, comparison_table
from cityhall_bms.reports.document import (
    Block,
    Chart,
    ChartKind,
    Column,
    Figure,
    Section,
    Sentence,
    Series,
    Source,
    Table,
    Value,
)
from cityhall_bms.reports.energy import EnergyReports, how_of
from cityhall_bms.reports.half_year import carbon_sentence, lifts_sentence, measures_block
from cityhall_bms.reports.periods import month_begins
from cityhall_bms.reports.shift import demand_sentence
from cityhall_bms.reports.sources import ReportSources

COST = Text("電費", "Cost of electricity")
WHOLE = "1mo"
PARTS = {
    "energy": Text("流動電費", "Energy"),
    "basic": Text("基本電費", "Basic charge"),
    "over_contract": Text("超約附加費", "Over contract"),
    "power_factor": Text("功率因數調整", "Power factor"),
    "total": Text("合計", "Total"),
}


class EnergyPages:
    """Makes those reports; what a site does not have is said to be absent."""

    def __init__(self, sources: ReportSources, energy: EnergyReports) -> None:
        self._sources = sources
        self._energy = energy
        self._metering = sources.site.metering
        self._zone = ZoneInfo(sources.site.time_zone)
        self._coverage_min = sources.site.energy_book.references.coverage_min

    async def monthly(self, period: Period, wish: ReportWish) -> tuple[Section, ...]:
        """Use, cost, demand, carbon, measures, tenants and rest of a period of whole months."""
        compared = await self._energy.compared(period, wish)
        sentences = [block for each in compared for block in compared_sentences(each, provisional=wish.provisional)]
        return (
            Section(
                Text("用量", "Use"),
                (
                    *sentences,
                    comparison_table(compared, provisional=wish.provisional),
                    await self._by_day(period, wish),
                ),
            ),
            Section(Text("能源績效指標", "Energy performance"), (await self._indicators(period, wish),)),
            Section(
                Text("需量與電費", "Demand and cost"),
                (demand_sentence(await self._energy.peak(period), self._zone), *await self._costs(period, wish)),
            ),
            Section(
                Text("碳排放與節能措施", "Carbon and measures"),
                (
                    carbon_sentence(await self._energy.carbon(period, wish)),
                    lifts_sentence(await self._energy.lifts(period, wish)),
                    measures_block(await self._energy.measures()),
                ),
            ),
            Section(Text("承租單位", "Tenants"), (await self._tenants(period, wish),)),
            Section(Text("電表平衡", "Balance of the meters"), (await self._balance(period, wish),)),
            Section(Text("說明", "Notes"), (Sentence("provisional", {}),)),
        )

    async def tenants(self, period: Period, wish: ReportWish) -> tuple[Section, ...]:
        """What each tenant took, beside the years before."""
        sections = [Section(Text("用量", "Use"), (await self._tenants(period, wish),))]
        for tenant in self._metering.tenants.values():
            compared = [
                c for c in await self._energy.compared(period, wish, tenant.name) if c.current.value is not None
            ]
            blocks = [block for each in compared for block in compared_sentences(each, provisional=wish.provisional)]
            if blocks:
                sections.append(Section(Text(tenant.text_zh, tenant.text_en), tuple(blocks)))
        return (*sections, Section(Text("說明", "Notes"), (Sentence("provisional", {}),)))

    async def _by_day(self, period: Period, wish: ReportWish) -> Block:
        comparer = self._sources.comparer
        subject = comparer.subject(Commodity.ELECTRICITY)
        what = Text("每日用電", "Electricity by day")
        if not subject.factors:
            return Sentence("absent", {"what": what})
        amounts = await comparer.amounts(subject, period, "1d", how_of(wish))
        values = np.array([*subject.factors.values()]) @ amounts.value
        known = np.isfinite(values) & (amounts.coverage.min(axis=0) >= self._coverage_min)
        days = [period.first + timedelta(days=number) for number in range(period.days)]
        told = tuple(float(value) if sure else None for value, sure in zip(values, known, strict=True))
        return Chart(what, ChartKind.BAR, "kWh", tuple(f"{day.month}/{day.day}" for day in days), (Series(what, told),))

    async def _indicators(self, period: Period, wish: ReportWish) -> Block:
        columns = (
            Column("indicator", Text("指標", "Indicator")),
            Column("unit", Text("單位", "Unit")),
            Column("now", Text("現值", "Now"), numeric=True),
            Column("before", Text("前一年", "Year before"), numeric=True),
            Column("base", Text("基準年", "Base year"), numeric=True),
            Column("target", Text("目標", "Target"), numeric=True),
        )
        source = Source(address("/energy/enpi", until=period.until.isoformat(), provisional=wish.provisional))

        def figure(value: float | None, coverage: float | None = None) -> Figure:
            thin = coverage is not None and coverage < self._coverage_min
            return Figure(value, "", 2, coverage, thin and value is not None, sources=(source,))

        rows: list[tuple[Value, ...]] = [
            (
                Text(each.indicator.text_zh, each.indicator.text_en),
                each.indicator.unit,
                figure(each.now.value, each.now.coverage),
                figure(each.before.value, each.before.coverage),
                figure(each.base_value),
                "—" if each.indicator.target is None else f"{each.indicator.target:g}",
            )
            for each in await self._sources.indicators.all(period.until, provisional=wish.provisional)
        ]
        return Table("indicators", Text("指標", "Indicators"), columns, tuple(rows))

    async def _costs(self, period: Period, wish: ReportWish) -> list[Block]:
        """Bills of the months, or why there are none."""
        bills: list[tuple[Period, MonthBill]] = []
        for begin in month_begins(period):
            month = months_of(begin, 1)
            try:
                terms = Terms(wish.provisional, known_at=wish.known_at)
                bill = await self._sources.bills.bill(month, terms)
            except (RefusedError, NotFoundError) as error:
                zh, _, en = str(error).partition(" / ")
                return [Sentence("because", {"what": COST, "reason": Text(zh, en or zh)})]
            bills.append((month, bill))
        columns = (
            Column("month", Text("月份", "Month")),
            *(Column(name, Text(f"{text.zh}（元）", f"{text.en} (NT$)"), numeric=True) for name, text in PARTS.items()),
        )
        return [Table("costs", COST, columns, tuple(_bill_row(month, bill, wish) for month, bill in bills))]

    async def _tenants(self, period: Period, wish: ReportWish) -> Block:
        told = (Commodity.ELECTRICITY, Commodity.WATER, Commodity.CHILLED_WATER)
        tenants = list(self._metering.tenants.values())
        accounts = [Account(commodity, tenant=tenant.name) for tenant in tenants for commodity in told]
        columns = (
            Column("tenant", Text("單位", "Tenant")),
            *(Column(c.value, Text(f"{c.text_zh}（{c.unit}）", f"{c.text_en} ({c.unit})"), numeric=True) for c in told),
        )
        statement = await self._sources.accounts.statement(accounts, self._asked(period, wish))
        rows = {account: row for row, account in enumerate(statement.accounts)}
        amounts = statement.amounts

        def cell(account: Account) -> Value:
            if account not in rows:
                return "—"
            row, meters = rows[account], tuple(statement.meters[rows[account]])
            value, coverage = float(amounts.value[row].sum()), float(amounts.coverage[row].min())
            source = self._amounts_source("/energy/tenants", period, wish, meters)
            known = value if value == value else None  # noqa: PLR0124 - NaN is not itself
            thin = coverage < self._coverage_min and known is not None
            told_value = known if not thin or wish.provisional else None
            return Figure(told_value, account.commodity.unit, 0, coverage, thin, sources=(source,))

        lines = tuple(
            (Text(tenant.text_zh, tenant.text_en), *(cell(Account(c, tenant=tenant.name)) for c in told))
            for tenant in tenants
        )
        return Table("tenants", Text("承租單位用量", "What tenants took"), columns, lines)

    async def _balance(self, period: Period, wish: ReportWish) -> Block:
        columns = (
            Column("meter", Text("總表", "Meter")),
            Column("own", Text("讀值", "Counted"), numeric=True),
            Column("parts", Text("分表合計", "Its parts"), numeric=True),
            Column("residual", Text("差額", "The rest"), numeric=True),
            Column("share", Text("差額（%）", "The rest (%)"), numeric=True),
        )
        accounts = self._sources.accounts
        nodes = [name for name in accounts.nodes() if self._metering.meter(name).commodity is Commodity.ELECTRICITY]
        _, found = await accounts.balances(nodes, self._asked(period, wish))
        rows: list[tuple[Value, ...]] = []
        for node in found:
            meter = self._metering.meter(node.meter)
            coverage = float(node.coverage.min()) if len(node.coverage) else 0.0
            own, parts = float(node.own.sum()), float(node.parts.sum())
            source = self._amounts_source("/energy/balance", period, wish, (node.meter,))
            told = coverage >= self._coverage_min or wish.provisional
            values = (own, parts, own - parts, 100.0 * (own - parts) / own if own else float("nan"))
            figures = (
                Figure(
                    value if told and value == value else None,  # noqa: PLR0124 - NaN is not itself
                    "%" if number == len(values) - 1 else "kWh",
                    2 if number == len(values) - 1 else 0,
                    coverage,
                    coverage < self._coverage_min and told and value == value,  # noqa: PLR0124
                    sources=(source,),
                )
                for number, value in enumerate(values)
            )
            rows.append((Text(meter.text_zh, meter.text_en), *figures))
        return Table("balance", Text("總表與分表", "Meters and their parts"), columns, tuple(rows))

    def _asked(self, period: Period, wish: ReportWish) -> Asked:
        return Asked(Window(*period.bounds(self._zone)), WHOLE, known_at=wish.known_at)

    def _amounts_source(self, path: str, period: Period, wish: ReportWish, meters: Sequence[str]) -> Source:
        asked = between(Window(*period.bounds(self._zone)))
        return Source(address(path, wish.known_at, interval=WHOLE, **asked), tuple(meters))


def _bill_row(month: Period, found: MonthBill, wish: ReportWish) -> tuple[Value, ...]:
    asked = address("/energy/bill", wish.known_at, month=month.name, provisional=wish.provisional)
    source = Source(asked, versions=found.tariff_versions)
    bill: Bill = found.bill
    amounts = (bill.energy, bill.basic, bill.over_contract, bill.power_factor_amount, bill.total)
    coverage = found.measured.coverage
    figures = (Figure(float(amount), "NT$", 0, coverage, found.provisional, sources=(source,)) for amount in amounts)
    return (month.name, *figures)
