"""Reading a device file's protocol table into a closed model, with every mistake and its remedy."""

import difflib
from collections.abc import Mapping
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from cityhall_bms.ports.driver import ConfigProblem

ModelT = TypeVar("ModelT", bound=BaseModel)


def read_table(model: type[ModelT], settings: Mapping[str, object]) -> tuple[ModelT | None, list[ConfigProblem]]:
    """Give the table as its model, or none and every mistake in it."""
    try:
        return model.model_validate(dict(settings)), []
    except ValidationError as error:
        return None, [_problem(model, detail) for detail in error.errors(include_url=False)]


def _problem(model: type[BaseModel], detail: ErrorDetails) -> ConfigProblem:
    field = ".".join(str(part) for part in detail["loc"]) or "table"
    if detail["type"] == "extra_forbidden":
        near = difflib.get_close_matches(field, model.model_fields, n=1)
        known = ", ".join(model.model_fields)
        remedy = f"did you mean {near[0]!r}?" if near else f"remove it; known keys are {known}"
        return ConfigProblem(field, f"unknown key {field!r}", remedy)
    described = model.model_fields[field].description if field in model.model_fields else None
    remedy = f"give {described}" if described else "correct the value"
    if detail["type"] == "missing":
        return ConfigProblem(field, f"{field} is missing", remedy)
    return ConfigProblem(field, f"{detail['msg']}, not {detail['input']!r}", remedy)
