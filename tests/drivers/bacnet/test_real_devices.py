"""Recorded traffic of real devices: we read what they said, and refuse what is not for us."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from cityhall_drivers.bacnet.codec import PRESENT_VALUE, STATUS_FLAGS, Flags, Object, flags_of, number_of
from cityhall_drivers.bacnet.cov_wire import notification_of
from cityhall_drivers.bacnet.refusals import ErrorAnswerError, TurnedDownError
from cityhall_drivers.bacnet.rpm import walk
from cityhall_drivers.bacnet.wire import FrameError, Station, answered_invoke, open_datagram, reply_of

SAID = tomllib.loads((Path(__file__).parent / "real_devices.toml").read_text(encoding="utf-8"))
SOURCE = ("192.168.1.20", 47808)


def heard(said: dict[str, Any]) -> bytes:
    """The APDU, of the station that is expected."""
    station, apdu = open_datagram(bytes.fromhex(said["heard"]), SOURCE)
    assert station == Station(*SOURCE, said.get("network", 0), bytes.fromhex(said.get("mac", "")))
    return apdu


def name(said: dict[str, Any]) -> str:
    return str(said["device"]).partition(":")[0]


@pytest.mark.parametrize("said", SAID["answer"], ids=name)
def test_values_are_found_among_everything_else_that_a_real_device_tells(said: dict[str, Any]) -> None:
    found = walk(reply_of(heard(said), 14))
    for expected in said["objects"]:
        of_object = {one.property: one for one in found if one.object == (expected["type"], expected["instance"])}
        assert len(of_object) == expected["properties"]
        value = of_object[PRESENT_VALUE].value
        assert value is not None
        assert number_of(value) == pytest.approx(expected["value"], abs=1e-5)
        flags = of_object[STATUS_FLAGS].value if STATUS_FLAGS in of_object else None
        assert flags_of(b"" if flags is None else flags.data) == Flags()


@pytest.mark.parametrize("said", SAID["refusal"], ids=name)
def test_a_real_device_that_turns_a_question_down_is_understood(said: dict[str, Any]) -> None:
    apdu = heard(said)
    assert answered_invoke(apdu) == said["invoke"]
    with pytest.raises((ErrorAnswerError, TurnedDownError, FrameError), match=said["words"]):
        reply_of(apdu, said.get("service", 14))


@pytest.mark.parametrize("said", SAID["notification"], ids=name)
def test_what_a_real_device_tells_by_itself_is_understood(said: dict[str, Any]) -> None:
    told = notification_of(heard(said))
    assert told is not None
    assert (told.invoke, told.process) == (said.get("invoke"), said["process"])
    assert told.device == Object(8, said["device_instance"])
    assert told.object == Object(said["object"]["type"], said["object"]["instance"])
    if "value" in said:
        value = told.values[PRESENT_VALUE]
        assert value is not None
        assert number_of(value) == said["value"]
    else:
        assert list(told.values) == said["properties"]
