"""Every missed poll of a device is in one gap, with its reason."""

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from tests.support.fake_driver import fake_point

from cityhall_bms.collector.gap_book import REPORT_EVERY_US, GapBook
from cityhall_bms.collector.schedule import scan_classes
from cityhall_bms.domain.gaps import Gap, GapCause
from cityhall_bms.domain.quality import Quality
from cityhall_bms.ports.driver import BoundPoint

POINTS = [BoundPoint(number, fake_point(number, "D1", scan_s=10.0 if number < 4 else 60.0)) for number in (1, 2, 3, 4)]
IDS = np.array([1, 2, 3], np.uint32)
T0 = 1_782_864_000_000_000
SECOND = 1_000_000


class Book:
    def __init__(self) -> None:
        self.reports: list[Gap] = []
        self.book = GapBook("D1", POINTS, scan_classes(POINTS), self.reports.append)

    def scan(self, second: int, *quality: int) -> None:
        self.book.scanned(IDS, np.array(quality, np.uint8), T0 + second * SECOND)

    def ledger(self) -> list[Gap]:
        """What a ledger makes of the reports: the newest of each gap."""
        kept = {(gap.device, gap.cause, gap.since, gap.points): gap for gap in self.reports}
        return list(kept.values())


def at(second: int) -> int:
    return T0 + second * SECOND


def test_good_scans_are_no_news() -> None:
    book = Book()
    book.scan(0, 0, 0, 0)
    book.scan(10, 0, Quality.BAD_RANGE, Quality.UNCERTAIN_SPIKE)  # measured, though not believed
    assert book.reports == []
    assert book.book.open == 0


def test_a_point_that_is_refused_is_a_gap_of_its_own_until_it_answers() -> None:
    book = Book()
    book.scan(0, 0, Quality.BAD_REFUSED, 0)
    assert book.reports == [Gap("D1", GapCause.REFUSED, at(0), 1, (2,))]
    book.scan(10, 0, Quality.BAD_REFUSED, 0)
    book.scan(20, 0, 0, 0)
    assert book.ledger() == [Gap("D1", GapCause.REFUSED, at(0), 2, (2,), at(20))]
    assert book.book.open == 0


def test_another_reason_is_another_gap() -> None:
    book = Book()
    book.scan(0, Quality.BAD_TIMEOUT, 0, 0)
    book.scan(10, Quality.BAD_DECODE, 0, 0)
    assert book.ledger() == [
        Gap("D1", GapCause.TIMEOUT, at(0), 1, (1,), at(10)),
        Gap("D1", GapCause.DECODE, at(10), 1, (1,)),
    ]


def test_a_device_that_is_down_is_one_gap_with_the_polls_that_its_classes_would_have_made() -> None:
    book = Book()
    book.book.begin(GapCause.DEVICE_DOWN, at(0))
    book.book.begin(GapCause.DEVICE_DOWN, at(5))
    book.book.end(at(125))
    # Twelve scans of the class of 10 s and two of that of 60 s.
    assert book.ledger() == [Gap("D1", GapCause.DEVICE_DOWN, at(0), 14, (), at(125))]


def test_what_was_missing_of_a_device_that_goes_down_ends_there() -> None:
    book = Book()
    book.scan(0, 0, Quality.BAD_REFUSED, 0)
    book.book.begin(GapCause.DEVICE_DOWN, at(10))
    assert book.ledger() == [
        Gap("D1", GapCause.REFUSED, at(0), 1, (2,), at(10)),
        Gap("D1", GapCause.DEVICE_DOWN, at(10), 0),
    ]
    assert book.book.open == 1


def test_skipped_scans_are_one_gap_of_their_class_while_they_go_on() -> None:
    book = Book()
    book.book.skipped(0, 2, at(30))
    book.book.skipped(0, 3, at(60))
    book.book.skipped(0, 0, at(70))
    assert book.ledger() == [Gap("D1", GapCause.OVERLOAD, at(10), 5, (1, 2, 3), at(70))]


def test_a_gap_that_lasts_is_reported_each_minute_and_no_more() -> None:
    book = Book()
    for second in range(0, 600, 10):
        book.scan(second, Quality.BAD_REFUSED, 0, 0)
    assert len(book.reports) <= 600 * SECOND // REPORT_EVERY_US + 1
    assert book.reports[-1].polls > 50


def test_when_nobody_reads_the_device_any_more_everything_ends() -> None:
    book = Book()
    book.scan(0, Quality.BAD_REFUSED, 0, 0)
    book.book.skipped(1, 1, at(10))
    book.book.stop(at(20))
    assert book.book.open == 0
    assert all(gap.until == at(20) for gap in book.ledger())


def test_no_gap_ends_before_it_began_when_the_clock_is_set_back() -> None:
    book = Book()
    book.scan(3600, Quality.BAD_REFUSED, 0, 0)
    book.book.skipped(1, 1, at(3660))
    book.book.stop(at(0))
    book.book.begin(GapCause.DEVICE_DOWN, at(3600))
    book.book.end(at(0))
    assert [(gap.cause, gap.since, gap.until) for gap in book.ledger()] == [
        (GapCause.REFUSED, at(3600), at(3600)),
        (GapCause.OVERLOAD, at(3600), at(3600)),
        (GapCause.DEVICE_DOWN, at(3600), at(3600)),
    ]


@given(st.lists(st.lists(st.sampled_from([0, 0x83, 0x84, 0x85, 0x86, 0x41]), min_size=3, max_size=3), max_size=30))
def test_the_polls_of_all_gaps_are_the_values_that_were_missed(scans: list[list[int]]) -> None:
    book = Book()
    for number, quality in enumerate(scans):
        book.scan(10 * number, *quality)
    book.book.stop(at(10 * len(scans)))
    missed = sum(code in {0x83, 0x84, 0x85} for quality in scans for code in quality)
    assert sum(gap.polls for gap in book.ledger()) == missed
    spans = sorted((gap.points[0], gap.since, gap.until or 0) for gap in book.ledger())
    assert all(a[2] <= b[1] for a, b in itertools.pairwise(spans) if a[0] == b[0])
