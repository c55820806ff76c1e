"""Every transition of a device's alarms is told once, whichever way we hear of it."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from cityhall_drivers.bacnet.device_time import DeviceClock
from cityhall_drivers.bacnet.notices import Book, Event, Stamp, Summary

CLOCK = DeviceClock(8 * 3_600_000_000)
NOW = 1_000_000_000_000_000
NEVER = Stamp(b"\x2e\xa4\xff\xff\xff\xff\xb4\xff\xff\xff\xff\x2f", None)


def stamp(number: int) -> Stamp:
    return Stamp(bytes([0x19, number]), CLOCK.local(number))


def event(number: int, to_state: str = "high-limit", from_state: str = "normal", **changes: object) -> Event:
    told = Event("analog-input,1", "out-of-range", from_state, to_state, stamp(number), "太熱", 64, True, False)
    return replace(told, **changes)  # type: ignore[arg-type]


def summary(state: str, acknowledged: list[bool], stamps: list[Stamp], address: str = "analog-input,1") -> Summary:
    return Summary(address, state, acknowledged, stamps, [64, 80, 96])


def test_a_notification_is_a_notice_in_the_devices_words_and_in_utc() -> None:
    notice = Book("ahu01").told(event(5), CLOCK, NOW)
    assert notice is not None
    assert (notice.device, notice.address, notice.kind) == ("ahu01", "analog-input,1", "out-of-range")
    assert (notice.from_state, notice.to_state, notice.at) == ("normal", "high-limit", 5)
    assert (notice.message, notice.priority, notice.reference) == ("太熱", 64, "1905")


def test_a_notification_without_a_time_or_from_a_device_without_a_clock_has_ours() -> None:
    for clock, when in ((None, stamp(5)), (CLOCK, Stamp(b"\x19\x05", None))):
        notice = Book("ahu01").told(event(5, stamp=when), clock, NOW)
        assert notice is not None
        assert notice.at == NOW


def test_what_asks_for_no_acknowledgement_has_nothing_to_refer_to() -> None:
    notice = Book("ahu01").told(event(5, is_ack_required=False), CLOCK, NOW)
    assert notice is not None
    assert notice.reference == ""


def test_a_repeated_notification_is_told_once_and_the_next_one_again() -> None:
    book = Book("ahu01")
    assert book.told(event(5), CLOCK, NOW)
    assert book.told(event(5), CLOCK, NOW) is None
    assert book.told(event(6), CLOCK, NOW)


def test_an_acknowledgement_elsewhere_is_told_and_changes_no_state() -> None:
    book = Book("ahu01")
    book.told(event(5), CLOCK, NOW)
    notice = book.told(event(7, is_acknowledgement=True, is_ack_required=False), CLOCK, NOW)
    assert notice is not None
    assert (notice.kind, notice.to_state) == ("ack-notification", "high-limit")
    (returned,) = book.listed([], CLOCK, NOW)
    assert (returned.from_state, returned.to_state) == ("high-limit", "normal")


def test_what_stands_at_first_sight_is_told_with_what_it_asks_for() -> None:
    standing = summary("low-limit", [False, True, True], [stamp(5), NEVER, stamp(3)])
    (notice,) = Book("ahu01").listed([standing], CLOCK, NOW)
    assert (notice.kind, notice.from_state, notice.to_state) == ("out-of-range", "", "low-limit")
    assert (notice.at, notice.priority, notice.reference) == (5, 64, "1905")


def test_an_alarm_that_is_over_but_not_acknowledged_is_told_before_its_end() -> None:
    over = summary("normal", [False, True, True], [stamp(5), NEVER, stamp(9)])
    alarm, end = Book("ahu01").listed([over], CLOCK, NOW)
    assert (alarm.to_state, alarm.at, alarm.reference) == ("offnormal", 5, "1905")
    assert (end.to_state, end.at, end.reference) == ("normal", 9, "")


def test_a_fault_is_told_as_one() -> None:
    broken = summary("fault", [True, False, True], [NEVER, stamp(4), NEVER])
    (notice,) = Book("ahu01").listed([broken], CLOCK, NOW)
    assert (notice.kind, notice.to_state, notice.priority, notice.reference) == (
        "change-of-reliability",
        "fault",
        80,
        "1904",
    )


def test_what_was_notified_is_not_told_again_by_the_list_nor_the_other_way_round() -> None:
    book = Book("ahu01")
    listed = summary("high-limit", [False, True, True], [stamp(5), NEVER, NEVER])
    assert book.told(event(5), CLOCK, NOW)
    assert book.listed([listed], CLOCK, NOW) == []
    assert len(book.listed([summary("high-limit", [False, True, True], [stamp(6), NEVER, NEVER])], CLOCK, NOW)) == 1
    assert book.told(event(6), CLOCK, NOW) is None


def test_what_is_gone_from_the_list_has_returned_to_normal_once() -> None:
    book = Book("ahu01")
    book.listed([summary("high-limit", [True, True, True], [stamp(5), NEVER, NEVER])], CLOCK, NOW)
    (notice,) = book.listed([], CLOCK, NOW)
    assert (notice.from_state, notice.to_state, notice.at) == ("high-limit", "normal", NOW)
    assert book.listed([], CLOCK, NOW) == []


def test_a_notified_return_is_no_second_return_in_the_list() -> None:
    book = Book("ahu01")
    book.told(event(5), CLOCK, NOW)
    book.told(event(6, "normal", "high-limit"), CLOCK, NOW)
    assert book.listed([], CLOCK, NOW) == []


@given(st.lists(st.tuples(st.booleans(), st.sampled_from(["normal", "high-limit", "fault"])), max_size=30))
def test_however_transitions_are_heard_the_last_state_told_is_the_devices(heard: list[tuple[bool, str]]) -> None:
    book, last, stamps = Book("ahu01"), "normal", [NEVER, NEVER, NEVER]
    for number, (is_notified, state) in enumerate(heard):
        place = {"normal": 2, "fault": 1}.get(state, 0)
        stamps[place] = stamp(number)
        if is_notified:
            notices = [book.told(event(number, state), CLOCK, NOW)]
        else:
            acknowledged = [True, True, True]
            entry = [] if state == "normal" else [summary(state, acknowledged, list(stamps))]
            notices = list(book.listed(entry, CLOCK, NOW))
        told = [notice for notice in notices if notice is not None]
        last = told[-1].to_state if told else last
        assert last == state
