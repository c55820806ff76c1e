"""Options of the demo are checked before anything starts."""

import socket
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityhall_bms.demo import DemoError, Options, PlannedFault, free_port


@given(st.integers(0, 10_000), st.integers(0, 10_000))
def test_a_fault_has_a_start_and_a_duration(at: int, lasts: int) -> None:
    assert PlannedFault.of(f"chiller_trip@{at}+{lasts}") == PlannedFault("chiller_trip", at, lasts)


def test_a_fault_without_a_duration_lasts_a_minute() -> None:
    assert PlannedFault.of("lift_entrapment@2.5") == PlannedFault("lift_entrapment", 2.5, 60.0)


@pytest.mark.parametrize("text", ["chiller_trip", "chiller_trip@", "@20", "chiller_trip@-1", "x@1+", "x@1; rm"])
def test_a_fault_that_makes_no_sense_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(DemoError, match="chiller_trip@20"):
        PlannedFault.of(text)


def test_a_site_that_is_no_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DemoError, match=r"site\.toml"):
        Options.of(str(tmp_path), None, 8800, tmp_path, [])


def test_faults_need_the_simulated_city_hall(tmp_path: Path) -> None:
    (tmp_path / "site.toml").touch()

    with pytest.raises(DemoError, match="simulated"):
        Options.of(str(tmp_path), None, 8800, tmp_path, ["chiller_trip@1"])
    with pytest.raises(DemoError, match="simulated"):
        Options.of(str(tmp_path), None, 8800, tmp_path, [], "working_day")


def test_a_port_that_is_taken_gives_way_to_the_next_free_one() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        assert free_port(port) > port
