"""The catalogue of sentences that reports are written in: zh-TW first, English second, gaps in braces. Pure.

The sentences of the half-year report are those of the city's own reports (domain reference section 2).
"""

from collections.abc import Iterator, Mapping
from string import Formatter
from types import MappingProxyType
from typing import Final

from cityhall_bms.domain.site import Text

DECREASED: Final = Text("減少", "less")
INCREASED: Final = Text("增加", "more")


def pieces(template: str) -> Iterator[tuple[str, str | None]]:
    """Literal text and the gap after it, in order; the last gap is none."""
    return ((literal, gap) for literal, gap, _, _ in Formatter().parse(template))


SENTENCES: Final[Mapping[str, Text]] = MappingProxyType(
    {
        "absent": Text(
            "{what}：本期沒有資料，不作推估。",
            "{what}: there are no data for this period, and none are made up.",
        ),
        "refused": Text(
            "{what}：資料涵蓋率為 {coverage}，未達 {least}，不列數字；如需暫定值，請指明後重製。",
            "{what}: data cover {coverage}, less than {least}, so no figure is given; ask for a provisional report.",
        ),
        "used": Text("{what}使用量為 {amount}", "{what}: {amount} used"),
        "against": Text(
            "，較{reference}同期之 {before}{moved} {change}（{percent}）",
            ", {change} {moved} than the {before} of the same period of {reference} ({percent})",
        ),
        "no_reference": Text(
            "，{reference}同期沒有足夠資料可供比較", ", with too few data of {reference} to compare with"
        ),
        "end": Text("。", "."),
        "days": Text(
            "本期 {days} 天，{reference}同期 {before_days} 天，依原數比較。",
            "The period has {days} days, that of {reference} {before_days}; amounts are compared as they are.",
        ),
        "rain": Text(
            "雨水回收使用 {amount}，達年度目標 {target}之 {progress}，為線性進度之 {pace}。",
            "Rainwater used: {amount}, {progress} of the year's target of {target}, {pace} of the linear plan.",
        ),
        "lifts": Text(
            "{cars} 部能源回生電梯近 12 個月平均每部回生 {year}，每月 {month}。",
            "{cars} regenerative lifts gave back {year} each over the last 12 months, {month} a month.",
        ),
        "contract": Text(
            "最高需量 {demand}（{when}），契約容量 {contract}，占 {share}。",
            "Highest demand {demand} ({when}), {share} of the contract of {contract}.",
        ),
        "peak": Text("最高需量 {demand}（{when}）。", "Highest demand {demand} ({when})."),
        "carbon": Text(
            "用電碳排放 {amount}，依 {factor} 係數計算。",
            "Carbon of electricity: {amount}, by the factor {factor}.",
        ),
        "cost": Text("電費 {amount}（{tariff}）。", "Cost of electricity: {amount} ({tariff})."),
        "response": Text(
            "優先度 1、2 警報於時限內確認 {share}（應答 {due} 件）。",
            "Alarms of priorities 1 and 2 acknowledged in time: {share} of {due} due.",
        ),
        "incidents": Text("緊急（優先度 1）警報 {count} 件。", "Emergencies (alarms of priority 1): {count}."),
        "quiet_since": Text(
            "最近一次為 {when}，至期末已 {days} 日。",
            "The last was at {when}, {days} days before the end of the period.",
        ),
        "never": Text("紀錄中未曾發生。", "The record has none."),
        "alarm_load": Text(
            "本期警報 {count} 件，平均每日 {per_day} 件、每小時 {per_hour} 件；10 分鐘內最多 {peak} 件。",
            "{count} alarms rang: {per_day} a day, {per_hour} an hour, {peak} at most within ten minutes.",
        ),
        "floods": Text("警報洪流 {count} 次，占時間 {share}。", "{count} alarm floods, {share} of the time."),
        "standing": Text(
            "期末未確認 {unacknowledged} 件、未結束 {open} 件、擱置 {shelved} 件、設計抑制 {suppressed} 件、"
            "停用維修 {out_of_service} 件。",
            "At the end {unacknowledged} were unacknowledged, {open} open, {shelved} shelved, {suppressed} suppressed "
            "by design, {out_of_service} out of service.",
        ),
        "hand_over": Text("交接班 {name}：{by} 交班，{signed}。", "Hand-over {name}: by {by}, {signed}."),
        "no_hand_over": Text("本日沒有交接班紀錄。", "No shift was handed over on this day."),
        "because": Text("{what}：{reason}。", "{what}: {reason}."),
        "preventive": Text(
            "應辦保養 {due} 件，已辦 {done} 件，其中準時 {on_time} 件，準時率 {share}。",
            "Preventive work: {due} due, {done} done, {on_time} of them on time: {share}.",
        ),
        "arrivals": Text(
            "緊急報修 {n} 件，逾 {minutes} 分鐘到場 {late} 件，準時到場率 {share}（目標 {target}）。",
            "Urgent repairs: {n}; {late} arrived at after more than {minutes} min; in time {share} (target {target}).",
        ),
        "no_arrivals": Text(
            "本期無須於 {minutes} 分鐘內到場之緊急報修。", "No repair had to be arrived at within {minutes} min."
        ),
        "patrols": Text(
            "巡檢 {rounds} 次，發現缺失 {found} 件，已改善 {closed} 件，逾期 {overdue} 件。",
            "Patrols: {rounds} rounds, {found} findings, {closed} closed, {overdue} overdue.",
        ),
        "compliance": Text(
            "測點 {nodes} 處；使用時間內合於標準 {share}（可判定者占 {coverage}），超標 {count} 次。",
            "{nodes} places; inside the limits for {share} of the time in use (known: {coverage}), {count} times not.",
        ),
        "per_person": Text(
            "每人每日用水 {litres}（{staff} 人）。", "{litres} of city water a person and day ({staff} people)."
        ),
        "rain_share": Text("雨水占用水 {share}。", "Rain is {share} of the water used."),
        "leaks": Text(
            "期末夜間流量顯示漏水之水表 {count} 只。", "At the end {count} meters show a leak by their flow at night."
        ),
        "provisional": Text(
            "標示「暫」者涵蓋率未達標準，為暫定值；「—」表示不明，不為零。",
            "Figures marked 'prov.' rest on less data than they should; '—' is unknown, never zero.",
        ),
        "not_kept": Text(
            "{what}：系統未留有此項紀錄，本報告不列。", "{what}: this system keeps no record of it, so nothing is said."
        ),
    }
)
"""Templates by name. A gap takes a figure or a text."""
