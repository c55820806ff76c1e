"""The daily shift report: what rang, what stands, what is hidden, who handed over, how high the demand was. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from cityhall_bms.domain.alarms import Alarm
from cityhall_bms.domain.hand_overs import HandOver, ListName
from cityhall_bms.domain.site import Text
from cityhall_bms.ports.commands import HeldSlot
from cityhall_bms.reports.alarms import NO_RECORD, AlarmData, answered_in_time, load_sentences, local_text
from cityhall_bms.reports.document import Block, Column, Figure, Section, Sentence, Source, Table

LISTED_MAX = 200
"""Rows of a list; how many there are in all stands in the sentence above."""
LISTS = {
    ListName.UNACKNOWLEDGED: Text("未確認", "Unacknowledged"),
    ListName.OPEN: Text("已確認，仍未結束", "Acknowledged, still open"),
    ListName.SHELVED: Text("擱置", "Shelved"),
    ListName.SUPPRESSED: Text("設計抑制", "Suppressed by design"),
    ListName.OUT_OF_SERVICE: Text("停用維修", "Out of service"),
}
DEMAND = Text("需量", "Demand")


@dataclass(frozen=True, slots=True)
class Peak:
    """Highest quarter hour: kW, when it began (µs UTC), and the share of it that good samples stand for."""

    kw: float
    at: int
    coverage: float
    contract_kw: float | None
    source: Source


@dataclass(frozen=True, slots=True)
class ShiftData:
    """What the report is made from; ``standing`` are the alarms of each list at the end of the day."""

    alarms: AlarmData
    standing: Mapping[ListName, Sequence[Alarm]]
    standing_source: Source
    hand_overs: Sequence[HandOver]
    overrides: Sequence[HeldSlot]
    """Manual overrides that began by the end of the day and are held still."""
    overrides_source: Source
    peak: Peak | None


def shift_sections(data: ShiftData | None, zone: ZoneInfo) -> tuple[Section, ...]:
    """The whole report; none where nothing was recorded yet."""
    if data is None:
        return (Section(Text("警報", "Alarms"), (NO_RECORD,)),)
    return (
        Section(
            Text("警報", "Alarms"), (*load_sentences(data.alarms), answered_in_time(data.alarms), _priorities(data))
        ),
        Section(Text("期末狀態", "How things stand"), (_standing(data), *_lists(data, zone))),
        Section(Text("手動超控", "Overrides"), (_overrides(data, zone),)),
        Section(DEMAND, (demand_sentence(data.peak, zone),)),
        Section(Text("交接班", "Hand-overs"), tuple(_hand_overs(data, zone))),
    )


def demand_sentence(peak: Peak | None, zone: ZoneInfo) -> Sentence:
    """Highest demand, beside the contract where there is one."""
    if peak is None:
        return Sentence("absent", {"what": DEMAND})
    demand = Figure(peak.kw, "kW", 0, peak.coverage, sources=(peak.source,))
    when = local_text(peak.at, zone)
    if peak.contract_kw is None:
        return Sentence("peak", {"demand": demand, "when": when})
    return Sentence(
        "contract",
        {
            "demand": demand,
            "when": when,
            "contract": Figure(peak.contract_kw, "kW", sources=(peak.source,)),
            "share": Figure(100.0 * peak.kw / peak.contract_kw, "%", 2, peak.coverage, sources=(peak.source,)),
        },
    )


def _priorities(data: ShiftData) -> Table:
    columns = (
        Column("priority", Text("優先度", "Priority")),
        Column("rang", Text("響起", "Rang"), numeric=True),
        Column("standing", Text("期末未結束", "Open at the end"), numeric=True),
    )
    stand = [a for name in (ListName.UNACKNOWLEDGED, ListName.OPEN) for a in data.standing[name]]
    rows = tuple(
        (
            str(response.priority),
            Figure(response.annunciations, sources=(data.alarms.source,)),
            Figure(sum(a.priority == response.priority for a in stand), sources=(data.standing_source,)),
        )
        for response in data.alarms.figures.responses
    )
    return Table("priorities", Text("依優先度", "By priority"), columns, rows)


def _standing(data: ShiftData) -> Sentence:
    counts = {
        name.value: Figure(len(alarms), sources=(data.standing_source,)) for name, alarms in data.standing.items()
    }
    return Sentence("standing", counts)


def _lists(data: ShiftData, zone: ZoneInfo) -> list[Block]:
    columns = (
        Column("priority", Text("優先度", "Priority")),
        Column("raised", Text("發生", "Raised")),
        Column("subject", Text("對象", "Subject")),
        Column("text", Text("說明", "What")),
        Column("remark", Text("備註", "Remark")),
    )
    return [
        Table(
            name.value,
            LISTS[name],
            columns,
            tuple(
                (
                    str(alarm.priority),
                    local_text(alarm.raised_at, zone),
                    alarm.subject,
                    Text(alarm.text_zh, alarm.text_en),
                    _remark(alarm, zone),
                )
                for alarm in data.standing[name][:LISTED_MAX]
            ),
        )
        for name in ListName
        if data.standing[name]
    ]


def _remark(alarm: Alarm, zone: ZoneInfo) -> str:
    if alarm.shelved:
        return f"{alarm.shelved_by} → {local_text(alarm.shelved_until, zone)}：{alarm.shelf_reason}"
    if alarm.out_of_service_by:
        until = local_text(alarm.out_of_service_until, zone)
        return f"{alarm.out_of_service_by} → {until}：{alarm.out_of_service_reason}"
    return alarm.suppressed_by or alarm.comment or alarm.acknowledged_by


def _overrides(data: ShiftData, zone: ZoneInfo) -> Table:
    columns = (
        Column("point", Text("點位", "Point")),
        Column("value", Text("設定值", "Value"), numeric=True),
        Column("by", Text("操作者", "By")),
        Column("since", Text("開始", "Since")),
        Column("until", Text("到期", "Until")),
        Column("reason", Text("原因", "Why")),
    )
    rows = tuple(
        (
            each.point,
            Figure(each.slot.value, "", 2, sources=(data.overrides_source,)),
            each.slot.by,
            local_text(each.slot.since, zone),
            local_text(each.slot.until, zone),
            each.slot.reason,
        )
        for each in data.overrides
    )
    return Table("overrides", Text("手動超控", "Manual overrides"), columns, rows)


def _hand_overs(data: ShiftData, zone: ZoneInfo) -> list[Block]:
    if not data.hand_overs:
        return [Sentence("no_hand_over", {})]
    return [
        Sentence(
            "hand_over",
            {
                "name": found.hand_over,
                "by": found.prepared_by,
                "signed": Text(
                    f"{found.signed_by} 於 {local_text(found.signed_at, zone)} 簽收",
                    f"signed by {found.signed_by} at {local_text(found.signed_at, zone)}",
                )
                if found.signed_at is not None
                else Text("尚未簽收", "not signed"),
            },
        )
        for found in data.hand_overs
    ]
