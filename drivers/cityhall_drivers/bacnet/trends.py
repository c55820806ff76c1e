"""Records of a trend log as columns, and as samples of a point. Pure; knows no library.

BACnetLogRecord: ANSI/ASHRAE 135, clause 21; its status entries (log disabled, buffer purged, interrupted) and changes
of the device's clock are no samples.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.domain.quality import Quality
from cityhall_drivers.bacnet.codec import Item, Value, flags_of, number_of, quality_of
from cityhall_drivers.bacnet.codec import Tag as Application
from cityhall_drivers.bacnet.device_time import DeviceClock, local_us
from cityhall_drivers.bacnet.tags import CLOSING, OPENING, Tag, TagError, inside, parse
from cityhall_drivers.stretches import Stretch

_STAMP, _DATUM, _FLAGS = 0, 1, 2
_LOG_STATUS, _BITSTRING, _NULL, _FAILURE, _TIME_CHANGE, _ANY = 0, 6, 7, 8, 9, 10
_BOOLEAN: Final = 1
_NUMBERS: Final = {2: Application.REAL, 3: Application.ENUMERATED, 4: Application.UNSIGNED, 5: Application.INTEGER}


@dataclass(frozen=True, slots=True)
class Columns:
    """Samples of one log: µs of the device's local time, raw values (NaN where there is none) and quality."""

    local_us: NDArray[np.int64]
    value: NDArray[np.float64]
    quality: NDArray[np.uint8]
    last_local_us: int | None
    """Of the last record that had a time at all, sample or not."""

    def __len__(self) -> int:
        return len(self.local_us)


def columns_of(data: bytes) -> Columns:
    """Read records; :class:`TagError` for what is none. Records without a whole date and time are left out."""
    samples, last = [], None
    for record in _records(parse(data)):
        stamp = inside(record, _STAMP)
        datum = inside(record, _DATUM)
        if stamp is None or datum is None or len(stamp) != 2 or not datum:
            msg = "a record without a time or a datum"
            raise TagError(msg)
        at = local_us(stamp[0].data, stamp[1].data)
        if at is None:
            continue
        last = at
        found = _sample(datum, record[-1])
        if found is not None:
            samples.append((at, *found))
    return Columns(
        np.array([at for at, _, _ in samples], dtype=np.int64),
        np.array([value for _, value, _ in samples], dtype=np.float64),
        np.array([quality for _, _, quality in samples], dtype=np.uint8),
        last,
    )


def _records(tags: Sequence[Tag]) -> Iterator[list[Tag]]:
    """Cut at the brackets of each time stamp."""
    depth, record = 0, list[Tag]()
    for one in tags:
        if one.form == OPENING and depth == 0 and one.number == _STAMP and record:
            yield record
            record = []
        depth += (one.form == OPENING) - (one.form == CLOSING)
        record.append(one)
    if record:
        yield record


def _sample(datum: Sequence[Tag], last: Tag) -> tuple[float, Quality] | None:
    """Value and quality; none for what is no sample."""
    choice = datum[0].number
    if choice in {_LOG_STATUS, _TIME_CHANGE}:
        return None
    if choice == _NULL:
        return math.nan, Quality.BAD_NO_DATA
    if choice == _FAILURE:
        return math.nan, Quality.BAD_REFUSED
    number = _number(datum)
    if number is None:
        return math.nan, Quality.BAD_DECODE
    has_flags = last.is_context and last.number == _FLAGS and not last.form
    return number, quality_of(flags_of(last.data)) if has_flags else Quality.GOOD


def _number(datum: Sequence[Tag]) -> float | None:
    choice, data = datum[0].number, datum[0].data
    if choice == _BOOLEAN and len(data) == 1:
        return float(data[0])
    if choice == _ANY:
        within = inside(datum, _ANY)
        return number_of(within[0].value) if within is not None and len(within) == 1 else None
    kind = _NUMBERS.get(choice)
    return None if kind is None else number_of(Value(kind, data, len(data)))


@dataclass(frozen=True, slots=True)
class Span:
    """Time that is asked for, ``start <= time < until`` in µs UTC, and the clock by which a log keeps it."""

    start: int
    until: int
    clock: DeviceClock


def stretch_of(columns: Columns, point_id: int, item: Item, span: Span) -> Stretch:
    """Samples within the span, in the point's unit; a clock that goes wrong makes good ones uncertain."""
    at = columns.local_us - span.clock.ahead_us
    with np.errstate(all="ignore"):  # an overflow is found below, as a value that is not finite
        value = columns.value * item.scale + item.offset
    quality = columns.quality.copy()
    broken = ~np.isfinite(value)
    value[broken] = np.nan
    quality[broken & (quality < Quality.BAD)] = Quality.BAD_DECODE
    if not span.clock.is_right:
        quality[quality == Quality.GOOD] = Quality.UNCERTAIN_CLOCK
    return Stretch(point_id, at, value, quality).within(span.start, span.until)
