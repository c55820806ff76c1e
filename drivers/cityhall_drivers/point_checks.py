"""Mistakes that look the same in every protocol whose values bring their type along."""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

from cityhall_bms.domain.site import Point
from cityhall_bms.ports.driver import ConfigProblem


def secret_problems(field: str, name: str, folder: Path) -> Iterator[ConfigProblem]:
    """Say what is wrong with a file that holds a secret: missing, empty, or readable by others."""
    path = folder / name
    if not path.is_file():
        yield ConfigProblem(field, f"missing file {name}", f"create {name} in the site folder, readable by nobody else")
    elif path.stat().st_mode & 0o077:
        yield ConfigProblem(field, f"{name} can be read by others", f"run: chmod 600 {name}")
    elif not path.read_bytes().strip():
        yield ConfigProblem(field, f"{name} is empty", "write the secret into it")


def encoding_problems(point: Point, protocol: str) -> Iterator[ConfigProblem]:
    """Say what is wrong with the encoding of a point that may have a scale and an offset only."""
    encoding = point.encoding
    if encoding.type:
        message = f"'{encoding.type}': {protocol} values bring their type along"
        yield ConfigProblem("type", message, "leave the cell empty", point.name)
    if encoding.word_order != "ABCD":
        yield ConfigProblem("word_order", f"{protocol} has one byte order", "leave the cell empty", point.name)
    if not math.isfinite(encoding.scale) or encoding.scale == 0.0:
        message = f"scale {encoding.scale} would hide the value"
        yield ConfigProblem("scale", message, "give a number other than 0", point.name)
    if not math.isfinite(encoding.offset):
        yield ConfigProblem("offset", f"offset {encoding.offset} is no number", "give a number", point.name)


def repeated_address_problems(points: Sequence[tuple[Point, object]]) -> Iterator[ConfigProblem]:
    """Say which points read what another one reads; ``points`` come with what their address means."""
    first: dict[object, str] = {}
    for point, meaning in points:
        if meaning in first:
            message = f"{point.address} is also read by {first[meaning]}"
            yield ConfigProblem("address", message, "correct the address of one of them", point.name)
        first.setdefault(meaning, point.name)
