"""The report of alarm handling: load, what rings too much, who answers when, each beside its target. Pure."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.domain.alarm_figures import AlarmFigures
from cityhall_bms.domain.alarm_habits import Actor
from cityhall_bms.domain.alarm_targets import Judgement, Verdict, judge
from cityhall_bms.domain.site import Text
from cityhall_bms.domain.wall_clock import local_day
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

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
VERDICTS: Final = {
    Verdict.GOOD: Text("良好", "good"),
    Verdict.ACCEPTABLE: Text("可接受", "acceptable"),
    Verdict.OVER: Text("超出", "over"),
    Verdict.NONE: Text("無資料", "nothing to judge"),
}
ALARM: Final = Column("alarm", Text("警報", "Alarm"))
COUNT: Final = Column("count", Text("次數", "Times"), numeric=True)
SHARE: Final = Column("share", Text("占比（%）", "Share (%)"), numeric=True)


@dataclass(frozen=True, slots=True)
class AlarmData:
    """What the report is made from: figures, when each alarm rang (µs UTC), and where it all comes from."""

    figures: AlarmFigures
    rang: NDArray[np.int64]
    source: Source


def local_text(at: int | None, zone: ZoneInfo) -> str:
    """Local time to the minute; a dash for none."""
    if at is None:
        return "—"
    return f"{(EPOCH + timedelta(microseconds=at)).astimezone(zone):%Y-%m-%d %H:%M}"


NO_RECORD: Final = Sentence("absent", {"what": Text("警報紀錄", "The record of alarms")})
"""Where the record began after the period: no alarm is known, which is not the same as none."""


def alarm_sections(data: AlarmData | None, zone: ZoneInfo) -> tuple[Section, ...]:
    """The whole report; none where nothing was recorded yet."""
    if data is None:
        return (Section(Text("警報負荷", "Alarm load"), (NO_RECORD,)),)
    found = data.figures
    return (
        Section(Text("警報負荷", "Alarm load"), (*load_sentences(data), _by_day(data, zone))),
        Section(
            Text("與標準比較", "Beside the standards"),
            (_judged(judge(found), data.source), _responses(data)),
        ),
        Section(
            Text("需改善之警報", "Where to begin"),
            (
                _actors("bad_actors", Text("最常響之警報", "Alarms that ring most"), found.bad_actors, data.source),
                _actors("chattering", Text("顫動警報", "Chattering alarms"), found.chattering, data.source),
                _floods(data, zone),
            ),
        ),
    )


def load_sentences(data: AlarmData) -> tuple[Sentence, ...]:
    """How much rang, and how often it was too much."""
    found = data.figures

    def figure(value: float, decimals: int = 0, unit: str = "") -> Figure:
        return Figure(value, unit, decimals, sources=(data.source,))

    return (
        Sentence(
            "alarm_load",
            {
                "count": figure(found.annunciations),
                "per_day": figure(found.per_day, 1),
                "per_hour": figure(found.per_hour, 2),
                "peak": figure(found.peak_10_min),
            },
        ),
        Sentence("floods", {"count": figure(len(found.floods)), "share": figure(100.0 * found.in_flood, 2, "%")}),
    )


def answered_in_time(data: AlarmData) -> Block:
    """How many urgent alarms were acknowledged in time: the response figure of the city's reports."""
    urgent = [response for response in data.figures.responses if response.priority <= 2]
    due = sum(response.annunciations for response in urgent if response.inside_target is not None)
    if not due:
        return Sentence("absent", {"what": Text("緊急與高優先警報之應答", "Answers to urgent alarms")})
    weighted = sum(r.annunciations * r.inside_target for r in urgent if r.inside_target is not None)
    return Sentence(
        "response",
        {
            "share": Figure(100.0 * weighted / due, "%", 2, sources=(data.source,)),
            "due": Figure(due, sources=(data.source,)),
        },
    )


