"""A lost supply and a fire in the simulated city hall, under the shipped rules and the shipped table of suppression."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from tests.support.rule_campaign import SEED, building, site

from cityhall_bms.adapters.site_files.suppression import shipped_rows
from cityhall_bms.domain.alarm_book import AlarmBook
from cityhall_bms.domain.alarms import Alarm, AlarmRaised, AlarmUnsuppressed, evolve
from cityhall_bms.domain.quality import Quality
from cityhall_bms.domain.suppression import Suppression
from cityhall_bms.domain.topology import Topology
from cityhall_bms.rules.binding import bind
from cityhall_bms.rules.decisions import decided
from cityhall_bms.rules.engine import Columns, Engine
from cityhall_bms.rules.files import library
from cityhall_simulators.description import load_building
from cityhall_simulators.runtime import City

MORNING = datetime(2026, 6, 30, 9, 0, tzinfo=ZoneInfo("Asia/Taipei"))
MINUTE_S = 60.0


@dataclass
class Hall:
    """Building, engine and book; ``rung`` and ``hidden`` are alarms since :meth:`listen`, by rule."""

    rung: Counter[str] = field(default_factory=Counter)
    hidden: Counter[str] = field(default_factory=Counter)
    back: list[Alarm] = field(default_factory=list)

    def __post_init__(self) -> None:
        rules = [rule for rule in library() if rule.enabled]
        detects = {rule.id: rule.detects for rule in rules}
        rows = [table.row() for table in shipped_rows()]
        self.book = AlarmBook(Suppression(rows, Topology.of(site()), detects))
        self.engine = Engine(bind(rules, site(), {point.name: point.index for point in building().points}))
        self.state = self.engine.start()
        self.city = City(building(), SEED, MORNING)

    def listen(self) -> None:
        self.rung.clear()
        self.hidden.clear()

    def run(self, steps: int, step_s: float) -> None:
        for _ in range(steps):
            self.city.advance(self.city.local + timedelta(seconds=step_s), step_s)
            self._step()

    def _step(self) -> None:
        at = int(self.city.local.timestamp() * 1e6)
        watched = self.engine.binding.point_ids
        quality = np.where(self.city.bad[watched], Quality.BAD_NO_DATA, Quality.GOOD).astype(np.uint8)
        columns = Columns(self.city.shown[watched], quality, np.full(len(watched), at, np.int64))
        step = self.engine.step(self.state, at, columns)
        self.state = step.state
        story, causes = self.book.decide(at, decided(self.book, step.proposals, 0))
        for name, events in story.items():
            alarm = self.book[name]
            for event in events:
                alarm = evolve(alarm, event, version=alarm.version + 1, position=0)
                if isinstance(event, AlarmRaised):
                    (self.hidden if alarm.suppressed else self.rung)[alarm.rule] += 1
                elif isinstance(event, AlarmUnsuppressed) and alarm.active:
                    self.back.append(alarm)
            self.book.put(alarm)
        self.book.settle(causes)


def test_pain_28_of_a_lost_supply_operators_hear_the_cause_and_what_guards_lives() -> None:
    hall = Hall()
    hall.run(30, MINUTE_S)
    hall.listen()
    hall.city.fault_on("supply_loss", "HVM01", "test")
    hall.run(30, 10.0)

    assert hall.rung["E01-LOSS"] == 2
    assert set(hall.rung) <= {"E01-LOSS", "E11-POS", "F01-AC", "F01-TRBL", "F02-POWER", "T01-PSU"}
    assert hall.hidden["G02"] > 50
    assert sum(hall.hidden.values()) > 4 * sum(hall.rung.values())

    hall.city.fault_off("supply_loss", "HVM01")
    hall.run(15, MINUTE_S)
    assert len(hall.back) <= 3, "the end of the outage is a flood"
    assert not any(alarm.suppressed for alarm in hall.book.active)


def test_a_fire_rings_as_a_fire_and_not_as_every_lift_and_fan_that_it_calls() -> None:
    hall = Hall()
    hall.run(30, MINUTE_S)
    hall.listen()
    hall.city.fault_on("fire_alarm", "FZN01", "test")
    hall.run(30, 10.0)

    # Smoke in the ducts of its two air handlers is an alarm of its own.
    assert hall.rung == {"F01": 1, "F01-Z": 1, "H15": 2}
    assert hall.hidden["L02-MODE"] == 35
    assert hall.hidden["F02-FAN"] == 3

    hall.city.fault_off("fire_alarm", "FZN01")
    hall.run(30, 10.0)
    assert hall.back == []


def test_everything_that_uses_power_knows_what_feeds_it() -> None:
    whole = load_building("full")
    feeders = {item.short: item for item in whole.equipment}

    def fed(short: str) -> Iterator[str]:
        yield from (name.rpartition(".")[2] for name in feeders[short].fed_by)

    assert list(fed("AHU01")) == ["PLT01", "EM59"]
    assert list(fed("CHC01")) == ["LVP01"]
    assert list(fed("UPS01")) == ["ATS01"]
    # The hall's lamps are not also the first floor's.
    assert [next(fed(item.short)) for item in whole.equipment if item.name.startswith("TCH.01.CN.LTG")] == ["EM63"]
    assert [next(fed(item.short)) for item in whole.equipment if item.type.code == "DWS"] == [
        f"EM{number}" for number in range(29, 34)
    ]
