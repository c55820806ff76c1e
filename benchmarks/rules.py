"""The rules engine's share of a core: a building's points under 120 rules of the language, one tick a second.

``python benchmarks/rules.py [ticks [site folder]]``; with a folder also the shipped rules at that site. A tick is all
that the live loop does in a quiet second: apply the batch of that second to the live table, gather the watched points,
step the engine. Every tenth of a percent of the rows flips.
"""

# ruff: noqa: INP001, T201 - a program that measures, on real time
import sys
import time
from pathlib import Path
from typing import Final

import numpy as np

from cityhall_bms.domain.batch import Readings, SampleBatch
from cityhall_bms.domain.live import LiveTable
from cityhall_bms.domain.site import Device, Encoding, Equipment, Point, PointKind, Site, System, Text
from cityhall_bms.rules.binding import Binding, bind
from cityhall_bms.rules.checkpoint import CheckpointCodec
from cityhall_bms.rules.engine import Columns, Engine
from cityhall_bms.rules.model import RULE_ADAPTER, Rule
from cityhall_bms.site_reading import read_site, read_site_rules

RULES: Final = 120
ROLES: Final = ("T", "SP", "Run", "Cmd", "Alm", "P")
UNIT: Final = {"T": "°C", "SP": "°C", "Run": "", "Cmd": "", "Alm": "", "P": "%"}
TEXT: Final = Text("", "")
START_US: Final = 1_782_864_000_000_000


