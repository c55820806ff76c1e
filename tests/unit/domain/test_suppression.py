"""What hides what: the shipped table over a small building."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.powered_building import EQUIPMENT, NOW, TOPOLOGY, alarm, full

from cityhall_bms.adapters.site_files.suppression import shipped_rows
from cityhall_bms.domain.alarms import Alarm, AlarmState
from cityhall_bms.domain.permits import Permit, PermitKind, Scope
from cityhall_bms.domain.suppression import Cover, Relation, Row, Suppression, Veil, Which

ROWS = [table.row() for table in shipped_rows()]
SHIPPED = Suppression(ROWS, TOPOLOGY, {"G01": ["G01"], "G01-2": ["G01"]})
RETURNED = AlarmState.RETURNED_UNACKNOWLEDGED
MINUTE = timedelta(minutes=1) // timedelta(microseconds=1)


def veil(alarms: Sequence[Alarm], *permits: Permit, at: int = NOW, suppression: Suppression = SHIPPED) -> Veil:
    causes = suppression.causes(alarms, permits, at)
    return Veil.of(
        suppression,
        causes,
        {item.alarm_id: item for item in alarms},
        {item.permit: item for item in permits},
    )


def hidden(alarms: Sequence[Alarm], *permits: Permit, at: int = NOW) -> dict[str, str]:
    """Alarms that are hidden, as ``RULE@EQUIPMENT``, each with the row by which it is."""
    over = veil(alarms, *permits, at=at)
    covers = {f"{item.rule}@{item.subject.split('.')[3]}": over.over(item) for item in alarms}
    return {name: cover.relation for name, cover in covers.items() if cover is not None}


def permit(kind: PermitKind, begin: int = NOW, **scope: tuple[str, ...]) -> Permit:
    return Permit("permit-1", kind, Scope(**scope), begin, NOW + 60 * MINUTE, "換管", "李", NOW - MINUTE)


def test_a_lost_supply_hides_what_happens_downstream_and_stays_to_be_seen_itself() -> None:
    alarms = [
        alarm("E01-LOSS", "HVM01", priority=1),
        alarm("E01", "HVM01.A", priority=2),
        alarm("E01", "LVP01.A", priority=2),
        alarm("G02", "CHC01", priority=2),
        alarm("H13", "AHU01"),
        alarm("H13", "AHU02"),
        alarm("E08", "UPS01", priority=2),
    ]

    assert hidden(alarms) == dict.fromkeys(["E01@HVM01", "E01@LVP01", "G02@CHC01", "H13@AHU01"], "SUPPLY-LOST")


def test_the_supply_that_was_lost_first_in_the_line_hides_the_others() -> None:
    alarms = [
        alarm("E01-LOSS", "HVM01", priority=2),
        alarm("E01-LOSS", "LVP01", priority=2),
        alarm("E01-LOSS", "LVP02", priority=2),
    ]

    assert hidden(alarms) == {"E01-LOSS@LVP01": "SUPPLY-LOST"}


def test_priority_one_is_hidden_by_no_cause() -> None:
    alarms = [alarm("E01-LOSS", "HVM01", priority=1), alarm("L01", "ELV01", priority=1)]

    assert hidden(alarms, permit(PermitKind.WORKS, zones=("05.W",))) == {}


def test_comfort_is_hidden_once_all_chillers_that_feed_it_have_tripped() -> None:
    comfort = [alarm("H13", "AHU01"), alarm("G03", "AHU02", priority=2)]
    one, other = alarm("CH-TRIP", "CHC01.A", priority=2), alarm("G03", "CHC02.A", priority=2)

    assert hidden([one, *comfort]) == {}
    assert hidden([one, other, *comfort]) == {"H13@AHU01": "PLANT-DOWN"}


def test_a_fan_that_smoke_or_its_drive_has_stopped_is_not_said_to_disobey_as_well() -> None:
    disobeys, other = alarm("G02", "AHU01", priority=2), alarm("G02", "AHU02", priority=2)

    for cause in (alarm("H15", "AHU01", priority=1), alarm("VFD-FAULT", "AHU01", priority=2)):
        assert hidden([cause, disobeys, other]) == {"G02@AHU01": "FAN-STOPPED"}


def test_a_silent_device_hides_what_is_known_through_it_alone() -> None:
    offline = replace(alarm("G01-2", "AHU01"), alarm_id="G01-2~panel-ahu01", subject="panel-ahu01")
    told = replace(alarm("DEVICE", "AHU01"), alarm_id="DEVICE~panel-ahu01:ai,3", subject="panel-ahu01:ai,3")
    over = veil([offline])

    assert over.over(alarm("H13", "AHU01")) == over.over(alarm("H13", "AHU01.B")) == over.over(told)
    assert over.over(told) == Cover("G01-2~panel-ahu01", "DEVICE-OFFLINE")
    assert over.over(alarm("H13", "AHU02")) is over.over(offline) is None


def test_a_device_without_power_is_hidden_and_hides_no_lost_supply() -> None:
    supply = alarm("E01-LOSS", "LVP01", priority=2)
    silent = [
        replace(alarm("G01", short), alarm_id=f"G01~panel-{short.lower()}", subject=f"panel-{short.lower()}")
        for short in ("LVP01", "CHC01")
    ]
    over = veil([supply, *silent])

    assert over.over(supply) is None
    assert [over.over(item) for item in silent] == [Cover(supply.alarm_id, "SUPPLY-LOST")] * 2


def test_a_fire_alarm_hides_that_lifts_are_recalled_anywhere_and_nothing_that_is_severe() -> None:
    fire = alarm("F01-Z", "FZN01", priority=1)
    recalled = alarm("L02-MODE", "ELV01", priority=2)
    assert hidden([fire, recalled, alarm("L02", "ELV01", priority=2)]) == {"L02-MODE@ELV01": "FIRE"}
    assert hidden([fire, alarm("L02-MODE", "ELV01", priority=1)]) == {}
    assert hidden([recalled]) == {}


def test_a_works_permit_hides_its_zone_and_what_stood_there_before() -> None:
    alarms = [alarm("H13", "AHU01", raised_at=NOW - MINUTE), alarm("H13", "AHU02")]

    assert hidden(alarms, permit(PermitKind.WORKS, zones=("05.W",))) == {"H13@AHU01": "WORKS"}
    assert hidden(alarms, permit(PermitKind.WORKS, equipment=(full("AHU02"),))) == {"H13@AHU02": "WORKS"}
    assert hidden(alarms, permit(PermitKind.WORKS, zones=("05.W",), systems=("fire",))) == {}


def test_a_drill_hides_the_fire_alarms_that_it_sets_off_and_not_those_that_stood_before() -> None:
    drill = permit(PermitKind.DRILL, zones=("05",))
    fire = alarm("F01-Z", "FZN01", priority=1)

    assert veil([], drill).over(fire) == Cover("permit-1", "DRILL", is_exercise=True)
    assert veil([], drill).over(replace(fire, raised_at=NOW - 1)) is None
    # What a drill interlocks is hidden too; people in a lift are not.
    assert veil([], drill).over(alarm("G02", "AHU01", priority=2)) == Cover("permit-1", "DRILL-EFFECTS", True)
    assert veil([], drill).over(alarm("L01", "ELV01", priority=1)) is None


def test_a_test_window_hides_everything_in_its_scope() -> None:
    window = permit(PermitKind.TEST, equipment=(full("GEN01"),))

    assert veil([], window).over(alarm("E10", "GEN01", priority=1)) == Cover("permit-1", "TEST", is_exercise=True)
    assert veil([], window).over(alarm("E10", "ATS01", priority=1)) is None


@pytest.mark.parametrize(("at", "holds"), [(NOW - 1, False), (NOW, True), (NOW + 60 * MINUTE, False)])
def test_a_permit_hides_from_its_begin_to_its_end(at: int, holds: bool) -> None:
    assert bool(hidden([alarm("H13", "AHU01")], permit(PermitKind.WORKS, zones=("05",)), at=at)) is holds


def test_a_cause_goes_on_hiding_while_the_plant_starts_again() -> None:
    over = replace(alarm("E01-LOSS", "HVM01", priority=2), base=RETURNED, returned_at=NOW)
    alarms = [over, alarm("H13", "AHU01")]

    assert hidden(alarms, at=NOW + 5 * MINUTE - 1) == {"H13@AHU01": "SUPPLY-LOST"}
    assert hidden(alarms, at=NOW + 5 * MINUTE) == {}


def test_what_is_out_of_service_hides_nothing_and_what_is_shelved_still_does() -> None:
    cause, other = alarm("E01-LOSS", "HVM01", priority=2), alarm("H13", "AHU01")

    assert hidden([replace(cause, out_of_service_by="李"), other]) == {}
    assert hidden([replace(cause, shelved_until=NOW + 1), other]) == {"H13@AHU01": "SUPPLY-LOST"}


def test_a_cover_stays_the_same_while_it_holds() -> None:
    first, second = alarm("E01-LOSS", "HVM01", priority=2), alarm("E01-LOSS", "LVP01", priority=2)
    comfort = alarm("H13", "AHU01")
    over = veil([first, second])

    assert over.over(comfort) == Cover(first.alarm_id, "SUPPLY-LOST")
    kept = replace(comfort, suppressed_by=second.alarm_id, suppressed_as="SUPPLY-LOST")
    assert over.over(kept) == Cover(second.alarm_id, "SUPPLY-LOST")
    gone = replace(comfort, suppressed_by="E01-LOSS~gone", suppressed_as="SUPPLY-LOST")
    assert over.over(gone) == Cover(first.alarm_id, "SUPPLY-LOST")


@pytest.mark.parametrize(
    ("which", "expected"),
    [
        (Which(), True),
        (Which(rules=frozenset({"H13"})), True),
        (Which(rules=frozenset({"H14"})), False),
        (Which(rules=frozenset({"H14"}), detects=frozenset({"FC13"})), True),
        (Which(systems=frozenset({"power"})), False),
        (Which(classes=frozenset({"Air_Handling_Unit"})), True),
        (Which(classes=frozenset({"Fan"})), False),
        (Which(rules=frozenset({"H13"}), priorities=frozenset({1, 2})), False),
    ],
)
def test_alarms_are_chosen_by_rule_or_detection_and_system_class_and_priority(which: Which, expected: bool) -> None:
    assert Suppression((), TOPOLOGY, {"H13": ["FC13"]}).means(which, alarm("H13", "AHU01")) is expected


CAUSES = [Which(rules=frozenset({rule})) for rule in "PQR"]
TABLES = st.lists(
    st.builds(
        Row,
        id=st.sampled_from("XYZ"),
        hides=st.just(Which()),
        cause=st.sampled_from(CAUSES),
        relations=st.lists(st.sampled_from(list(Relation)), min_size=1, max_size=3, unique=True).map(tuple),
    ),
    min_size=1,
    max_size=4,
)
SHORT = [name.rpartition(".")[2] for name in EQUIPMENT]
ACTIVE = st.lists(st.tuples(st.sampled_from("PQRS"), st.sampled_from(SHORT)), min_size=1, max_size=8, unique=True)


@given(TABLES, ACTIVE)
def test_no_table_lets_alarms_hide_each_other_so_that_one_always_stays_to_be_seen(
    rows: list[Row], active: list[tuple[str, str]]
) -> None:
    rows = [replace(row, id=f"{row.id}{place}") for place, row in enumerate(rows)]
    alarms = [alarm(rule, short) for rule, short in active]
    over = veil(alarms, suppression=Suppression(rows, TOPOLOGY))
    hidden_by = {item.alarm_id: cover.by for item in alarms if (cover := over.over(item)) is not None}

    for name in hidden_by:
        way = [name]
        while way[-1] in hidden_by:
            way.append(hidden_by[way[-1]])
            assert len(way) == len(set(way)), f"nobody sees why: {way}"
