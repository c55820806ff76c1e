"""Lines of CSV: RFC 4180, no formulas, the same in long and wide, numbers as PostgreSQL writes them."""

import csv
import hashlib
import io
import math
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityhall_bms.adapters.csv_cells import FORMULA_MARKS, number
from cityhall_bms.adapters.export_files.lines import heading, long_lines, wide_heading, wide_lines
from cityhall_bms.adapters.export_files.sink import ExportFileError, HashedFile
from cityhall_bms.ports.exports import ExportPoint, Rows

ZONE = ZoneInfo("Asia/Taipei")
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
POINTS = st.lists(st.builds(ExportPoint, st.integers(1, 99), TEXTS, TEXTS), min_size=1, max_size=4)
SAMPLES = st.dictionaries(
    st.tuples(st.integers(0, 10**15), st.integers(0, 3)),
    st.tuples(st.floats(allow_infinity=False), st.integers(0, 255)),
    max_size=12,
)


def rows_of(samples: dict[tuple[int, int], tuple[float, int]], points: int) -> Rows:
    chosen = sorted((at, place, *rest) for (at, place), rest in samples.items() if place < points)
    at, place, value, quality = ([row[column] for row in chosen] for column in range(4))
    return Rows(
        np.array(at, np.int64), np.array(place, np.int64), np.array(value, np.float64), np.array(quality, np.uint8)
    )


def cells(data: bytes) -> list[list[str]]:
    text = data.decode("utf-8-sig")
    assert text.count("\n") == text.count("\r\n")
    return list(csv.reader(io.StringIO(text, newline=""), strict=True))


@given(POINTS, SAMPLES)
def test_long_lines_are_read_back_and_no_text_is_a_formula(
    points: list[ExportPoint], samples: dict[tuple[int, int], tuple[float, int]]
) -> None:
    rows = rows_of(samples, len(points))
    found = cells(heading("zh") + long_lines(rows, points, ZONE))[1:]
    assert len(found) == len(rows)
    assert all(len(row) == 9 for row in found)
    for row, place, value in zip(found, rows.place.tolist(), rows.value.tolist(), strict=True):
        assert row[3].lstrip("'").split() == points[place].name.lstrip("'").split()
        assert not {row[3][:1], row[5][:1]} & FORMULA_MARKS
        assert (row[4] == "") if math.isnan(value) else (float(row[4]) == value)


@given(POINTS, SAMPLES)
def test_wide_lines_tell_what_long_lines_tell(
    points: list[ExportPoint], samples: dict[tuple[int, int], tuple[float, int]]
) -> None:
    rows = rows_of(samples, len(points))
    long = cells(heading("en") + long_lines(rows, points, ZONE))[1:]
    head, *wide = cells(wide_heading(points, "en") + b"".join(wide_lines(rows, len(points), ZONE)))
    assert len(head) == 3 + 2 * len(points)
    assert not {cell[:1] for cell in head} & FORMULA_MARKS
    told = [
        [*row[:3], row[3 + 2 * place], row[4 + 2 * place]]
        for row in wide
        for place in range(len(points))
        if row[4 + 2 * place]
    ]
    assert told == [[*row[:3], row[4], ":".join(part for part in row[6:8] if part)] for row in long]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1e15, "1e+15"),
        (-1234567890123456.0, "-1.234567890123456e+15"),
        (999999999999999.0, "999999999999999"),
        (1e16, "1e+16"),
        (1e-05, "1e-05"),
        (0.0001, "0.0001"),
        (-0.0, "-0"),
        (math.inf, "Infinity"),
    ],
)
def test_numbers_are_written_as_the_database_writes_them(value: float, text: str) -> None:
    assert number(value) == text
    assert float(text) == value


def test_a_file_goes_on_after_what_was_safe_and_is_hashed_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "x"
    with HashedFile(path) as file:
        file.write(b"abc")
        file.settle()
        file.write(b"lost")
    with HashedFile(path, keep=3) as file:
        file.write(b"def")
        assert (file.bytes, file.sha256) == (6, hashlib.sha256(b"abcdef").hexdigest())
    assert path.read_bytes() == b"abcdef"
    with pytest.raises(ExportFileError, match="only 6 of the 9"):
        HashedFile(path, keep=9)
