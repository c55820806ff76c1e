"""Sentences, tables and charts of amounts beside those of other years. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from cityhall_bms.domain.energy import comparison
from cityhall_bms.domain.energy.periods import Period
from cityhall_bms.domain.errors import RefusedError
from cityhall_bms.domain.roc import roc_year
from cityhall_bms.domain.site import Text
from cityhall_bms.reports.document import Block, Chart, ChartKind, Column, Figure, Sentence, Series, Source, Table
from cityhall_bms.reports.sentences import DECREASED, INCREASED


@dataclass(frozen=True, slots=True)
class Beside:
    """What an amount is compared with: the same part of another year, which may be the commodity's base year."""

    amount: comparison.Figure
    source: Source
    is_base: bool = False

    @property
    def text(self) -> Text:
        """The year, for people."""
        year = roc_year(self.amount.period.first.year)
        if self.is_base:
            return Text(f"基準年（{year} 年）", f"base year ROC {year}")
        return Text(f"民國 {year} 年", f"ROC {year}")


@dataclass(frozen=True, slots=True)
class Compared:
    """One commodity of a period, and what it is compared with."""

    what: Text
    unit: str
    current: comparison.Figure
    source: Source
    beside: tuple[Beside, ...]
    coverage_min: float = comparison.COVERAGE_MIN


def compared_sentences(data: Compared, *, provisional: bool) -> list[Block]:
    """What was used, and how much less or more that is; figures on thin data only where ``provisional`` was asked."""
    current = data.current
    if current.value is None:
        return [Sentence("absent", {"what": data.what})]
    if current.coverage < data.coverage_min and not provisional:
        least = f"{100.0 * data.coverage_min:g}%"
        coverage = Figure(100.0 * current.coverage, "%", 1, sources=(data.source,))
        return [Sentence("refused", {"what": data.what, "coverage": coverage, "least": least})]
    amount = as_figure(current, data.unit, data.source, data.coverage_min)
    found: list[Block] = [Sentence("used", {"what": data.what, "amount": amount})]
    found += [_against(data, beside, provisional=provisional) for beside in data.beside]
    found.append(Sentence("end", {}))
    return [*found, *_day_counts(current.period, data.beside)]


def as_figure(amount: comparison.Figure, unit: str, source: Source, coverage_min: float, decimals: int = 0) -> Figure:
    """An amount as reports show it: provisional where it is covered too little, declared where nobody measured it."""
    return Figure(
        amount.value,
        unit,
        decimals,
        None if amount.declared else amount.coverage,
        provisional=amount.coverage < coverage_min and not amount.declared,
        declared=bool(amount.declared),
        sources=(source,),
    )


def _against(data: Compared, beside: Beside, *, provisional: bool) -> Sentence:
    try:
        found = comparison.compare(data.current, beside.amount, coverage_min=data.coverage_min, provisional=provisional)
    except RefusedError:
        return Sentence("no_reference", {"reference": beside.text})
    sources = (data.source, beside.source)
    saving = found.saving_percent
    return Sentence(
        "against",
        {
            "reference": beside.text,
            "before": as_figure(beside.amount, data.unit, beside.source, data.coverage_min),
            "moved": DECREASED if found.difference < 0 else INCREASED,
            "change": Figure(abs(found.difference), data.unit, 0, _least(found), found.provisional, sources=sources),
            "percent": Figure(
                None if saving is None else -saving,
                "%",
                2,
                _least(found),
                found.provisional,
                with_sign=True,
                sources=sources,
            ),
        },
    )


def _least(found: comparison.Comparison) -> float:
    return min(found.current.coverage, found.reference.coverage)


def _day_counts(current: Period, beside: Sequence[Beside]) -> list[Block]:
    """Say where the reference has more or fewer days: a leap year's February counts as it is."""
    return [
        Sentence(
            "days",
            {
                "days": str(current.days),
                "reference": other.text,
                "before_days": str(other.amount.period.days),
            },
        )
        for other in beside
        if other.amount.value is not None and other.amount.period.days != current.days
    ]


def comparison_table(rows: Sequence[Compared], *, provisional: bool) -> Table:
    """One line for each commodity and each year that it is compared with."""
    columns = (
        Column("what", Text("項目", "What")),
        Column("unit", Text("單位", "Unit")),
        Column("reference", Text("比較期", "Compared with")),
        Column("current", Text("本期", "This period"), numeric=True),
        Column("before", Text("比較期數值", "Reference"), numeric=True),
        Column("change", Text("增減", "Change"), numeric=True),
        Column("percent", Text("增減率（%）", "Change (%)"), numeric=True),
        Column("coverage", Text("涵蓋率（%）", "Coverage (%)"), numeric=True),
    )
    lines = tuple(_line(data, beside, provisional=provisional) for data in rows for beside in data.beside)
    return Table("comparison", Text("與基準年及前一年同期比較", "Beside base year and year before"), columns, lines)


def _line(data: Compared, beside: Beside, *, provisional: bool) -> tuple[Figure | Text | str, ...]:
    sentence = _against(data, beside, provisional=provisional)
    told = sentence.name == "against"
    sources = (data.source, beside.source)
    less = sentence.values.get("moved") is DECREASED
    change = sentence.values.get("change")
    percent = sentence.values.get("percent")
    coverage = min(data.current.coverage, beside.amount.coverage)
    unknown = Figure(None, data.unit, sources=sources)
    signed = unknown
    if told and isinstance(change, Figure) and change.value is not None:
        value = -change.value if less else change.value
        signed = Figure(value, data.unit, 0, change.coverage, change.provisional, with_sign=True, sources=sources)
    return (
        data.what,
        data.unit,
        beside.text,
        as_figure(data.current, data.unit, data.source, data.coverage_min),
        as_figure(beside.amount, data.unit, beside.source, data.coverage_min),
        signed,
        percent if told and isinstance(percent, Figure) else unknown,
        Figure(100.0 * coverage, "%", 1, sources=sources),
    )


@dataclass(frozen=True, slots=True)
class Months:
    """Amounts by month of one year; none where nothing is known."""

    year: int
    values: tuple[float | None, ...]


def months_chart(text: Text, unit: str, names: Sequence[str], years: Sequence[Months]) -> Chart:
    """Bars by month, this year beside others."""
    series = tuple(Series(Text(f"{roc_year(each.year)} 年", str(each.year)), each.values) for each in years)
    return Chart(text, ChartKind.BAR, unit, tuple(names), series)
