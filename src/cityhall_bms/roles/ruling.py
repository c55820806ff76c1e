"""Everything that runs by the book of rules, and begins anew when the book says otherwise."""

from collections.abc import Mapping, Sequence

import structlog

from cityhall_bms.adapters.postgres.rule_history import PostgresRuleHistory
from cityhall_bms.ports.event_log import EventLog
from cityhall_bms.ports.read_models import AlarmView
from cityhall_bms.roles.parts import Loop, Parts
from cityhall_bms.rules.binding import bind
from cityhall_bms.rules.book import fingerprint, keep_book, shadows, taking_effect
from cityhall_bms.rules.late_keeper import LateKeeper, Sources
from cityhall_bms.rules.live_book import run_by_book
from cityhall_bms.rules.model import Rule
from cityhall_bms.rules.runner import LiveEngine, RulesRunner
from cityhall_bms.rules.shadow import ShadowRecorder, checkpoint_name
from cityhall_bms.rules.warming import Warmth
from cityhall_bms.site_reading import read_site_suppression

log = structlog.get_logger(__name__)


def by_the_book(
    parts: Parts, events: EventLog, view: AlarmView, described: Mapping[str, Rule], newest: list[RulesRunner]
) -> list[Loop]:
    """Give the loops of alarms, of shadows, and of late data; ``described`` are the rules of the files.

    ``newest`` is filled with the runner of alarms that runs now.
    """
    site, ids, clock, telemetry = parts.site, parts.ids, parts.clock, parts.telemetry
    history = PostgresRuleHistory(parts.pool)
    warmth = Warmth(site, ids, history, clock)

    async def ring(rules: Sequence[Rule]) -> None:
        suppression = read_site_suppression(parts.folder, site, rules)
        binding = bind(rules, site, ids)
        for problem in binding.problems:
            log.error("rule does not fit this site", problem=str(problem))
        runner = RulesRunner(binding, suppression, telemetry, events, view, clock, warmth=warmth)
        newest[:] = [runner]
        # Before anything can ring by them.
        await keep_book(rules, events, clock)
        await runner.run()

    async def shadow(drafts: Sequence[Rule]) -> None:
        prints = {rule.id: fingerprint(rule) for rule in drafts}
        hand = ShadowRecorder(events, telemetry, clock, prints)
        if not drafts:
            # What the last ones left standing ends; then there is nothing to follow.
            await hand.recover(checkpoint_name(prints))
            return
        binding = bind(drafts, site, ids)
        await LiveEngine(binding, hand, telemetry, clock, name=checkpoint_name(prints), warmth=warmth).run()

    async def judge(rules: Sequence[Rule]) -> None:
        sources = Sources(telemetry, events, history, parts.history.progress)
        await LateKeeper(rules, site, ids, sources, clock).run()

    return [
        run_by_book(events, clock, lambda book: taking_effect(described, book), ring),
        run_by_book(events, clock, shadows, shadow),
        run_by_book(events, clock, lambda book: taking_effect(described, book), judge),
    ]
