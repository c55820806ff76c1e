"""Every mistake of a Modbus device has its message, field and remedy."""

from typing import Any

import pytest
from tests.support.modbus_server import modbus_device, modbus_point

from cityhall_bms.domain.site import Device, Point, Text
from cityhall_bms.ports.driver import ConfigProblem
from cityhall_drivers.modbus import DRIVER


def problems(*points: Point, **settings: Any) -> list[ConfigProblem]:
    return DRIVER().check(modbus_device(502, **settings), points)


def test_a_correct_device_has_no_problem() -> None:
    points = [modbus_point("holding:1"), modbus_point("coil:1", ""), modbus_point("input:65534", "float32")]
    assert problems(*points, registers_per_request_max=2, gap_max=0) == []


@pytest.mark.parametrize(
    ("address", "kind", "encoding", "field", "message", "remedy"),
    [
        ("", "uint16", {}, "address", "'' is no Modbus address", "holding:N"),
        ("40001", "uint16", {}, "address", "no Modbus address", "holding:N"),
        ("register:1", "uint16", {}, "address", "no Modbus address", "holding:N"),
        ("holding:-1", "uint16", {}, "address", "no Modbus address", "holding:N"),
        ("holding:65536", "uint16", {}, "address", "beyond 65535", "zero-based"),
        ("holding:65535", "float32", {}, "address", "ends beyond 65535", "start at 65534"),
        ("holding:1.16", "bool", {}, "address", "no bit 16", "0 (lowest) to 15"),
        ("coil:1.2", "bool", {}, "address", "one bit already", "write coil:1"),
        ("holding:1", "", {}, "type", "type is missing", "float32"),
        ("holding:1", "float", {}, "type", "unknown type 'float'", "float32"),
        ("coil:1", "float32", {}, "type", "a coil holds no float32", "use bool"),
        ("discrete:1", "uint16", {}, "type", "a discrete holds no uint16", "use bool"),
        ("holding:1.3", "uint16", {}, "type", "one bit of a register holds no uint16", "use bool"),
        ("holding:1", "uint32", {"word_order": "BIG"}, "word_order", "unknown word order 'BIG'", "ABCD, CDAB"),
        ("holding:1", "uint16", {"scale": 0.0}, "scale", "hide the value", "other than 0"),
        ("holding:1", "uint16", {"scale": float("inf")}, "scale", "hide the value", "number"),
        ("holding:1", "uint16", {"offset": float("nan")}, "offset", "no number", "number"),
    ],
)
def test_a_mistake_of_a_point_names_its_column_and_remedy(
    address: str, kind: str, encoding: dict[str, Any], field: str, message: str, remedy: str
) -> None:
    (problem,) = problems(modbus_point(address, kind, **encoding), modbus_point("holding:500"))
    assert problem.field == field
    assert message in problem.message
    assert remedy in problem.remedy
    assert problem.point == "TCH.B2.CN.EM01.P"


@pytest.mark.parametrize(
    ("settings", "field", "message", "remedy"),
    [
        ({"unit_id": 256}, "unit_id", "less than or equal to 255", "0 to 255"),
        ({"unit_id": -1}, "unit_id", "greater than or equal to 0", "0 to 255"),
        ({"unit_id": "1"}, "unit_id", "valid integer, not '1'", "0 to 255"),
        ({"port": 0}, "port", "greater than or equal to 1", "TCP port"),
        ({"host": ""}, "host", "at least 1 character", "address or name"),
        ({"unit": 3}, "unit", "unknown key 'unit'", "did you mean 'unit_id'?"),
        ({"speed": 9600}, "speed", "unknown key 'speed'", "known keys are host, port"),
        ({"serial": "/dev/ttyS1"}, "serial", "one way to it, not two", "remove 'host' or 'serial'"),
        ({"framing": "rtu", "pipeline_depth": 2}, "pipeline_depth", "no number", "set it to 1"),
        ({"framing": "rtu", "unit_id": 0}, "unit_id", "nobody answers", "1 to 247"),
        ({"framing": "rtu", "unit_id": 248}, "unit_id", "no unit on a serial line", "1 to 247"),
        ({"parity": "mark"}, "parity", "'even', 'odd' or 'none'", "'even', 'odd' or 'none'"),
        ({"registers_per_request_max": 126}, "registers_per_request_max", "less than or equal to 125", "1 to 125"),
        ({"gap_max": 125}, "gap_max", "less than or equal to 124", "0 to 124"),
        ({"registers_per_request_max": 1}, "registers_per_request_max", "cannot hold a value of 2", "raise it to 2"),
    ],
)
def test_a_mistake_of_the_device_names_its_key_and_remedy(
    settings: dict[str, Any], field: str, message: str, remedy: str
) -> None:
    found = DRIVER().check(
        Device("d", Text("", ""), "modbus", {"host": "h", "port": 502, **settings}),
        [modbus_point("input:0", "float32")],
    )
    (problem,) = found
    assert (problem.field, problem.point) == (field, None)
    assert message in problem.message
    assert remedy in problem.remedy


def test_a_missing_host_is_named() -> None:
    (problem,) = DRIVER().check(Device("d", Text("", ""), "modbus", {}), [])
    assert (problem.field, problem.message) == ("host", "host is missing")


def test_all_mistakes_are_found_at_once() -> None:
    found = problems(modbus_point("x"), modbus_point("coil:1", "int16", role="Q"), unit_id=999, hots="h")
    assert {problem.field for problem in found} == {"unit_id", "hots", "address", "type"}


def test_overlapping_registers_are_named_with_both_points() -> None:
    (problem,) = problems(modbus_point("input:100", "float32", role="A"), modbus_point("input:101", "int16", role="B"))
    assert problem.field == "address"
    assert problem.message == (
        "overlapping register: input:101 (int16) shares registers with TCH.B2.CN.EM01.A at input:100 (float32)"
    )
    assert problem.point == "TCH.B2.CN.EM01.B"
