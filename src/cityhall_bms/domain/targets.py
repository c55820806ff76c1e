"""Figures that a site wants to keep to, each valid from a day on: a plant's efficiency, a month's energy."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from itertools import groupby
from zoneinfo import ZoneInfo

from cityhall_bms.domain.wall_clock import local_day


@dataclass(frozen=True, slots=True)
class Target:
    """A figure in its unit; without ``valid_from`` it has always been valid."""

    name: str
    value: float
    unit: str
    valid_from: date | None = None
    text_zh: str = ""
    text_en: str = ""


@dataclass(frozen=True)
class Targets:
    """All targets of a site. A name stands once for each day from which its figure is another, in one unit."""

    time_zone: str = "UTC"
    targets: tuple[Target, ...] = field(default=())

    def unit(self, name: str) -> str | None:
        """Unit of a target; none when there is no such target."""
        entries = self._by_name.get(name)
        return entries[0].unit if entries else None

    def value(self, name: str, at_us: int) -> float | None:
        """Figure that is valid at a moment (µs UTC); none before the first one is."""
        day = local_day(self._zone, at_us)
        valid = [entry for entry in self._by_name.get(name, ()) if entry.valid_from is None or entry.valid_from <= day]
        return valid[-1].value if valid else None

    @cached_property
    def _zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    @cached_property
    def _by_name(self) -> Mapping[str, tuple[Target, ...]]:
        """Entries of each name, the latest last."""
        ordered = sorted(self.targets, key=lambda entry: (entry.name, entry.valid_from or date.min))
        return {name: tuple(entries) for name, entries in groupby(ordered, key=lambda entry: entry.name)}
