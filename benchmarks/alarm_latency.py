# ruff: noqa: INP001, S101, S310, S603, T201, TID251 - a program that starts our own demo and takes real time
"""From a fault at the device to the alarm on the feed: seconds, over the whole demo, real protocols and logs."""

import json
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import httpx

TRIES = int(sys.argv[1]) if len(sys.argv) > 1 else 10
FAULT = "chiller_trip"


def switch(control: str, *, on: bool) -> None:
    """Switch the fault on or off; returns once the plant shows it."""
    request = urllib.request.Request(f"{control}/faults/{FAULT}", method="PUT" if on else "DELETE")
    urllib.request.urlopen(request, timeout=10).close()


def delays(address: str, control: str) -> list[tuple[float, float]]:
    """For each try: seconds until the alarm was on the feed, and until its return was."""
    found = []
    with httpx.stream("GET", f"{address}api/v1/alarms/feed", timeout=60) as feed:
        events = (json.loads(line[6:]) for line in feed.iter_lines() if line.startswith("data: "))
        for _ in range(TRIES):
            pair = []
            for on, kind in ((True, "AlarmRaised"), (False, "AlarmReturned")):
                begun = time.monotonic()
                switch(control, on=on)
                while next(events).get("type") != kind:  # a flood is told there too
                    pass
                pair.append(time.monotonic() - begun)
            found.append((pair[0], pair[1]))
            time.sleep(1.37)  # so that the tries fall anywhere between two scans
    return found


def main() -> None:
    """Start the demo, measure, print a table."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "cityhall_bms", "demo", "--site", "small"]
        command += ["--port", "18990", "--data-dir", folder]
        demo = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            assert demo.stdout is not None
            address = demo.stdout.readline().split()[-1]
            log = (Path(folder) / "simulator.log").read_text().splitlines()
            control = json.loads(next(line for line in log if line.startswith('{"ready"')))["control"]
            time.sleep(5)
            raised, returned = zip(*delays(address, control), strict=True)
        finally:
            demo.terminate()
            demo.wait()
    print("fault to feed, s      p50    max")
    for name, times in (("alarm raised", raised), ("alarm returned", returned)):
        print(f"{name:18} {statistics.median(times):6.2f} {max(times):6.2f}")


if __name__ == "__main__":
    main()
