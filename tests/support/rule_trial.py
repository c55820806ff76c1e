"""A rule on trial: a few points that a test sets by hand, and the engine stepped second by second."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from cityhall_bms.domain.quality import Quality
from cityhall_bms.domain.site import Device, Encoding, Equipment, Point, PointKind, Site, System, Text
from cityhall_bms.rules.binding import Binding, bind
from cityhall_bms.rules.engine import Change, Columns, Engine, Proposal
from cityhall_bms.rules.model import RULE_ADAPTER, Rule

START_US = 1_782_864_000_000_000
UNIT = "TCH.B2.CN.UNIT01"


def rule(**keys: Any) -> Rule:
    """A rule from the keys of its table; what a test does not care about is filled in."""
    table: dict[str, Any] = {"id": "R", "priority": 3, "text_zh": "警報", "text_en": "Alarm", "source": "test"}
    if keys.get("kind") != "device":
        table["equipment_class"] = "Unit"
    made: Rule = RULE_ADAPTER.validate_python(table | keys)
    return made


def point(equipment: str, role: str, device: str = "controller", **changes: Any) -> Point:
    """A polled point, scanned every second."""
    made = Point(
        name=f"{equipment}.{role}",
        text=Text(role, role),
        equipment=equipment,
        role=role,
        kind=PointKind.AI,
        unit="°C",
        device=device,
        address="",
        encoding=Encoding(),
        low=None,
        high=None,
        scan_s=1.0,
    )
    return replace(made, **changes)


def site_of(
    equipment: Mapping[str, str], points: Sequence[Point], system: System = System.HVAC, **settings: object
) -> Site:
    """A site of equipment by name and class; every device has the given settings."""
    devices = {item.device for item in points}
    return Site(
        code="TCH",
        text=Text("市政大樓", "City hall"),
        time_zone="Asia/Taipei",
        simulated=True,
        floors=(),
        zones=(),
        equipment={name: Equipment(name, cls, system, Text(f"機{name}", name)) for name, cls in equipment.items()},
        devices={name: Device(name, Text(name, name), "fake", settings) for name in sorted(devices)},
        points={item.name: item for item in points},
    )


class Trial:
    """Points of one equipment by role. Values given by ``set`` are read anew at every tick, until ``freeze``.

    ``beside`` is other equipment, each with its class and those of the roles that are its own.
    """

    def __init__(
        self,
        *rules: Rule,
        values: Mapping[str, float],
        brick_class: str = "Unit",
        tick_s: float = 1.0,
        units: Mapping[str, str] | None = None,
        beside: Mapping[str, tuple[str, Sequence[str]]] | None = None,
        **settings: Any,
    ) -> None:
        others = beside or {}
        owner = {role: name for name, (_, roles) in others.items() for role in roles}
        points = [point(owner.get(role, UNIT), role, unit=(units or {}).get(role, "°C")) for role in values]
        classes = {UNIT: brick_class} | {name: item for name, (item, _) in others.items()}
        self.site = site_of(classes, points, **settings)
        self.ids = {item.name: number for number, item in enumerate(points, start=1)}
        self.binding: Binding = bind(rules, self.site, self.ids)
        self.engine = Engine(self.binding, counted_max_s=max(10.0, tick_s))
        self.state = self.engine.start()
        self.now_us = START_US
        self.tick_s = tick_s
        self.heard: list[tuple[float, str, str]] = []
        self.proposals: list[Proposal] = []
        self.flips: list[tuple[int, bool]] = []
        """When something began (true) or ended, µs UTC of the tick."""
        self._roles = list(values)
        self._value = dict(values)
        self._quality = dict.fromkeys(values, Quality.GOOD)
        self._read_at = dict.fromkeys(values, START_US)
        self._frozen: set[str] = set()

    def set(self, **values: float) -> "Trial":
        """Give points a good value."""
        for role, value in values.items():
            self._value[role], self._quality[role] = value, Quality.GOOD
            self._frozen.discard(role)
        return self

    def spoil(self, quality: Quality, *roles: str) -> "Trial":
        """Take good quality away; the value stays as it was."""
        for role in roles:
            self._quality[role] = quality
        return self

    def freeze(self, *roles: str) -> "Trial":
        """Stop reading points: their samples grow old."""
        self._frozen.update(roles)
        return self

    def run(self, seconds: float) -> list[tuple[float, str, str]]:
        """Step until so much time has passed; give what was heard in it as (s since then, rule, what)."""
        begun = self.now_us
        heard: list[tuple[float, str, str]] = []
        for _ in range(round(seconds / self.tick_s)):
            self.now_us += round(self.tick_s * 1e6)
            heard += [((self.now_us - begun) / 1e6, item.rule.id, str(item.kind)) for item in self.tick()]
        self.heard += heard
        return heard

    def tick(self) -> tuple[Proposal, ...]:
        """Step once at the present time."""
        step = self.engine.step(self.state, self.now_us, self.columns())
        self.state = step.state
        self.proposals += step.proposals
        self.flips += [(self.now_us, item.kind is Change.RAISED) for item in step.proposals]
        self.failures = step.failures
        return step.proposals

    def columns(self) -> Columns:
        """Samples as they are now."""
        for role in self._roles:
            if role not in self._frozen:
                self._read_at[role] = self.now_us
        order = [self._roles[number - 1] for number in self.binding.point_ids.tolist()]
        return Columns(
            np.array([self._value[role] for role in order], np.float64),
            np.array([self._quality[role] for role in order], np.uint8),
            np.array([self._read_at[role] for role in order], np.int64),
        )
