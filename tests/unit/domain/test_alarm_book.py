"""What is recorded when alarms, causes and permits come and go, in which order, and that nothing rings in between."""

from dataclasses import replace

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from tests.support.powered_building import EQUIPMENT, NOW, TOPOLOGY, full

from cityhall_bms.adapters.site_files.suppression import shipped_rows
from cityhall_bms.domain.alarm_book import AlarmBook, Story
from cityhall_bms.domain.alarms import (
    Alarm,
    AlarmAcknowledged,
    AlarmEvent,
    AlarmPriorityChanged,
    AlarmRaised,
    AlarmReturned,
    AlarmSuppressed,
    AlarmTakenOutOfService,
    alarm_id,
    evolve,
)
from cityhall_bms.domain.permits import Permit, PermitKind, Scope
from cityhall_bms.domain.suppression import Suppression

SHIPPED = Suppression([table.row() for table in shipped_rows()], TOPOLOGY)
S = 1_000_000
LOST, TRIP, HOT, FIRE = "E01-LOSS", "G02", "H13", "F01-Z"
PRIORITY = {LOST: 1, TRIP: 2, HOT: 3, FIRE: 1}
DRILL = Permit("drill-1", PermitKind.DRILL, Scope(zones=("05",)), NOW + 60 * S, NOW + 120 * S, "演練", "李", NOW)


def name_of(kind: str, short: str) -> str:
    return alarm_id(kind, full(short))


def raising(book: AlarmBook, kind: str, short: str, at: int, priority: int = 0) -> AlarmRaised:
    name = full(short)
    return AlarmRaised(
        rule=kind,
        rule_version=1,
        subject=name,
        equipment=name,
        system=EQUIPMENT[name][1],
        priority=priority or PRIORITY[kind],
        text_zh=kind,
        text_en=kind,
        latching=False,
        occurrence=book[name_of(kind, short)].occurrence + 1,
        observed_at=at,
    )


def keep(book: AlarmBook, story: Story) -> None:
    """Put events into the book, as if the log had them."""
    for name, events in story.items():
        alarm = book[name]
        for event in events:
            alarm = evolve(alarm, event, version=alarm.version + 1, position=0)
        book.put(alarm)


def step(book: AlarmBook, second: float, **proposed: AlarmEvent) -> dict[str, list[str]]:
    """Events of a step as ``RULE_EQUIPMENT``: types; they are in the log then."""
    at = NOW + round(second * S)
    named = {name_of(*_kind(key)): event for key, event in proposed.items()}
    story, causes = book.decide(at, named)
    keep(book, story)
    book.settle(causes)
    return {name.replace("~", "_"): [type(event).__name__ for event in events] for name, events in story.items()}


def _kind(key: str) -> tuple[str, str]:
    kind, _, short = key.partition("_")
    return {"LOST": LOST, "TRIP": TRIP, "HOT": HOT, "FIRE": FIRE}[kind], short


def told(kind: str, short: str) -> str:
    return f"{kind}_{full(short)}"


def raised_in(book: AlarmBook, second: float, *keys: str) -> dict[str, AlarmEvent]:
    return {key: raising(book, *_kind(key), NOW + round(second * S)) for key in keys}


def test_what_is_raised_hidden_is_hidden_before_it_is_raised() -> None:
    book = AlarmBook(SHIPPED)
    step(book, 0, **raised_in(book, 0, "LOST_HVM01"))

    assert step(book, 1, **raised_in(book, 1, "TRIP_AHU01", "TRIP_AHU02")) == {
        told(TRIP, "AHU01"): ["AlarmSuppressed", "AlarmRaised"],
        told(TRIP, "AHU02"): ["AlarmRaised"],
    }
    assert book[name_of(TRIP, "AHU01")].state == "DSUPR"
    assert book[name_of(TRIP, "AHU01")].suppressed_as == "SUPPLY-LOST"


def test_what_stands_downstream_is_hidden_in_the_same_append_as_its_cause() -> None:
    book = AlarmBook(SHIPPED)
    step(book, 0, **raised_in(book, 0, "TRIP_AHU01", "HOT_AHU01", "TRIP_AHU02"))

    assert step(book, 5, **raised_in(book, 5, "LOST_HVM01", "TRIP_CHC01")) == {
        told(LOST, "HVM01"): ["AlarmRaised"],
        told(TRIP, "CHC01"): ["AlarmSuppressed", "AlarmRaised"],
        told(TRIP, "AHU01"): ["AlarmSuppressed"],
        told(HOT, "AHU01"): ["AlarmSuppressed"],
    }


