"""Records of trend logs, against the library's encoder."""

import math
from typing import Any

import numpy as np
import pytest
from bacpypes3.basetypes import DateTime, ErrorType, LogRecord, LogRecordLogDatum, LogStatus
from bacpypes3.constructeddata import Any as AnyValue
from bacpypes3.constructeddata import ListOf
from bacpypes3.primitivedata import Date, Double, Null, Real, Time
from hypothesis import given
from hypothesis import strategies as st

from cityhall_bms.domain.quality import Quality
from cityhall_drivers.bacnet.codec import Item, Object
from cityhall_drivers.bacnet.device_time import DeviceClock, local_us
from cityhall_drivers.bacnet.tags import TagError
from cityhall_drivers.bacnet.trends import Span, columns_of, stretch_of
from cityhall_drivers.stretches import nothing, readings_of

ITEM = Item(Object(0, 1), scale=2.0, offset=1.0)


def record(minute: int, flags: list[int] | None = None, **datum: Any) -> LogRecord:
    stamp = DateTime(date=Date((126, 7, 1, 3)), time=Time((10, minute, 0, 0)))
    options = {} if flags is None else {"statusFlags": flags}
    return LogRecord(timestamp=stamp, logDatum=LogRecordLogDatum(**datum), **options)


def written(*records: LogRecord) -> bytes:
    return bytes(ListOf(LogRecord)(list(records)).encode().encode().pduData)


def at(minute: int) -> int:
    us = local_us(bytes([126, 7, 1, 3]), bytes([10, minute, 0, 0]))
    assert us is not None
    return us


def test_every_kind_of_number_is_a_sample() -> None:
    columns = columns_of(
        written(
            record(0, booleanValue=True),
            record(1, realValue=21.5),
            record(2, enumValue=3),
            record(3, unsignedValue=70000),
            record(4, signedValue=-5),
            record(5, anyValue=AnyValue(Double(0.1))),
        )
    )
    assert columns.value.tolist() == [1.0, 21.5, 3.0, 70000.0, -5.0, 0.1]
    assert columns.local_us.tolist() == [at(minute) for minute in range(6)]
    assert not columns.quality.any()


def test_flags_are_the_quality_of_a_record() -> None:
    columns = columns_of(
        written(
            record(0, [0, 0, 0, 0], realValue=1.0),
            record(1, [1, 0, 0, 0], realValue=1.0),
            record(2, [0, 1, 0, 0], realValue=1.0),
            record(3, [0, 0, 1, 0], realValue=1.0),
            record(4, [0, 0, 0, 1], realValue=1.0),
        )
    )
    assert columns.quality.tolist() == [
        Quality.GOOD, Quality.GOOD, Quality.BAD_DEVICE_FAULT, Quality.UNCERTAIN_OVERRIDDEN,
        Quality.BAD_OUT_OF_SERVICE,
    ]  # fmt: skip


def test_what_the_log_says_about_itself_and_a_change_of_its_clock_are_no_samples() -> None:
    purged = LogStatus([0, 1, 0])
    columns = columns_of(written(record(0, logStatus=purged), record(1, realValue=5.0), record(2, timeChange=-3600.0)))
    assert columns.value.tolist() == [5.0]
    assert columns.last_local_us == at(2)


def test_a_null_and_a_failure_are_bad_samples_without_a_value() -> None:
    failure = ErrorType(errorClass="object", errorCode="unknownObject")
    columns = columns_of(written(record(0, nullValue=Null(())), record(1, failure=failure), record(2, realValue=5.0)))
    assert columns.quality.tolist() == [Quality.BAD_NO_DATA, Quality.BAD_REFUSED, Quality.GOOD]
    assert np.isnan(columns.value).tolist() == [True, True, False]


def test_a_record_without_a_whole_time_is_left_out() -> None:
    nowhen = record(0, realValue=5.0)
    nowhen.timestamp = DateTime(date=Date((255, 255, 255, 255)), time=Time((255, 255, 255, 255)))
    columns = columns_of(written(nowhen))
    assert (len(columns), columns.last_local_us) == (0, None)


@pytest.mark.parametrize("broken", ["0e a4 7e 07 01 03 0f 1e 2c 00 00 00 00 1f", "21 05", "1e 2c 00 00 00 00 1f", "2c"])
def test_what_is_no_record_is_refused(broken: str) -> None:
    with pytest.raises(TagError):
        columns_of(bytes.fromhex(broken))


@given(st.lists(st.tuples(st.integers(0, 59), st.floats(width=32)), max_size=20))
def test_records_are_what_was_logged(logged: list[tuple[int, float]]) -> None:
    columns = columns_of(written(*(record(minute, realValue=Real(value)) for minute, value in logged)))
    assert columns.local_us.tolist() == [at(minute) for minute, _ in logged]
    for found, quality, (_, value) in zip(columns.value, columns.quality, logged, strict=True):
        assert (found == value and quality == Quality.GOOD) or (
            not math.isfinite(value) and math.isnan(found) and quality == Quality.BAD_DECODE
        )


def test_samples_are_cut_to_the_span_in_utc_and_in_the_points_unit() -> None:
    columns = columns_of(written(*(record(minute, realValue=float(minute)) for minute in range(6))))
    clock = DeviceClock(8 * 3_600_000_000)
    span = Span(clock.utc(at(2)), clock.utc(at(4)), clock)
    stretch = stretch_of(columns, 7, ITEM, span)
    assert stretch.at.tolist() == [clock.utc(at(2)), clock.utc(at(3))]
    assert stretch.value.tolist() == [5.0, 7.0]
    assert not stretch.quality.any()


def test_a_clock_that_goes_wrong_makes_good_samples_uncertain_and_leaves_bad_ones_bad() -> None:
    columns = columns_of(written(record(0, realValue=1.0), record(1, [0, 1, 0, 0], realValue=1.0)))
    stretch = stretch_of(columns, 7, ITEM, Span(0, at(9), DeviceClock(0, is_right=False)))
    assert stretch.quality.tolist() == [Quality.UNCERTAIN_CLOCK, Quality.BAD_DEVICE_FAULT]


def test_a_portion_of_several_points_is_in_order_of_time() -> None:
    span = Span(0, at(59), DeviceClock(0))
    first = stretch_of(columns_of(written(record(1, realValue=1.0), record(3, realValue=3.0))), 7, ITEM, span)
    second = stretch_of(columns_of(written(record(2, realValue=2.0))), 8, ITEM, span)
    readings = readings_of([first, second, nothing(9)])
    assert readings.point.tolist() == [7, 8, 7]
    assert readings.value.tolist() == [3.0, 5.0, 7.0]
    assert readings.observed_at.tolist() == [at(1), at(2), at(3)]


def test_a_stretch_is_split_after_the_horizon() -> None:
    columns = columns_of(written(*(record(minute, realValue=1.0) for minute in range(4))))
    before, after = stretch_of(columns, 7, ITEM, Span(0, at(59), DeviceClock(0))).split(at(1))
    assert before.at.tolist() == [at(0), at(1)]
    assert after.at.tolist() == [at(2), at(3)]
