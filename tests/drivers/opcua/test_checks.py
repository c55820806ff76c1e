"""Mistakes in an OPC UA device that are found without a network."""

import dataclasses
import math
from pathlib import Path
from typing import Any

import pytest
from tests.support.opcua_server import opcua_point

from cityhall_bms.domain.site import Device, Point, PointKind, Text
from cityhall_drivers.opcua import DRIVER
from cityhall_drivers.opcua.certificates import client_identity

URL = "opc.tcp://127.0.0.1:4840/"
NOW_US = 1_782_864_000_000_000


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A site folder with every file that the good settings name."""
    client_identity(tmp_path, "host", NOW_US)
    (tmp_path / "secrets/server.der").write_bytes((tmp_path / "secrets/opcua-client.der").read_bytes())
    (tmp_path / "secrets/password.txt").write_text("secret")
    (tmp_path / "secrets/password.txt").chmod(0o600)
    return tmp_path


GOOD: dict[str, object] = {
    "security": "Aes256_Sha256_RsaPss",
    "user": "bms",
    "password_file": "secrets/password.txt",
    "server_certificate": "secrets/server.der",
}


def found(site: Path, changes: dict[str, object], *points: Point) -> dict[str, str]:
    settings = {key: value for key, value in ({"url": URL} | GOOD | changes).items() if value is not None}
    problems = DRIVER().check(device(settings, site), points)
    return {problem.field: f"{problem.message} -> {problem.remedy}" for problem in problems}


def device(settings: dict[str, object], site: Path) -> Device:
    return Device("lifts", Text("電梯", "Lifts"), "opcua", settings, folder=str(site))


def encoded(**changes: Any) -> Point:
    point = opcua_point("CarPos")
    return dataclasses.replace(point, encoding=dataclasses.replace(point.encoding, **changes))


OPEN: dict[str, object] = {"security": None, "user": None, "password_file": None, "server_certificate": None}


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.0.1", "[::1]", "localhost"])
def test_on_this_machine_a_server_needs_no_security(site: Path, host: str) -> None:
    url = {"url": f"opc.tcp://{host}:4840/"}
    assert found(site, OPEN | url) == {}
    assert found(site, OPEN | url | {"open_because": "a simulated server"}) == {}, "a reason does no harm"


@pytest.mark.parametrize("host", ["10.0.0.5", "lifts", "128.0.0.1"])
def test_on_a_network_a_server_without_security_needs_a_reason(site: Path, host: str) -> None:
    url = {"url": f"opc.tcp://{host}:4840/"}
    assert "open_because" in found(site, OPEN | url)["security"]
    assert found(site, OPEN | url | {"open_because": "a crossed cable inside the locked cabinet"}) == {}
    assert list(found(site, OPEN | url | {"open_because": "because"})) == ["open_because"]


def test_a_reason_for_an_open_line_that_is_not_open_is_a_mistake(site: Path) -> None:
    assert list(found(site, {"open_because": "it was open last year"})) == ["open_because"]


def test_a_right_device_has_no_problem(site: Path) -> None:
    assert found(site, {}, opcua_point("CarPos"), opcua_point("Dir")) == {}


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"securty": "none"}, "securty", "unknown key|'security'"),
        ({"url": "http://127.0.0.1/"}, "url", "give the server's address"),
        ({"url": "opc.tcp://bms:secret@127.0.0.1/"}, "url", "without user or password"),
        ({"security": "Basic256"}, "security", "not 'Basic256'"),
        ({"notifier": "Server"}, "notifier", "no NodeId|leave it out"),
        ({"acknowledge": True}, "acknowledge", "nobody hears|notices = true"),
        ({"mode": "push"}, "mode", "'poll' or 'subscribe'"),
        ({"publishing_interval_ms": 0}, "publishing_interval_ms", "50 to 60000"),
        (
            {"server_certificate": None},
            "server_certificate",
            "no server certificate is trusted|save the server's certificate",
        ),
        ({"server_certificate": "secrets/no.der"}, "server_certificate", "missing file secrets/no.der|export"),
        ({"server_certificate": "secrets/password.txt"}, "server_certificate", "holds no certificate"),
        ({"password_file": "secrets/no.txt"}, "password_file", "missing file secrets/no.txt|create"),
        ({"password_file": None}, "password_file", "user 'bms' has no password"),
        ({"user": None}, "password_file", "a password without a user"),
        ({"security": "none", "server_certificate": None}, "user", "clear text"),
        ({"security": "none", "user": None, "password_file": None}, "server_certificate", "of no use without security"),
    ],
)
def test_a_mistake_in_the_device_has_its_field_and_remedy(
    site: Path, changes: dict[str, object], field: str, words: str
) -> None:
    problems = found(site, changes)

    assert list(problems) == [field]
    for word in words.split("|"):
        assert word in problems[field]


def test_secrets_that_others_can_read_are_refused(site: Path) -> None:
    (site / "secrets/password.txt").chmod(0o640)
    (site / "secrets/opcua-client.pem").chmod(0o604)

    problems = found(site, {})

    assert (
        problems["password_file"] == "secrets/password.txt can be read by others -> run: chmod 600 secrets/password.txt"
    )
    assert "secrets/opcua-client.pem can be read by others" in problems["security"]


def test_an_empty_password_file_is_refused(site: Path) -> None:
    (site / "secrets/password.txt").write_text("\n")

    assert "is empty" in found(site, {})["password_file"]


def method_point(address: str, kind: PointKind = PointKind.DO) -> Point:
    return dataclasses.replace(opcua_point("Reset", address=address), kind=kind)


METHOD = "method:ns=2;s=Lift|ns=2;s=Lift.Reset"


def test_a_method_is_a_point_that_is_commanded(site: Path) -> None:
    assert found(site, {}, opcua_point("CarPos"), method_point(METHOD)) == {}


@pytest.mark.parametrize(
    ("point", "field", "words"),
    [
        (opcua_point("CarPos", address="CarPos"), "address", "'CarPos' is no NodeId|ns=2;s="),
        (opcua_point("CarPos", address="ns=2;s=Dir"), "address", "also read by TCH.01.N.ELV01.Dir"),
        (method_point(METHOD, PointKind.DI), "kind", "is called, not read|AO, DO, MO or SP"),
        (method_point("method:ns=2;s=Lift"), "address", "method:OBJECT"),
        (method_point("method:Lift|ns=2;s=Lift.Reset"), "address", "it is not ns=N;s=TEXT"),
        (method_point("method:ns=2;s=Lift|i=x"), "address", "after i="),
        (opcua_point("CarPos", type_="float32"), "type", "bring their type along|leave the cell empty"),
        (encoded(word_order="CDAB"), "word_order", "one byte order|leave the cell empty"),
        (encoded(scale=0.0), "scale", "would hide the value|other than 0"),
        (encoded(scale=math.nan), "scale", "would hide the value"),
        (encoded(offset=math.inf), "offset", "is no number|give a number"),
    ],
)
def test_a_mistake_in_a_point_names_the_point(site: Path, point: Point, field: str, words: str) -> None:
    (problem,) = DRIVER().check(device({"url": URL} | GOOD, site), [opcua_point("Dir"), point])

    assert (problem.field, problem.point) == (field, point.name)
    for word in words.split("|"):
        assert word in f"{problem.message} {problem.remedy}"


def test_a_device_of_methods_only_would_never_be_known_to_live(site: Path) -> None:
    assert "every point of this device is a method" in found(site, {}, method_point(METHOD))["address"]
