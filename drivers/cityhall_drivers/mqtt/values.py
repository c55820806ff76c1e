"""Numbers and times out of payloads. Pure; nothing is guessed: what is not plainly a number is not one."""

import math
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import orjson

from cityhall_bms.domain.quality import Quality

NAN: Final = float("nan")
PAYLOAD_MAX: Final = 1_048_576
"""A larger payload is not looked into."""
MISSING: Final = object()
"""What a payload says of a value that it does not mention."""

_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?", re.ASCII)
_WORDS: Final = {"true": 1.0, "on": 1.0, "false": 0.0, "off": 0.0}
_TEXT_MAX: Final = 64
_UNIT_US: Final = {"s": 1e6, "ms": 1e3, "us": 1.0}
_YEAR_2100_US: Final = 4_102_444_800_000_000


class UndecodableError(ValueError):
    """A payload that is not what its device file says."""


def document(payload: bytes) -> Any:  # noqa: ANN401 - any JSON value
    """Read JSON; :class:`UndecodableError` for anything else."""
    if len(payload) > PAYLOAD_MAX:
        msg = "too long"
        raise UndecodableError(msg)
    try:
        return orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        raise UndecodableError(str(error)) from error


def at_path(value: Any, path: Sequence[str]) -> Any:  # noqa: ANN401 - any JSON value
    """Value at the end of a way through objects (by key) and lists (by index); ``MISSING`` where it leads nowhere."""
    for step in path:
        if isinstance(value, dict):
            value = value.get(step, MISSING)
        elif isinstance(value, list) and step.isascii() and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        else:
            return MISSING
    return value


def number(value: Any) -> tuple[float, int]:  # noqa: ANN401 - any JSON value
    """Value and quality of a JSON value; ``null`` is no data, and what is no number is ``BAD_DECODE``."""
    if isinstance(value, str):
        return number_of_text(value)
    if isinstance(value, bool | int | float):
        return _finite(float(value))
    return NAN, Quality.BAD_NO_DATA if value is None else Quality.BAD_DECODE


def number_of_text(text: str) -> tuple[float, int]:
    """Value and quality of a text: a decimal number, or true, false, on, off in any case."""
    text = text.strip()
    if len(text) <= _TEXT_MAX:
        if _NUMBER.fullmatch(text):
            return _finite(float(text))
        word = _WORDS.get(text.lower())
        if word is not None:
            return word, Quality.GOOD
    return NAN, Quality.BAD_DECODE


def bare_number(payload: bytes) -> tuple[float, int]:
    """Value and quality of a payload that is nothing but a value."""
    try:
        return number_of_text(payload[: 4 * _TEXT_MAX].decode())
    except UnicodeDecodeError:
        return NAN, Quality.BAD_DECODE


def time_us(value: Any, unit: str) -> int | None:  # noqa: ANN401 - any JSON value
    """Time in µs UTC, ``unit`` as in the device file; none when it is none, or a local time without its offset."""
    if unit == "iso":
        return _iso_us(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    at = value * _UNIT_US[unit]
    return round(at) if 0 < at < _YEAR_2100_US else None


def _iso_us(value: object) -> int | None:
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    if moment.utcoffset() is None:
        return None
    at = round(moment.timestamp() * 1e6)
    return at if 0 < at < _YEAR_2100_US else None


def _finite(value: float) -> tuple[float, int]:
    return (value, Quality.GOOD) if math.isfinite(value) else (NAN, Quality.BAD_DECODE)
