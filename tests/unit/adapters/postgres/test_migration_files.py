"""Reading migration files, and deciding which are still to be applied."""

from pathlib import Path

import pytest

from cityhall_bms.adapters.postgres.migrate import (
    POSTGRES,
    TIMESCALE,
    Applied,
    Migration,
    MigrationError,
    migrations_folder,
    pending,
    read_migrations,
)


def write(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).write_text(f"-- {name}")
    return folder


def scripts(folder: Path, profile: str) -> list[str]:
    return [step.script for step in read_migrations(folder, profile)]


def test_the_profile_chooses_between_two_files_of_one_number(tmp_path: Path) -> None:
    write(tmp_path, "0002_b.sql", "0002_b.timescale.sql", "0001_a.sql", "0003_c.timescale.sql")

    assert scripts(tmp_path, POSTGRES) == ["-- 0001_a.sql", "-- 0002_b.sql"]
    assert scripts(tmp_path, TIMESCALE) == ["-- 0001_a.sql", "-- 0002_b.timescale.sql", "-- 0003_c.timescale.sql"]


@pytest.mark.parametrize("second", ["0001_b.sql", "0001_b.timescale.sql"])
def test_a_number_used_twice_is_refused(tmp_path: Path, second: str) -> None:
    with pytest.raises(MigrationError, match="0001"):
        read_migrations(write(tmp_path, "0001_a.sql", second), TIMESCALE)


@pytest.mark.parametrize("name", ["1_a.sql", "0001.sql", "0001_A.sql", "0001_a.oracle.sql"])
def test_a_misnamed_file_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(MigrationError, match="NNNN_what"):
        read_migrations(write(tmp_path, name), POSTGRES)


def test_a_folder_without_migrations_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MigrationError, match="no migrations"):
        read_migrations(tmp_path, POSTGRES)


def test_what_was_applied_is_not_applied_again() -> None:
    steps = [Migration(number, f"m{number}", str(number)) for number in (1, 2, 3)]
    applied = [Applied(step.number, step.name, step.sha256) for step in steps if step.number != 2]

    assert pending(steps, applied) == [steps[1]]


@pytest.mark.parametrize("profile", [POSTGRES, TIMESCALE])
def test_our_own_files_are_in_order(profile: str) -> None:
    assert read_migrations(migrations_folder(), profile)[0].number == 1
