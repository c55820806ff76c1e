"""Statements in files."""

from importlib.resources import files

import pytest

from cityhall_bms.adapters.postgres.sql import load, parse


def test_statements_are_found_by_name_without_their_surroundings() -> None:
    queries = parse("-- a comment for people\n\n-- name: one\nSELECT 1;\n\n-- name: two\n-- why\nSELECT\n  2;\n")

    assert dict(queries) == {"one": "SELECT 1;", "two": "-- why\nSELECT\n  2;"}


def test_a_name_used_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="one"):
        parse("-- name: one\nSELECT 1;\n-- name: one\nSELECT 2;")


def test_every_file_of_ours_has_statements() -> None:
    for file in (files("cityhall_bms.adapters.postgres") / "sql").iterdir():
        assert load(file.name), file.name
