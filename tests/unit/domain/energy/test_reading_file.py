"""A file of readings: its rows, or all its mistakes with line and column."""

from zoneinfo import ZoneInfo

import pytest

from cityhall_bms.domain.energy.commodities import Commodity
from cityhall_bms.domain.energy.meters import ManualSource, Meter, Metering, PointSource
from cityhall_bms.domain.energy.reading_file import FileProblem, read_file
from cityhall_bms.domain.energy.readings import Entry

ZONE = ZoneInfo("Asia/Taipei")
DAY = 86_400_000_000
FIRST = 1_435_680_000_000_000 - 30 * DAY
"""2015-06-01 00:00 in Taipei."""
METERING = Metering(
    {
        meter.name: meter
        for meter in (
            Meter("FUEL", Commodity.FUEL, "油料", "Fuel", ManualSource()),
            Meter("WATER", Commodity.WATER, "水", "Water", ManualSource()),
            Meter("MAIN", Commodity.ELECTRICITY, "電", "Electricity", PointSource("P")),
        )
    }
)
HEADER = "meter,first_day,last_day,amount,unit,note\n"


def problems(text: str) -> list[str]:
    _, found = read_file(text, METERING, ZONE, "f" * 64)
    return [f"{p.line}:{p.column}: {p.field}: {p.message}" for p in found]


def test_rows_are_periods_of_whole_local_days_in_the_unit_of_the_commodity() -> None:
    text = "\ufeff" + HEADER + "FUEL,2015-06-01,2015-06-30,1.5,m3,六月\r\n\r\nWATER,2015-06-01,2015-06-01,250,L,\n"
    rows, found = read_file(text, METERING, ZONE, "f" * 64)
    assert found == []
    assert [row.entry for row in rows] == [
        Entry("FUEL", FIRST, FIRST + 30 * DAY, 1500.0, "六月", source="f" * 64),
        Entry("WATER", FIRST, FIRST + DAY, 0.25, "", source="f" * 64),
    ]
    assert [row.line for row in rows] == [2, 4]


def test_every_mistake_is_told_at_once_with_line_and_column() -> None:
    text = HEADER + (
        "FUL,2015-06-01,2015-06-30,1,L,\n"
        "MAIN,2015-06-01,2015-06-30,1,kWh,\n"
        'FUEL,104/06/01,0104-06-30,"1,518",kWh,\n'
        "FUEL,2015-06-30,2015-06-01,-3,L,\n"
        "FUEL,2015-07-01,2015-07-31,4,,x,y\n"
    )
    assert problems(text) == [
        "2:1: meter: no meter is named 'FUL'",
        "3:1: meter: 'MAIN' is not read by people (manual = true)",
        "4:2: first_day: '104/06/01' is no day: write 2015-06-01",
        "4:3: last_day: year 104: ROC 104 is written 2015",
        "4:4: amount: '1,518' is no amount: write it without separators",
        "4:5: unit: 'kWh' does not convert to L",
        "5:3: last_day: 2015-06-01 is before 2015-06-30",
        "5:4: amount: '-3' is no amount",
        "6:5: unit: '' does not convert to L",
        "6:6: note: 7 cells, and 6 columns",
    ]


@pytest.mark.parametrize(
    ("header", "says"),
    [
        ("meter,first_day,last_day,unit", "1:1: amount: column missing"),
        ("meter,first_day,last_day,amount,unit,price", "1:6: price: unknown column"),
        ("meter,meter,first_day,last_day,amount,unit", "1:2: meter: this column stands twice"),
        ("", "1:1: meter: column missing"),
    ],
)
def test_columns_are_named(header: str, says: str) -> None:
    assert any(problem.startswith(says) for problem in problems(header + "\n"))


def test_what_is_no_csv_is_said_to_be_none() -> None:
    assert problems(HEADER + 'FUEL,"2015-06-01\n')[0].startswith("2:1: file: no CSV")


def test_a_file_has_a_length() -> None:
    text = HEADER + "FUEL,2015-06-01,2015-06-30,1,L,\n" * 5_001
    _, found = read_file(text, METERING, ZONE, "")
    assert found == [FileProblem(5_002, 1, "file", "more than 5000 rows: cut the file")]
