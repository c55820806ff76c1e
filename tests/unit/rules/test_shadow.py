"""Drafts beside the active rules: recorded apart, rung nowhere, exactly once; and a book that changes meanwhile."""

import asyncio
from collections.abc import Sequence

import pytest
from tests.support.rule_trial import START_US, UNIT
from tests.support.rule_world import World
from tests.support.until import until

from cityhall_bms.domain.alarms import Alarm
from cityhall_bms.domain.events import StoredEvent
from cityhall_bms.domain.rule_book import Wording
from cityhall_bms.domain.rule_events import SHADOW_STREAMS, RuleDrafted, RulePromoted, RuleShadowStarted
from cityhall_bms.ports.event_log import Append, EventLog
from cityhall_bms.rules.book import definition, fingerprint, keep_book, shadows, taking_effect
from cityhall_bms.rules.live_book import run_by_book
from cityhall_bms.rules.model import RULE_ADAPTER, Rule
from cityhall_bms.rules.runner import LiveEngine
from cityhall_bms.rules.shadow import ShadowRecorder, checkpoint_name


def hot(limit: float, **changed: object) -> Rule:
    """A rule that is true above so many degrees."""
    table = {
        "id": "HOT", "equipment_class": "Unit", "condition": f"T > {limit} °C", "priority": 3, "source": "test",
        "text_zh": "過熱", "text_en": "Hot",
    }  # fmt: skip
    found: Rule = RULE_ADAPTER.validate_python({**table, **changed})
    return found


def shadow(world: World, rule: Rule, events: EventLog | None = None) -> LiveEngine:
    prints = {rule.id: fingerprint(rule)}
    hand = ShadowRecorder(events or world.events, world.telemetry, world.clock, prints)
    return LiveEngine(world.bind([rule]), hand, world.telemetry, world.clock, name=checkpoint_name(prints))


async def catch_up(world: World, engine: LiveEngine) -> None:
    end = await world.telemetry.end()
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(engine.run())
        await until(lambda: engine.position == end)
        await world.clock.advance(0.0)
        task.cancel()


async def told(world: World) -> list[tuple[str, int | None]]:
    entries: Sequence[StoredEvent] = await world.events.read(0, 1000, SHADOW_STREAMS)
    return [(entry.type, entry.payload.get("priority")) for entry in entries]


async def begun(world: World, rule: Rule) -> World:
    """World in which the draft runs already: it begins with what comes from now on."""
    await catch_up(world, shadow(world, rule))
    return world


async def publish(world: World, *values: float, after_s: float = 0.0) -> None:
    for number, value in enumerate(values):
        await world.publish(after_s + number, value)


async def test_a_shadow_is_recorded_apart_from_alarms() -> None:
    world = await begun(World(), hot(25))
    await publish(world, 20.0, 30.0, 30.0, 20.0)
    await catch_up(world, shadow(world, hot(25)))
    assert await told(world) == [("ShadowRaised", 3), ("ShadowReturned", None)]
    assert await world.alarm_events() == []
    (raised, _) = await world.events.read(0, 10, SHADOW_STREAMS)
    assert raised.payload["fingerprint"] == fingerprint(hot(25))
    assert (raised.payload["subject"], raised.payload["value"], raised.payload["limit"]) == (UNIT, 30.0, 25.0)
    assert raised.payload["observed_at"] == START_US + 1_000_000


async def test_a_change_of_severity_is_a_word_of_its_own() -> None:
    steps = [{"priority": 2, "condition": "T > 40 °C"}]
    world = await begun(World(), hot(25, step=steps))
    await publish(world, 30.0, 45.0, 45.0, 30.0, 20.0)
    await catch_up(world, shadow(world, hot(25, step=steps)))
    assert await told(world) == [
        ("ShadowRaised", 3), ("ShadowRaised", 2), ("ShadowRaised", 3), ("ShadowReturned", None),
    ]  # fmt: skip


@pytest.mark.parametrize("parts", [1, 2, 5])
async def test_a_shadow_that_is_ended_and_begun_anew_says_everything_once(parts: int) -> None:
    world = await begun(World(), hot(25))
    for part in range(parts):
        await publish(world, 30.0, 20.0, after_s=2.0 * part)
        await catch_up(world, shadow(world, hot(25)))
        await catch_up(world, shadow(world, hot(25)))
    assert await told(world) == [("ShadowRaised", 3), ("ShadowReturned", None)] * parts


