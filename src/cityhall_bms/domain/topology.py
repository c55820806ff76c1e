"""What hangs together in a building: who feeds whom, what is part of what, and which device speaks for whom."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from cityhall_bms.domain.permits import places_of
from cityhall_bms.domain.site import Equipment, Site

Related = Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Topology:
    """Relations between equipment and devices. Names that nobody knows are related to nothing."""

    equipment: Mapping[str, Equipment] = field(default_factory=dict)
    feeds: Related = field(default_factory=dict)
    parts: Related = field(default_factory=dict)
    device_of_point: Mapping[str, str] = field(default_factory=dict)
    devices_of_equipment: Related = field(default_factory=dict)
    """Devices that measure or command a piece of equipment."""

    @classmethod
    def of(cls, site: Site) -> "Topology":
        """Topology of a described building."""
        everything = site.equipment.values()
        return cls(
            site.equipment,
            feeds=_gathered((other, item.name) for item in everything for other in item.fed_by),
            parts=_gathered((other, item.name) for item in everything for other in item.part_of),
            device_of_point={point.name: point.device for point in site.points.values()},
            devices_of_equipment=_gathered((point.equipment, point.device) for point in site.points.values()),
        )

    def device_of(self, subject: str, equipment: str) -> str:
        """Device without which nothing is known of an alarm's subject; empty when it takes several, or none.

        A subject is a point, a device (``panel-1``, ``panel-1:analog-input,3``), or the equipment itself.
        """
        if subject in self.device_of_point:
            return self.device_of_point[subject]
        if subject != equipment:
            return subject.partition(":")[0]
        devices = self.devices_of_equipment.get(equipment, frozenset())
        return next(iter(devices)) if len(devices) == 1 else ""

    def zone_of(self, equipment: str) -> str:
        """Zone of its floor (``05.W``); empty for a name that has none."""
        return max(places_of(equipment), key=len, default="")

    def class_of(self, equipment: str) -> str:
        """Brick class; empty for what nobody knows."""
        known = self.equipment.get(equipment)
        return known.brick_class if known else ""

    def without(self, lost: Iterable[str]) -> dict[str, frozenset[str]]:
        """What nothing feeds any more once some equipment is lost, and through which of the lost.

        Equipment with several sources of one system (mains and generator) lasts while one of them does; of several
        systems (electricity and chilled water) it needs each. What is lost itself is named only if others feed it.
        """
        seeds = frozenset(lost)
        dark: dict[str, frozenset[str]] = {}
        waiting = self._fed_by_any(seeds)
        while waiting:
            name = waiting.pop()
            before = dark.get(name, frozenset())
            after = before | self._through(name, seeds, dark)
            if after != before:
                dark[name] = after
                waiting |= self._fed_by_any({name})
        return dark

    def fed_from(self, source: str) -> set[str]:
        """Everything that is fed from a piece of equipment, alone or among others, directly or not."""
        return _reached(self.feeds, source)

    def parts_of(self, whole: str) -> set[str]:
        """Everything that is part of a piece of equipment, and parts of parts."""
        return _reached(self.parts, whole)

    def _through(self, name: str, seeds: frozenset[str], dark: Related) -> frozenset[str]:
        """Lost equipment through which all sources of one of its systems are gone; empty while none is."""
        sources: dict[str, list[str]] = {}
        for feeder in self.equipment[name].fed_by:
            if feeder in self.equipment:
                sources.setdefault(self.equipment[feeder].system, []).append(feeder)
        through: frozenset[str] = frozenset()
        for feeders in sources.values():
            if all(feeder in seeds or feeder in dark for feeder in feeders):
                through |= seeds.intersection(feeders).union(*(dark.get(feeder, ()) for feeder in feeders))
        return through - {name}

    def _fed_by_any(self, feeders: Iterable[str]) -> set[str]:
        return {fed for feeder in feeders for fed in self.feeds.get(feeder, ())}


def _gathered(pairs: Iterable[tuple[str, str]]) -> Related:
    found: dict[str, set[str]] = {}
    for one, other in pairs:
        found.setdefault(one, set()).add(other)
    return {one: frozenset(others) for one, others in found.items()}


def _reached(related: Related, start: str) -> set[str]:
    """Everything that relations lead to from a start; itself not, even in a ring."""
    found = {start}
    waiting = {start}
    while waiting:
        further = set(related.get(waiting.pop(), ())) - found
        found |= further
        waiting |= further
    return found - {start}
