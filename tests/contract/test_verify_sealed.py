"""What is no sample is as it was sealed too: gaps, what devices sent, restated figures."""

# ruff: noqa: S608 - statements of our own, by which a test does what nobody should
import pytest
from tests.support.verified import Record, fault, found_after

from cityhall_bms.domain.verification import Part, Wrong

OF_GAP = "device, cause, since, point_ids, until, polls, epoch, reported_at, sealed_on"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE gap SET polls = 0",
        "UPDATE gap SET cause = 'maintenance', until = since",
        "DELETE FROM gap",
        f"INSERT INTO gap (source, {OF_GAP}) SELECT 'c2', {OF_GAP} FROM gap",
    ],
)
async def test_a_changed_gap_is_not_the_one_that_was_signed(record: Record, statement: str) -> None:
    found = fault(await found_after(record, statement, Part.DAYS), Part.DAYS)
    assert (found.wrong, found.place) == (Wrong.DAY_GAPS, "2026-07-01")


@pytest.mark.parametrize(
    "statement",
    [
        r"UPDATE raw_scan SET data = data || '\x00' WHERE device = 'd2'",
        "UPDATE raw_scan SET device = 'd3' WHERE device = 'd2'",
        "DELETE FROM raw_scan WHERE device = 'd1'",
        "INSERT INTO raw_scan (hour, device, packed, data, sealed_on) SELECT hour, 'd3', packed, data, sealed_on FROM raw_scan",
    ],
)
async def test_what_devices_sent_is_as_it_was_signed(record: Record, statement: str) -> None:
    found = fault(await found_after(record, statement, Part.DAYS), Part.DAYS)
    assert (found.wrong, found.place) == (Wrong.DAY_RAWS, "2026-07-01")


async def test_what_devices_sent_is_not_missed_when_it_was_kept_long_enough(record: Record) -> None:
    first = "DELETE FROM raw_scan WHERE hour = (SELECT min(hour) FROM raw_scan)"
    assert (await found_after(record, first, Part.DAYS))[Part.DAYS].fault is None


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE restatement SET old_mean = 1.0 WHERE id = (SELECT min(id) FROM restatement)",
        "UPDATE restatement SET why = 'late_data'",
        "DELETE FROM restatement WHERE id = (SELECT max(id) FROM restatement)",
    ],
)
async def test_a_restated_figure_is_as_its_event_told_it(record: Record, statement: str) -> None:
    sound = (await found_after(record, "", Part.RESTATEMENTS))[Part.RESTATEMENTS]
    assert sound.fault is None
    assert sound.count > 0
    found = fault(await found_after(record, statement, Part.RESTATEMENTS), Part.RESTATEMENTS)
    assert found.wrong is Wrong.RESTATEMENT_CHANGED
