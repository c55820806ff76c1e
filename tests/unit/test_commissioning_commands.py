"""The commands that take a building into service, against real servers on loopback."""

import asyncio
import struct
from collections.abc import AsyncIterator
from pathlib import Path
from threading import Thread
from typing import Self

import pytest
from tests.support.fake_driver import FakeDriverFactory
from tests.support.modbus_server import ModbusServer
from typer.testing import CliRunner

from cityhall_bms import commissioning_commands
from cityhall_bms.cli import app
from cityhall_bms.ports.capabilities import FoundDevice
from cityhall_bms.ports.clock import Clock

RUNNER = CliRunner()


class ServedModbus:
    """A Modbus server in a thread of its own, for commands that run their own loop."""

    def __init__(self) -> None:
        high, low = struct.unpack(">2H", struct.pack(">f", 21.25))
        self.server = ModbusServer({(1, 3): {10: low, 11: high, 12: 230}})  # the low word first
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever)

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self.server.start(), self._loop).result(10)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self.server.stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


def run(*arguments: str) -> str:
    result = RUNNER.invoke(app, list(arguments), env={"COLUMNS": "200"}, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def refused(*arguments: str) -> str:
    result = RUNNER.invoke(app, list(arguments))
    assert result.exit_code == 1
    return result.output


def test_discovered_registers_become_a_draft_that_passes_the_check(tmp_path: Path) -> None:
    with ServedModbus() as served:
        said = run(
            "discover",
            "modbus",
            f"127.0.0.1:{served.server.port} units 1-1 holding 0-19",
            "--out",
            str(tmp_path / "new"),
        )
    assert "1 devices, 3 points" in said
    assert "沒有錯誤 no mistakes: 1 devices, 1 equipment, 3 points" in run("check", str(tmp_path / "new"))


class BracketFactory(FakeDriverFactory):
    """Finds a device whose maker loves brackets."""

    async def discover(self, where: str, clock: Clock, *, within_s: float) -> AsyncIterator[FoundDevice]:
        del where, clock, within_s
        yield FoundDevice("AHU [/north] :fan:", "AHU", "fake", {}, (), "[red]ACME", "[C-9]")


def test_a_devices_name_is_shown_as_it_is_whatever_brackets_it_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commissioning_commands, "find_factories", lambda: {"fake": BracketFactory()})
    assert "AHU [/north] :fan:  [red]ACME [C-9]" in run("discover", "fake", "x", "--out", str(tmp_path / "new"))


def test_pain_06_the_probe_shows_the_bytes_in_every_order_with_the_plausible_first(tmp_path: Path) -> None:
    with ServedModbus() as served:
        where = f"127.0.0.1:{served.server.port} units 1-1 holding 0-19"
        run("discover", "modbus", where, "--out", str(tmp_path / "new"))
        points = tmp_path / "new" / "points.csv"
        rows = points.read_text(encoding="utf-8").splitlines()
        # An engineer knows that 10 and 11 are one temperature, and not yet in which order its words come.
        rows[1] = rows[1].replace("uint16", "float32")
        points.write_text("\n".join([rows[0], rows[1], rows[3]]) + "\n", encoding="utf-8")
        device = next((tmp_path / "new" / "devices").iterdir()).stem
        said = run("probe", str(tmp_path / "new"), device)
        plan = run("probe", str(tmp_path / "new"), device, "--plan")
    assert "0000 41aa" in said
    assert "* float32 CDAB = 21.25" in said
    assert said.index("float32 CDAB") < said.index("float32 ABCD")
    assert "holding:10 +3" in plan
    assert "0000 41aa" not in plan


def test_the_plan_says_how_much_of_a_serial_line_a_device_takes(tmp_path: Path) -> None:
    with ServedModbus() as served:
        run("discover", "modbus", f"127.0.0.1:{served.server.port} units 1-1", "--out", str(tmp_path / "new"))
    file = next((tmp_path / "new" / "devices").iterdir())
    lines = file.read_text(encoding="utf-8").splitlines()
    line = ['serial = "/dev/ttyS1"' if row.startswith("host") else row for row in lines if not row.startswith("port")]
    file.write_text("\n".join([*line, "baud = 9600"]) + "\n", encoding="utf-8")
    # Three registers once a minute: 8 and 11 bytes and twice 3.5 characters, 11 bits each at 9,600 baud, are 30 ms.
    assert "of the serial line: 0.05%" in run("probe", str(tmp_path / "new"), file.stem, "--plan")


def test_an_ede_file_becomes_a_draft(tmp_path: Path) -> None:
    (tmp_path / "a_EDE.csv").write_text(
        "# keyname;device obj.-instance;object-name;object-type;object-instance;unit-code\nA;1001;Kälte;0;1;62\n",
        encoding="cp1252",
    )
    said = run("import-ede", str(tmp_path / "a_EDE.csv"), "--host", "192.168.1.20", "--out", str(tmp_path / "new"))
    assert "1 devices, 1 points" in said
    assert "Kälte" in (tmp_path / "new" / "points.csv").read_text(encoding="utf-8")
    run("check", str(tmp_path / "new"))


@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp950"])
def test_the_governments_calendars_become_a_calendar_of_the_site(tmp_path: Path, encoding: str) -> None:
    first, second, out = tmp_path / "114.csv", tmp_path / "115.csv", tmp_path / "calendar.csv"
    head = "西元日期,星期,是否放假,備註\r\n"
    first.write_text(head + "20250207,五,0,\r\n20250208,六,0,補行上班\r\n", encoding=encoding)
    second.write_text(head + "20260101,四,2,開國紀念日\r\n", encoding=encoding)

    assert "2 個放假日" in run("import-holidays", str(second), str(first), "--out", str(out))

    assert out.read_text(encoding="utf-8").splitlines()[1:] == [
        "2025-02-08,workday,補行上班,Make-up working day,dgpa",
        "2026-01-01,holiday,開國紀念日,New Year (founding day),dgpa",
    ]
    assert "檔案已存在" in refused("import-holidays", str(first), "--out", str(out)), "nothing is written over"
    assert "2025-02-08" in refused("import-holidays", str(first), str(first), "--out", str(tmp_path / "new.csv"))


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["import-holidays", "missing.csv"], "missing.csv"),
        (["discover", "profinet", "x"], "there is no protocol 'profinet'"),
        (["discover", "modbus", "nowhere"], "write HOST:PORT"),
        (["import-ede", "missing.csv", "--host", "10.0.0.1"], "missing.csv"),
    ],
)
def test_what_cannot_be_done_says_why(tmp_path: Path, arguments: list[str], says: str) -> None:
    assert says in refused(*arguments, "--out", str(tmp_path / "new"))


def test_a_folder_with_something_in_it_is_never_written_over(tmp_path: Path) -> None:
    (tmp_path / "site.toml").write_text("mine", encoding="utf-8")
    assert "not empty" in refused("discover", "modbus", "127.0.0.1:502", "--out", str(tmp_path))
    assert (tmp_path / "site.toml").read_text(encoding="utf-8") == "mine"
