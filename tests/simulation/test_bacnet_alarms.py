"""When an alarm of a BACnet object begins and ends: delays, deadbands, faults (ANSI/ASHRAE 135, 13.3)."""

import numpy as np
import pytest

from cityhall_simulators.faces.bacnet_alarms import (
    FAULT,
    HIGH_LIMIT,
    LOW_LIMIT,
    NORMAL,
    OFF_NORMAL,
    Alarm,
    Conditions,
    EventStates,
    advance,
)

LEVEL = Alarm(3, low=30.0, high=90.0, deadband=3.0, delay_s=60.0)
TRIP = Alarm(2, state=1.0)


def states_over_time(alarm: Alarm, story: list[tuple[float, float]], bad: tuple[float, ...] = ()) -> list[int]:
    """Event state after each of (seconds, value); ``bad`` names the seconds at which the sensor is broken."""
    states, found = EventStates.normal(1), []
    for at_s, value in story:
        states = advance(Conditions([alarm]), states, np.array([value]), np.array([at_s in bad]), at_s)
        found.append(int(states.now[0]))
    return found


@pytest.mark.parametrize(("alarm", "story", "expected"), [
    # A level above its limit is an alarm once it held for the delay.
    (LEVEL, [(0, 60), (10, 91), (69, 91), (70, 91)], [NORMAL, NORMAL, NORMAL, HIGH_LIMIT]),
    # A short rise is none; the next one begins anew.
    (LEVEL, [(0, 91), (50, 60), (51, 91), (110, 91), (111, 91)], [NORMAL, NORMAL, NORMAL, NORMAL, HIGH_LIMIT]),
    # It ends below the deadband, after the delay.
    (LEVEL, [(0, 91), (60, 91), (61, 88), (200, 88), (201, 86), (260, 86), (261, 86)],
     [NORMAL, HIGH_LIMIT, HIGH_LIMIT, HIGH_LIMIT, HIGH_LIMIT, HIGH_LIMIT, NORMAL]),
    (LEVEL, [(0, 20), (60, 20), (70, 32), (140, 32), (150, 34), (210, 34)],
     [NORMAL, LOW_LIMIT, LOW_LIMIT, LOW_LIMIT, LOW_LIMIT, NORMAL]),
    # Straight from one limit to the other.
    (LEVEL, [(0, 91), (60, 91), (70, 20), (130, 20)], [NORMAL, HIGH_LIMIT, HIGH_LIMIT, LOW_LIMIT]),
    # At the limit itself nothing is wrong.
    (LEVEL, [(0, 90), (100, 90)], [NORMAL, NORMAL]),
    (TRIP, [(0, 0), (1, 1), (2, 0)], [NORMAL, OFF_NORMAL, NORMAL]),
])  # fmt: skip
def test_an_alarm_begins_and_ends_as_the_standard_says(
    alarm: Alarm, story: list[tuple[float, float]], expected: list[int]
) -> None:
    assert states_over_time(alarm, story) == expected


def test_a_broken_sensor_is_a_fault_at_once_and_back_at_once() -> None:
    assert states_over_time(LEVEL, [(0, 60), (1, 60), (2, 60)], bad=(1,)) == [NORMAL, FAULT, NORMAL]
