"""The office calendar of the government, as it is published, becomes a calendar file of a site."""

import pytest

from cityhall_bms.commissioning.holidays import calendar_csv, english, read_office_calendar
from cityhall_bms.domain.errors import SiteError

HEAD = "西元日期,星期,是否放假,備註\n"
ROWS = (
    "20250101,三,2,開國紀念日\n"
    "20250102,四,0,\n"
    "20250104,六,2,\n"
    "20250127,一,2,調整放假\n"
    "20250208,六,0,補行上班\n"
    "20250228,五,2,和平紀念日\n"
    "20251010,五,2,國慶日\n"
    "20251011,六,2,\n"
)


def test_what_a_plain_week_says_already_is_left_out() -> None:
    days = read_office_calendar("114.csv", "\ufeff" + HEAD + ROWS)

    assert [(day.day.isoformat(), day.kind.value, day.name_zh) for day in days] == [
        ("2025-01-01", "holiday", "開國紀念日"),
        ("2025-01-27", "holiday", "調整放假"),
        ("2025-02-08", "workday", "補行上班"),
        ("2025-02-28", "holiday", "和平紀念日"),
        ("2025-10-10", "holiday", "國慶日"),
    ]


def test_the_written_file_has_both_languages() -> None:
    text = calendar_csv(read_office_calendar("114.csv", HEAD + ROWS))

    assert text.splitlines()[:2] == [
        "date,kind,name_zh,name_en,source",
        "2025-01-01,holiday,開國紀念日,New Year (founding day),dgpa",
    ]


@pytest.mark.parametrize(
    ("name_zh", "name_en"),
    [
        ("兒童節、民族掃墓節", "Children's Day and Tomb Sweeping Day"),
        ("國慶日補假", "National Day (observed)"),
        ("春節（補假）", "Lunar New Year (observed)"),
        ("補假", "補假"),
        ("某紀念日", "某紀念日"),
    ],
)
def test_names_are_translated_as_far_as_they_are_known(name_zh: str, name_en: str) -> None:
    assert english(name_zh) == name_en


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("date,name\n2025-01-01,x\n", "114.csv:1: header: no column 西元日期, 是否放假, 備註"),
        (HEAD + "2025年,三,2,\n", "114.csv:2: 西元日期: '2025年' is no day"),
        (HEAD + "20250101,三,1,\n", "114.csv:2: 是否放假: '1' is not allowed"),
        (HEAD + "20250101,三,2,\n2025/1/1,三,2,\n", "114.csv:3: 西元日期: 2025-01-01 stands there already"),
        (HEAD + "20250101\n", "114.csv:2: 是否放假: '' is not allowed"),
        ("", "114.csv:1: header: no column"),
    ],
)
def test_a_file_that_is_another_says_what_is_wrong(text: str, says: str) -> None:
    with pytest.raises(SiteError) as caught:
        read_office_calendar("114.csv", text)
    assert says in str(caught.value)
