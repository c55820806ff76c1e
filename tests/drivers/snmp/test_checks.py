"""Mistakes in an SNMP device that are found without a network."""

from pathlib import Path

import pytest
from tests.support.snmp_agent import community, secret, snmp_device, snmp_point, user_account

from cityhall_bms.domain.site import Point
from cityhall_drivers.snmp import DRIVER


def found(folder: Path, base: dict[str, object], changes: dict[str, object], *points: Point) -> dict[str, str]:
    settings = {key: value for key, value in (base | changes).items() if value is not None}
    texts: dict[str, str] = {}
    for problem in DRIVER().check(snmp_device(161, folder, **settings), points):
        texts[problem.field] = f"{texts.get(problem.field, '')} {problem.message} -> {problem.remedy}"
    return texts


def test_right_devices_have_no_problem(tmp_path: Path) -> None:
    assert found(tmp_path, community(tmp_path), {}, snmp_point("ifOperStatus.1"), snmp_point("ifOperStatus.2")) == {}
    assert found(tmp_path, user_account(tmp_path, "bms", "SHA256", "AES128"), {"context": "plant"}) == {}
    assert found(tmp_path, user_account(tmp_path, "bms", "SHA", None), {}) == {}


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"comunity_file": "x"}, "comunity_file", "unknown key|'community_file'"),
        ({"community_file": None}, "community_file", "version 2c needs a community"),
        ({"community_file": "secrets/none.txt"}, "community_file", "missing file"),
        ({"user": "bms"}, "user", 'belongs to version 3|set version = "3"'),
        ({"auth": "SHA"}, "auth", "belongs to version 3"),
        ({"context": "x"}, "context", "belongs to version 3"),
        ({"version": "1"}, "version", "'2c' or '3'"),
        ({"varbinds_per_request_max": 0}, "varbinds_per_request_max", "1 to 120"),
    ],
)
def test_a_wrong_key_of_version_2c_is_named(tmp_path: Path, changes: dict[str, object], field: str, words: str) -> None:
    text = found(tmp_path, community(tmp_path), changes)[field]
    assert all(word in text for word in words.split("|")), text


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"user": None}, "user", "version 3 needs a user"),
        ({"auth": "MD5"}, "auth", "like 'SHA256'"),
        ({"priv": "DES"}, "priv", "'AES128'"),
        ({"auth_password_file": None}, "auth_password_file", "no safer than 2c"),
        ({"priv_password_file": None}, "priv_password_file", "encryption needs a password"),
        ({"priv": None}, "priv_password_file", "without encryption"),
        ({"community_file": "x"}, "community_file", "belong to version 2c"),
    ],
)
def test_a_wrong_key_of_version_3_is_named(tmp_path: Path, changes: dict[str, object], field: str, words: str) -> None:
    assert words in found(tmp_path, user_account(tmp_path, "bms", "SHA256", "AES128"), changes)[field]


def test_a_password_that_is_too_short_or_open_to_others_is_found(tmp_path: Path) -> None:
    account = user_account(tmp_path, "bms", "SHA256", "AES128", ("short", "long-enough"))
    assert "shorter than 8" in found(tmp_path, account, {})["auth_password_file"]
    secret(tmp_path, "auth.txt", "long-enough")
    (tmp_path / "secrets/priv.txt").chmod(0o644)
    assert "chmod 600" in found(tmp_path, account, {})["priv_password_file"]


@pytest.mark.parametrize(
    ("point", "field", "words"),
    [
        (snmp_point("upsBatteryStaus.0"), "address", "did you mean upsBatteryStatus"),
        (snmp_point("sysUpTime.0", type="uint32"), "type", "bring their type"),
        (snmp_point("sysUpTime.0", word_order="CDAB"), "word_order", "one byte order"),
        (snmp_point("sysUpTime.0", scale=0.0), "scale", "other than 0"),
    ],
)
def test_a_wrong_point_is_named(tmp_path: Path, point: Point, field: str, words: str) -> None:
    assert words in found(tmp_path, community(tmp_path), {}, point)[field]


def test_two_points_of_one_object_are_a_mistake_however_they_are_written(tmp_path: Path) -> None:
    points = snmp_point("sysUpTime.0", "one"), snmp_point("1.3.6.1.2.1.1.3.0", "two")
    assert "also read by TCH.B1.E.UPS01.one" in found(tmp_path, community(tmp_path), {}, *points)["address"]
