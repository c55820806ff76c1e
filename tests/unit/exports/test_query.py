"""The question of an export: as JSON and back, which names a pattern means, what is refused."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityhall_bms.domain.errors import NotFoundError, RefusedError
from cityhall_bms.domain.events import canonical
from cityhall_bms.exports.query import (
    WIDE_POINTS_MAX,
    checked,
    choose,
    file_name,
    from_json,
    time_text,
    time_us,
    to_json,
)
from cityhall_bms.ports.exports import ExportFormat, ExportPoint, ExportQuery
from cityhall_bms.ports.history import Aggregation, Window

TIMES = st.integers(0, 7_000_000_000_000_000)
QUERIES = st.builds(
    ExportQuery,
    site=st.text("ABC", min_size=1),
    points=st.lists(st.builds(ExportPoint, st.integers(1, 9999), st.text(), st.text(), st.text()), min_size=1),
    window=st.builds(Window, TIMES, TIMES),
    known_at=TIMES,
    time_zone=st.just("Asia/Taipei"),
    interval=st.just("15m"),
    aggregation=st.sampled_from(Aggregation),
    format=st.sampled_from(ExportFormat),
    language=st.sampled_from(["zh", "en"]),
)


@given(QUERIES)
def test_a_query_is_read_back_from_its_json(query: ExportQuery) -> None:
    assert from_json(json.loads(canonical(to_json(query)))) == query


@given(TIMES)
def test_times_are_exact(at: int) -> None:
    assert time_us(time_text(at)) == at


def test_patterns_choose_in_the_order_in_which_they_are_asked() -> None:
    names = ["A.SAT", "A.FAN", "B.SAT", "C[1]"]
    assert choose(["B.SAT", "A.*"], names) == ["B.SAT", "A.SAT", "A.FAN"]
    assert choose(["*"], names) == names
    assert choose(["?.SAT", "A.SAT"], names) == ["A.SAT", "B.SAT"]
    assert choose(["C[1]"], names) == ["C[1]"]
    for unknown in ("D", "D.*", ""):
        with pytest.raises(NotFoundError, match="no point is named"):
            choose([unknown], names)


POINT = ExportPoint(1, "A", "")
QUERY = ExportQuery("TCH", [POINT], Window(0, 10), 5, "Asia/Taipei")


def test_what_makes_no_sense_is_refused_with_its_reason() -> None:
    assert checked(QUERY, now=5) is QUERY
    wide = [ExportPoint(number, f"P{number}", "") for number in range(WIDE_POINTS_MAX + 1)]
    for wrong, reason in (
        (ExportQuery("TCH", [], Window(0, 10), 5, "UTC"), "no point"),
        (ExportQuery("TCH", [POINT], Window(10, 10), 5, "UTC"), "later than"),
        (ExportQuery("TCH", [POINT], Window(0, 10), 6, "UTC"), "future"),
        (ExportQuery("TCH", [POINT], Window(0, 10), 5, "UTC", language="fr"), "language"),
        (ExportQuery("TCH", wide, Window(0, 10), 5, "UTC", format=ExportFormat.CSV_WIDE), "too many"),
    ):
        with pytest.raises(RefusedError, match=reason):
            checked(wrong, now=5)


def test_a_file_is_named_by_site_time_and_export() -> None:
    assert file_name("x-1", QUERY) == "samples-TCH-19700101T000000-19700101T000000-x-1.csv"
