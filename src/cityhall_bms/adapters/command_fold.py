"""Commanded points as JSON, and as they follow from the log: shared by the views of commands."""

import dataclasses
import json
from collections.abc import Mapping
from typing import Any, Final

from cityhall_bms.domain.commanding.control import Command, CommandState, PointControl, Slot, command_stream, fold
from cityhall_bms.ports.event_log import EventLog

PAGE_EVENTS: Final = 500


def command_json(command: Command) -> str:
    """A command as JSON."""
    return json.dumps(dataclasses.asdict(command), ensure_ascii=False)


def command_of(data: str) -> Command:
    """A command from its JSON."""
    return _command(json.loads(data))


def slot_json(slot: Slot) -> str:
    """A slot as JSON."""
    return json.dumps(dataclasses.asdict(slot), ensure_ascii=False)


def slot_of(data: str) -> Slot:
    """A slot from its JSON."""
    return Slot(**json.loads(data))


def control_json(control: PointControl) -> str:
    """A point as JSON."""
    return json.dumps(dataclasses.asdict(control), ensure_ascii=False)


def control_of(data: str) -> PointControl:
    """A point from its JSON."""
    plain = json.loads(data)
    slots = {int(priority): Slot(**slot) for priority, slot in plain.pop("slots").items()}
    open_, last = (None if plain[name] is None else _command(plain[name]) for name in ("open", "last"))
    return PointControl(**{**plain, "slots": slots, "open": open_, "last": last})


def _command(plain: Mapping[str, Any]) -> Command:
    return Command(**{**plain, "state": CommandState(plain["state"]), "needs": tuple(plain["needs"])})


async def caught_up(control: PointControl, events: EventLog) -> PointControl:
    """The point with whatever its stream holds beyond it; what can be no point's name has no stream."""
    if not control.point or "/" in control.point:
        return control  # the log would take it for all streams below
    while True:
        entries = await events.read(control.position, PAGE_EVENTS, command_stream(control.point))
        control = fold(control, entries)
        if len(entries) < PAGE_EVENTS:
            return control
