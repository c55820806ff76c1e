"""The daily shift report and the alarm figures: what stood, what was hidden, who handed over, beside the standards."""

from dataclasses import replace
from zoneinfo import ZoneInfo

from tests.support.report_samples import alarm_data, source

from cityhall_bms.domain.alarms import Alarm
from cityhall_bms.domain.commanding.control import OPERATOR, Slot
from cityhall_bms.domain.hand_overs import HandOver, ListName
from cityhall_bms.domain.reports import Language
from cityhall_bms.ports.commands import HeldSlot
from cityhall_bms.reports.alarms import alarm_sections
from cityhall_bms.reports.document import Section, Sentence, Table, shown
from cityhall_bms.reports.shift import Peak, ShiftData, shift_sections

TAIPEI = ZoneInfo("Asia/Taipei")
DAY_US = 86_400_000_000
EVENING = 1_420_117_200_000_000
"""2015-01-01 21:00 in Taipei."""
HAND_OVER = HandOver("2015-01-01-1", "王小明", EVENING, 4711, "", {}, "ab" * 32, "李小華", EVENING + 60_000_000)


def data() -> ShiftData:
    hot = Alarm("H13~AHU01", priority=3, subject="TCH.05.W.AHU01", text_zh="送風過熱", text_en="Hot", raised_at=EVENING)
    aside = replace(hot, shelved_until=EVENING + 3_600_000_000, shelved_by="王小明", shelf_reason="更換感測器")
    standing: dict[ListName, list[Alarm]] = {name: [] for name in ListName}
    standing |= {ListName.UNACKNOWLEDGED: [hot], ListName.SHELVED: [aside]}
    override = HeldSlot("TCH.B2.CN.CHC01.CHWS_SP", Slot(OPERATOR, 7.5, "c-7", "王小明", "operator", "負載低", EVENING))
    return ShiftData(
        alarms=alarm_data((EVENING - DAY_US // 2, EVENING)),
        standing=standing,
        standing_source=source("/state"),
        hand_overs=[HAND_OVER, replace(HAND_OVER, hand_over="2015-01-01-2", signed_by="", signed_at=None)],
        overrides=[override],
        overrides_source=source("/overrides"),
        peak=Peak(4_727.0, EVENING, 1.0, None, source("/energy/demand/peaks")),
    )


def text(sections: tuple[Section, ...]) -> str:
    blocks = [block for section in sections for block in section.blocks]
    return "".join(block.text(Language.ZH) for block in blocks if isinstance(block, Sentence))


def cells(sections: tuple[Section, ...], table: str) -> list[list[str]]:
    blocks = [block for section in sections for block in section.blocks]
    found = next(block for block in blocks if isinstance(block, Table) and block.id == table)
    return [[shown(cell, Language.ZH) for cell in row] for row in found.rows]


def test_the_shift_report_tells_what_stands_and_what_is_hidden() -> None:
    sections = shift_sections(data(), TAIPEI)
    assert "期末未確認 1 件、未結束 0 件、擱置 1 件、設計抑制 0 件、停用維修 0 件。" in text(sections)
    assert cells(sections, "unacknowledged") == [["3", "2015-01-01 21:00", "TCH.05.W.AHU01", "送風過熱", ""]]
    assert cells(sections, "shelved")[0][-1] == "王小明 → 2015-01-01 22:00：更換感測器"
    assert cells(sections, "priorities")[2] == ["3", "0", "1"]


def test_it_tells_overrides_demand_and_who_handed_over() -> None:
    sections = shift_sections(data(), TAIPEI)
    assert cells(sections, "overrides") == [
        ["TCH.B2.CN.CHC01.CHWS_SP", "7.50", "王小明", "2015-01-01 21:00", "—", "負載低"]
    ]
    assert "最高需量 4,727 kW（2015-01-01 21:00）。" in text(sections)
    assert "交接班 2015-01-01-1：王小明 交班，李小華 於 2015-01-01 21:01 簽收。" in text(sections)
    assert "交接班 2015-01-01-2：王小明 交班，尚未簽收。" in text(sections)


def test_the_alarm_report_stands_beside_the_standards() -> None:
    sections = alarm_sections(alarm_data((EVENING, EVENING + 60_000_000)), TAIPEI)
    judged = {row[0]: row[1:] for row in cells(sections, "judged")}
    # EEMUA 191 / IEC 62682: six an hour are good, twelve still acceptable.
    assert judged["每小時警報數"] == ["0.00", "≤ 6", "≤ 12", "良好", "EEMUA 191 / IEC 62682"]
    assert judged["優先度 2 如期確認（%）"][:3] == ["100.0%", "≥ 95 %", "≥ 90 %"]
    assert cells(sections, "bad_actors") == [["T01~TCH.B2.CN.CHC01", "2", "100.0%"]]


def test_before_the_record_began_nothing_is_known() -> None:
    assert (
        text(alarm_sections(None, TAIPEI)) == text(shift_sections(None, TAIPEI)) == "警報紀錄：本期沒有資料，不作推估。"
    )
