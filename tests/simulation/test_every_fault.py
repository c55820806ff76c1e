"""Every kind of plant fault is seen at its target exactly while the truth file says that it is on, and nowhere else."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.support.domain_rules import FAULT_RULES, LIMITS
from tests.support.fault_effects.effect import Effect, Look
from tests.support.fault_effects.everything import EFFECTS

from cityhall_simulators.description import Building, load_building
from cityhall_simulators.fault_desk import FaultDesk
from cityhall_simulators.faults import FAULTS, Reach, resolve_target
from cityhall_simulators.runtime import City
from cityhall_simulators.scenarios import ScenarioPlayer, Strike

TAIPEI = ZoneInfo("Asia/Taipei")
WEDNESDAY = datetime(2026, 7, 1, tzinfo=TAIPEI)
SUNDAY_IN_WINTER = datetime(2026, 1, 11, tzinfo=TAIPEI)
STEP_S = 60.0
BEFORE_S, SEEN_S, AFTER_S = 600.0, 1800.0, 600.0
BUILDING = load_building("full")
PLANT_FAULTS = {name: fault for name, fault in FAULTS.items() if fault.reach is Reach.PLANT}


@dataclass(frozen=True)
class Recording:
    """What all points showed, one row per step, and the local time at which each row was shown."""

    building: Building
    times: NDArray[np.float64]
    shown: NDArray[np.float64]

    def look(self, equipment: str) -> Look:
        return lambda role: self.shown[:, self.building.by_name[f"{equipment}.{role}"].index]


def record(city: City, lasts_s: float, player: ScenarioPlayer) -> Recording:
    times, rows = [], []
    elapsed_s = 0.0
    while elapsed_s < lasts_s:
        player.play(elapsed_s)
        elapsed_s += STEP_S
        city.advance(city.local + timedelta(seconds=STEP_S), STEP_S)
        times.append(city.local.timestamp())
        rows.append(city.shown)
    return Recording(city.building, np.array(times), np.array(rows))


def begin_of(effect: Effect) -> datetime:
    """When to strike: in the middle of a working morning, or at the begin of the hours in which it can be seen."""
    hour = 10.0 if effect.hours is None else effect.hours[0]
    return WEDNESDAY + timedelta(hours=hour)


def truth_of(file: Path) -> tuple[float, float]:
    """From when to when the truth file says that the fault was on."""
    last = json.loads(file.read_text().splitlines()[-1])
    return datetime.fromisoformat(last["from"]).timestamp(), datetime.fromisoformat(last["to"]).timestamp()


def run(name: str, folder: Path) -> tuple[Recording, tuple[float, float]]:
    """A run with one fault, and the truth of it."""
    effect = EFFECTS[name]
    # Started on the half hour, so that runs share their settled city.
    start = begin_of(effect) - timedelta(seconds=BEFORE_S)
    city = City(BUILDING, 5, start)
    truth = folder / f"{name}.jsonl"
    end_s = BEFORE_S + effect.onset_s + SEEN_S
    strike = Strike(name, resolve_target(BUILDING, FAULTS[name], None), BEFORE_S, end_s)
    player = ScenarioPlayer([strike], FaultDesk(city, lambda: city.local, truth))
    recording = record(city, end_s + effect.release_s + AFTER_S, player)
    return recording, truth_of(truth)


def others(target: str) -> Iterator[str]:
    """Every other unit of the same type."""
    struck = BUILDING.find_equipment(target)
    for item in BUILDING.equipment:
        if item.type.code == struck.type.code and item.name != target:
            yield item.name


def test_every_plant_fault_has_an_effect_to_look_for_and_there_are_sixty_kinds_and_more() -> None:
    assert set(EFFECTS) == set(PLANT_FAULTS)
    assert len(FAULTS) >= 60


def test_every_fault_has_texts_in_both_languages_and_a_target_in_the_whole_building() -> None:
    for name, fault in FAULTS.items():
        assert fault.text.zh, name
        assert fault.text.en, name
        assert resolve_target(BUILDING, fault, None), name


@pytest.mark.parametrize("rule", [*LIMITS, *FAULT_RULES])
def test_every_limit_and_fault_rule_can_be_provoked(rule: str) -> None:
    assert [name for name, fault in FAULTS.items() if rule in fault.rules]


@pytest.mark.parametrize("name", EFFECTS)
def test_a_fault_is_seen_while_it_is_on_and_at_its_target_only(name: str, tmp_path: Path) -> None:
    effect = EFFECTS[name]
    recording, (begin, end) = run(name, tmp_path)
    times, target = recording.times, resolve_target(BUILDING, FAULTS[name], None)
    seen = effect.seen(recording.look(target))
    on = (times > begin + effect.onset_s) & (times <= end)
    assert seen[on].mean() > 0.95, "not seen while it is on"
    assert not seen[times <= begin].any(), "seen before it is on"
    assert not seen[times > end + effect.release_s].any(), "seen after its end"
    if name not in STRIKES_ALL:
        elsewhere = [other for other in others(target) if effect.seen(recording.look(other)).any()]
        assert elsewhere == [], "seen where it is not"


STRIKES_ALL = {"supply_loss"}
"""The utility feeds everything: no unit is spared."""


@pytest.mark.parametrize("day", [WEDNESDAY, SUNDAY_IN_WINTER], ids=["working day in summer", "Sunday in winter"])
def test_a_sound_building_shows_no_fault_all_day(day: datetime, tmp_path: Path) -> None:
    city = City(BUILDING, 6, day)
    recording = record(city, 86_400.0, ScenarioPlayer([], FaultDesk(city, lambda: city.local, tmp_path / "none")))
    seen = [
        (name, item.short)
        for name, effect in EFFECTS.items()
        for item in BUILDING.equipment
        if item.type.code in FAULTS[name].codes
        and (effect.seen(recording.look(item.name)) & in_its_hours(effect, recording.times)).any()
    ]
    assert seen == []


def in_its_hours(effect: Effect, times: NDArray[np.float64]) -> NDArray[np.bool_]:
    """When an effect means anything: a unit that runs is no fault in the hours in which all of them do."""
    if effect.hours is None:
        return np.ones(len(times), dtype=np.bool_)
    hours = np.array([at.hour + at.minute / 60.0 for at in (datetime.fromtimestamp(t, TAIPEI) for t in times)])
    return (hours >= effect.hours[0]) & (hours < effect.hours[1])
