"""The demo as a newcomer starts it, in processes of its own."""

import json
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

from cityhall_bms.api.access import COOKIE


@dataclass(frozen=True)
class Demo:
    """A running demo."""

    address: str
    control: str
    second: str
    """A link, good once, by which a second person signs in."""
    session: str
    """Value of the cookie of whoever opened the first link."""

    def fault(self, name: str, *, on: bool) -> None:
        request = urllib.request.Request(f"{self.control}/faults/{name}", method="PUT" if on else "DELETE")
        urllib.request.urlopen(request, timeout=60).close()

    def get(self, path: str) -> dict[str, Any]:
        cookie = {"Cookie": f"{COOKIE}={self.session}"}
        request = urllib.request.Request(f"{self.address}api/v1{path}", headers=cookie)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return dict(json.load(answer))

    def token(self) -> dict[str, str]:
        """Headers of a token of whoever opened the demo, with all that they may do."""
        cookie = {"Cookie": f"{COOKIE}={self.session}", "Content-Type": "application/json"}
        wish = {"name": "all", "scopes": sorted(self.get("/session")["permissions"]), "days": 1}
        request = urllib.request.Request(
            f"{self.address}api/v1/session/tokens", json.dumps(wish).encode(), headers=cookie, method="POST"
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return {"Authorization": f"Bearer {json.load(answer)['secret']}"}

    def points(self) -> dict[str, dict[str, Any]]:
        """Every point with its present value, by name."""
        found: dict[str, dict[str, Any]] = {}
        cursor = ""
        while True:
            page = self.get(f"/points?limit=1000{cursor}")
            found |= {point["name"]: point for point in page["items"]}
            if page["next"] is None:
                return found
            cursor = f"&cursor={page['next']}"

    def truth(self) -> dict[str, float]:
        """What is true at the simulated building just now."""
        with urllib.request.urlopen(f"{self.control}/truth", timeout=60) as answer:
            return dict(json.load(answer))


@contextmanager
def running_demo(data: Path, *options: str) -> Iterator[Demo]:
    """``cityhall-bms demo`` with its data in ``data``, until it has printed its address; ended with Ctrl-C."""
    command = [sys.executable, "-m", "cityhall_bms", "demo", "--port", str(_free_port()), "--data-dir", str(data)]
    process = subprocess.Popen([*command, *options], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert "http://" in line, (data / "service.log").read_text()[-3000:]
        address, _, invitation = line.split()[-1].partition("#/sign-in?invitation=")
        second = process.stdout.readline().split()[-1]
        yield Demo(address, _control(data / "simulator.log"), second, sign_in(address, invitation))
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)
        if process.stdout is not None:
            process.stdout.close()


def sign_in(address: str, invitation: str) -> str:
    """Open a link as a browser does; gives the value of the session's cookie."""
    body = json.dumps({"invitation": invitation}).encode()
    request = urllib.request.Request(
        f"{address}api/v1/session", body, headers={"Content-Type": "application/json"}, method="POST"
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        cookie = SimpleCookie(answer.headers["Set-Cookie"])
    return cookie[COOKIE].value


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _control(log: Path) -> str:
    ready = next(line for line in log.read_text().splitlines() if line.startswith('{"ready"'))
    return str(json.loads(ready)["control"])