def _by_day(data: AlarmData, zone: ZoneInfo) -> Chart:
    first, last = (local_day(zone, at) for at in (data.figures.first, data.figures.until - 1))
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    rang = [local_day(zone, at) for at in data.rang.tolist()]
    counts = tuple(float(rang.count(day)) for day in days)
    title = Text("每日警報數", "Alarms a day")
    return Chart(title, ChartKind.BAR, "", tuple(f"{day.month}/{day.day}" for day in days), (Series(title, counts),))


def _judged(judged: list[Judgement], source: Source) -> Table:
    columns = (
        Column("figure", Text("指標", "Figure")),
        Column("value", Text("本期", "Found"), numeric=True),
        Column("good", Text("良好", "Good"), numeric=True),
        Column("limit", Text("可接受", "Acceptable"), numeric=True),
        Column("verdict", Text("判定", "Verdict")),
        Column("source", Text("依據", "By")),
    )
    return Table("judged", Text("警報績效", "Alarm figures"), columns, tuple(_judgement(j, source) for j in judged))


def _judgement(judged: Judgement, source: Source) -> tuple[Value, ...]:
    target = judged.target
    share = target.unit == "1"
    factor, unit, decimals = (100.0, "%", 1) if share else (1.0, "", 2 if target.name.startswith("per_") else 0)
    value = None if judged.value is None else judged.value * factor
    sign, suffix = "≥ " if target.at_least else "≤ ", " %" if share else ""
    return (
        Text(f"{target.text.zh}{'（%）' if share else ''}", f"{target.text.en}{' (%)' if share else ''}"),
        Figure(value, unit, decimals, sources=(source,)),
        f"{sign}{target.good * factor:g}{suffix}",
        f"{sign}{target.limit * factor:g}{suffix}",
        VERDICTS[judged.verdict],
        target.source,
    )


def _responses(data: AlarmData) -> Table:
    columns = (
        Column("priority", Text("優先度", "Priority")),
        COUNT,
        SHARE,
        Column("median", Text("確認中位數（秒）", "Median to acknowledge (s)"), numeric=True),
        Column("p95", Text("第 95 百分位（秒）", "95th percentile (s)"), numeric=True),
        Column("target", Text("目標（秒）", "Target (s)"), numeric=True),
        Column("inside", Text("如期（%）", "In time (%)"), numeric=True),
    )

    def figure(value: float | None, decimals: int = 0, unit: str = "") -> Figure:
        return Figure(value, unit, decimals, sources=(data.source,))

    rows = tuple(
        (
            str(r.priority),
            figure(r.annunciations),
            figure(100.0 * r.share, 1, "%"),
            figure(r.acknowledged.median_s, 0, "s"),
            figure(r.acknowledged.p95_s, 0, "s"),
            f"{r.target_s:,.0f}",
            figure(None if r.inside_target is None else 100.0 * r.inside_target, 1, "%"),
        )
        for r in data.figures.responses
    )
    return Table("responses", Text("應答", "Answers"), columns, rows)


def _actors(name: str, text: Text, actors: tuple[Actor, ...], source: Source) -> Table:
    rows = tuple(
        (
            actor.alarm,
            Figure(actor.count, sources=(source,)),
            Figure(100.0 * actor.share, "%", 1, sources=(source,)),
        )
        for actor in actors
    )
    return Table(name, text, (ALARM, COUNT, SHARE), rows)


def _floods(data: AlarmData, zone: ZoneInfo) -> Table:
    columns = (
        Column("began", Text("開始", "Began")),
        Column("ended", Text("結束", "Ended")),
        COUNT,
        Column("peak", Text("10 分鐘最多", "Most in 10 minutes"), numeric=True),
    )
    rows = tuple(
        (
            local_text(flood.began, zone),
            local_text(flood.ended, zone),
            Figure(flood.total, sources=(data.source,)),
            Figure(flood.peak, sources=(data.source,)),
        )
        for flood in data.figures.floods
    )
    return Table("floods", Text("警報洪流", "Alarm floods"), columns, rows)