def test_when_the_cause_is_over_and_the_plant_had_time_what_is_still_active_rings_and_the_rest_is_normal() -> None:
    book = AlarmBook(SHIPPED)
    step(book, 0, **raised_in(book, 0, "LOST_HVM01", "TRIP_AHU01", "HOT_AHU01"))
    assert step(book, 60, LOST_HVM01=AlarmReturned(NOW + 60 * S)) == {told(LOST, "HVM01"): ["AlarmReturned"]}
    assert step(book, 90, TRIP_AHU01=AlarmReturned(NOW + 90 * S)) == {told(TRIP, "AHU01"): ["AlarmReturned"]}
    assert book.is_in_order(NOW + 359 * S)
    assert not book.is_in_order(NOW + 360 * S)

    assert step(book, 360) == {
        told(TRIP, "AHU01"): ["AlarmUnsuppressed"],
        told(HOT, "AHU01"): ["AlarmUnsuppressed"],
    }
    assert (book[name_of(TRIP, "AHU01")].state, book[name_of(HOT, "AHU01")].state) == ("NORM", "UNACK")
    assert book.is_in_order(NOW + 361 * S)


def test_an_alarm_that_becomes_life_safety_while_it_is_hidden_rings_at_once() -> None:
    book = AlarmBook(SHIPPED)
    step(book, 0, **raised_in(book, 0, "LOST_HVM01", "TRIP_AHU01"))

    worse = AlarmPriorityChanged(1, "x", "x", NOW + S)
    assert step(book, 1, TRIP_AHU01=worse) == {told(TRIP, "AHU01"): ["AlarmPriorityChanged", "AlarmUnsuppressed"]}
    milder = AlarmPriorityChanged(2, "x", "x", NOW + 2 * S)
    assert step(book, 2, TRIP_AHU01=milder) == {told(TRIP, "AHU01"): ["AlarmPriorityChanged", "AlarmSuppressed"]}


def test_a_drill_tags_what_it_sets_off_until_its_end() -> None:
    book = AlarmBook(SHIPPED)
    book.put_permit(DRILL)
    step(book, 30, **raised_in(book, 30, "HOT_AHU01"))
    assert not book.is_in_order(NOW + 60 * S)

    assert step(book, 60, **raised_in(book, 60, "FIRE_FZN01")) == {
        told(FIRE, "FZN01"): ["AlarmSuppressed", "AlarmRaised"]
    }
    assert (book[name_of(FIRE, "FZN01")].drill, book[name_of(FIRE, "FZN01")].state) == ("drill-1", "DSUPR")
    assert step(book, 120) == {told(FIRE, "FZN01"): ["AlarmUnsuppressed"]}
    assert book[name_of(FIRE, "FZN01")].state == "UNACK"

    step(book, 130, FIRE_FZN01=AlarmReturned(NOW + 130 * S))
    step(book, 131, **raised_in(book, 131, "FIRE_FZN01"))
    assert book[name_of(FIRE, "FZN01")].drill == ""


def test_what_somebody_else_wrote_is_put_in_order_too() -> None:
    book = AlarmBook(SHIPPED)
    step(book, 0, **raised_in(book, 0, "LOST_HVM01", "TRIP_AHU01"))

    out = AlarmTakenOutOfService(NOW + S, "李", "17", NOW + 99 * S, "電驛檢修")
    keep(book, {name_of(LOST, "HVM01"): [out]})
    assert not book.is_in_order(NOW + S)
    assert step(book, 1) == {told(TRIP, "AHU01"): ["AlarmUnsuppressed"]}

    story: Story = {name_of(HOT, "AHU01"): [raising(book, HOT, "AHU01", NOW)]}
    keep(book, story)
    assert not book.is_in_order(NOW + 2 * S)
    assert step(book, 2) == {}
    assert book.is_in_order(NOW + 2 * S)


