"""What an OPC UA server says, as our columns. Pure; knows the standard's numbers and no library."""

import binascii
import math
import re
import uuid
from base64 import b64decode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.domain.quality import Quality

_NODE_ID: Final = re.compile(r"(?:ns=(?P<ns>\d{1,5});)?(?P<kind>[isgb])=(?P<id>.+)", re.DOTALL)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)

# Part 4, clause 7.39.1: severity in the top two bits; a data value's info bits hold Overflow (bit 7) where InfoType
# (bits 10 and 11) says DataValue.
_CODE_MASK: Final = 0xFFFF0000
_OVERFLOW: Final = 0x00000480

QUALITY_BY_CODE: Final = {
    0x00960000: Quality.UNCERTAIN_OVERRIDDEN,  # GoodLocalOverride
    0x408F0000: Quality.UNCERTAIN_STALE,  # UncertainNoCommunicationLastUsableValue
    0x40900000: Quality.UNCERTAIN_STALE,  # UncertainLastUsableValue
    0x40910000: Quality.UNCERTAIN_ESTIMATED,  # UncertainSubstituteValue
    0x40920000: Quality.UNCERTAIN_ESTIMATED,  # UncertainInitialValue
    0x40930000: Quality.UNCERTAIN_DEVICE_ALARM,  # UncertainSensorNotAccurate
    0x40940000: Quality.UNCERTAIN_DEVICE_ALARM,  # UncertainEngineeringUnitsExceeded
    0x40950000: Quality.UNCERTAIN_DEVICE_ALARM,  # UncertainSubNormal
    0x80050000: Quality.BAD_DEVICE_LOST,  # BadCommunicationError
    0x80070000: Quality.BAD_DECODE,  # BadDecodingError
    0x800A0000: Quality.BAD_TIMEOUT,  # BadTimeout
    0x801F0000: Quality.BAD_REFUSED,  # BadUserAccessDenied
    0x80310000: Quality.BAD_DEVICE_LOST,  # BadNoCommunication
    0x80320000: Quality.BAD_NO_DATA,  # BadWaitingForInitialData
    0x80330000: Quality.BAD_REFUSED,  # BadNodeIdInvalid
    0x80340000: Quality.BAD_REFUSED,  # BadNodeIdUnknown
    0x80350000: Quality.BAD_REFUSED,  # BadAttributeIdInvalid
    0x803A0000: Quality.BAD_REFUSED,  # BadNotReadable
    0x803C0000: Quality.BAD_RANGE,  # BadOutOfRange
    0x803D0000: Quality.BAD_REFUSED,  # BadNotSupported
    0x80890000: Quality.BAD_REFUSED,  # BadConfigurationError
    0x808A0000: Quality.BAD_DEVICE_LOST,  # BadNotConnected
    0x808B0000: Quality.BAD_DEVICE_FAULT,  # BadDeviceFailure
    0x808C0000: Quality.BAD_DEVICE_FAULT,  # BadSensorFailure
    0x808D0000: Quality.BAD_OUT_OF_SERVICE,  # BadOutOfService
    0x809B0000: Quality.BAD_NO_DATA,  # BadNoData
    0x809E0000: Quality.BAD_NO_DATA,  # BadDataUnavailable
}
"""Status codes that say more than their severity."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Decoded values: numbers before scaling, quality, time of the source in µs UTC (0 = none given)."""

    value: NDArray[np.float64]
    quality: NDArray[np.uint8]
    source_at: NDArray[np.int64]
    overflows: int
    """How many of them say that the server had to drop others before them."""


def node_id_mistake(address: str) -> str | None:
    """What is wrong with a NodeId in its string form (Part 6, clause 5.3.1.10); none when nothing is."""
    match = _NODE_ID.fullmatch(address)
    if match is None:
        return "it is not ns=N;s=TEXT, ns=N;i=NUMBER, ns=N;g=GUID or ns=N;b=BASE64"
    if int(match["ns"] or 0) > 65_535:
        return "the namespace is greater than 65535"
    kind, identifier = match["kind"], match["id"]
    if kind == "i" and not (identifier.isascii() and identifier.isdigit() and int(identifier) < 2**32):
        return "the number after i= is not one of 0 to 4294967295"
    try:
        if kind == "g":
            uuid.UUID(identifier)
        if kind == "b":
            b64decode(identifier, validate=True)
    except (ValueError, binascii.Error):
        return f"the text after {kind}= is no {'GUID' if kind == 'g' else 'base64'}"
    return None


