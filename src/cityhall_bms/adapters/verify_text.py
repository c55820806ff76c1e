"""What a check of the record found, as text for people."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Final
from zoneinfo import ZoneInfo

from cityhall_bms.domain.verification import Checked, Fault, Part, Wrong
from cityhall_bms.historian.intervals import EPOCH

PARTS: Final[Mapping[Part, tuple[str, str]]] = {
    Part.EVENTS: ("事件日誌", "event log"),
    Part.DAYS: ("每日簽章", "signed days"),
    Part.CHAINS: ("批次鏈", "batch chains"),
    Part.SETS: ("點位組", "point sets"),
    Part.SAMPLES: ("樣本", "samples"),
    Part.ROLLUPS: ("彙總", "rollups"),
    Part.RESTATEMENTS: ("重述", "restatements"),
}
COUNTED: Final[Mapping[Part, tuple[str, str]]] = {
    Part.EVENTS: ("筆", "events"),
    Part.DAYS: ("日", "days"),
    Part.CHAINS: ("批", "batches"),
    Part.SETS: ("組", "sets"),
    Part.SAMPLES: ("筆", "samples"),
    Part.ROLLUPS: ("筆", "figures"),
    Part.RESTATEMENTS: ("筆", "figures"),
}
WRONG: Final[Mapping[Wrong, tuple[str, str]]] = {
    Wrong.EVENT_MISSING: ("此位置的事件不見了", "the event of this position is missing"),
    Wrong.EVENT_CHAIN: ("此事件不是接在前一事件之後", "this event does not follow the one before it"),
    Wrong.EVENT_CHANGED: ("此事件被改過", "this event was changed"),
    Wrong.DAY_UNREADABLE: ("此位置的每日簽章無法讀取", "the signed day at this position cannot be read"),
    Wrong.DAY_KEY: (
        "簽章的金鑰不在信任之列（--keys）",
        "signed with a key that is not among the trusted ones (--keys)",
    ),
    Wrong.DAY_SIGNATURE: ("簽章不符", "the signature does not fit"),
    Wrong.DAY_EVENT_HEAD: (
        "當日最後一個事件與簽章時不同",
        "the day's last event is not the one that was signed",
    ),
    Wrong.DAY_CHAIN_HEAD: (
        "批次鏈與簽章時不同，或尾端被移除",
        "a batch chain is not the one that was signed, or its tail is gone",
    ),
    Wrong.DAY_GAPS: ("缺漏帳與簽章時不同", "the gap ledger is not the one that was signed"),
    Wrong.DAY_RAWS: ("裝置原始資料與簽章時不同", "what devices sent is not what was signed"),
    Wrong.DAY_GONE: ("副本有此日，紀錄中沒有", "there is a copy of this day, and the record has none"),
    Wrong.DAY_OTHER: ("此日與副本不同", "this day is not that of its copy"),
    Wrong.SEAL_MISSING: ("此批次的封記不見了", "the seal of this batch is missing"),
    Wrong.SEAL_CHANGED: ("此批次的封記被改過", "the seal of this batch was changed"),
    Wrong.CHAIN_HEAD: ("批次鏈的末端與封記不符", "the head of the chain does not fit its seals"),
    Wrong.CHAIN_TAIL: ("已收下的批次沒有封記", "a batch that was taken has no seal"),
    Wrong.SET_CHANGED: ("點位組的內容被改過", "the content of this point set was changed"),
    Wrong.SET_MEMBERS: ("點位組的兩個表不一致", "the two tables of this point set differ"),
    Wrong.SAMPLES_MISSING: ("此批次的樣本不全", "samples of this batch are missing"),
    Wrong.SAMPLES_ADDED: ("此批次多出樣本", "samples were added to this batch"),
    Wrong.SAMPLES_CHANGED: ("此批次的樣本被改過", "samples of this batch were changed"),
    Wrong.SAMPLES_UNSEALED: ("有不屬於任何批次的樣本", "there are samples that belong to no batch"),
    Wrong.SAMPLES_MOVED: (
        "有此批次的樣本不在其時段內",
        "there are samples of this batch outside of the time it spans",
    ),
    Wrong.SAMPLES_DOUBLED: ("此時有掃描被複製一份", "a scan of this time was copied"),
    Wrong.COLD_UNREADABLE: ("這一天的冷資料無法讀取", "the cold form of this day cannot be read"),
    Wrong.ROLLUP_CHANGED: ("彙總與樣本不符", "a figure is not what the samples give"),
    Wrong.ROLLUP_MISSING: ("彙總不見了", "a figure is missing"),
    Wrong.ROLLUP_ADDED: ("多出沒有樣本的彙總", "there is a figure without samples"),
    Wrong.RESTATEMENT_CHANGED: (
        "此位置的事件所述的重述數值被改過、增加或移除",
        "restated figures that the event of this position covers were changed, added or removed",
    ),
}


def render(found: Iterable[Checked], zone: ZoneInfo) -> str:
    """A line per part of the record."""
    return "\n".join(_line(checked, zone) for checked in found)


def _line(checked: Checked, zone: ZoneInfo) -> str:
    zh, en = PARTS[checked.part]
    unit_zh, unit_en = COUNTED[checked.part]
    count = f"{checked.count:,} {unit_zh} {unit_en}"
    unproven = f"；無法證明 cannot be proven: {checked.unproven:,}" if checked.unproven else ""
    if checked.fault is None:
        return f"{zh} {en}: 無誤 sound: {count}{unproven}"
    return f"{zh} {en}: 錯誤 WRONG: {describe(checked.fault, zone)} ({count} 已核 checked){unproven}"


def describe(fault: Fault, zone: ZoneInfo) -> str:
    """Where the first fault of a part is, and what it is."""
    zh, en = WRONG[fault.wrong]
    place = fault.place
    if fault.at is not None:
        place += f", {(EPOCH + timedelta(microseconds=fault.at)).astimezone(zone):%Y-%m-%d %H:%M:%S.%f%z}"
    return f"{place}: {zh} / {en}"
