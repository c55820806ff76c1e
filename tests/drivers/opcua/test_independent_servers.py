"""Recorded traffic of servers that others wrote, in other languages: we understand what they really send."""

import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from asyncua import ua
from asyncua.common.utils import Buffer
from asyncua.ua.ua_binary import struct_from_binary

from cityhall_bms.domain.quality import Quality
from cityhall_drivers.opcua.codec import Columns, decode
from cityhall_drivers.opcua.conditions import Book
from cityhall_drivers.opcua.stack_events import event_of
from cityhall_drivers.opcua.stack_history import _portion
from cityhall_drivers.opcua.stack_publishing import published
from cityhall_drivers.opcua.stack_services import status_name
from cityhall_drivers.opcua.values import UnexpectedBytesError
from cityhall_drivers.opcua.wire import publish_response, read_response

SAID = tomllib.loads((Path(__file__).parent / "independent_servers.toml").read_text(encoding="utf-8"))
RECORDED_US = 1_796_059_500_000_000
"""An hour that they were recorded in: none of their clocks was wrong."""


def name(said: dict[str, Any]) -> str:
    return f"{said['server']}: {said.get('what', '')}"


def recorded(kind: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("said", SAID[kind], ids=name)


def are(columns: Columns, expected: list[list[Any]]) -> None:
    assert [Quality(quality).reason or "good" for quality in columns.quality.tolist()] == [why for _, why in expected]
    np.testing.assert_array_equal(columns.value, [value for value, _ in expected])


@pytest.mark.parametrize("kind", ["read", "changes", "events", "history"])
def test_every_recording_says_what_made_it(kind: str) -> None:
    assert {said["server"] for said in SAID[kind]} <= set(SAID["servers"])


@recorded("read")
def test_an_answer_to_a_read_gives_the_values_that_were_put_into_the_server(said: dict[str, Any]) -> None:
    body = bytes.fromhex(said["heard"])
    are(decode(struct_from_binary(ua.ReadResponse, Buffer(body)).Results), said["values"])
    if said.get("by_library"):
        with pytest.raises(UnexpectedBytesError):
            read_response(body, len(said["values"]))
    else:
        are(read_response(body, len(said["values"])), said["values"])


@recorded("changes")
def test_pushed_changes_are_decoded_without_the_library(said: dict[str, Any]) -> None:
    got = publish_response(bytes.fromhex(said["heard"]))
    assert (got.subscription, got.sequence) == (said["subscription"], said["sequence"])
    assert got.is_keep_alive == (not said["values"])
    assert got.handles.tolist() == said["handles"]
    are(got.columns, said["values"])
    assert all(abs(at - RECORDED_US) < 3_600_000_000 for at in got.columns.source_at.tolist())


def test_a_servers_alarm_is_told_from_its_coming_to_its_end() -> None:
    book = Book("plc", set())
    for said in SAID["events"]:
        message = published(bytes.fromhex(said["heard"]))
        events = [event for event in map(event_of, message.events) if event is not None]
        notices = [notice for event in events for notice in book.take(event, RECORDED_US)]
        found = [[one.address, one.from_state, one.to_state, one.kind, bool(one.reference)] for one in notices]
        assert found == said["told"], said["what"]
    assert len(book) == 0


@recorded("history")
def test_what_a_server_remembers_is_read_or_refused(said: dict[str, Any]) -> None:
    [result] = struct_from_binary(ua.HistoryReadResponse, Buffer(bytes.fromhex(said["heard"]))).Results
    portion = _portion(result)
    assert portion.columns.value.tolist() == said.get("values", [])
    assert status_name(portion.status) == said.get("refusal", "Good")
