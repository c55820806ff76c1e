"""The book of rules: written once per wording, and readable as of any position."""

import asyncio

from tests.support.manual_clock import ManualClock

from cityhall_bms.adapters.memory import MemoryEventLog
from cityhall_bms.domain.events import RuleApplied, RuleFailed, RuleWithdrawn
from cityhall_bms.ports.event_log import Append
from cityhall_bms.rules.book import fingerprint, in_force, keep_book, rule_of
from cityhall_bms.rules.files import library
from cityhall_bms.rules.model import RULE_ADAPTER, Rule


def rule(identity: str = "A", **changed: object) -> Rule:
    found: Rule = RULE_ADAPTER.validate_python(
        {"id": identity, "priority": 3, "equipment_class": "Fan", "condition": "Trip in (1, 2)",
         "text_zh": "跳脫", "text_en": "Tripped", "source": "test"} | changed
    )  # fmt: skip
    return found


async def test_a_start_with_the_same_rules_writes_nothing() -> None:
    clock = ManualClock()
    events = MemoryEventLog(clock)
    await keep_book([rule("A"), rule("B")], events, clock)
    await keep_book([rule("B"), rule("A")], events, clock)
    assert [(entry.stream, entry.type) for entry in await events.read()] == [
        ("rule/A", RuleApplied.__name__),
        ("rule/B", RuleApplied.__name__),
    ]


async def test_every_wording_is_found_as_of_its_time() -> None:
    clock = ManualClock()
    events = MemoryEventLog(clock)
    await keep_book([rule("A")], events, clock)
    await events.append([Append("rule/A", [RuleFailed("A", "division by zero")], "rules")])
    await keep_book([rule("A", priority=1)], events, clock)
    await keep_book([], events, clock)
    await keep_book([], events, clock)
    await keep_book([rule("A", priority=1)], events, clock)
    entries = await events.read(stream="rule/A")
    types = [entry.type.removeprefix("Rule") for entry in entries]
    assert types == ["Applied", "Failed", "Applied", "Withdrawn", "Applied"]
    assert [in_force(entries, position) for position in (0, 1)] == [None, None]
    for position, priority in ((2, 3), (3, 3), (4, 1), (99, 1)):
        found = in_force(entries, position)
        assert found is not None
        assert rule_of(found) == rule("A", priority=priority)
        assert found.payload["fingerprint"] == fingerprint(rule("A", priority=priority))
    assert entries[3].event() == RuleWithdrawn("A")


async def test_every_shipped_rule_comes_back_from_the_book_as_it_went_in() -> None:
    clock = ManualClock()
    events = MemoryEventLog(clock)
    shipped = library()
    await keep_book(shipped, events, clock)
    entries = await events.read(limit=10_000)
    for one in shipped:
        found = in_force([entry for entry in entries if entry.stream == f"rule/{one.id}"], 10_000)
        assert found is not None
        assert rule_of(found) == one


async def test_a_rule_that_is_written_otherwise_today_is_still_shown() -> None:
    clock = ManualClock()
    events = MemoryEventLog(clock)
    await events.append([Append("rule/A", [RuleApplied("A", 1, "x", {"kind": "of long ago"})], "rules")])
    found = in_force(await events.read(), 99)
    assert found is not None
    assert found.payload["definition"] == {"kind": "of long ago"}
    assert rule_of(found) is None


async def test_an_absent_log_is_waited_for() -> None:
    clock = ManualClock()
    events = MemoryEventLog(clock)
    events.available = False
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(keep_book([rule("A")], events, clock))
        await clock.advance(3.0)
        events.available = True
        await clock.advance(3.0)
    assert len(await events.read()) == 1
