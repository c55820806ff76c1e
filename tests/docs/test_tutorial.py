"""The tutorial, followed word for word: its files are written, its commands run, what it promises is looked at."""

import csv
import io
import json
import os
import re
import shlex
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]

CHECKOUT = Path(__file__).parents[2]
TUTORIAL = CHECKOUT / "docs" / "tutorial" / "add-a-modbus-meter.md"
BLOCK = re.compile(r"^```(?P<info>[^\n]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
PATIENCE_S = 60.0


@dataclass(frozen=True)
class Step:
    """A fenced block: what its first line says, and its text."""

    info: str
    text: str


def steps() -> list[Step]:
    return [Step(found["info"], found["text"]) for found in BLOCK.finditer(TUTORIAL.read_text(encoding="utf-8"))]


class Newcomer:
    """Does what the page says, in a folder that looks like a fresh clone after ``make setup``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        (folder / ".venv").symlink_to(CHECKOUT / ".venv")

    def write(self, name: str, text: str) -> None:
        path = self._folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def run(self, command: str) -> str:
        done = subprocess.run(
            ["sh", "-c", command], cwd=self._folder, capture_output=True, text=True, timeout=PATIENCE_S, check=False
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        return done.stdout

    def once_let_in(self, command: str) -> None:
        """Repeat a command until it works: what it needs may still be starting."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            done = subprocess.run(
                ["sh", "-ec", command],
                cwd=self._folder,
                capture_output=True,
                text=True,
                timeout=PATIENCE_S,
                check=False,
            )
            if done.returncode == 0:
                return
            time.sleep(0.5)
        pytest.fail(f"{command}\n{done.stdout}{done.stderr}")

    def leave_running(self, command: str) -> None:
        with (self._folder / "background.log").open("ab") as log:
            self._running[command] = subprocess.Popen(
                shlex.split(command), cwd=self._folder, stdout=log, stderr=log, start_new_session=True
            )

    def restart(self, command: str) -> None:
        self._stop(self._running.pop(command))
        self.leave_running(command)

    def until(self, command: str, good: Callable[[Any], bool]) -> Any:
        """Repeat a command, as a person presses reload, until its JSON answer is what the page promises."""
        deadline = time.monotonic() + PATIENCE_S
        answer: Any = None
        while time.monotonic() < deadline:
            done = subprocess.run(
                ["sh", "-c", command], cwd=self._folder, capture_output=True, text=True, timeout=PATIENCE_S, check=False
            )
            if done.returncode == 0:
                answer = json.loads(done.stdout)
                if good(answer):
                    return answer
            time.sleep(0.2)
        pytest.fail(f"{command}\n{answer}\n{(self._folder / 'background.log').read_text()[-3000:]}")

    def close(self) -> None:
        for process in self._running.values():
            self._stop(process)

    @staticmethod
    def _stop(process: subprocess.Popen[bytes]) -> None:
        os.killpg(process.pid, signal.SIGINT)
        process.wait(PATIENCE_S)


@pytest.fixture
def newcomer(tmp_path: Path) -> Iterator[Newcomer]:
    person = Newcomer(tmp_path)
    yield person
    person.close()


@pytest.mark.xdist_group("fixed ports")
def test_the_tutorial_works_word_for_word(newcomer: Newcomer, tmp_path: Path) -> None:
    expectations: dict[str, Callable[[Any], bool]] = {
        "/points/LAB.01.E.EM01.kW": lambda point: (
            point["present"]["quality"] == "good" and point["present"]["value"] > 10
        ),
        "/alarms?state=active": lambda page: any(item["rule"] == "MY-LOAD" for item in page["items"]),
        "/events": lambda page: "AlarmRaised" in [event["type"] for event in page["items"]],
    }
    for step in steps():
        command = step.text.strip()
        if "file=" in step.info:
            newcomer.write(step.info.partition("file=")[2], step.text)
        elif step.info == "sh background":
            newcomer.leave_running(command)
        elif step.info == "sh restart":
            newcomer.restart(command)
        elif step.info == "sh account":
            newcomer.once_let_in(command)
        elif command == "make setup":
            assert (CHECKOUT / ".venv/bin/cityhall-bms").exists()
        elif command.startswith("curl -s -o"):
            newcomer.run(command)
        elif command.startswith("curl"):
            promise = next(good for path, good in expectations.items() if path in command)
            newcomer.until(command, promise)
        else:
            assert "沒有錯誤" in newcomer.run(command)

    rows = list(csv.DictReader(io.StringIO((tmp_path / "meter.csv").read_text(encoding="utf-8-sig"))))
    assert {row["點位"] for row in rows} == {"LAB.01.E.EM01.kW", "LAB.01.E.EM01.kWh"}
    assert all(row["品質"] == "good" for row in rows if row["數值"])


def test_the_mistake_that_the_tutorial_suggests_is_explained(newcomer: Newcomer, tmp_path: Path) -> None:
    for step in steps():
        if "file=mysite" in step.info:
            newcomer.write(step.info.partition("file=")[2], step.text.replace("port = 15502", "port = 155020"))

    done = subprocess.run(
        [".venv/bin/cityhall-bms", "check", "mysite"], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert done.returncode == 1
    assert re.search(r"devices/meter-1\.toml:8: .*port", done.stderr), done.stderr
