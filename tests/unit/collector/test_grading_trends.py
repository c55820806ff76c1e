"""An hour of memory: what stands still, and how fast what moves does so."""

import numpy as np
import pytest

from cityhall_bms.collector.grading_trends import Trends

ONE = np.array([0])
MINUTE = 60_000_000
T0 = 1_782_000_000_000_000 // (10 * MINUTE) * (10 * MINUTE)


class Sensor:
    """A point of 0 to 60 °C that may move by 0.06 K an hour before it is said to live, told a value each minute."""

    def __init__(self, kelvin: float = 0.06, share: float = 0.0) -> None:
        self.trends = Trends(np.array([kelvin]), np.array([share]), np.array([0.0]), np.array([60.0]))
        self.now = T0

    def told(self, *values: float) -> list[bool]:
        """Whether the point stood still at each of these values."""
        flat = []
        for value in values:
            self.now += MINUTE
            self.trends.remember(ONE, np.array([value]), self.now)
            flat.append(bool(self.trends.flat(ONE, np.array([value]))[0]))
        return flat

    def rate(self, value: float) -> float:
        return float(self.trends.rate(ONE, np.array([value]), self.now)[0])


def test_a_temperature_that_moves_by_less_than_six_hundredths_for_an_hour_stands_still() -> None:
    flat = Sensor().told(*(20.0 + 0.05 * (minute % 2) for minute in range(90)))
    # An hour must be heard whole: six buckets of ten minutes.
    assert flat.index(True) in range(59, 71)
    assert all(flat[flat.index(True) :])


def test_a_temperature_that_moves_by_more_lives() -> None:
    assert not any(Sensor().told(*(20.0 + 0.07 * (minute // 20 % 2) for minute in range(120))))


def test_it_lives_again_with_the_first_value_that_moves() -> None:
    sensor = Sensor()
    sensor.told(*[20.0] * 80)
    assert sensor.told(20.0, 20.2, 20.0) == [True, False, False]


@pytest.mark.parametrize("rest", [0.0, 60.0])
def test_zero_and_the_ends_of_the_range_are_no_fault(rest: float) -> None:
    assert not any(Sensor().told(*[rest] * 120))


def test_other_quantities_may_move_by_a_thousandth_of_themselves() -> None:
    assert any(Sensor(0.0, 0.001).told(*(50.0 + 0.04 * (minute % 2) for minute in range(90))))
    assert not any(Sensor(0.0, 0.001).told(*(50.0 + 0.06 * (minute % 2) for minute in range(90))))


def test_a_point_that_may_stand_still_is_never_flat() -> None:
    assert not any(Sensor(np.nan).told(*[20.0] * 120))


def test_after_a_silence_the_hour_begins_anew() -> None:
    sensor = Sensor()
    sensor.told(*[20.0] * 80)
    sensor.now += 120 * MINUTE
    assert not any(sensor.told(*[20.0] * 50))
    assert any(sensor.told(*[20.0] * 40))


def test_after_the_clock_was_set_back_the_hour_begins_anew() -> None:
    sensor = Sensor()
    sensor.told(*[20.0] * 80)
    sensor.now -= 600 * MINUTE
    assert not any(sensor.told(*[20.0] * 50))


def test_the_rate_is_the_change_per_hour_against_an_hour_ago() -> None:
    sensor = Sensor()
    sensor.told(*(20.0 + minute / 60 * 6.0 for minute in range(120)))
    assert sensor.rate(20.0 + 119 / 60 * 6.0) == pytest.approx(6.0, rel=0.02)


def test_within_the_first_hour_no_rate_is_known() -> None:
    sensor = Sensor()
    sensor.told(*(20.0 + minute for minute in range(50)))
    assert sensor.rate(90.0) == 0.0
