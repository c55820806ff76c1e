"""Alarms are grouped under the equipment that caused them; the first of a group is marked."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from cityhall_bms.domain.alarm_groups import AlarmGroup, AlarmGroups, causal_order, group
from cityhall_bms.domain.alarms import Alarm, AlarmState, alarm_id
from cityhall_bms.domain.site import Equipment, System, Text
from cityhall_bms.domain.topology import Topology

SECOND = 1_000_000
NOW = 1_782_864_000 * SECOND
NAME = Text("名", "name")
FED_BY = {"TX": (), "MDB": ("TX",), "CHC": ("MDB",), "AHU": ("CHC", "MDB"), "VAV": ("AHU",), "LIFT": ()}
DEVICE_OF = {"AHU.SAT": "ahu-1", "AHU.RAT": "ahu-1", "LIFT.S": "lift-1"}


def topology() -> Topology:
    equipment = {name: Equipment(name, "Thing", System.HVAC, NAME, fed_by) for name, fed_by in FED_BY.items()}
    equipment["FAN"] = Equipment("FAN", "Fan", System.HVAC, NAME, part_of=("AHU",))
    feeds: dict[str, set[str]] = {}
    for name, sources in FED_BY.items():
        for source in sources:
            feeds.setdefault(source, set()).add(name)
    return Topology(
        equipment,
        {name: frozenset(fed) for name, fed in feeds.items()},
        {"AHU": frozenset({"FAN"})},
        DEVICE_OF,
        {"AHU": frozenset({"ahu-1"}), "LIFT": frozenset({"lift-1"})},
    )


def alarm(equipment: str, began_s: float, rule: str = "R", subject: str = "", **changes: object) -> Alarm:
    about = subject or equipment
    raised = Alarm(
        alarm_id(rule, about), rule=rule, subject=about, equipment=equipment, base=AlarmState.UNACKNOWLEDGED,
        raised_at=NOW + round(began_s * SECOND), position=1, version=1,
    )  # fmt: skip
    return replace(raised, **changes)


def shown(groups: list[AlarmGroup]) -> dict[str, list[str]]:
    return {found.cause: [member.subject for member in found.alarms] for found in groups}


def test_a_lost_supply_has_everything_downstream_under_it_in_the_order_in_which_it_happened() -> None:
    alarms = [alarm("VAV", 30), alarm("AHU", 20), alarm("LIFT", 15), alarm("CHC", 10), alarm("TX", 0)]

    groups = group(alarms, topology())

    assert shown(groups) == {"TX": ["TX", "CHC", "AHU", "VAV"], "LIFT": ["LIFT"]}
    assert groups[0].first_up.subject == "TX"


def test_what_came_first_is_first_up_even_where_its_cause_was_noticed_a_little_later() -> None:
    [found] = group([alarm("TX", 20), alarm("CHC", 0)], topology())

    assert (found.cause, found.first_up.subject) == ("TX", "CHC")


def test_what_began_long_before_or_well_after_is_no_cause() -> None:
    assert shown(group([alarm("TX", 0), alarm("CHC", 3_601)], topology())) == {"TX": ["TX"], "CHC": ["CHC"]}
    assert shown(group([alarm("TX", 61), alarm("CHC", 0)], topology())) == {"CHC": ["CHC"], "TX": ["TX"]}


def test_priority_1_is_never_under_what_is_less_urgent() -> None:
    trip, smoke = alarm("CHC", 0, priority=2), alarm("AHU", 20, priority=1)
    groups = AlarmGroups(topology())
    for one in (trip, smoke, alarm("VAV", 30, priority=3)):
        groups.take(one)

    assert shown(groups.all()) == {"CHC": ["CHC", "VAV"], "AHU": ["AHU"]}

    groups.take(replace(trip, priority=1))
    assert shown(groups.all()) == {"CHC": ["CHC", "AHU", "VAV"]}


def test_what_was_over_before_is_no_cause() -> None:
    over = alarm("TX", 0, base=AlarmState.RETURNED_UNACKNOWLEDGED, returned_at=NOW + 30 * SECOND)

    assert shown(group([over, alarm("CHC", 80)], topology())) == {"TX": ["TX", "CHC"]}
    assert shown(group([over, alarm("CHC", 100)], topology())) == {"TX": ["TX"], "CHC": ["CHC"]}


def test_a_lost_device_has_the_alarms_of_its_points_under_it() -> None:
    lost = alarm("AHU", 0, "OFFLINE", "ahu-1")

    assert shown(group([alarm("AHU", 5, "HI", "AHU.SAT"), lost, alarm("LIFT", 6, "HI", "LIFT.S")], topology())) == {
        "ahu-1": ["ahu-1", "AHU.SAT"],
        "LIFT": ["LIFT.S"],
    }


def test_parts_and_several_alarms_of_one_equipment_are_together() -> None:
    assert shown(group([alarm("AHU", 1), alarm("FAN", 2), alarm("AHU", 3, "R2")], topology())) == {
        "AHU": ["AHU", "FAN", "AHU"]
    }


def test_normal_alarms_are_in_no_group() -> None:
    assert group([alarm("TX", 0, base=AlarmState.NORMAL)], topology()) == []
    assert AlarmGroups(topology()).place("R~TX") is None


def test_the_place_of_an_alarm_names_its_cause_and_whether_it_came_first() -> None:
    groups = AlarmGroups(topology())
    groups.take(alarm("CHC", 10))
    assert groups.place("R~CHC") == ("CHC", True)

    groups.take(alarm("TX", 0))

    assert groups.place("R~CHC") == ("TX", False)
    assert groups.place("R~TX") == ("TX", True)


STEPS = st.lists(
    st.tuples(
        st.sampled_from([*FED_BY, "FAN", "ahu-1", "AHU.SAT"]),
        st.integers(0, 200),
        st.sampled_from([AlarmState.UNACKNOWLEDGED, AlarmState.RETURNED_UNACKNOWLEDGED, AlarmState.NORMAL]),
        st.integers(1, 3),
    ),
    max_size=20,
)


@given(STEPS)
def test_groups_kept_up_to_date_are_those_made_anew(steps: list[tuple[str, int, AlarmState, int]]) -> None:
    groups = AlarmGroups(topology())
    standing: dict[str, Alarm] = {}
    for about, second, state, priority in steps:
        equipment = "AHU" if about in {"ahu-1", "AHU.SAT"} else about
        returned = None if state is AlarmState.UNACKNOWLEDGED else NOW + (second + 10) * SECOND
        one = alarm(equipment, second, "R", about, base=state, returned_at=returned, priority=priority)
        groups.take(one)
        standing[one.alarm_id] = one

    assert groups.all() == group(standing.values(), topology())
    for found in groups.all():
        assert list(found.alarms) == sorted(found.alarms, key=causal_order)
        for member in found.alarms:
            assert groups.place(member.alarm_id) == (found.cause, member is found.first_up)


def test_equipment_that_feeds_each_other_in_a_ring_is_one_group() -> None:
    ring = Topology(
        {name: Equipment(name, "Bus", System.POWER, NAME, (other,)) for name, other in (("A", "B"), ("B", "A"))},
        {"A": frozenset({"B"}), "B": frozenset({"A"})},
    )

    assert shown(group([alarm("B", 1), alarm("A", 0)], ring)) == {"A": ["A", "B"]}


def test_an_acknowledgement_moves_nothing() -> None:
    groups = AlarmGroups(topology())
    first, second = alarm("CHC", 0, position=1), alarm("AHU", 0, position=2)
    groups.take(first)
    groups.take(second)

    groups.take(replace(first, base=AlarmState.ACKNOWLEDGED, position=3))

    [found] = groups.all()
    assert [member.position for member in found.alarms] == [3, 2]
    assert groups.place(first.alarm_id) == ("CHC", True)


def test_what_is_about_no_equipment_causes_nothing_not_even_itself() -> None:
    groups = AlarmGroups(topology())
    # Hidden before it is raised for the first time, an alarm does not say yet what it is about.
    hidden = Alarm("R~MDB", suppressed_by="R~TX", version=1)
    groups.take(alarm("MDB", 10))
    groups.take(hidden)
    assert groups.place("R~MDB") == ("", True)

    groups.take(alarm("", 0, subject="spool:full"))
    groups.take(alarm("MDB", 11, suppressed_by="R~TX"))
    assert groups.place("R~MDB") == ("MDB", True)
