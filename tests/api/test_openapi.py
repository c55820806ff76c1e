"""The committed description of the interface is the one that the service gives, and is complete."""

import json
from pathlib import Path

import pytest
from tests.support.interface import DOCUMENT

COMMITTED = Path(__file__).parents[2] / "web" / "openapi.json"
OPERATIONS = [
    (path, method, operation)
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
]


def test_the_committed_description_is_current() -> None:
    assert json.loads(COMMITTED.read_text(encoding="utf-8")) == DOCUMENT, (
        "the interface changed: run `make openapi` and commit web/openapi.json and web/src/lib/api-types.ts"
    )


@pytest.mark.parametrize(("path", "method", "operation"), OPERATIONS, ids=[f"{m} {p}" for p, m, _ in OPERATIONS])
def test_an_operation_says_what_it_does_and_how_it_fails(path: str, method: str, operation: dict) -> None:  # type: ignore[type-arg]
    assert operation.get("summary")
    assert operation.get("description"), path
    for status, response in operation["responses"].items():
        if status.startswith(("4", "5")):
            assert list(response["content"]) == ["application/problem+json"], (path, method, status)


def test_answers_have_examples() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    without = [
        name
        for name in ("Point", "Samples", "Device", "Alarm", "Event", "Site", "Acknowledgement", "Shelf", "Problem")
        if "example" not in json.dumps(schemas[name])
    ]

    assert without == []
