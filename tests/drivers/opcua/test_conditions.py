"""What becomes of a server's events without a server: told once, bounded, in our own terms."""

import logging
from dataclasses import replace
from datetime import UTC

import pytest
from asyncua import ua
from hypothesis import given
from hypothesis import strategies as st

from cityhall_drivers.opcua import conditions
from cityhall_drivers.opcua.conditions import Book, Condition, Marker, acknowledged_by, kebab, priority_of, reference_of
from cityhall_drivers.opcua.stack_events import event_of

NOW = 1_782_864_000_000_000
TRIP = Condition("ns=2;i=5", b"\x01", "trip-alarm", "ns=2;i=4", "Pump", "tripped", 800, NOW - 7, True, False)
OVER = replace(TRIP, is_active=False, is_acknowledged=True)


def book() -> Book:
    return Book("plc", {"ns=2;s=Temp"})


def test_an_end_of_which_we_heard_no_beginning_is_told_since_it_may_have_begun_before_we_did() -> None:
    [notice] = book().take(OVER, NOW)
    assert (notice.address, notice.to_state) == ("ns=2;i=5", "normal")


def test_a_condition_without_a_time_is_of_now() -> None:
    [notice] = book().take(replace(TRIP, at=0), NOW)
    assert notice.at == NOW


def test_what_is_over_while_the_list_is_told_is_told_once() -> None:
    told = book()
    told.take(TRIP, NOW)
    told.take(Marker.REFRESH_START, NOW)
    assert [one.to_state for one in told.take(OVER, NOW)] == ["normal"]
    assert told.take(Marker.REFRESH_END, NOW) == []
    assert len(told) == 0


def test_the_end_of_a_list_without_its_beginning_ends_nothing() -> None:
    told = book()
    told.take(TRIP, NOW)
    assert told.take(Marker.REFRESH_END, NOW) == []
    assert len(told) == 1


def test_of_two_conditions_of_a_point_the_one_missing_on_the_list_does_not_end_the_alarm() -> None:
    told = book()
    high, rate = (replace(TRIP, condition=name, source="ns=2;s=Temp") for name in ("ns=2;i=8", "ns=2;i=9"))
    for one in (high, rate):
        told.take(one, NOW)
    told.take(Marker.REFRESH_START, NOW)
    told.take(rate, NOW)
    assert told.take(Marker.REFRESH_END, NOW) == []
    [notice] = told.take(replace(rate, is_active=False), NOW)
    assert (notice.address, notice.to_state) == ("ns=2;s=Temp", "normal")


def test_an_acknowledgement_names_the_newest_event_of_what_was_told_and_of_nothing_later() -> None:
    told = book()
    [raised] = told.take(TRIP, NOW)
    assert told.take(replace(TRIP, event=b"\x02", message="tripped, 3 kV"), NOW) == []
    assert told.latest(TRIP.condition, TRIP.event) == b"\x02"
    worse = replace(TRIP, event=b"\x03", severity=999)
    assert told.take(worse, NOW)
    assert told.latest(TRIP.condition, TRIP.event) == TRIP.event, "what came since was told as news: it is not meant"
    assert told.latest(TRIP.condition, b"\x03") == b"\x03"
    assert raised.reference == reference_of(TRIP.condition, TRIP.event)


def test_more_alarms_than_anybody_can_read_are_not_kept(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(conditions, "CONDITIONS_MAX", 3)
    told = book()
    with caplog.at_level(logging.WARNING):
        notices = [one for n in range(5) for one in told.take(replace(TRIP, condition=f"ns=2;i={n}"), NOW)]
    assert (len(notices), len(told)) == (3, 3)
    assert len(caplog.records) == 1
    assert told.take(replace(OVER, condition="ns=2;i=0"), NOW), "those that are known go on"


@pytest.mark.parametrize(("severity", "priority"), [(1000, 0), (750, 64), (500, 128), (1, 255), (0, 255), (5000, 0)])
def test_the_most_severe_is_the_most_urgent(severity: int, priority: int) -> None:
    assert priority_of(severity) == priority


def test_a_reference_names_condition_and_event_and_nothing_else_is_one() -> None:
    assert acknowledged_by(reference_of("ns=2;s=a b", b"\x00\xff")) == ("ns=2;s=a b", b"\x00\xff")
    for text in ("", "00ff", "zz ns=2;s=a"):
        assert acknowledged_by(text) is None


def test_a_kind_reads_as_those_of_other_protocols_do() -> None:
    assert kebab("ExclusiveLevelAlarmType") == "exclusive-level-alarm"
    assert kebab("ConditionType") == "condition"


def fields(**given: object) -> list[object]:
    """An event of an acknowledgeable alarm, as its selected fields."""
    event = {
        "event": b"\x01",
        "type": ua.NodeId(ua.ObjectIds.TripAlarmType),
        "source": ua.NodeId("Pump", 2),
        "source_name": "Pump",
        "time": None,
        "message": ua.LocalizedText("tripped"),
        "severity": 800,
        "condition": ua.NodeId(5, 2),
        "name": "Trip",
        "branch": ua.NodeId(),
        "retain": True,
        "enabled": True,
        "acked": False,
        "active": True,
    }
    return list((event | given).values())


def test_an_event_that_is_of_no_condition_is_none_of_ours() -> None:
    assert event_of(fields(type=ua.NodeId(ua.ObjectIds.AuditWriteUpdateEventType), condition=None, name=None)) is None
    assert event_of(fields()[:-1]) is None
    assert event_of(fields(branch=ua.NodeId(77, 2))) is None


def test_a_condition_without_a_node_goes_by_its_source_and_name() -> None:
    said = event_of(fields(condition=None))
    assert isinstance(said, Condition)
    assert said.condition == "ns=2;s=Pump/Trip"


def test_a_condition_that_is_no_alarm_stands_as_long_as_it_is_retained() -> None:
    said = [event_of(fields(active=None, acked=None, retain=retain)) for retain in (True, False)]
    assert [(one.is_active, one.is_acknowledged) for one in said if isinstance(one, Condition)] == [
        (True, True),
        (False, True),
    ]


def test_the_type_of_a_server_of_its_own_is_told_by_the_conditions_name() -> None:
    kinds = [event_of(fields(type=ua.NodeId(9, 3), name=name)) for name in ("Overpressure", None)]
    assert [one.kind for one in kinds if isinstance(one, Condition)] == ["Overpressure", "ns=3;i=9"]


ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.text(max_size=5),
    st.binary(max_size=5),
    st.datetimes(),
    st.datetimes(timezones=st.just(UTC)),
    st.text(max_size=5).map(ua.LocalizedText),
    st.builds(ua.NodeId, st.integers(0, 20_000) | st.text(min_size=1, max_size=5) | st.uuids(), st.integers(0, 3)),
    st.lists(st.integers(), max_size=2),
)


@given(st.lists(ANYTHING, min_size=14, max_size=14))
def test_whatever_a_server_puts_into_an_event_the_listening_goes_on(nonsense: list[object]) -> None:
    said = event_of(nonsense)
    if isinstance(said, Condition):
        for notice in book().take(said, NOW):
            assert 0 <= (notice.priority or 0) <= 255
            assert notice.address
            assert notice.at >= 0


@pytest.mark.parametrize("name", ["RefreshRequiredEventType", "EventQueueOverflowEventType"])
def test_lost_events_make_us_ask_anew(name: str) -> None:
    assert event_of(fields(type=ua.NodeId(getattr(ua.ObjectIds, name)))) is Marker.REFRESH_REQUIRED
