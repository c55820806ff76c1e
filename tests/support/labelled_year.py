"""Simulated days whose faults are known, lived by two buildings: one that is struck and its twin that is not.

Both go through the collector's grading and the shipped rules, minute by minute, without a protocol between.
"""

import copy
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray
from tests.support.fault_effects.effect import Effect
from tests.support.fault_effects.everything import EFFECTS
from tests.support.graded_building import site_of

from cityhall_bms.adapters.site_files.calendars import shipped_schedules
from cityhall_bms.collector.grading_behaviour import Behaviour
from cityhall_bms.domain.batch import Readings
from cityhall_bms.domain.calendars import Calendar, DayKind, Schedules, SpecialDay
from cityhall_bms.domain.quality import Quality
from cityhall_bms.domain.site import Site
from cityhall_bms.ports.history import Window
from cityhall_bms.rules.binding import Binding, BoundRule, bind
from cityhall_bms.rules.blocks import run_block
from cityhall_bms.rules.conditions import Outcomes
from cityhall_bms.rules.engine import Engine
from cityhall_bms.rules.episodes import Episode, EpisodeBook
from cityhall_bms.rules.expressions import ExpressionCondition
from cityhall_bms.rules.files import library
from cityhall_bms.rules.grid import Block
from cityhall_bms.rules.language.moment import Memory, Ticks
from cityhall_bms.rules.replay import for_history
from cityhall_bms.rules.truth import Fault, read_truth
from cityhall_simulators.description import Building, load_building
from cityhall_simulators.fault_desk import FaultDesk
from cityhall_simulators.plants.calendar import special_days
from cityhall_simulators.runtime import City
from cityhall_simulators.scenarios import Run, ScenarioPlayer, Strike, load_scenario

ZONE: Final = ZoneInfo("Asia/Taipei")
STEP_S: Final = 60
STEP_US: Final = STEP_S * 1_000_000
TICKS: Final = 720
SCENARIO: Final = """
text_zh = "隨機故障"
text_en = "Faults at random"
[[random]]
per_day = {per_day}
lasts_s = [3600.0, 28800.0]
except_names = ["supply_loss", "device_slow", "wrong_word_order", "clock_jump"]
[[random]]
per_day = {slow_per_day}
lasts_s = [90000.0, 130000.0]
names = [
    "iaq_pm25_high", "iaq_co_high", "plant_inefficient", "makeup_leak", "meter_dead", "meter_ct_wrong", "night_load",
    "night_leak", "counter_slow", "sensor_drift", "recording_short", "gis_sf6_leak", "fuel_leak", "battery_aged",
]
"""
SLOW_SHARE: Final = 8.0
"""Of so many faults one is of those that rules judge over a day."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Which days are lived: of a month, with so many faults a day. The day before them is lived without faults."""

    year: int
    month: int
    days: int
    per_day: float
    seed: int

    @property
    def start(self) -> datetime:
        """Midnight with which the day without faults begins."""
        return datetime(self.year, self.month, 1 + (self.month * 5) % 20, tzinfo=ZONE)


@dataclass(frozen=True, slots=True)
class Chance:
    """What a rule had of a fault, longest stretches without a break, µs: it applied there, and the effect was there too."""

    rule: str
    fault: int
    applied_us: int
    shown_us: int


@dataclass(frozen=True, slots=True)
class Sight:
    """When the effect of a fault could be seen at its own equipment, µs, minute by minute."""

    seen_at: NDArray[np.int64]

    @property
    def since(self) -> int | None:
        """First time; none when it never was."""
        return int(self.seen_at[0]) if len(self.seen_at) else None


@dataclass(frozen=True, slots=True)
class Lived:
    """What a stretch of days gave: the truth, and what rang with the faults and without them."""

    window: Window
    faults: list[Fault]
    sights: dict[int, Sight]
    """Of the faults, by place in the list, whose effect somebody described: those of the plants."""
    chances: list[Chance]
    rang: list[Episode]
    sound: list[Episode]


@cache
def full_building() -> Building:
    """The whole building, read once."""
    return load_building("full")


@cache
def site() -> Site:
    """The whole building as the service describes it, with the schedules that come along and the city's holidays."""
    days = {
        day: SpecialDay(DayKind.WORKDAY if special.works else DayKind.HOLIDAY)
        for day, special in special_days().items()
    }
    schedules = Schedules("Asia/Taipei", (Calendar("office", days=days),), shipped_schedules())
    return replace(site_of(full_building()), schedules=schedules)


@cache
def shipped() -> Binding:
    """All shipped rules, bound to it."""
    return bind(library(), site(), {point.name: point.index for point in full_building().points})


