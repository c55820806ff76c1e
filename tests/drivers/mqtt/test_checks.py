"""Mistakes in an MQTT device that are found without a network."""

from pathlib import Path

import pytest
from tests.support.mqtt_broker import account, mqtt_device, mqtt_point

from cityhall_bms.domain.site import Point
from cityhall_drivers.mqtt import DRIVER


def found(folder: Path, changes: dict[str, object], *points: Point) -> dict[str, str]:
    settings = {key: value for key, value in (account(folder) | changes).items() if value is not None}
    texts: dict[str, str] = {}
    for problem in DRIVER().check(mqtt_device(1883, folder, **settings), points):
        texts[problem.field] = f"{texts.get(problem.field, '')} {problem.message} -> {problem.remedy}"
    return texts


def test_a_right_device_has_no_problem(tmp_path: Path) -> None:
    points = mqtt_point("a#b", "b"), mqtt_point("a#c", "c")
    assert found(tmp_path, {"version": "5", "availability": "a/lwt"}, *points) == {}
    assert found(tmp_path, {"clean_start": False, "client_id": "bms", "time": "t"}) == {}
    assert found(tmp_path, {"payload": "sparkplug", "topic": "G/E"}, mqtt_point("{topic}#b")) == {}


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"hots": "x"}, "hots", "unknown key|'host'"),
        ({"qos": 2}, "qos", "0, or 1"),
        ({"version": "3"}, "version", "'3.1.1' or '5'"),
        ({"password_file": None}, "password_file", "has no password"),
        ({"user": None, "password_in_clear": None}, "password_file", "without a user"),
        ({"password_in_clear": None}, "user", "clear text"),
        ({"user": None, "password_file": None}, "password_in_clear", "delete"),
        ({"tls": True}, "password_in_clear", "delete"),
        ({"ca_file": "ca.pem"}, "ca_file", "without TLS"),
        ({"tls": True, "password_in_clear": None, "ca_file": "ca.pem"}, "ca_file", "missing file ca.pem"),
        ({"password_file": "secrets/none.txt"}, "password_file", "missing file"),
        ({"clean_start": False, "time": "t"}, "clean_start", "client_id"),
        ({"clean_start": False, "client_id": "x"}, "clean_start", "wrong time"),
        ({"clean_start": False, "client_id": "x", "payload": "sparkplug"}, "clean_start", "begin clean"),
        ({"payload": "sparkplug", "time": "t"}, "time", "Sparkplug has its own time"),
        ({"payload": "sparkplug", "availability": "t"}, "availability", "Sparkplug has its own"),
        ({"availability": "{topic}/lwt"}, "availability", "stands for nothing"),
        ({"topic": "a/+"}, "topic", "wildcard"),
        ({"keep_alive_s": 1}, "keep_alive_s", "5 to 3600"),
    ],
)
def test_a_wrong_key_is_named_with_its_remedy(
    tmp_path: Path, changes: dict[str, object], field: str, words: str
) -> None:
    text = found(tmp_path, changes)[field]
    assert all(word in text for word in words.split("|")), text


def test_a_password_that_others_can_read_is_refused(tmp_path: Path) -> None:
    account(tmp_path)
    settings = account(tmp_path)
    (tmp_path / "secrets/broker.txt").chmod(0o644)
    (problem,) = DRIVER().check(mqtt_device(1883, tmp_path, **settings), [])
    assert "chmod 600" in problem.remedy
    (tmp_path / "secrets/broker.txt").chmod(0o600)
    (tmp_path / "secrets/broker.txt").write_text("\n")
    (problem,) = DRIVER().check(mqtt_device(1883, tmp_path, **settings), [])
    assert "is empty" in problem.message


@pytest.mark.parametrize(
    ("point", "field", "words"),
    [
        (mqtt_point("a/#"), "address", "tele/plug1"),
        (mqtt_point("{topic}/x"), "address", "no 'topic'"),
        (mqtt_point("a", type="float32"), "type", "bring their type"),
        (mqtt_point("a", word_order="CDAB"), "word_order", "one byte order"),
        (mqtt_point("a", scale=0.0), "scale", "other than 0"),
        (mqtt_point("a", offset=float("nan")), "offset", "give a number"),
    ],
)
def test_a_wrong_point_is_named(tmp_path: Path, point: Point, field: str, words: str) -> None:
    assert words in found(tmp_path, {}, point)[field]


def test_two_points_of_one_value_are_a_mistake(tmp_path: Path) -> None:
    points = mqtt_point("a#b", "one"), mqtt_point("a#b", "two")
    assert "also read by TCH.01.E.EM01.one" in found(tmp_path, {}, *points)["address"]


def test_a_sparkplug_address_names_a_metric(tmp_path: Path) -> None:
    assert "CityHall/Edge1" in found(tmp_path, {"payload": "sparkplug"}, mqtt_point("a"))["address"]
