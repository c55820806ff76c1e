"""An alarm chatters from its third change within a minute on, until a minute passed without one."""

from cityhall_bms.domain.alarms import Alarm, AlarmState
from cityhall_bms.domain.chatter import ChatterWatch

SECOND = 1_000_000
NOW = 1_782_864_000 * SECOND


def at(second: int, *, active: bool, name: str = "a") -> Alarm:
    moment = NOW + second * SECOND
    if active:
        return Alarm(name, base=AlarmState.UNACKNOWLEDGED, raised_at=moment)
    return Alarm(name, base=AlarmState.RETURNED_UNACKNOWLEDGED, raised_at=NOW, returned_at=moment)


def test_pain_29_chattering_is_seen_with_the_third_change_and_every_further_one_is_counted() -> None:
    watch = ChatterWatch()

    counts = [watch.take(at(10 * n, active=n % 2 == 0)) for n in range(6)]

    assert counts == [0, 0, 3, 4, 5, 6]
    assert watch.changes("a", NOW + 110 * SECOND) == 6
    assert watch.changes("a", NOW + 111 * SECOND) == 0


def test_slow_changes_and_what_operators_do_are_no_chatter() -> None:
    watch = ChatterWatch()
    slow = [watch.take(at(40 * n, active=n % 2 == 0)) for n in range(6)]
    acknowledged = [watch.take(Alarm("b", base=base, raised_at=NOW)) for base in (
        AlarmState.UNACKNOWLEDGED, AlarmState.ACKNOWLEDGED, AlarmState.UNACKNOWLEDGED, AlarmState.ACKNOWLEDGED,
    )]  # fmt: skip

    assert (slow, acknowledged) == ([0] * 6, [0] * 4)


def test_after_a_quiet_minute_the_count_begins_anew() -> None:
    watch = ChatterWatch()
    for n in range(4):
        watch.take(at(n, active=n % 2 == 0))

    assert watch.take(at(64, active=True)) == 0
    assert watch.changes("unknown", NOW) == 0