def building(points: int, classes: int) -> Site:
    """Units of six points each, spread over some classes."""
    units = {f"U{number:05d}": f"C{number % classes}" for number in range(points // len(ROLES))}
    made = [_point(unit, role) for unit in units for role in ROLES]
    return Site(
        code="B",
        text=TEXT,
        time_zone="Asia/Taipei",
        simulated=True,
        floors=(),
        zones=(),
        equipment={name: Equipment(name, cls, System.HVAC, TEXT) for name, cls in units.items()},
        devices={"d": Device("d", TEXT, "fake", {})},
        points={point.name: point for point in made},
    )


def _point(unit: str, role: str) -> Point:
    name = f"{unit}.{role}"
    return Point(name, TEXT, unit, role, PointKind.AI, UNIT[role], "d", "", Encoding(), None, None, scan_s=5.0)


KINDS: Final[tuple[dict[str, object], ...]] = (
    {"each": ["T"], "condition": "POINT > 30 °C", "deadband": "0.5 K", "on_delay_s": 900,
     "when": "for(Run == 1, 20 min)"},
    {"condition": "abs(T - SP) > warm", "parameters": {"warm": "2.8 K"}, "deadband": "0.5 K", "on_delay_s": 1800,
     "when": "Run == 1", "step": [{"priority": 2, "condition": "abs(T - SP) > 5 K", "on_delay_s": 600}]},
    {"each": ["Alm"], "condition": "POINT == 1"},
    {"condition": "Run != Cmd", "on_delay_s": 60},
    {"condition": "avg(T, 5 min) > avg(SP, 5 min) + 1.1 K", "when": "for(Run == 1, 20 min)", "on_delay_s": 1800},
    {"condition": "rate(T, 1 h) > 5.6 K/h or rate(T, 1 h) < -5.6 K/h", "when": "Run == 1"},
    {"condition": "count(Run == 1, 1 h) > 6"},
    {"condition": "P > 95 % and T > SP + 1 K", "when": "for(Run == 1, 10 min)", "on_delay_s": 900},
    {"condition": "share(P > 90 %, 8 h) > 0.5 and not T < SP"},
    {"condition": "since(Run == 1) > 24 h or (Alm == 1 and Run == 1)"},
)  # fmt: skip
"""A fixed mix over the classes: limits, differences, states and commands; four in ten look at a window or a timer."""


def rules(classes: int) -> list[Rule]:
    """Rules of that mix."""
    common = {"priority": 3, "text_zh": "x", "text_en": "x", "source": "benchmark"}
    return [
        RULE_ADAPTER.validate_python(
            common | KINDS[number % len(KINDS)] | {"id": f"R{number}", "equipment_class": f"C{number % classes}"}
        )
        for number in range(RULES)
    ]


def measure(points: int, classes: int, ticks: int) -> None:
    """Print one line: a made-up building of so many points and classes."""
    site = building(points, classes)
    ids = {name: number for number, name in enumerate(site.points, start=1)}
    binding = bind(rules(classes), site, ids)
    random = np.random.default_rng(7)
    run(len(site.points), binding, [_batch(binding, second, random) for second in range(ticks)])


def measure_shipped(folder: Path, ticks: int) -> None:
    """Print one line: the rules that are in force at a site, every value drifting a little within its range."""
    site = read_site(folder)
    ids = {name: number for number, name in enumerate(site.points, start=1)}
    binding = bind(read_site_rules(folder), site, ids)
    points = [site.points[name] for name in ids]
    low = np.array([0.0 if point.low is None else point.low for point in points])
    high = np.array([1.0 if point.high is None else point.high for point in points])
    random = np.random.default_rng(7)
    share = random.random(len(points))
    batches = []
    for second in range(ticks):
        share = np.clip(share + random.normal(0, 0.002, len(points)), 0, 1)
        value = low + share * (high - low)
        batches.append(_drifting(binding, second, np.where(high - low <= 1, np.round(value), value)))
    run(len(site.points), binding, batches)


def run(points: int, binding: Binding, batches: list[SampleBatch]) -> None:
    """Step through batches and print the share of a core."""
    engine, live = Engine(binding), LiveTable(dict.fromkeys(binding.point_ids.tolist(), 5.0))
    state, proposals, spent = engine.start(), 0, 0.0
    for batch in batches:
        begun = time.process_time()
        live.apply(batch)
        step = engine.step(state, batch.recorded_at, _gather(live, binding))
        state, proposals = step.state, proposals + len(step.proposals)
        spent += time.process_time() - begun
    begun = time.process_time()
    size = len(CheckpointCodec(engine).encode(state, _gather(live, binding)))
    checkpoint_ms = 1e3 * (time.process_time() - begun)
    per_tick_ms = 1e3 * spent / len(batches)
    print(
        f"{points:6} points, {len(binding.rules)} rules, {binding.row_count:6} rows: "
        f"{per_tick_ms:6.2f} ms a tick = {per_tick_ms / 10:5.2f} % of a core at 1 tick/s; "
        f"{proposals} proposals; checkpoint {checkpoint_ms:.1f} ms, {size / 1e3:.0f} kB"
    )


def _gather(live: LiveTable, binding: Binding) -> Columns:
    points = binding.point_ids
    return Columns(live.value[points], live.quality[points], live.observed_at[points])


def _batch(binding: Binding, second: int, random: np.random.Generator) -> SampleBatch:
    """A fifth of the points, as their scan period has it; alarm contacts close by chance."""
    at = START_US + second * 1_000_000
    chosen = binding.point_ids[second % 5 :: 5].astype(np.uint32)
    role = (chosen - 1) % len(ROLES)
    value = np.where(role == 0, 22.0, np.where(role == 1, 22.0, 1.0))
    value[role == 4] = random.random(int((role == 4).sum())) < 0.001
    scan = Readings(chosen, np.full(len(chosen), at), value, np.zeros(len(chosen), np.uint8))
    return SampleBatch.gather("bench", 1, second, at, [scan])


def _drifting(binding: Binding, second: int, value: np.ndarray) -> SampleBatch:
    at = START_US + second * 1_000_000
    chosen = binding.point_ids[second % 5 :: 5].astype(np.uint32)
    scan = Readings(chosen, np.full(len(chosen), at), value[chosen - 1], np.zeros(len(chosen), np.uint8))
    return SampleBatch.gather("bench", 1, second, at, [scan])


def main() -> None:
    """Measure a city hall, the worst binding of it, and a large site."""
    ticks = int(sys.argv[1]) if len(sys.argv) > 1 else 600
    for points, classes in ((5_061, 60), (5_061, 4), (50_000, 60), (50_000, 4)):
        measure(points, classes, ticks)
    if len(sys.argv) > 2:
        measure_shipped(Path(sys.argv[2]), ticks)


if __name__ == "__main__":
    main()
