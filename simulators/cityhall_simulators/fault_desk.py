"""Switching faults on and off, and keeping the record of what was true when."""

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from cityhall_simulators.faults import FAULTS
from cityhall_simulators.runtime import ActiveFault, City


class FaultDesk:
    """Faults of a city, each change written to ``truth_file`` when one is given."""

    def __init__(self, city: City, now: Callable[[], datetime], truth_file: Path | None) -> None:
        self._city = city
        self._now = now
        self._truth_file = truth_file

    @property
    def active(self) -> list[ActiveFault]:
        """Faults that are on."""
        return self._city.faults

    def on(self, name: str, target: str | None) -> list[ActiveFault]:
        """Switch on; repeating it changes nothing. ``KeyError`` or ``FaultTargetError`` when it makes no sense."""
        shown = self._city.sound
        started = self._city.fault_on(name, target, self._now().isoformat())
        if started is not None:
            point = self._city.building.by_name.get(started.target)
            self._write(started, until=None, shown=None if point is None else float(shown[point.index]))
        return self.active

    def off(self, name: str, target: str | None) -> list[ActiveFault]:
        """Switch off, everywhere or at one target; returns what was on."""
        ended = self._city.fault_off(name, target)
        for fault in ended:
            self._write(fault, until=self._now().isoformat(), shown=None)
        return ended

    def _write(self, fault: ActiveFault, *, until: str | None, shown: float | None) -> None:
        """``shown`` is what a struck instrument showed last: without it no meter could be put right afterwards."""
        if self._truth_file is None:
            return
        line: dict[str, object] = {
            "what": fault.name,
            "where": fault.target,
            "from": fault.since,
            "to": until,
            "provokes": list(FAULTS[fault.name].rules),
        }
        if shown is not None:
            line["shown"] = shown
        with self._truth_file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
