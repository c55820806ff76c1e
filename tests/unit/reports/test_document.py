"""What a report says: sentences of the catalogue, figures as people read them, sources that are numbered once."""

from dataclasses import replace

import pytest
from tests.support.report_samples import FUEL, alarm_data, compared, half_year_data, half_year_report

from cityhall_bms.domain.reports import Language
from cityhall_bms.domain.site import Text
from cityhall_bms.reports.comparing import compared_sentences
from cityhall_bms.reports.document import Block, Figure, Report, Sentence
from cityhall_bms.reports.half_year import Rain, rain_blocks
from cityhall_bms.reports.rows import figure_rows
from cityhall_bms.reports.sentences import SENTENCES, pieces


def paragraph(blocks: list[Block], language: Language = Language.ZH) -> str:
    return "".join(block.text(language) for block in blocks if isinstance(block, Sentence))


def texts(report: Report, language: Language = Language.ZH) -> str:
    return paragraph([block for section in report.sections for block in section.blocks], language)


@pytest.mark.parametrize("name", list(SENTENCES))
def test_a_sentence_says_the_same_in_both_languages(name: str) -> None:
    gaps = [{gap for _, gap in pieces(text) if gap} for text in (SENTENCES[name].zh, SENTENCES[name].en)]
    assert gaps[0] == gaps[1]


@pytest.mark.parametrize(
    ("figure", "text"),
    [
        (Figure(10_404_800.0, "kWh"), "10,404,800 度"),
        (Figure(-25.424, "%", 2), "−25.42%"),
        (Figure(0.125, "%", 2), "0.13%"),
        (Figure(-0.001, "%", 2), "0.00%"),
        (Figure(3.5, "%", 1, with_sign=True), "+3.5%"),
        (Figure(None, "kWh"), "—"),
        (Figure(float("nan"), "kWh"), "—"),
        (Figure(5.0, "kW", provisional=True), "5 kW〔暫〕"),
        (Figure(19_595.0, "L", declared=True), "19,595 公升〔申報〕"),
    ],
)
def test_a_figure_is_rounded_half_up_when_it_is_shown_and_unknown_is_never_zero(figure: Figure, text: str) -> None:
    assert figure.text(Language.ZH) == text


def test_the_half_year_report_says_what_the_city_published() -> None:
    found = texts(half_year_report())

    # Domain reference section 2; the base year is per commodity.
    for sentence in (
        "電力使用量為 10,404,800 度，較基準年（95 年）同期之 13,952,000 度減少 3,547,200 度（−25.42%）",
        "，較民國 103 年同期之 10,528,000 度減少 123,200 度（−1.17%）。",
        "自來水使用量為 70,243 度，較基準年（99 年）同期之 78,323 度減少 8,080 度（−10.32%）",
        "，較民國 103 年同期之 71,409 度減少 1,166 度（−1.63%）。",
        "油料使用量為 9,098 公升，較基準年（95 年）同期之 19,595 公升減少 10,497 公升（−53.57%）。",
        "雨水回收使用 112 度，達年度目標 150 度之 74.67%，為線性進度之 149.33%。",
        "9 部能源回生電梯近 12 個月平均每部回生 10,992 度，每月 916 度。",
        "最高需量 4,727 kW（2015-05-31 00:00），契約容量 5,000 kW，占 94.54%。",
        "用電碳排放 5,462,520 kg CO₂e，依 104 年度 0.525 係數計算。",
    ):
        assert sentence in found


def test_english_comes_second_and_says_the_same() -> None:
    found = texts(half_year_report(), Language.EN)
    assert "3,547,200 kWh less than the 13,952,000 kWh of the same period of base year ROC 95 (−25.42%)" in found


def test_what_is_not_known_is_said_to_be_absent() -> None:
    nothing = replace(half_year_data(), rain=None, lifts=None, carbon=None, measures=None, peak=None, alarms=None)
    found = texts(half_year_report(nothing))
    for what in ("雨水回收", "電梯能源回生", "碳排放", "節能措施登錄", "需量", "警報紀錄"):
        assert f"{what}：本期沒有資料，不作推估。" in found
    assert "巡檢缺失：系統未留有此項紀錄，本報告不列。" in found


def test_thin_data_are_refused_unless_asked_for_and_then_marked() -> None:
    whole = compared(Text("油料", "Fuel"), "L", FUEL, 9_098.0, ("95H1", 19_595.0, True))
    thin = replace(whole, current=replace(whole.current, coverage=0.94))

    refused = paragraph(compared_sentences(thin, provisional=False))
    assert refused == "油料：資料涵蓋率為 94.0%，未達 95%，不列數字；如需暫定值，請指明後重製。"
    told = paragraph(compared_sentences(thin, provisional=True))
    assert told.startswith("油料使用量為 9,098 公升〔暫〕，較基準年（95 年）同期之 19,595 公升減少 10,497 公升〔暫〕")


def test_a_reference_that_is_too_thin_is_named_and_nothing_is_compared() -> None:
    whole = compared(Text("油料", "Fuel"), "L", FUEL, 9_098.0, ("95H1", 19_595.0, True))
    beside = (replace(whole.beside[0], amount=replace(whole.beside[0].amount, coverage=0.5)),)

    found = paragraph(compared_sentences(replace(whole, beside=beside), provisional=False))
    assert found == "油料使用量為 9,098 公升，基準年（95 年）同期沒有足夠資料可供比較。"


def test_a_leap_years_day_is_told() -> None:
    found = paragraph(
        compared_sentences(
            compared(Text("油料", "Fuel"), "L", FUEL, 9_098.0, ("105H1", 9_200.0, False)), provisional=False
        )
    )
    assert "本期 181 天，民國 105 年同期 182 天，依原數比較。" in found


def test_pace_is_of_the_linear_plan() -> None:
    # Domain reference section 10: 112 m³ of 150 by the end of June.
    sentence, _ = rain_blocks(Rain(Figure(112.0, "m³"), 150.0, 0.5, FUEL))
    assert isinstance(sentence, Sentence)
    assert "74.67%，為線性進度之 149.33%" in sentence.text(Language.ZH)


def test_every_source_stands_once_in_the_appendix_and_every_figure_has_one() -> None:
    report = half_year_report()
    assert sorted(report.sources.values()) == list(range(1, len(report.sources) + 1))
    assert all(figure.sources for figure in report.figures)
    assert all("as_known_at=2015-07-06T00:00:00Z" in source.query for source in report.sources)


def test_rows_hold_the_figures_as_they_are() -> None:
    report = half_year_report()
    rows = figure_rows(report, Language.ZH)
    assert len(rows) == len(report.figures)
    assert (rows[0].section, rows[0].place, rows[0].figure, rows[0].value) == ("電力", "used", "amount", 10_404_800.0)
    unknown = [row for row in rows if row.value is None]
    assert {row.quality for row in unknown} == {"unknown"}


def test_emergencies_are_told_with_the_days_since_the_last() -> None:
    until = alarm_data().figures.until
    data = replace(half_year_data(), last_incident=until - 12 * 86_400_000_000)
    assert "至期末已 12 日" in texts(half_year_report(data))
