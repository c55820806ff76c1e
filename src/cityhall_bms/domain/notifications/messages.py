"""What a message says, in Traditional Chinese first: where, what, how far, when, what to do, and where to look."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import quote
from zoneinfo import ZoneInfo

from cityhall_bms.domain.alarms import Alarm
from cityhall_bms.domain.notifications.events import Occasion
from cityhall_bms.domain.site import Place, Site, Text

TITLE_MAX: Final = 120
TEXTS_SHOWN_MAX: Final = 5
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_PRIORITIES: Final = {1: ("緊急", "emergency"), 2: ("高", "high"), 3: ("中", "medium"), 4: ("低", "low")}

Message = tuple[str, str]
"""Title and text."""


def alarm_message(
    occasion: Occasion, alarm: Alarm, site: Site, procedures: Mapping[str, Text], *, level: int = 0
) -> Message:
    """Message about one alarm. ``procedures`` are what to do, by rule; only the first line of one is shown."""
    zh, en = _PRIORITIES[alarm.priority]
    before_zh, before_en = {
        Occasion.RETURNED: ("恢復 ", "Over: "),
        Occasion.ESCALATED: (f"升級{level} ", f"Escalated to level {level}: "),
    }.get(occasion, ("", ""))
    title = f"【P{alarm.priority} {zh}】{before_zh}{alarm.text_zh}"
    where = whereabouts(alarm.equipment, site)
    at = alarm.returned_at if occasion is Occasion.RETURNED else alarm.raised_at
    when = local_time(at, site.time_zone)
    figures = _figures(alarm)
    procedure = procedures.get(alarm.rule, Text("", ""))
    link = _link(site.notifications.link, alarm.alarm_id)
    lines = [
        f"{before_zh}{alarm.text_zh}",
        f"地點：{where.zh}" if where.zh else "",
        f"數值：{figures[0]}" if figures[0] else "",
        f"時間：{when}",
        f"處置：{_first_line(procedure.zh)}" if procedure.zh else "",
        "",
        f"P{alarm.priority} {en} - {before_en}{alarm.text_en}",
        f"Where: {where.en}" if where.en else "",
        f"Value: {figures[1]}" if figures[1] else "",
        f"When: {when}",
        f"What to do: {_first_line(procedure.en)}" if procedure.en else "",
        f"連結 Link: {link}" if link else "",
    ]
    return title[:TITLE_MAX], "\n".join(line for index, line in enumerate(lines) if line or index == 5)


def flood_message(priority: int, count: int, texts: Sequence[Text], since: int, site: Site) -> Message:
    """One message instead of many: how many alarms of a priority came, and the first of them."""
    zh, _ = _PRIORITIES[priority]
    when = local_time(since, site.time_zone)
    title = f"【P{priority} {zh}】大量警報：另有 {count} 件"
    shown = texts[:TEXTS_SHOWN_MAX]
    more = count - len(shown)
    lines = [
        f"自 {when} 起另有 {count} 件 P{priority} 警報，不逐一通知：",
        *(f"・{text.zh}" for text in shown),
        *([f"…及其他 {more} 件"] if more > 0 else []),
        "",
        f"{count} more alarms of priority {priority} since {when}, not told one by one:",
        *(f"- {text.en}" for text in shown),
        *([f"... and {more} others"] if more > 0 else []),
    ]
    return title, "\n".join(lines)


def flood_began_message(count: int, since: int, site: Site) -> Message:
    """Message that more alarms ring than a person can follow."""
    when = local_time(since, site.time_zone)
    title = f"【大量警報】自 {when} 起 {count} 件"
    zh = f"{site.text.zh}：警報數量已超過人員可處理的程度，自 {when} 起 {count} 件。請支援控制室，先處理緊急警報。"
    en = f"{site.text.en}: {count} alarms since {when}, more than a person can follow. Support the control room."
    return title, f"{zh}\n\n{en}"


def trial_message(by: str, at: int, site: Site) -> Message:
    """Message that somebody sent to try a channel."""
    when = local_time(at, site.time_zone)
    text = f"{site.text.zh}：這是 {by} 發出的測試通知，無需處理。\n時間：{when}\n\n"
    return (
        "【測試】通知測試 Notification test",
        text + f"{site.text.en}: a test sent by {by}; nothing to do.\nWhen: {when}",
    )


def marked(text: str, notification: str, *, may_repeat: bool) -> str:
    """Text as it is sent: with its id, and a word where it may have arrived before."""
    repeat = "（可能重複 may be a repetition）" if may_repeat else ""
    return f"{text}\n編號 Id: {notification}{repeat}"


def whereabouts(equipment: str, site: Site) -> Text:
    """Floor, zone and equipment in words, with its name."""
    described = site.equipment.get(equipment)
    if described is None:
        return Text(equipment, equipment)
    _, floor, zone, _ = equipment.split(".")
    parts = [_place(floor, site.floors), _place(zone, site.zones), described.text]
    zh, en = " ".join(part.zh for part in parts), ", ".join(part.en for part in reversed(parts))
    return Text(f"{zh}（{equipment}）", f"{en} ({equipment})")


def local_time(at: int | None, time_zone: str) -> str:
    """Moment on the wall clock of the site, to the second, with its offset."""
    moment = _EPOCH + timedelta(microseconds=at or 0)
    return moment.astimezone(ZoneInfo(time_zone)).isoformat(" ", "seconds")


def _figures(alarm: Alarm) -> tuple[str, str]:
    if alarm.value is None:
        return "", ""
    unit = f" {alarm.unit}" if alarm.unit else ""
    value = f"{alarm.value:.6g}{unit}"
    if alarm.limit is None:
        return value, value
    limit = f"{alarm.limit:.6g}{unit}"
    return f"{value}（限值 {limit}）", f"{value} (limit {limit})"


def _first_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "")


def _link(pattern: str, alarm: str) -> str:
    return pattern.replace("{alarm}", quote(alarm, safe=""))


def _place(code: str, places: Sequence[Place]) -> Text:
    return next((place.text for place in places if place.code == code), Text(code, code))
