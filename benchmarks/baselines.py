"""Fitting baselines: the simulated city hall's days, a year of hours, and OpenDSM beside them where it is installed.

``.venv/bin/python benchmarks/baselines.py [--tries 50]``. The days are those of ``tests/support/city_baseline.csv``,
the hours are made from them; the public days of ``tests/support/opendsm_samples.csv`` go to both (``make mv`` installs
OpenDSM into ``.cache/mv``). One thread; CPU seconds are this process's, and for OpenDSM those of its own.
"""

# ruff: noqa: INP001, S603, T201 - a program that measures, on real time
import argparse
import csv
import json
import os
import resource
import statistics
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np

from cityhall_bms.adapters.opendsm_reference import CHILD
from cityhall_bms.domain.energy.baselines import ModelKind, Observed, fit_baseline
from cityhall_bms.domain.energy.change_points import CALTRACK, fit_change_points
from cityhall_bms.domain.energy.conditions import Conditions
from cityhall_bms.domain.energy.fit_statistics import Limits, fit_statistics
from cityhall_bms.domain.energy.savings import Yardstick, savings

ROOT: Final = Path(__file__).parents[1]
PYTHON: Final = ROOT / ".cache" / "mv" / "bin" / "python"


def rows_of(name: str) -> list[dict[str, str]]:
    """Rows of a table of the tests."""
    text = (ROOT / "tests" / "support" / name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def city_days() -> Observed:
    """The whole building in 2014."""
    rows = [row for row in rows_of("city_baseline.csv") if row["date"].startswith("2014")]
    conditions = Conditions(
        np.array([float(row["outdoor_c"]) for row in rows]),
        np.array([row["workday"] == "1" for row in rows]),
        np.zeros(len(rows), np.int64),
    )
    used = np.array([float(row["building_kwh"]) for row in rows])
    return Observed(np.arange(365) * 86_400_000_000, used, conditions, np.arange(365) // 31)


def city_hours() -> Observed:
    """The same days, each with the shape of an office."""
    days, hour = city_days(), np.arange(8_760)
    shape = 1.0 + 0.8 * np.sin((hour % 24 - 6) * np.pi / 12) * np.repeat(days.conditions.workday, 24)
    outdoor = np.repeat(days.conditions.temperature, 24) + 3.0 * np.sin((hour % 24 - 9) * np.pi / 12)
    conditions = Conditions(outdoor, np.repeat(days.conditions.workday, 24), hour % 168)
    return Observed(hour * 3_600_000_000, np.repeat(days.used / 24.0, 24) * shape, conditions, hour // 730)


def timed(name: str, tries: int, work: Callable[[], object]) -> None:
    """Say how long one call takes."""
    wall, cpu = [], []
    for _ in range(tries):
        begin, busy = time.perf_counter(), time.process_time()
        work()
        wall.append(time.perf_counter() - begin)
        cpu.append(time.process_time() - busy)
    p50, worst = statistics.median(wall), max(wall)
    print(f"{name:52} {p50 * 1e3:8.2f} ms p50 {worst * 1e3:8.2f} ms max {statistics.mean(cpu) * 1e3:8.2f} CPU ms")


def beside_opendsm() -> None:
    """CVRMSE and NMBE of both, and what a fit by OpenDSM costs."""
    rows = rows_of("opendsm_samples.csv")
    outdoor = [float(row["outdoor_c"]) for row in rows]
    conditions = Conditions(np.array(outdoor), np.ones(len(rows), np.bool_), np.zeros(len(rows), np.int64))
    for column in ("cdd_hdd_kwh", "cdd_only_kwh"):
        used = [float(row[column]) for row in rows]
        model = fit_change_points(np.array(used), conditions, CALTRACK)
        tell(column, "ours", np.array(used), model.predict(conditions), model.parameters)
        if PYTHON.exists():
            at = [f"{row['date']}T00:00:00Z" for row in rows]
            question = {"model": "caltrack", "time_zone": "UTC", "at": at, "used": used, "temperature": outdoor}
            begin, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
            made = subprocess.run([PYTHON, CHILD], input=json.dumps(question).encode(), capture_output=True, check=True)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            answer = json.loads(made.stdout)
            tell(column, answer["library"], np.array(used), np.array(answer["told"]), answer["parameters"])
            cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            print(f"    {time.perf_counter() - begin:.1f} s, {cpu:.1f} CPU s, {after.ru_maxrss / 1024:.0f} MiB")


def tell(column: str, who: str, used: np.ndarray, told: np.ndarray, parameters: int) -> None:
    """Print one line of the comparison."""
    found = fit_statistics(used, told, parameters)
    print(f"{column:14} {who:14} CVRMSE {found.cvrmse:.3f} % NMBE {found.nmbe:+.3f} % R² {found.r2:.4f}")


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--tries", type=int, default=50)
    tries = parser.parse_args().tries
    print(f"load {os.getloadavg()[0]:.1f}")
    days, hours, limits = city_days(), city_hours(), Limits()
    timed("cooling, 365 days, 61 balance points", tries, lambda: fit_baseline(ModelKind.COOLING, days, limits))
    timed(
        "CalTRACK, 365 days, 595 pairs and 68 single ones",
        tries,
        lambda: fit_baseline(ModelKind.CALTRACK, days, limits),
    )
    timed("time of week, 8,760 hours", tries, lambda: fit_baseline(ModelKind.TIME_OF_WEEK, hours, limits))
    fit = fit_baseline(ModelKind.TIME_OF_WEEK, hours, limits)
    measure = Yardstick(fit.kind, fit.model, fit.statistics, fit.coldest, fit.warmest)
    timed("savings of a year of hours", tries, lambda: savings(measure, hours, np.zeros(8_760)))
    beside_opendsm()


if __name__ == "__main__":
    main()