def quality_of(status: int) -> Quality:
    """Quality of a status code: by its own meaning, or else by its severity."""
    code = status & _CODE_MASK
    if code in QUALITY_BY_CODE:
        return QUALITY_BY_CODE[code]
    severity = status >> 30
    if severity == 0:
        return Quality.GOOD
    return Quality.UNCERTAIN if severity == 1 else Quality.BAD


def overflowed(status: int) -> bool:
    """Tell whether the server dropped values of this point because its queue was full."""
    return status & _OVERFLOW == _OVERFLOW


def decode(values: Iterable[Any]) -> Columns:
    """Columns of data values (Part 4, clause 7.11).

    What is no number is NaN and ``BAD_DECODE``; a value of bad quality is NaN whatever it holds.
    """
    items = list(values)
    numbers = [_number(item.Value.Value if item.Value is not None else None) for item in items]
    status = [item.StatusCode.value if item.StatusCode is not None else 0 for item in items]
    times = [_time(item) for item in items]
    return columns_of(np.array(numbers, np.float64), np.array(status, np.uint32), np.array(times, np.int64))


def columns_of(numbers: NDArray[np.float64], status: NDArray[np.uint32], source_at: NDArray[np.int64]) -> Columns:
    """Columns of what a server said; ``numbers`` becomes theirs."""
    if not status.any():
        quality, overflows = np.full(len(status), Quality.GOOD, np.uint8), 0
    else:
        codes, which, counts = np.unique(status, return_inverse=True, return_counts=True)
        quality = np.array([quality_of(code) for code in codes.tolist()], np.uint8)[which]
        overflows = sum(n for code, n in zip(codes.tolist(), counts.tolist(), strict=True) if overflowed(code))
    bad = quality >= Quality.BAD
    without = bad | ~np.isfinite(numbers)
    numbers[without] = math.nan
    quality[without & ~bad] = Quality.BAD_DECODE
    return Columns(numbers, quality, source_at, overflows)


def joined(parts: Sequence[Columns]) -> Columns:
    """Values of several answers, one after the other."""
    return Columns(
        np.concatenate([part.value for part in parts] or [np.empty(0)]),
        np.concatenate([part.quality for part in parts] or [np.empty(0, np.uint8)]),
        np.concatenate([part.source_at for part in parts] or [np.empty(0, np.int64)]),
        sum(part.overflows for part in parts),
    )


def scaled(columns: Columns, scale: NDArray[np.float64], offset: NDArray[np.float64]) -> NDArray[np.float64]:
    """Values in the point's unit; one that scaling makes infinite becomes NaN and ``BAD_DECODE``."""
    with np.errstate(all="ignore"):  # an overflow is found below
        values = columns.value * scale + offset
    broken = ~np.isfinite(values)
    values[broken] = math.nan
    columns.quality[broken & (columns.quality < Quality.BAD)] = Quality.BAD_DECODE
    return values


def _number(value: object) -> float:
    """A scalar as a number, a time as seconds since 1970; NaN for everything else."""
    if isinstance(value, bool | int | float):
        number = float(value)
        return number if math.isfinite(number) else math.nan
    if isinstance(value, datetime):
        return (_utc(value) - _EPOCH).total_seconds()
    return math.nan


def _time(item: Any) -> int:  # noqa: ANN401 - a DataValue of whatever library
    """Time of the source, or else of the server; the standard's zero (1601) means that there is none."""
    time = item.SourceTimestamp or item.ServerTimestamp
    return max((_utc(time) - _EPOCH) // _MICROSECOND, 0) if time is not None else 0


def _utc(time: datetime) -> datetime:
    return time if time.tzinfo is not None else time.replace(tzinfo=UTC)
