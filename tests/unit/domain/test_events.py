"""The event log's file format."""

import importlib
import json
import pkgutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import cityhall_bms.domain
from cityhall_bms.domain.events import (
    EVENT_TYPES,
    GENESIS_HASH,
    CollectorStarted,
    StoredEvent,
    canonical,
    chain_hash,
)

GOLDEN: list[dict[str, Any]] = json.loads((Path(__file__).parent / "golden_events.json").read_text(encoding="utf-8"))
GOLDEN_HASH = "9454c27ea530f2e709fe2ed718b210fd5e689d42cb2bd39ad8175da7c933d68f"
WHAT_TO_DO = (
    "Stored events are read for ever. A new type: add an example to golden_events.json. A new field: give it a "
    "default, keep the old example, and add one that has the field. A changed meaning or a removed field: make a new "
    "type under a new name and keep the old one readable. Never edit an example that is there."
)

for module in pkgutil.walk_packages(cityhall_bms.domain.__path__, "cityhall_bms.domain."):
    importlib.import_module(module.name)  # so that every stored type is known


def stored(type_name: str, payload: dict[str, Any]) -> StoredEvent:
    return StoredEvent(1, 0, "s", 1, type_name, "a", payload, GENESIS_HASH, GENESIS_HASH)


@pytest.mark.parametrize("example", GOLDEN, ids=lambda example: example["type"])
def test_every_event_that_was_ever_stored_can_be_read(example: dict[str, Any]) -> None:
    assert example["type"] in EVENT_TYPES, f"{example['type']} is gone. {WHAT_TO_DO}"
    try:
        event = stored(example["type"], example["payload"]).event()
    except TypeError as error:
        pytest.fail(f"{example['type']}: {error}. {WHAT_TO_DO}")
    kept = {name: value for name, value in event.payload().items() if name in example["payload"]}
    assert kept == example["payload"], f"{example['type']} lost or changed a field. {WHAT_TO_DO}"


def test_every_type_and_field_has_an_example() -> None:
    fields: dict[str, set[str]] = {}
    for example in GOLDEN:
        fields.setdefault(example["type"], set()).update(example["payload"])
    present = {
        name: set(cls.__dataclass_fields__)
        for name, cls in EVENT_TYPES.items()
        if cls.__module__.startswith("cityhall_bms.")
    }

    assert present == fields, WHAT_TO_DO


def test_a_field_of_a_newer_version_is_ignored() -> None:
    entry = stored("CollectorStarted", {"collector": "a", "epoch": 7, "from_the_future": [1]})

    assert entry.event() == CollectorStarted("a", 7)


def test_canonical_text_is_sorted_dense_and_keeps_its_characters() -> None:
    assert canonical({"b": [1.5, None, True], "a": "甲\n"}) == '{"a":"甲\\n","b":[1.5,null,true]}'


def test_nan_has_no_canonical_text() -> None:
    with pytest.raises(ValueError, match="JSON"):
        canonical({"a": float("nan")})


def test_the_hash_is_that_of_the_written_format() -> None:
    # sha256(32 zero bytes, then for each column its length as u32 LE and its UTF-8 text), computed by another tool.
    assert chain_hash(GENESIS_HASH, 1, "甲").hex() == GOLDEN_HASH


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(), children, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.text(), json_values, max_size=5))
def test_canonical_text_is_the_same_after_reading(payload: dict[str, Any]) -> None:
    assert canonical(json.loads(canonical(payload))) == canonical(payload)


columns = st.lists(st.text() | st.integers(), min_size=1, max_size=5)


@given(columns, columns)
def test_different_entries_have_different_hashes(one: list[Any], other: list[Any]) -> None:
    same = [str(column) for column in one] == [str(column) for column in other]

    assert (chain_hash(GENESIS_HASH, *one) == chain_hash(GENESIS_HASH, *other)) == same


def test_moving_a_character_between_columns_changes_the_hash() -> None:
    assert chain_hash(GENESIS_HASH, "ab", "c") != chain_hash(GENESIS_HASH, "a", "bc")