async def test_what_a_draft_left_standing_ends_when_another_one_runs() -> None:
    world = await begun(World(), hot(25))
    await publish(world, 30.0)
    await catch_up(world, shadow(world, hot(25)))
    await catch_up(world, shadow(world, hot(50)))
    assert await told(world) == [("ShadowRaised", 3), ("ShadowReturned", None)]


async def test_what_a_dropped_draft_left_standing_ends_with_it() -> None:
    world = await begun(World(), hot(25))
    await publish(world, 30.0)
    await catch_up(world, shadow(world, hot(25)))
    nobody = ShadowRecorder(world.events, world.telemetry, world.clock, {})
    await nobody.recover(checkpoint_name({}))
    assert nobody.active == {}
    assert await told(world) == [("ShadowRaised", 3), ("ShadowReturned", None)]


async def test_a_shadow_says_nothing_of_the_time_before_it_began() -> None:
    world = World()
    await publish(world, 30.0, 20.0)
    await catch_up(world, shadow(world, hot(25)))
    assert await told(world) == []


async def test_an_absent_log_is_waited_for() -> None:
    world = await begun(World(), hot(25))
    await publish(world, 30.0)
    engine = shadow(world, hot(25))
    world.events.available = False  # type: ignore[attr-defined]
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(engine.run())
        await world.clock.advance(5.0)
        world.events.available = True  # type: ignore[attr-defined]
        while engine.position < 1:
            await world.clock.advance(1.0)
        task.cancel()
    assert await told(world) == [("ShadowRaised", 3)]


async def promote(world: World, rule: Rule) -> None:
    wording = Wording(rule.version, fingerprint(rule), definition(rule), 0, "ann")
    event = RulePromoted(
        rule.id, rule.version, wording.fingerprint, dict(wording.definition), "why", {}, world.clock.now(), "ann"
    )
    await world.events.append([Append(f"rule/{rule.id}", [event], "ann")])


async def test_a_promotion_takes_effect_while_everything_runs_and_alarms_stay() -> None:
    world = World()
    described = {"HOT": hot(25), "OTHER": hot(10, id="OTHER", on_delay_s=8)}
    begun: list[list[int]] = []

    async def ring(rules: Sequence[Rule]) -> None:
        begun.append([rule.version for rule in rules])
        await keep_book(rules, world.events, world.clock)
        await world.runner(rules).run()

    async def alarm(rule: str) -> Alarm:
        found = await world.view.get(f"{rule}~{UNIT}")
        assert found is not None
        return found

    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(
            run_by_book(world.events, world.clock, lambda book: taking_effect(described, book), ring)
        )
        for second in range(5):
            await world.publish(second, 30.0)
            await world.clock.advance(1.0)
        assert (await alarm("HOT")).active
        await promote(world, hot(40, version=2))
        for second in range(5, 10):
            await world.publish(second, 30.0)
            await world.clock.advance(1.0)
        task.cancel()
    assert begun == [[1, 1], [2, 1]]
    # The new wording ends what the old one raised; the timer of the other rule went on through the change.
    assert not (await alarm("HOT")).active
    assert (await alarm("OTHER")).raised_at == START_US + 8_000_000


async def test_a_shadow_begins_and_ends_as_the_book_says_and_the_active_rules_are_left_alone() -> None:
    world = World()
    begun: list[str] = []

    async def run(kind: str, rules: Sequence[Rule]) -> None:
        begun.append(f"{kind} {len(rules)}")
        await asyncio.Event().wait()

    async def ring(rules: Sequence[Rule]) -> None:
        await run("ring", rules)

    async def shade(rules: Sequence[Rule]) -> None:
        await run("shade", rules)

    rule = hot(40, version=2)
    draft = RuleDrafted("HOT", 2, fingerprint(rule), definition(rule), 0, "ann")
    async with asyncio.TaskGroup() as tasks:
        loops = [
            tasks.create_task(
                run_by_book(world.events, world.clock, lambda book: taking_effect({"HOT": hot(25)}, book), ring)
            ),
            tasks.create_task(run_by_book(world.events, world.clock, shadows, shade)),
        ]
        await world.clock.advance(0.0)
        await world.events.append([Append("rule/HOT", [draft], "ann")])
        await world.clock.advance(0.0)
        await world.events.append([Append("rule/HOT", [RuleShadowStarted("HOT", draft.fingerprint, 0, "ann")], "ann")])
        await until(lambda: "shade 1" in begun)
        for loop in loops:
            loop.cancel()
    assert sorted(begun) == ["ring 1", "shade 0", "shade 1"]
