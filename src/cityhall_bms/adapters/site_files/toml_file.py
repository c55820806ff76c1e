"""Read one TOML file into a closed model; every mistake gets its line."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from cityhall_bms.adapters.site_files.locate import TomlPath, line_of, locate
from cityhall_bms.adapters.site_files.mistakes import Mistakes, suggest

BYTES_MAX: Final = 16_000_000
"""A larger file is no site file; it is not read."""

ModelT = TypeVar("ModelT", bound=BaseModel)

_SYNTAX_PLACE: Final = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")
_PATTERNS: Final = {
    "^[A-Z0-9]+$": "use capital letters and digits only, like 'B2'",
    "^[A-Za-z0-9_]+$": "use letters, digits and _ only, like 'CHWS_T'",
    "^[a-z][a-z0-9_]*$": "use small letters, digits and _ only, like 'night_minimum'",
    "^(https?://.*)?$": "write an address like 'https://bms.example/#/alarms/{alarm}'",
}


@dataclass(frozen=True, slots=True)
class TomlFile:
    """A TOML file that could be parsed. ``name`` is how people are told about it."""

    name: str
    data: dict[str, Any]
    places: Mapping[TomlPath, int]

    def line(self, *path: str | int) -> int:
        """Line of a key, or of the nearest table around it."""
        return line_of(self.places, path)


def read_text(path: Path, name: str, mistakes: Mistakes) -> str | None:
    """Text of a UTF-8 file (a byte-order mark is dropped); none after noting why it could not be read."""
    try:
        if path.stat().st_size > BYTES_MAX:
            mistakes.add(name, 0, "file", f"larger than {BYTES_MAX} bytes", "is this the right file?")
            return None
        data = path.read_bytes()
    except FileNotFoundError:
        mistakes.add(name, 0, "file", "missing", f"create {name} in the site folder")
        return None
    except OSError as error:
        mistakes.add(name, 0, "file", f"cannot be read: {error.strerror}", "let this account read the file")
        return None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        mistakes.add(name, line, "file", "not UTF-8", "save the file as UTF-8 (in Excel: 'CSV UTF-8')")
        return None


def read_toml(path: Path, name: str, mistakes: Mistakes) -> TomlFile | None:
    """Parse a file; none after noting its syntax error."""
    text = read_text(path, name, mistakes)
    if text is None:
        return None
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message = str(error)
        place = _SYNTAX_PLACE.search(message)
        line = int(place[1]) if place and place[1] else text.count("\n") + 1
        mistakes.add(name, line, "syntax", _SYNTAX_PLACE.sub("", message), "correct the TOML of this line")
        return None
    except RecursionError:
        mistakes.add(name, 0, "syntax", "nested too deeply", "write the values flat")
        return None
    return TomlFile(name, data, locate(text.replace("\r\n", "\n")))


def validated(file: TomlFile, model: type[ModelT], mistakes: Mistakes, *prefix: str | int) -> ModelT | None:
    """Give the table at ``prefix`` (the whole file by default) as ``model``; none after noting every mistake."""
    data: Any = file.data
    for step in prefix:
        data = data[step]
    try:
        return model.model_validate(data)
    except ValidationError as failure:
        for error in failure.errors(include_url=False):
            path = (*prefix, *error["loc"])
            message, remedy = _worded(error, model)
            mistakes.add(file.name, file.line(*path), label(file, path), message, remedy)
        return None


def label(file: TomlFile, path: TomlPath) -> str:
    """Name a key as it is written: ``[modbus] port``, ``[[floors]] code``."""
    if not path:
        return "file"
    array = len(path) > 1 and isinstance(path[1], int)
    is_table = isinstance(file.data.get(str(path[0])), dict | list)
    head = f"[[{path[0]}]]" if array else f"[{path[0]}]" if is_table or len(path) > 1 else str(path[0])
    rest = ".".join(str(step) for step in path[2 if array else 1 :])
    return f"{head} {rest}".strip()


def _worded(error: ErrorDetails, model: type[BaseModel]) -> tuple[str, str]:
    """Message and remedy, in words, of one pydantic error."""
    key = str(error["loc"][-1]) if error["loc"] else ""
    context = error.get("ctx", {})
    if error["type"] == "extra_forbidden":
        return "unknown key", suggest(key, _keys_beside(model, error["loc"]))
    if error["type"] == "missing":
        return "missing", f"add '{key}'"
    if error["type"] == "string_pattern_mismatch":
        pattern = str(context.get("pattern"))
        return f"{error['input']!r} is not allowed", _PATTERNS.get(pattern, f"it must match {pattern}")
    if error["type"] in {"string_too_short", "too_short"}:
        return "empty", f"give '{key}' a value"
    if error["type"] == "value_error":
        return str(context.get("error", error["msg"])), "correct one of the two"
    return f"{error['input']!r} is not allowed", error["msg"][0].lower() + error["msg"][1:]


def _keys_beside(model: type[BaseModel], path: tuple[str | int, ...]) -> list[str]:
    """Keys that are known in the table where an unknown one stands."""
    for step in path[:-1]:
        if isinstance(step, int):
            continue
        annotation = model.model_fields[step].annotation
        inner = getattr(annotation, "__args__", (annotation,))[0]
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            return []
        model = inner
    return list(model.model_fields)
