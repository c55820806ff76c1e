"""A hand-over as a page to print: plain HTML without a script, zh-TW first."""

import base64
import hashlib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from html import escape
from zoneinfo import ZoneInfo

from cityhall_bms.domain.alarms import Alarm
from cityhall_bms.domain.hand_overs import HandOver, ListName, Lists
from cityhall_bms.domain.permits import Permit, PermitKind
from cityhall_bms.domain.site import Site

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
STYLE = """
body { font: 11pt/1.5 "Noto Sans TC", "Noto Sans CJK TC", "PingFang TC", "Microsoft JhengHei", system-ui, sans-serif;
       margin: 15mm; color: #000; background: #fff; }
h1 { font-size: 16pt; } h2 { font-size: 12pt; margin: 6mm 0 2mm; break-after: avoid; }
table { border-collapse: collapse; width: 100%; font-size: 9.5pt; }
th, td { border: 0.3mm solid #888; padding: 1mm 2mm; text-align: left; vertical-align: top; }
tr { break-inside: avoid; } .notes { white-space: pre-wrap; border: 0.3mm solid #888; padding: 2mm; min-height: 15mm; }
.signatures td { height: 18mm; width: 50%; } small { color: #444; overflow-wrap: anywhere; }
"""
_STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
PAGE_POLICY = f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; frame-ancestors 'none'"
"""What a browser may load for the page: nothing but the style that stands in it."""

TITLES = {
    ListName.UNACKNOWLEDGED: "未確認 Unacknowledged",
    ListName.OPEN: "已確認，仍未結束 Acknowledged, still open",
    ListName.SHELVED: "擱置 Shelved",
    ListName.SUPPRESSED: "設計抑制 Suppressed by design",
    ListName.OUT_OF_SERVICE: "停用維修 Out of service",
}
KINDS = {PermitKind.WORKS: "施工 works", PermitKind.DRILL: "演練 drill", PermitKind.TEST: "測試 test"}
PRIORITIES = {1: "1 緊急", 2: "2 高", 3: "3 中", 4: "4 低"}


def page_of(site: Site, hand_over: HandOver, lists: Lists) -> str:
    """Give the whole page; times are the building's."""
    zone = ZoneInfo(site.time_zone)
    title = f"交接班 Shift hand-over {hand_over.hand_over}"
    parts = [
        f"<h1>{escape(site.text.zh)} {escape(site.text.en)}<br>{escape(title)}</h1>",
        f"<p>{_time(hand_over.prepared_at, zone)} {escape(site.time_zone)}</p>",
        f'<h2>交接事項 Notes</h2><div class="notes">{escape(hand_over.notes)}</div>',
        *(_alarms(name, lists.alarms[name], zone) for name in ListName),
        _permits(lists.permits, zone),
        _signatures(hand_over, zone),
        _proof(hand_over, lists),
    ]
    return (
        f'<!doctype html><html lang="zh-Hant-TW"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{STYLE}</style></head><body>{''.join(parts)}</body></html>"
    )


def _alarms(name: ListName, alarms: Sequence[Alarm], zone: ZoneInfo) -> str:
    rows = [
        (
            PRIORITIES[alarm.priority],
            _time(alarm.raised_at, zone),
            alarm.subject,
            f"{alarm.text_zh} {alarm.text_en}",
            "" if alarm.value is None else f"{alarm.value:g} {alarm.unit}",
            _remark(alarm, zone),
        )
        for alarm in alarms
    ]
    heads = ("優先 Priority", "發生 Raised", "對象 Subject", "說明 Text", "數值 Value", "備註 Remark")
    return f"<h2>{TITLES[name]}：{len(rows)}</h2>{_table(heads, rows)}"


def _remark(alarm: Alarm, zone: ZoneInfo) -> str:
    remarks = [alarm.comment]
    if alarm.acknowledged_by:
        remarks.append(f"確認 {alarm.acknowledged_by}")
    if alarm.shelved:
        remarks.append(f"{alarm.shelved_by} → {_time(alarm.shelved_until, zone)}：{alarm.shelf_reason}")
    if alarm.suppressed:
        remarks.append(alarm.suppressed_by)
    if alarm.out_of_service:
        until = _time(alarm.out_of_service_until, zone)
        remarks.append(f"{alarm.out_of_service_by} {alarm.permit} → {until}：{alarm.out_of_service_reason}")
    return " / ".join(remark for remark in remarks if remark)


def _permits(permits: Sequence[Permit], zone: ZoneInfo) -> str:
    rows = [
        (
            permit.permit,
            KINDS[permit.kind],
            " ".join((*permit.scope.equipment, *permit.scope.zones, *permit.scope.systems)),
            f"{_time(permit.begin, zone)} → {_time(permit.until, zone)}",
            f"{permit.opened_by}：{permit.reason}",
        )
        for permit in permits
    ]
    heads = ("許可 Permit", "類別 Kind", "範圍 Scope", "時間 Time", "事由 Reason")
    return f"<h2>有效的許可 Permits in force：{len(rows)}</h2>{_table(heads, rows)}"


def _signatures(hand_over: HandOver, zone: ZoneInfo) -> str:
    taken = f"{hand_over.signed_by} {_time(hand_over.signed_at, zone)} {hand_over.comment}"
    heads = ("交班 Handed over by", "接班 Taken by")
    given = f"{hand_over.prepared_by} {_time(hand_over.prepared_at, zone)}"
    return f'<h2>簽名 Signatures</h2><div class="signatures">{_table(heads, [(given, taken)])}</div>'


def _proof(hand_over: HandOver, lists: Lists) -> str:
    agrees = "相符 agree" if lists.digest == hand_over.digest else "不符！ DO NOT agree"
    where = f"事件日誌位置 event log position {hand_over.as_of}"
    return f"<p><small>{where}，SHA-256 {escape(hand_over.digest)}，清單 lists {agrees}</small></p>"


def _table(heads: Iterable[str], rows: Sequence[Sequence[str]]) -> str:
    if not rows:
        return "<p>無 none</p>"
    head = "".join(f"<th>{escape(cell)}</th>" for cell in heads)
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{body}</table>"


def _time(at: int | None, zone: ZoneInfo) -> str:
    if at is None:
        return ""
    return (EPOCH + timedelta(microseconds=at)).astimezone(zone).strftime("%Y-%m-%d %H:%M")
