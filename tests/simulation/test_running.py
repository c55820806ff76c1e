"""``cityhall-sim run`` from start to end, as other programs use it."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest
from pymodbus.client import ModbusTcpClient
from tests.support.city_hall import CityHall, city_hall_process, running_city_hall
from tests.support.site_tables import device_table

from cityhall_simulators.faults import FAULTS


@pytest.fixture(scope="module")
def city_hall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CityHall]:
    with city_hall_process(tmp_path_factory.mktemp("city")) as running:
        yield running


@contextlib.contextmanager
def panel(city_hall: CityHall) -> Iterator[ModbusTcpClient]:
    table = device_table(city_hall.site_dir, "chc01-panel")
    client = ModbusTcpClient(table["host"], port=table["port"], timeout=2.0, retries=0)
    assert client.connect()
    try:
        yield client
    finally:
        client.close()


def alarm_bits(client: ModbusTcpClient) -> list[bool]:
    """RunSts, LocRem, AlmSum: the panel's discrete inputs."""
    answer = client.read_discrete_inputs(0, count=3, device_id=1)
    assert not answer.isError()
    return list(answer.bits[:3])


def test_a_trip_is_at_the_face_within_moments_and_its_end_too(city_hall: CityHall) -> None:
    with panel(city_hall) as client:
        assert alarm_bits(client) == [True, True, False]
        for switch, expected in (
            (lambda: city_hall.fault_on("chiller_trip"), [False, True, True]),
            # Its alarm is gone at once; the machine itself rests for half an hour before it may start again.
            (lambda: city_hall.fault_off("chiller_trip"), [False, True, False]),
        ):
            switch()
            began_s = time.monotonic()
            while alarm_bits(client) != expected:
                # The requirement is 0.2 s; the rest is a busy machine's share.
                assert time.monotonic() - began_s < 1.0


def test_the_status_names_devices_with_their_ports_and_faults_that_are_on(city_hall: CityHall) -> None:
    city_hall.fault_on("sos_pressed", "SOS02")
    status = httpx.get(city_hall.control_url).raise_for_status().json()
    assert status["site"] == "TCH"
    assert status["points"] == 247
    assert {device["name"] for device in status["devices"]} == {
        path.stem for path in (city_hall.site_dir / "devices").glob("*.toml")
    }
    assert [(fault["name"], fault["target"]) for fault in status["faults"]] == [("sos_pressed", "TCH.B1.N.SOS02")]
    city_hall.fault_off("sos_pressed")
    assert httpx.get(city_hall.control_url).json()["faults"] == []


def test_the_table_of_faults_has_both_languages(city_hall: CityHall) -> None:
    table = httpx.get(f"{city_hall.control_url}/faults").raise_for_status().json()
    assert {row["name"] for row in table} == set(FAULTS)
    assert all(row["text_zh"] and row["text_en"] and row["default"] for row in table)


def test_unknown_faults_and_targets_are_refused_with_a_hint(city_hall: CityHall) -> None:
    unknown = httpx.put(f"{city_hall.control_url}/faults/earthquake")
    assert unknown.status_code == 404
    assert "chiller_trip" in unknown.json()["detail"]
    misplaced = httpx.put(f"{city_hall.control_url}/faults/chiller_trip", json={"target": "AHU01"})
    assert misplaced.status_code == 422
    assert "CHC01" in misplaced.json()["detail"]
    assert httpx.put(f"{city_hall.control_url}/faults/chiller_trip", json={"targt": "CHC01"}).status_code == 422


def test_time_passes_and_truth_follows(city_hall: CityHall) -> None:
    first = city_hall.truth()
    assert len(first) == 247
    deadline_s = time.monotonic() + 10.0
    while city_hall.truth()["TCH.B2.CS.HVM01.kWh"] <= first["TCH.B2.CS.HVM01.kWh"]:
        assert time.monotonic() < deadline_s


def test_the_command_line_switches_faults(city_hall: CityHall) -> None:
    def fault(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "cityhall_simulators", "fault", *words, "--control", city_hall.control_url]
        return subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)

    assert fault("fire_alarm", "on", "--target", "FZN02").returncode == 0
    assert httpx.get(city_hall.control_url).json()["faults"][0]["target"] == "TCH.B1.N.FZN02"
    assert fault("fire_alarm", "off", "--target", "FZN02").returncode == 0
    assert httpx.get(city_hall.control_url).json()["faults"] == []
    refused = fault("earthquake", "on")
    assert refused.returncode == 1
    assert "no fault is called" in refused.stderr


async def test_a_timed_fault_strikes_and_is_written_to_the_truth_file(tmp_path: Path) -> None:
    async with running_city_hall(tmp_path, faults=["ahu_fan_fail:AHU02@0.2"]) as city_hall:
        deadline_s = time.monotonic() + 10.0
        while city_hall.truth()["TCH.01.W.AHU02.RunSts"] != 0:
            assert time.monotonic() < deadline_s
        line = json.loads(city_hall.truth_file.read_text().splitlines()[0])
        assert (line["what"], line["where"], line["to"]) == ("ahu_fan_fail", "TCH.01.W.AHU02", None)
        ports = [int(device["port"]) for device in city_hall.status()["devices"]]
    for port in ports:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))


