"""Drafts: checked completely before they are kept, and joined with the rules of the files once promoted."""

import pytest
from tests.support.manual_clock import ManualClock
from tests.support.rule_trial import point, site_of

from cityhall_bms.adapters.memory import MemoryEventLog
from cityhall_bms.domain.errors import RefusedError, SiteError
from cityhall_bms.domain.rule_events import RuleBacktested
from cityhall_bms.ports.event_log import Append
from cityhall_bms.ports.rule_views import ShadowDay
from cityhall_bms.rules.book import fingerprint, keep_book, read_records, shadows, taking_effect
from cityhall_bms.rules.drafts import RuleDesk, parse_draft, read_draft
from cityhall_bms.rules.model import RULE_ADAPTER, Rule

SITE = site_of({"U1": "Unit"}, [point("U1", "Temp")])
IDS = {"U1.Temp": 1}
TABLE = {
    "kind": "stale", "equipment_class": "Unit", "priority": 3, "text_zh": "無資料", "text_en": "Silent", "source": "test",
}  # fmt: skip


def rule(identity: str = "A", **changed: object) -> Rule:
    found: Rule = RULE_ADAPTER.validate_python({**TABLE, "id": identity, **changed})
    return found


class Office:
    """A desk over a log in memory, at a site whose files have rule A in version 1."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.events = MemoryEventLog(self.clock)
        self.files = {"A": rule("A")}
        self.desk = RuleDesk(self.events, self.clock, SITE, IDS, self.files)

    async def start(self) -> list[Rule]:
        """What the rules role does at its start; gives what it runs."""
        rules = taking_effect(self.files, await read_records(self.events))
        await keep_book(rules, self.events, self.clock)
        return rules

    async def test(self, name: str) -> None:
        record = await self.desk.record(name)
        assert record.draft is not None
        event = RuleBacktested(name, record.draft.fingerprint, "job", "d" * 64, 0, 1, {}, self.clock.now())
        await self.desk.backtested(event, by="rules")


def test_a_draft_may_be_a_rule_file_or_the_bare_keys() -> None:
    assert parse_draft("priority = 2") == {"priority": 2}
    assert parse_draft('[[rule]]\nid = "A"') == {"id": "A"}


@pytest.mark.parametrize("text", ["[[rule]]\n[[rule]]\n", "rule = 3", "[[rule]]\n[[mode]]\n", "priority ="])
def test_what_is_no_single_rule_is_refused_with_words(text: str) -> None:
    with pytest.raises(SiteError) as caught:
        parse_draft(text)
    assert all(problem.file == "draft" and problem.remedy for problem in caught.value.problems)


def test_a_draft_gets_the_next_version_where_it_names_none() -> None:
    assert read_draft("A", TABLE, 4, SITE, IDS).version == 4
    assert read_draft("A", {**TABLE, "version": 9}, 4, SITE, IDS).version == 9


def test_every_mistake_of_a_draft_is_named() -> None:
    with pytest.raises(SiteError) as caught:
        read_draft("A", {**TABLE, "priority": 9, "colour": "red"}, 1, SITE, IDS)
    assert [problem.field for problem in caught.value.problems] == ["rule A, priority", "rule A, colour"]
    with pytest.raises(SiteError, match="this is rule A"):
        read_draft("A", {**TABLE, "id": "B"}, 1, SITE, IDS)


async def test_a_draft_with_mistakes_is_not_kept() -> None:
    office = Office()
    with pytest.raises(SiteError):
        await office.desk.draft("A", {**TABLE, "priority": 9}, by="ann")
    assert await office.events.end() == 0


async def test_a_promoted_draft_takes_effect_until_the_files_have_a_newer_version() -> None:
    office = Office()
    assert [item.priority for item in await office.start()] == [3]
    await office.desk.draft("A", {**TABLE, "priority": 2}, by="ann")
    assert [item.priority for item in await office.start()] == [3]
    with pytest.raises(RefusedError, match="not tested"):
        await office.desk.promote("A", by="ann", reason="why")
    await office.test("A")
    await office.desk.promote("A", by="ann", reason="why")
    in_force = await office.start()
    assert [(item.version, item.priority) for item in in_force] == [(2, 2)]
    record = await office.desk.record("A")
    assert record.applied is not None
    assert record.applied.fingerprint == fingerprint(in_force[0])

    office.files["A"] = rule("A", version=2, priority=1)
    assert [item.priority for item in await office.start()] == [2]
    office.files["A"] = rule("A", version=3, priority=1)
    assert [item.priority for item in await office.start()] == [1]


async def test_a_promotion_tells_how_the_shadow_fared() -> None:
    office = Office()
    await office.start()
    await office.desk.draft("A", {**TABLE, "priority": 2}, by="ann")
    await office.test("A")
    since = office.clock.now()
    await office.desk.start_shadow("A", by="ben")
    days = [ShadowDay("2026-07-01", 2, 1, 60.0)]
    promotion = (await office.desk.promote("A", by="ann", reason="why", days=days)).promotion
    assert promotion is not None
    assert promotion.evidence["shadow"] == {
        "since": since, "by": "ben", "days": [{"day": "2026-07-01", "raised": 2, "subjects": 1, "standing_s": 60.0}],
    }  # fmt: skip


async def test_a_draft_is_above_the_files_too_before_any_start_wrote_them_down() -> None:
    office = Office()
    office.files["A"] = rule("A", version=7)
    record = await office.desk.draft("A", TABLE, by="ann")
    assert record.draft is not None
    assert record.draft.version == 8
    with pytest.raises(RefusedError, match="version 8 or above"):
        await office.desk.draft("A", {**TABLE, "version": 7, "priority": 1}, by="ann")


async def test_a_promotion_may_bring_a_new_rule_or_switch_one_off() -> None:
    office = Office()
    await office.start()
    for name, table in (("B", TABLE), ("A", {**TABLE, "enabled": False})):
        await office.desk.draft(name, table, by="ann")
        await office.test(name)
        await office.desk.promote(name, by="ann", reason="why")
    assert [item.id for item in await office.start()] == ["B"]
    assert (await office.desk.record("A")).applied is None


async def test_a_draft_runs_as_a_shadow_until_it_is_dropped() -> None:
    office = Office()
    await office.start()
    await office.desk.draft("A", {**TABLE, "priority": 2}, by="ann")
    assert shadows(await read_records(office.events)) == []
    await office.desk.start_shadow("A", by="ann")
    assert [item.priority for item in shadows(await read_records(office.events))] == [2]
    await office.desk.drop_draft("A", by="ann")
    assert shadows(await read_records(office.events)) == []


async def test_a_promoted_wording_that_nobody_can_read_any_more_leaves_the_files_in_force() -> None:
    office = Office()
    await office.start()
    await office.desk.draft("A", TABLE, by="ann")
    await office.test("A")
    await office.desk.promote("A", by="ann", reason="why")
    records = await read_records(office.events)
    promotion = records["A"].promotion
    assert promotion is not None
    promotion.definition["kind"] = "of long ago"  # type: ignore[index]
    assert taking_effect(office.files, records) == [rule("A")]


async def test_two_people_at_once_both_count() -> None:
    office = Office()
    inner = office.events.append
    raced: list[bool] = []

    async def racing(appends: list[Append], checkpoint: None = None) -> object:
        if not raced:
            raced.append(True)
            await RuleDesk(office.events, office.clock, SITE, IDS, {}).draft("A", {**TABLE, "priority": 1}, by="ben")
        return await inner(appends, checkpoint)

    office.events.append = racing  # type: ignore[method-assign, assignment]
    record = await office.desk.draft("A", {**TABLE, "priority": 2}, by="ann")
    assert record.draft is not None
    assert (record.version, record.draft.by) == (2, "ann")
