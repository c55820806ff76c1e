"""A changed site folder is applied to a running service: with the real command, and real processes."""

import asyncio
import json
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from tests.support.modbus_server import ModbusServer
from tests.support.opcua_server import free_port
from tests.support.service_token import embedded_token_headers, is_ready
from tests.support.until import until

from cityhall_bms.adapters.embedded.folder_lock import holder_of
from cityhall_bms.settings import child_environment, load_settings

pytestmark = pytest.mark.faults

SITE = """\
[site]
code = "TCH"
name_zh = "測試"
name_en = "Test"
time_zone = "Asia/Taipei"

[[floors]]
code = "01"
name_zh = "一樓"
name_en = "Ground floor"

[[zones]]
code = "E"
name_zh = "東"
name_en = "East"
"""
DEVICE = """\
[device]
protocol = "modbus"
text_zh = "電表"
text_en = "Meter"

[modbus]
host = "127.0.0.1"
port = {port}
unit_id = {unit}
"""
HEAD = (
    "name,text_zh,text_en,equipment,role,kind,unit,device,address,type,word_order,scale,offset,low,high,scan_s,"
    "deadband,states\n"
)


def describe(folder: Path, port: int, units: list[int]) -> None:
    """A site with one meter per unit."""
    (folder / "devices").mkdir(parents=True, exist_ok=True)
    (folder / "site.toml").write_text(SITE, encoding="utf-8")
    equipment = "equipment,class,system,text_zh,text_en,fed_by,part_of\n"
    points = HEAD
    for file in (folder / "devices").iterdir():
        file.unlink()
    for unit in units:
        name = f"TCH.01.E.EM0{unit}"
        equipment += f"{name},Electrical_Meter,power,電表,Meter,,\n"
        points += f"{name}.V12,電壓,Voltage,{name},V12,AI,V,em-{unit},holding:{unit},uint16,,,,,,0.2,,\n"
        (folder / "devices" / f"em-{unit}.toml").write_text(DEVICE.format(port=port, unit=unit), encoding="utf-8")
    (folder / "equipment.csv").write_text(equipment, encoding="utf-8")
    (folder / "points.csv").write_text(points, encoding="utf-8")


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cityhall_bms", *arguments], capture_output=True, text=True, check=False, timeout=90
    )


async def test_a_device_is_added_and_removed_while_the_others_keep_their_connection(tmp_path: Path) -> None:
    server = ModbusServer({(unit, 3): {address: 200 + address for address in range(9)} for unit in range(9)})
    await server.start()
    site, data, port = tmp_path / "site", tmp_path / "data", free_port()
    describe(site, server.port, [1])
    settings = load_settings(data_dir=data, api={"port": port})
    with (tmp_path / "log").open("wb") as log:
        service = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "cityhall_bms", "serve", str(site), "--data-dir", str(data), "--port", str(port),
            env=child_environment(settings), stdout=log, stderr=log,
        )  # fmt: skip
    try:
        await until(lambda: holder_of(data / "service.lock") == service.pid, within_s=30)
        service.send_signal(signal.SIGHUP)  # while it still starts
        await until(lambda: is_ready(port), within_s=90)
        me = await embedded_token_headers(tmp_path / "data")
        await until(lambda: present(port, "TCH.01.E.EM01.V12", me) == 201.0, within_s=90)
        connections = server.connections

        describe(site, server.port, [1, 2])
        applied = await asyncio.to_thread(
            run, "apply", str(site), "--data-dir", str(data), "--config", config(tmp_path, port)
        )
        assert applied.returncode == 0, applied.stderr
        assert "新增點位 points added: 1" in applied.stdout
        assert "em-2" in applied.stdout
        await until(lambda: present(port, "TCH.01.E.EM02.V12", me) == 202.0, within_s=60)
        assert server.connections == connections  # units of one address share it, and nobody hung up

        describe(site, server.port, [2])
        assert (
            await asyncio.to_thread(
                run, "apply", str(site), "--data-dir", str(data), "--config", config(tmp_path, port)
            )
        ).returncode == 0
        asked = sum(request.unit == 2 for request in server.requests)
        await until(lambda: sum(request.unit == 2 for request in server.requests) > asked + 3)
        last = sum(request.unit == 1 for request in server.requests)
        asked = sum(request.unit == 2 for request in server.requests)
        await until(lambda: sum(request.unit == 2 for request in server.requests) > asked + 3)
        assert sum(request.unit == 1 for request in server.requests) == last

        (site / "points.csv").write_text(HEAD + "nonsense\n", encoding="utf-8")
        refused = await asyncio.to_thread(
            run, "apply", str(site), "--data-dir", str(data), "--config", config(tmp_path, port)
        )
        assert refused.returncode == 1
        assert "points.csv:2" in refused.stderr
    finally:
        service.terminate()
        await service.wait()
        await server.stop()


async def test_without_a_running_service_the_command_says_so(tmp_path: Path) -> None:
    describe(tmp_path / "site", 502, [1])
    refused = await asyncio.to_thread(run, "apply", str(tmp_path / "site"), "--data-dir", str(tmp_path / "data"))
    assert refused.returncode == 1
    assert "no service runs" in refused.stderr


HOLDER = """
import sys, time
from pathlib import Path
from cityhall_bms.adapters.embedded.folder_lock import FolderLock
lock = FolderLock(Path(sys.argv[1]))
lock.take()
print("taken", flush=True)
time.sleep(60)
"""


async def test_a_process_that_is_no_ready_service_is_left_alone(tmp_path: Path) -> None:
    describe(tmp_path / "site", 502, [1])
    data = tmp_path / "data"
    data.mkdir()
    holder = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HOLDER, str(data / "service.lock"), stdout=subprocess.PIPE
    )
    try:
        assert holder.stdout is not None
        assert await holder.stdout.readline() == b"taken\n"
        refused = await asyncio.to_thread(
            run, "apply", str(tmp_path / "site"), "--data-dir", str(data), "--config", config(tmp_path, free_port())
        )
        assert refused.returncode == 1
        assert f"process {holder.pid} has" in refused.stderr
        assert holder.returncode is None
    finally:
        holder.kill()
        await holder.wait()
    assert holder.returncode == -9


def config(folder: Path, port: int) -> str:
    (folder / "cityhall.toml").write_text(f"[api]\nport = {port}\n", encoding="utf-8")
    return str(folder / "cityhall.toml")


def present(port: int, name: str, headers: dict[str, str]) -> float | None:
    """Present value of a point; none while there is none, or nobody answers."""
    try:
        asked = urllib.request.Request(f"http://127.0.0.1:{port}/api/v1/points/{name}", headers=headers)
        with urllib.request.urlopen(asked, timeout=5) as answer:
            found: dict[str, Any] = json.load(answer)
    except OSError:
        return None
    value = found["present"]["value"]
    return None if value is None else float(value)