class _Noting(ExpressionCondition):
    """Notes where a rule does not apply, while the engine runs it."""

    def __init__(self, inner: ExpressionCondition, notes: list[NDArray[np.uint8] | None]) -> None:
        self.__dict__.update(inner.__dict__)
        self._notes = notes

    def through(self, ticks: Ticks, memory: Sequence[Memory]) -> Outcomes:
        """As the engine's own."""
        found = super().through(ticks, memory)
        self._notes.append(None if found.unmet is None else np.packbits(~found.unmet, axis=0))
        return found


class Watch:
    """The collector's grading and the rules over one city, block by block."""

    def __init__(self, city: City) -> None:
        self._applied: dict[str, list[NDArray[np.uint8] | None]] = defaultdict(list)
        self._at: list[NDArray[np.int64]] = []
        binding = for_history(shipped(), STEP_US)
        self._binding = replace(binding, rules=tuple(self._noted(bound) for bound in binding.rules))
        self._engine = Engine(self._binding, counted_max_s=1.5 * STEP_S)
        self._state = self._engine.start()
        building = city.building
        self._book = EpisodeBook(self._binding, {point.name: point.index for point in building.points})
        ids = {point.name: point.index + 1 for point in building.points}
        self._behaviour = Behaviour(site(), ids, int(city.local.timestamp() * 1e6))
        self._points = np.arange(1, len(ids) + 1, dtype=np.uint32)
        self._heard_at = np.zeros(len(ids), np.int64)
        self._rows: list[tuple[int, NDArray[np.float64], NDArray[np.uint8], NDArray[np.int64]]] = []

    def see(self, city: City) -> None:
        """Read and grade what the city shows now."""
        now = int(city.local.timestamp() * 1e6)
        quality = np.where(city.bad, Quality.BAD_DEVICE_FAULT, Quality.GOOD).astype(np.uint8)
        judged = self._behaviour.judge(
            Readings(self._points, np.full(len(self._points), now, np.int64), city.shown, quality), now
        )
        mute = city.unheard
        self._heard_at = np.where(mute, self._heard_at, now)
        lost = np.where(mute, Quality.BAD_DEVICE_LOST, judged.quality).astype(np.uint8)
        columns = self._binding.point_ids
        self._rows.append((now, judged.value[columns], lost[columns], self._heard_at[columns]))
        if len(self._rows) == TICKS:
            self._flush()

    def _flush(self) -> None:
        """Run the rules over what was seen."""
        if not self._rows:
            return
        at, value, quality, observed_at = (np.array(part) for part in zip(*self._rows, strict=True))
        block = Block(at, value, quality, observed_at)
        step = run_block(self._engine, self._state, block)
        if step.failures:
            raise RuntimeError(step.failures)
        self._state = step.state
        self._book.take(step.proposals, block)
        self._at.append(at)
        self._rows.clear()

    def episodes(self) -> list[Episode]:
        """All that rang."""
        self._flush()
        return self._book.episodes()

    def chances(self, faults: Sequence[Fault], sights: Mapping[int, Sight]) -> list[Chance]:
        """How long each rule applied to a fault that it is to find; none where it has no subject."""
        at = np.concatenate(self._at)
        return [
            self._chance(bound, rows, at, (number, fault, sights.get(number)))
            for bound in self._binding.rules
            for number, fault in enumerate(faults)
            if fault.provokes & frozenset(bound.rule.detects or (bound.rule.id,)) and (rows := rows_at(bound, fault))
        ]

    def _chance(
        self, bound: BoundRule, rows: Sequence[int], at: NDArray[np.int64], about: tuple[int, Fault, Sight | None]
    ) -> Chance:
        number, fault, sight = about
        during = (at >= fault.since) & (at <= (at[-1] if fault.until is None else fault.until))
        shown = during if sight is None else during & np.isin(at, sight.seen_at)
        applied = self._applied_at(bound, rows)
        return Chance(bound.rule.id, number, _longest_us(applied[during]), _longest_us(applied & shown[:, np.newaxis]))

    def _applied_at(self, bound: BoundRule, rows: Sequence[int]) -> NDArray[np.bool_]:
        """Where a rule applied, minute by minute, to some of its subjects."""
        notes = self._applied.get(bound.rule.id) or [None] * len(self._at)
        return np.vstack(
            [
                np.ones((len(at), len(rows)), np.bool_)
                if note is None
                else np.unpackbits(note[:, rows], axis=0, count=len(at)).astype(np.bool_)
                for note, at in zip(notes, self._at, strict=True)
            ]
        )

    def _noted(self, bound: BoundRule) -> BoundRule:
        if not isinstance(bound.condition, ExpressionCondition):
            return bound
        return replace(bound, condition=_Noting(bound.condition, self._applied[bound.rule.id]))


@cache
def _columns() -> dict[int, int]:
    return {int(number): column for column, number in enumerate(shipped().point_ids)}


