"""Private folders and files of a service, and what an account can reach."""

import os
from pathlib import Path

import pytest

from cityhall_bms.adapters.embedded.accounts import Account, cannot_pass, make_folder, may_enter, write_private
from cityhall_bms.adapters.embedded.errors import EmbeddedServiceError


def status(mode: int, uid: int, gid: int) -> os.stat_result:
    return os.stat_result((0o040000 | mode, 0, 0, 0, uid, gid, 0, 0, 0, 0))


@pytest.mark.parametrize(
    ("mode", "uid", "gid", "enters"),
    [
        (0o100, 7, 0, True),
        (0o677, 7, 8, False),  # the owner's bits count alone
        (0o010, 0, 8, True),
        (0o767, 0, 8, False),  # so do the group's
        (0o001, 0, 0, True),
        (0o770, 0, 0, False),
    ],
)
def test_the_first_matching_class_of_the_mode_decides(mode: int, uid: int, gid: int, enters: bool) -> None:
    assert may_enter(status(mode, uid, gid), Account(uid=7, gid=8)) is enters


def test_a_closed_folder_on_the_way_is_named(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    (closed / "inside").mkdir(parents=True)
    closed.chmod(0o700)

    assert closed in cannot_pass(closed / "inside", Account(uid=54_321, gid=54_321))
    assert cannot_pass(Path("/usr/bin"), Account(uid=54_321, gid=54_321)) == []


def test_a_folder_is_private_from_the_start(tmp_path: Path) -> None:
    make_folder(tmp_path / "a" / "b", None)

    assert (tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o700


def test_a_link_is_not_taken_for_a_folder(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir(mode=0o755)
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(EmbeddedServiceError, match="another account"):
        make_folder(tmp_path / "link", None)
    assert (tmp_path / "elsewhere").stat().st_mode & 0o777 == 0o755


def test_a_file_replaces_a_link_and_leaves_its_target_alone(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("precious")
    for name in ("settings", "settings.new"):
        (tmp_path / name).symlink_to(target)

    write_private(tmp_path / "settings", "secret", None)

    assert target.read_text() == "precious"
    assert (tmp_path / "settings").read_text() == "secret"
    assert (tmp_path / "settings").lstat().st_mode & 0o777 == 0o600