def test_a_decision_changes_nothing_until_the_log_has_it() -> None:
    book = AlarmBook(SHIPPED)
    proposed: dict[str, AlarmEvent] = {name_of(LOST, "HVM01"): raising(book, LOST, "HVM01", NOW)}

    assert book.decide(NOW, proposed) == book.decide(NOW, proposed)
    assert book[name_of(LOST, "HVM01")] == Alarm(name_of(LOST, "HVM01"))


def test_permits_that_were_over_when_another_was_opened_are_forgotten() -> None:
    book = AlarmBook(SHIPPED)
    book.put_permit(DRILL)
    book.put_permit(replace(DRILL, permit="drill-2", opened_at=DRILL.end + 1))

    assert book.permit("drill-1") is None
    assert book.permit("drill-2") is not None


ALARMS = [
    (LOST, "HVM01"),
    (LOST, "LVP01"),
    (TRIP, "CHC01"),
    (TRIP, "AHU01"),
    (HOT, "AHU01"),
    (HOT, "AHU02"),
    (FIRE, "FZN01"),
]
PERMITS = [
    replace(DRILL, permit=f"permit-{number}", kind=kind, scope=Scope(zones=(zone,)), begin=NOW + begin * S,
            until=NOW + (begin + 40) * S)
    for number, (kind, zone, begin) in enumerate(
        [(PermitKind.WORKS, "05.W", 20), (PermitKind.DRILL, "05", 50), (PermitKind.TEST, "05.E", 10)]
    )
]  # fmt: skip


class BookOfAlarms(RuleBasedStateMachine):
    """Anything happens in any order; what is hidden is always what a book that begins anew would hide."""

    def __init__(self) -> None:
        super().__init__()
        self.book = AlarmBook(SHIPPED)
        self.alarms: dict[str, Alarm] = {}
        self.permits: list[Permit] = []
        self.second = 0

    def take(self, proposed: dict[str, AlarmEvent]) -> None:
        self.second += 1
        story, causes = self.book.decide(NOW + self.second * S, proposed)
        keep(self.book, story)
        self.book.settle(causes)
        for name, events in story.items():
            kinds = [type(event) for event in events]
            if AlarmSuppressed in kinds and AlarmRaised in kinds:
                assert kinds.index(AlarmSuppressed) < kinds.index(AlarmRaised), "it would have rung"
            self.alarms[name] = self.book[name]

    @rule(which=st.lists(st.sampled_from(ALARMS), min_size=1, max_size=3, unique=True))
    def change(self, which: list[tuple[str, str]]) -> None:
        at = NOW + (self.second + 1) * S
        proposed: dict[str, AlarmEvent] = {}
        for kind, short in which:
            name = name_of(kind, short)
            proposed[name] = AlarmReturned(at) if self.book[name].active else raising(self.book, kind, short, at)
        self.take(proposed)

    @rule(which=st.sampled_from(ALARMS))
    def acknowledge_whatever_it_is(self, which: tuple[str, str]) -> None:
        if self.book[name_of(*which)].state == "UNACK":
            keep(self.book, {name_of(*which): [AlarmAcknowledged(NOW, "王")]})
            self.alarms[name_of(*which)] = self.book[name_of(*which)]

    @rule(seconds=st.sampled_from([1, 30, 300]))
    def wait(self, seconds: int) -> None:
        self.second += seconds
        self.take({})

    @rule(permit=st.sampled_from(PERMITS))
    def allow(self, permit: Permit) -> None:
        if permit not in self.permits:
            self.permits.append(permit)
            self.book.put_permit(permit)

    @invariant()
    def a_book_that_begins_with_the_same_alarms_finds_all_in_order(self) -> None:
        self.take({})
        fresh = AlarmBook(SHIPPED)
        for alarm in self.alarms.values():
            fresh.put(alarm)
        for permit in self.permits:
            fresh.put_permit(permit)
        assert fresh.decide(NOW + self.second * S, {})[0] == {}
        assert self.book.is_in_order(NOW + self.second * S)

    @invariant()
    def life_safety_is_hidden_by_exercises_only(self) -> None:
        for alarm in self.alarms.values():
            assert alarm.priority > 1 or not alarm.suppressed or alarm.suppressed_as in {"DRILL", "TEST"}


TestBookOfAlarms = BookOfAlarms.TestCase
