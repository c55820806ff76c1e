"""From a change at the device to the alarm on the feed: seconds, over the whole demo, real protocols and logs.

``.venv/bin/python benchmarks/alarm_latency.py [--site full] [--tries 40]``: a chiller trips and is well again, over and
over. The clock starts when the simulated plant shows it; what lies beyond the point's scan interval is ours.
"""

# ruff: noqa: INP001, S310, S603, T201, TID251 - a program that starts our own demo and takes real time
import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import httpx
from tests.support.demo import sign_in

from cityhall_bms.api.access import COOKIE

PORT: Final = 18_990
FAULT: Final = "chiller_trip"
POINT: Final = "TCH.B2.CN.CHC01.AlmSum"
SETTLE_S: Final = 60.0
"""The first scans and alarms of a building that just started are over."""


def switch(control: str, *, on: bool) -> float:
    """Switch the fault on or off; gives when the plant shows it."""
    request = urllib.request.Request(f"{control}/faults/{FAULT}", method="PUT" if on else "DELETE")
    urllib.request.urlopen(request, timeout=30).close()
    return time.monotonic()


def told(feed: httpx.Response) -> Iterator[tuple[float, str]]:
    """What happens to the alarm of the chiller, and when it is heard."""
    for line in feed.iter_lines():
        now = time.monotonic()
        event = json.loads(line[6:]) if line.startswith("data: ") else {}
        if event.get("alarm", {}).get("subject") == POINT:
            yield now, event["type"]


def delays(address: str, control: str, tries: int, signed_in: dict[str, str]) -> list[tuple[float, float]]:
    """For each try: seconds until the alarm was on the feed, and until its return was."""
    found = []
    with httpx.stream("GET", f"{address}api/v1/alarms/feed", headers=signed_in, timeout=60) as feed:
        events = told(feed)
        for _ in range(tries):
            pair = []
            for on, kind in ((True, "AlarmRaised"), (False, "AlarmReturned")):
                shown = switch(control, on=on)
                heard = next(at for at, what in events if what == kind)
                pair.append(heard - shown)
            found.append((pair[0], pair[1]))
            # So that the tries fall anywhere between two scans.
            time.sleep(1 + random.random())  # noqa: S311
    return found


def main() -> None:
    """Start the demo, measure, print a table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--site", default="full")
    parser.add_argument("--tries", type=int, default=40)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)  # PostgreSQL, which runs under another account when we are root, may enter
        command = [sys.executable, "-m", "cityhall_bms", "demo", "--site", arguments.site]
        command += ["--port", str(PORT), "--data-dir", folder]
        demo = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            link = next(line.split()[-1] for line in demo.stdout or () if "http" in line)
            address, _, invitation = link.partition("#/sign-in?invitation=")
            signed_in = {"Cookie": f"{COOKIE}={sign_in(address, invitation)}"}
            log = (Path(folder) / "simulator.log").read_text().splitlines()
            control = json.loads(next(line for line in log if line.startswith('{"ready"')))["control"]
            time.sleep(SETTLE_S)
            scan_s = httpx.get(f"{address}api/v1/points/{POINT}", headers=signed_in).json()["scan_s"]
            raised, returned = zip(*delays(address, control, arguments.tries, signed_in), strict=True)
        finally:
            demo.terminate()
            demo.wait()
    print(f"site {arguments.site}, {arguments.tries} tries, scanned every {scan_s:g} s, load {os.getloadavg()[0]:.1f}")
    print("plant to feed, s      p50    p99    max")
    for name, times in (("alarm raised", raised), ("alarm returned", returned)):
        print(f"{name:18} {_quantile(times, 50):6.2f} {_quantile(times, 99):6.2f} {max(times):6.2f}")
    both = [took - scan_s for took in (*raised, *returned)]
    print(f"beyond a scan interval: p50 {_quantile(both, 50):.2f}, p99 {_quantile(both, 99):.2f}")


def _quantile(times: Sequence[float], percent: int) -> float:
    return statistics.quantiles(times, n=100, method="inclusive")[percent - 1]


if __name__ == "__main__":
    main()
