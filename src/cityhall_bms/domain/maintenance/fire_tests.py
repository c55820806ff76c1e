"""The register of fire tests: what was tested, by whom, with what result, and whether its report was filed.

It only keeps what people say. No point of the fire system is read or written by it.
"""

from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any, Final

from cityhall_bms.domain.errors import RefusedError
from cityhall_bms.domain.events import EVENT_TYPES, Event, StoredEvent, stored
from cityhall_bms.domain.maintenance.book import FireTestPlan
from cityhall_bms.domain.maintenance.documents import Attached, attached_of

FIRE_TEST_STREAMS: Final = "fire-test/"


@stored
@dataclass(frozen=True, slots=True)
class FireTestRecorded(Event):
    """A test was made on a day (ISO). ``due`` is the due day that it was for; empty for one beyond the plan.

    ``results`` has subject, ok, response_s, pressure_before_kpa, pressure_after_kpa and note each.
    """

    test: str
    plan: str
    due: str
    tested_on: str
    tester: str
    results: list[dict[str, Any]]
    by: str
    at: int
    comment: str = ""
    documents: list[dict[str, Any]] = field(default_factory=list)


@stored
@dataclass(frozen=True, slots=True)
class FireTestFiled(Event):
    """Its report was filed with the fire department on a day (ISO) under a number of theirs."""

    filed_on: str
    number: str
    by: str
    at: int
    documents: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class FireResult:
    """Result at one valve, shutter, pump or zone; seconds and kPa, none where they were not taken."""

    subject: str
    ok: bool
    response_s: float | None = None
    pressure_before_kpa: float | None = None
    pressure_after_kpa: float | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class FireTest:
    """One test as the register has it."""

    test: str
    plan: str
    due: str
    tested_on: str
    tester: str
    results: tuple[FireResult, ...]
    by: str
    at: int
    comment: str = ""
    documents: tuple[Attached, ...] = ()
    filed_on: str = ""
    filed_number: str = ""
    filed_by: str = ""
    version: int = 1
    position: int = 0

    @property
    def passed(self) -> bool:
        """Whether everything that was tested was right."""
        return all(result.ok for result in self.results)

    def file_until(self, plan: FireTestPlan) -> date | None:
        """Last day on which its report may be filed; none where no report is asked for."""
        days = plan.file_within_days
        return None if days is None else date.fromisoformat(self.tested_on) + timedelta(days=days)


def fire_test_stream(test: str) -> str:
    """Event stream of one test."""
    return f"{FIRE_TEST_STREAMS}{test}"


def fold_fire_test(test: FireTest | None, entry: StoredEvent) -> FireTest | None:
    """Test after one entry of its stream; what cannot follow changes nothing."""
    event = entry.event() if entry.type in EVENT_TYPES else None
    match event:
        case FireTestRecorded() if test is None:
            return FireTest(
                test=event.test,
                plan=event.plan,
                due=event.due,
                tested_on=event.tested_on,
                tester=event.tester,
                results=tuple(FireResult(**result) for result in event.results),
                by=event.by,
                at=event.at,
                comment=event.comment,
                documents=attached_of(event.documents),
                version=entry.version,
                position=entry.position,
            )
        case FireTestFiled() if test is not None and not test.filed_on:
            filed = replace(test, filed_on=event.filed_on, filed_number=event.number, filed_by=event.by)
            documents = (*test.documents, *attached_of(event.documents))
            return replace(filed, documents=documents, version=entry.version, position=entry.position)
    return test


def record_fire_test(event: FireTestRecorded, today: date) -> FireTestRecorded:
    """Decide an entry; refused for a day to come, and without any result."""
    if date.fromisoformat(event.tested_on) > today:
        msg = "測試日期在未來 / this day of the test lies ahead"
        raise RefusedError(msg)
    if not event.results:
        msg = "請填至少一項測試結果 / a test has one result at least"
        raise RefusedError(msg)
    return event


def file_fire_test(test: FireTest, event: FireTestFiled, today: date) -> FireTestFiled:
    """Decide that a report was filed; refused twice, and on a day before the test or to come."""
    if test.filed_on:
        msg = f"已於 {test.filed_on} 申報 / it was filed on {test.filed_on}"
        raise RefusedError(msg)
    if not test.tested_on <= event.filed_on <= today.isoformat():
        msg = "申報日期須在測試之後，且不在未來 / it is filed after the test, and not on a day to come"
        raise RefusedError(msg)
    return event