def rows_at(bound: BoundRule, fault: Fault) -> list[int]:
    """Subjects of a rule, by place, that are what a fault struck, or the equipment whose struck point the rule looks at."""
    point = full_building().by_name.get(fault.where)
    if point is None:
        return [row for row, subject in enumerate(bound.subjects) if fault.where in {subject.name, subject.equipment}]
    column = _columns()[point.index]
    return [
        row
        for row, subject in enumerate(bound.subjects)
        if subject.name == fault.where
        or (subject.name == point.equipment.name and column in [of for of, _ in bound.condition.watched(row)])
    ]


class _Sights:
    """Looks at what is struck, minute by minute."""

    def __init__(self, city: City) -> None:
        self._city = city
        self._seen_at: dict[tuple[str, str, int], list[int]] = defaultdict(list)

    def look(self) -> None:
        """Note which effects of the faults that are on can be seen now."""
        now = int(self._city.local.timestamp() * 1e6)
        for fault in self._city.faults:
            effect = EFFECTS.get(fault.name)
            if effect is not None and self._in_hours(effect):
                since = int(datetime.fromisoformat(fault.since).timestamp() * 1e6)
                if effect.seen(lambda role, where=fault.target: self._shown(where, role)):  # type: ignore[misc]
                    self._seen_at[fault.name, fault.target, since].append(now)

    def of(self, faults: Iterable[Fault]) -> dict[int, Sight]:
        """Sights of faults, by their place in the list; only of those with a described effect."""
        return {
            number: Sight(np.array(self._seen_at.get((fault.what, fault.where, fault.since), ()), np.int64))
            for number, fault in enumerate(faults)
            if fault.what in EFFECTS
        }

    def _in_hours(self, effect: Effect) -> bool:
        """Outside its hours an effect means nothing: by day all lamps are on."""
        local = self._city.local
        return effect.hours is None or effect.hours[0] <= local.hour + local.minute / 60.0 < effect.hours[1]

    def _shown(self, where: str, role: str) -> NDArray[np.float64]:
        """What is true of a unit, whatever its instruments say."""
        building = self._city.building
        point = building.by_name.get(f"{where}.{role}")
        if point is not None:
            return self._city.truth[point.index]
        item = building.find_equipment(where)
        return self._city.column(item.type.code, role)[item.unit]


def _longest_us(flags: NDArray[np.bool_]) -> int:
    """Longest run of true minutes in any column."""
    longest = run = np.zeros(flags.shape[1], np.int64)
    for minute in flags:
        run = np.where(minute, run + 1, 0)
        longest = np.maximum(longest, run)
    return int(longest.max(initial=0)) * STEP_US


def live_through(plan: Plan) -> Lived:
    """A day without faults, then the days with them."""
    start = plan.start
    sound = City(full_building(), plan.seed + plan.month, start)
    unhurt = Watch(sound)
    for minute in range(1, 1440):
        _pass(sound, unhurt, start + timedelta(seconds=minute * STEP_S))
    # Both lived that day alike.
    shared = {id(one): one for one in (full_building(), shipped(), site())}
    struck, watch = copy.deepcopy((sound, unhurt), shared)
    sights = _Sights(struck)
    with tempfile.TemporaryDirectory() as folder:
        truth = Path(folder) / "truth.jsonl"
        truth.touch()
        player = ScenarioPlayer(_strikes(Path(folder), plan), FaultDesk(struck, lambda: struck.local, truth))
        for minute in range(1440, (plan.days + 1) * 1440):
            now = start + timedelta(seconds=minute * STEP_S)
            _pass(sound, unhurt, now)
            _pass(struck, watch, now)
            sights.look()
            player.play((minute - 1440) * float(STEP_S))
        faults = read_truth(truth.read_text("utf-8"))
    first = int((start + timedelta(days=1)).timestamp() * 1e6)
    window = Window(first, first + plan.days * 86_400_000_000)
    rang, quiet = ([one for one in of.episodes() if one.overlaps(window.start, window.end)] for of in (watch, unhurt))
    seen = sights.of(faults)
    return Lived(window, faults, seen, watch.chances(faults, seen), rang, quiet)


def _pass(city: City, watch: Watch, now: datetime) -> None:
    city.advance(now, float(STEP_S))
    watch.see(city)


def _strikes(folder: Path, plan: Plan) -> Sequence[Strike]:
    file = folder / "scenario.toml"
    file.write_text(SCENARIO.format(per_day=plan.per_day, slow_per_day=plan.per_day / SLOW_SHARE), "utf-8")
    run = Run(full_building(), plan.start + timedelta(days=1), plan.days * 86_400.0, plan.seed + plan.month)
    return load_scenario(str(file), run)
