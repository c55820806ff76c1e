"""The past is decoded again beside a running service, and without one: with the real command, and real processes."""

import asyncio
import json
import struct
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from tests.support.modbus_server import ModbusServer
from tests.support.opcua_server import free_port
from tests.support.service_token import embedded_token_headers, is_ready
from tests.support.sites import SITE_TOML
from tests.support.until import until

pytestmark = pytest.mark.faults

POINT = "TCH.01.E.EM01.V12"
DEVICE = """\
[device]
protocol = "modbus"
text_zh = "電表"
text_en = "Meter"

[modbus]
host = "127.0.0.1"
port = {port}
"""
HEAD = (
    "name,text_zh,text_en,equipment,role,kind,unit,device,address,type,word_order,scale,offset,low,high,scan_s,"
    "deadband,states\n"
)
ALL_TIME = ("--from", "2020-01-01", "--until", "2100-01-01")


def describe(folder: Path, port: int, word_order: str) -> None:
    (folder / "devices").mkdir(parents=True, exist_ok=True)
    (folder / "site.toml").write_text(SITE_TOML, encoding="utf-8")
    (folder / "devices" / "em-1.toml").write_text(DEVICE.format(port=port), encoding="utf-8")
    equipment = (
        "equipment,class,system,text_zh,text_en,fed_by,part_of\nTCH.01.E.EM01,Electrical_Meter,power,電表,Meter,,\n"
    )
    (folder / "equipment.csv").write_text(equipment, encoding="utf-8")
    row = f"{POINT},電壓,Voltage,TCH.01.E.EM01,V12,AI,V,em-1,holding:10,float32,{word_order},,,,,0.2,,\n"
    (folder / "points.csv").write_text(HEAD + row, encoding="utf-8")


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cityhall_bms", *arguments], capture_output=True, text=True, check=False, timeout=90
    )


def ask(port: int, path: str, headers: dict[str, str]) -> Any:
    try:
        asked = urllib.request.Request(f"http://127.0.0.1:{port}/api/v1/{path}", headers=headers)
        with urllib.request.urlopen(asked, timeout=5) as answer:
            return json.load(answer)
    except OSError:
        return None


def present(port: int, headers: dict[str, str]) -> float | None:
    found = ask(port, f"points/{POINT}", headers)
    return found["present"]["value"] if found else None


def stored(port: int, headers: dict[str, str]) -> list[float]:
    found = ask(port, f"points/{POINT}/samples?from=2020-01-01T00:00:00Z&to=2100-01-01T00:00:00Z", headers)
    return [value for value in found["v"] if value is not None]


async def test_pain_06_the_past_is_corrected_while_the_service_runs_and_when_it_does_not(tmp_path: Path) -> None:
    high, low = struct.unpack(">HH", struct.pack(">f", 230.5))
    server = ModbusServer({(1, 3): {10: low, 11: high}})
    await server.start()
    site, port = tmp_path / "site", free_port()
    (tmp_path / "cityhall.toml").write_text(f"[api]\nport = {port}\n", encoding="utf-8")
    options = ("--data-dir", str(tmp_path / "data"), "--config", str(tmp_path / "cityhall.toml"))
    describe(site, server.port, "ABCD")
    with (tmp_path / "log").open("wb") as log:
        service = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "cityhall_bms", "serve", str(site), *options, stdout=log, stderr=log
        )
    redecode = ("redecode", str(site), "--device", "em-1", *ALL_TIME, "--reason", "words were swapped", *options)
    try:
        await until(lambda: is_ready(port), within_s=90)
        me = await embedded_token_headers(tmp_path / "data")
        await until(lambda: present(port, me) is not None, within_s=90)
        assert present(port, me) != 230.5
        describe(site, server.port, "CDAB")
        applied = await asyncio.to_thread(run, "apply", str(site), *options)
        assert applied.returncode == 0, applied.stderr
        await until(lambda: present(port, me) == 230.5, within_s=60)
        await until(lambda: 230.5 in stored(port, me))
        assert set(stored(port, me)) != {230.5}

        done = await asyncio.to_thread(run, *redecode)
        assert done.returncode == 0, done.stderr
        assert "holding:10 float32 ABCD -> holding:10 float32 CDAB" in done.stdout
        assert set(stored(port, me)) == {230.5}
        events = ask(port, "events?stream=restatement/em-1", me)["items"]
        assert [event["payload"]["reason"] for event in events] == ["words were swapped"]
    finally:
        service.terminate()
        await service.wait()
        await server.stop()
    again = await asyncio.to_thread(run, *redecode, "--dry-run")
    assert again.returncode == 0, again.stderr
    assert "would be restated: 0 筆 samples" in again.stdout
