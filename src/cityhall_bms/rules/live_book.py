"""Rules that change while the service runs: what runs by them is ended and begun anew, and nothing else is."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, Final

import structlog

from cityhall_bms.domain.errors import EventLogUnavailableError
from cityhall_bms.domain.rule_book import RULE_STREAMS, RuleRecord, fold_rule
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.event_log import EventLog
from cityhall_bms.rules.book import fingerprint, read_records
from cityhall_bms.rules.model import Rule

RETRY_S: Final = 1.0

Records = Mapping[str, RuleRecord]
Choose = Callable[[Records], Sequence[Rule]]
Run = Callable[[Sequence[Rule]], Coroutine[Any, Any, None]]

log = structlog.get_logger(__name__)


async def run_by_book(events: EventLog, clock: Clock, choose: Choose, run: Run) -> None:
    """Run with the rules that are chosen of the book, for ever; anew whenever those become others.

    What is ended so must be able to go on from what it has recorded, as after a crash.
    """
    records = await _records(events, clock)
    while True:
        chosen = choose(records)
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(run(chosen))
            records = await _until_other(events, records, choose, _names(chosen))
            running.cancel()


async def _until_other(events: EventLog, records: Records, choose: Choose, names: frozenset[str]) -> Records:
    """Follow the book until other rules are chosen."""
    present = dict(records)
    after = max((record.position for record in records.values()), default=0)
    async for entry in events.follow(after):
        if not entry.stream.startswith(RULE_STREAMS):
            continue
        name = entry.stream.removeprefix(RULE_STREAMS)
        present[name] = fold_rule(present.get(name) or RuleRecord(name), [entry])
        if _names(choose(present)) != names:
            return present
    return present


def _names(rules: Sequence[Rule]) -> frozenset[str]:
    return frozenset(f"{rule.id} {fingerprint(rule)}" for rule in rules)


async def _records(events: EventLog, clock: Clock) -> Records:
    while True:
        try:
            return await read_records(events)
        except EventLogUnavailableError as error:
            log.warning("rules wait for the event log", reason=str(error))
            await clock.sleep(RETRY_S)
