"""A year of one class rule over 24 air handling units, a tick a minute: what a backtest costs beside reading.

``python benchmarks/backtest.py [days]``. Samples are in memory and laid out week by week, as a backtest reads them; the
time is that of laying out, of the engine, and of the report with its figures. CPU seconds stand beside seconds: on a
busy machine only they say what the work costs.
"""

# ruff: noqa: INP001, T201 - a program that measures, on real time
import asyncio
import sys
import time
from collections.abc import Sequence
from typing import Final

import numpy as np

from cityhall_bms.adapters.site_files.calendars import shipped_schedules
from cityhall_bms.domain.calendars import Schedules
from cityhall_bms.domain.site import Device, Encoding, Equipment, Point, PointKind, Site, System, Text
from cityhall_bms.ports.history import Window
from cityhall_bms.ports.rule_history import PastSamples
from cityhall_bms.rules.backtest import Backtester, Question, summary
from cityhall_bms.rules.model import RULE_ADAPTER, Rule

UNITS: Final = 24
UNIT_OF: Final = {"SAT": "°C", "SAT_SP": "°C", "RunSts": ""}
TEXT: Final = Text("", "")
START_US: Final = 1_767_225_600_000_000
"""2026-01-01 00:00 UTC."""
MINUTE_US: Final = 60_000_000
DAY_US: Final = 1440 * MINUTE_US
SEED: Final = 7

RULES: Final[dict[str, dict[str, object]]] = {
    "limit with a prerequisite, schedule, deadband and delay": {
        "condition": "abs(SAT - SAT_SP) > warm",
        "parameters": {"warm": "2.8 K"},
        "deadband": "0.5 K",
        "when": "within(occupied) and for(RunSts == 1, 20 min)",
        "on_delay_s": 1800,
    },
    "mean of a window": {"condition": "avg(SAT, 20 min) > avg(SAT_SP, 20 min) + 2.8 K", "on_delay_s": 600},
}


def site() -> Site:
    """Units of three points each."""
    units = [f"AHU{number:02d}" for number in range(UNITS)]
    points = [
        Point(f"{unit}.{role}", TEXT, unit, role, PointKind.AI, UNIT_OF[role], "d", "", Encoding(), None, None, 60.0)
        for unit in units
        for role in UNIT_OF
    ]
    return Site(
        code="B",
        text=TEXT,
        time_zone="Asia/Taipei",
        simulated=True,
        floors=(),
        zones=(),
        equipment={unit: Equipment(unit, "Air_Handling_Unit", System.HVAC, TEXT) for unit in units},
        devices={"d": Device("d", TEXT, "fake", {})},
        points={point.name: point for point in points},
        schedules=Schedules("Asia/Taipei", (), shipped_schedules()),
    )


class Year:
    """Every point's sample of every minute: supply air that wanders about its set point, fans that run by day."""

    def __init__(self, days: int, points: int) -> None:
        chance = np.random.default_rng(SEED)
        minutes = days * 1440
        self._at = START_US + np.arange(minutes, dtype=np.int64) * MINUTE_US
        self._values = np.full((points, minutes), 14.0)
        for unit in range(UNITS):
            drift = np.sin(np.arange(minutes) / 5000 + unit) * 3.2
            self._values[3 * unit] += drift + chance.normal(0, 0.4, minutes)
            self._values[3 * unit + 2] = (np.arange(minutes) % 1440) < 660  # until 19:00 in Taipei

    async def samples_of(self, points: Sequence[int], window: Window) -> PastSamples:
        """Samples by point and time."""
        part = slice(*np.searchsorted(self._at, (window.start, window.end)))
        at = self._at[part]
        return PastSamples(
            np.repeat(np.array(points, np.int64), len(at)),
            np.tile(at, len(points)),
            self._values[np.array(points) - 1, part].ravel(),
            np.zeros(len(points) * len(at), np.uint8),
        )


def rule_of(what: str) -> Rule:
    """Rule of a name in the table."""
    common = {"id": "R", "equipment_class": "Air_Handling_Unit", "priority": 3, "source": "benchmark"}
    found: Rule = RULE_ADAPTER.validate_python({**common, "text_zh": "x", "text_en": "x", **RULES[what]})
    return found


def main() -> None:
    """Measure and tell."""
    days = int(sys.argv[1]) if len(sys.argv) > 1 else 365
    place = site()
    ids = {name: number for number, name in enumerate(place.points, start=1)}
    year = Year(days, len(ids))
    for what in RULES:
        question = Question(rule_of(what), None, Window(START_US, START_US + days * DAY_US), MINUTE_US)
        began, cpu = time.perf_counter(), time.process_time()
        report = asyncio.run(Backtester(place, ids, year).run(question))
        took, used = time.perf_counter() - began, time.process_time() - cpu
        told = summary(report)
        print(
            f"{what}: {days} days x {UNITS} units, {report.samples:,} samples, {told['episodes']} episodes: "
            f"{took:.2f} s, {used:.2f} CPU s"
        )


if __name__ == "__main__":
    main()
