"""Since when a machine stands as it stands."""

import numpy as np

from cityhall_bms.domain.batch import Readings, SampleBatch
from cityhall_bms.domain.commanding.plant import UNKNOWN, PlantWatch

S = 1_000_000
IDS = {"RUN": 1, "T": 2}


def told(watch: PlantWatch, at: int, value: float, quality: int = 0) -> None:
    scan = Readings(np.array([1], np.uint32), np.array([at * S]), np.array([value]), np.array([quality], np.uint8))
    watch.take(SampleBatch.gather("c", 1, 0, at * S, [scan]))


def since(watch: PlantWatch, now: int = 200) -> float:
    found = watch.present("RUN", now * S).since
    assert found is not None
    return found / S


def test_what_was_not_seen_counts_from_the_start_and_a_change_from_itself() -> None:
    watch = PlantWatch(IDS, {1: 1.0, 2: 1.0}, ["RUN"], 100 * S)
    told(watch, 101, 1.0)
    assert since(watch) == 100, "it may have run for long: at least since we look"
    told(watch, 110, 1.0)
    assert since(watch) == 100
    told(watch, 120, 0.0)
    assert since(watch) == 120


def test_a_doubtful_value_is_no_change() -> None:
    watch = PlantWatch(IDS, {1: 1.0}, ["RUN"], 100 * S)
    told(watch, 101, 1.0)
    told(watch, 110, 0.0, 0x80)
    told(watch, 120, 1.0)
    assert since(watch) == 100
    assert watch.present("RUN", 120 * S).sure


def test_what_nobody_saw_for_a_while_may_have_been_switched() -> None:
    watch = PlantWatch(IDS, {1: 1.0}, ["RUN"], 100 * S)
    told(watch, 101, 1.0)
    told(watch, 110, 0.0, 0x82)
    told(watch, 170, 1.0)
    assert since(watch) == 100, "a minute is too short to stop and start"
    told(watch, 180, 0.0, 0x82)
    told(watch, 200, 0.0, 0x82)
    told(watch, 241, 1.0)
    assert since(watch, 250) == 241


def test_history_tells_of_before_but_not_of_what_was_seen() -> None:
    watch = PlantWatch(IDS, {1: 1.0}, ["RUN"], 100 * S)
    told(watch, 101, 1.0)
    watch.remember({1: 40 * S})
    assert since(watch) == 40
    told(watch, 130, 0.0)
    watch.remember({1: 40 * S})
    assert since(watch) == 130


def test_another_description_of_the_building_forgets_nothing_that_stays() -> None:
    watch = PlantWatch(IDS, {1: 1.0}, ["RUN"], 100 * S)
    told(watch, 101, 1.0)
    told(watch, 120, 0.0)
    renewed = watch.renewed({"RUN": 1, "NEW": 3}, ["RUN", "NEW"], 150 * S)
    assert since(renewed) == 120
    assert renewed.present("NEW", 160 * S).since == 150 * S
    assert renewed.present("T", 160 * S) == UNKNOWN