def test_an_hour_passes_for_the_plants_in_a_second_when_told_so(tmp_path: Path) -> None:
    options = ["--speed", "3600", "--plant-start", "2026-07-01T06:00", "--scenario", str(scenario_file(tmp_path))]
    with city_hall_process(tmp_path, options=options) as city_hall:
        first, began_s = plant_time(city_hall), time.monotonic()
        counted = city_hall.truth()["TCH.B2.CS.HVM01.kWh"]
        deadline_s = began_s + 30.0
        while plant_time(city_hall) < first + timedelta(hours=4):
            assert time.monotonic() < deadline_s
        passed_h = (plant_time(city_hall) - first) / timedelta(hours=1)
        # Ticks are half an hour of plant time apart; the counter has counted what passed, at 0.2 to 2.5 MW a line.
        counted = city_hall.truth()["TCH.B2.CS.HVM01.kWh"] - counted
        assert 200.0 * (passed_h - 1.0) < counted < 2500.0 * (passed_h + 1.0)
        assert city_hall.status()["speed"] == 3600.0
        # A fault that lasts two plant hours has come and gone within moments.
        deadline_s = time.monotonic() + 30.0
        while len(lines := city_hall.truth_file.read_text().splitlines()) < 2:
            assert time.monotonic() < deadline_s
        begun, ended = (datetime.fromisoformat(json.loads(lines[1])[end]) for end in ("from", "to"))
        assert timedelta() < ended - begun < timedelta(seconds=15.0), "records keep real time"


def plant_time(city_hall: CityHall) -> datetime:
    return datetime.fromisoformat(city_hall.status()["plant_time"])


def scenario_file(folder: Path, name: str = "sos_pressed", target: str = "SOS02") -> Path:
    file = folder / "scenario.toml"
    text = f"""
        text_zh = "測試"
        text_en = "Test"
        [[fault]]
        name = "{name}"
        target = "{target}"
        after_s = 3600
        lasts_s = 7200
    """
    file.write_text(text, encoding="utf-8")
    return file


def test_devices_listen_where_they_are_told_and_the_control_interface_on_loopback_only(tmp_path: Path) -> None:
    with city_hall_process(tmp_path, options=["--host", "127.0.0.2"]) as city_hall:
        assert city_hall.control_url.startswith("http://127.0.0.1:")
        device = city_hall.status()["devices"][0]
        assert device["host"] == "127.0.0.2"
        elsewhere = ("127.0.0.2", int(city_hall.control_url.rsplit(":", 1)[1]))
        with pytest.raises(OSError, match="refused"):
            socket.create_connection(elsewhere, timeout=5.0)


def test_it_stops_cleanly_on_sigterm_and_on_ctrl_c(tmp_path: Path) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        folder = tmp_path / number.name
        folder.mkdir()
        with city_hall_process(folder) as city_hall:
            os.kill(city_hall.pid, number)
            assert os.waitstatus_to_exitcode(os.waitpid(city_hall.pid, 0)[1]) == 0
        assert (folder / "simulator.log").read_text() == ""


def test_it_dies_with_its_parent(tmp_path: Path) -> None:
    parent = textwrap.dedent(f"""
        import subprocess, sys, time
        command = [sys.executable, "-m", "cityhall_simulators", "run", "--die-with-parent", "--site-dir", {str(tmp_path)!r}]
        child = subprocess.Popen(command, stdout=subprocess.PIPE)
        child.stdout.readline()
        print(child.pid, flush=True)
        time.sleep(60)
    """)
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    with subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None
        child = int(process.stdout.readline())
        assert Path(f"/proc/{child}").exists()
        process.kill()
    deadline_s = time.monotonic() + 15.0
    try:
        while _runs(child):
            assert time.monotonic() < deadline_s, "the simulator outlived its parent"
            time.sleep(0.05)
    finally:
        # A failed test must not leave what it complains about.
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)


def _runs(pid: int) -> bool:
    with contextlib.suppress(OSError):
        # A zombie that nobody waits for has ended all the same.
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    return False


@pytest.mark.parametrize(("words", "message"), [
    (("--site", "castle"), "no building is called 'castle'"),
    (("--fault", "earthquake@3"), "no fault is called 'earthquake'"),
    (("--fault", "chiller_trip:AHU01@3"), "CHC01"),
    (("--fault", "chiller_trip@soon"), "chiller_trip@soon"),
    (("--scenario", "doomsday"), "working_day"),
    (("--site", "small", "--scenario", "{folder}/scenario.toml"), "scenario.toml, fault 1: device_silent strikes one of"),
])  # fmt: skip
def test_a_mistake_on_the_command_line_is_explained(tmp_path: Path, words: tuple[str, ...], message: str) -> None:
    scenario_file(tmp_path, name="device_silent", target="em05")
    words = tuple(word.format(folder=tmp_path) for word in words)
    command = [sys.executable, "-m", "cityhall_simulators", "run", "--site-dir", str(tmp_path / "site"), *words]
    ended = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 2
    assert message in ended.stderr
    assert not (tmp_path / "site").exists()
