"""A running city: the state of its plants, what its sensors show, which faults are active.

Faces read ``shown``, ``bad`` and the device switches; nothing here knows a protocol or a clock.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from cityhall_simulators.description import Building
from cityhall_simulators.faults import FAULTS, Reach, resolve_target
from cityhall_simulators.plants.city import commanded, disturbed, settled_city, step_city

_SPIKE_PERIOD_S, _SPIKE_S = 10.0, 2.0
_NOISE_STREAM = 1_000
"""Apart from the plants' own streams of chance."""


@dataclass(frozen=True, slots=True)
class ActiveFault:
    """A fault that is on, where, and since when (as the caller's clock had it)."""

    name: str
    target: str
    since: str


class City:
    """Plants, sensors and faults of one building."""

    def __init__(self, building: Building, seed: int, local: datetime) -> None:
        self.building = building
        self._state = settled_city(seed, local)
        self.local = local
        count = len(building.points)
        self.truth: NDArray[np.float64] = np.zeros(count)
        self.shown: NDArray[np.float64] = np.zeros(count)
        self.bad: NDArray[np.bool_] = np.zeros(count, dtype=np.bool_)
        self.revision = 0
        """Counts the changes of ``shown``; a face that kept something compares it."""
        self._resolution = np.array([point.role.resolution for point in building.points])
        self._low = np.array([-np.inf if p.role.low is None else p.role.low for p in building.points])
        self._high = np.array([np.inf if p.role.high is None else p.role.high for p in building.points])
        self._gather = _gather_plan(building)
        self._faults: dict[tuple[str, str], ActiveFault] = {}
        self._stuck: dict[int, float] = {}
        self._spike_since: dict[int, float] = {}
        self._on_change: list[Callable[[], None]] = []
        self._elapsed_s = 0.0
        self._publish()

    def advance(self, local: datetime, dt_s: float) -> None:
        """Let ``dt_s`` seconds pass, up to ``local``."""
        self.local = local
        self._elapsed_s += dt_s
        self._state = step_city(self._state, local, dt_s)
        self._publish()

    def on_change(self, call: Callable[[], None]) -> None:
        """Call when a fault or a command changed the city, so that its effect need not wait for the next step."""
        self._on_change.append(call)

    def column(self, code: str, role: str) -> NDArray[np.float64]:
        """A plant column, inner state included; for tests and tuning."""
        return self._state.columns[code][role]

    def command(self, index: int, value: float | None) -> None:
        """Command a writable point in engineering units; None hands it back to the plant's own control."""
        point = self.building.points[index]
        equipment = point.equipment
        self._state = commanded(self._state, equipment.type.code, equipment.unit, point.role.role, value)
        self._publish()
        self._changed()

    def accepts(self, index: int, value: float) -> bool:
        """Whether a value is within the physical range, or one of the states."""
        states = self.building.points[index].role.states
        if states:
            return value in states
        return bool(self._low[index] <= value <= self._high[index])

    # Faults

    @property
    def faults(self) -> list[ActiveFault]:
        """Faults that are on."""
        return list(self._faults.values())

    def has_fault(self, name: str, device: str) -> bool:
        """Whether a device suffers from a fault just now."""
        return (name, device) in self._faults

    def fault_on(self, name: str, target: str | None, since: str) -> ActiveFault | None:
        """Switch a fault on. None when it was on already; :class:`KeyError` for an unknown name."""
        fault = FAULTS[name]
        where = resolve_target(self.building, fault, target)
        if (name, where) in self._faults:
            return None
        self._faults[name, where] = active = ActiveFault(name, where, since)
        self._apply(active, active=True)
        return active

    def fault_off(self, name: str, target: str | None = None) -> list[ActiveFault]:
        """Switch a fault off, everywhere or at one target; returns what was on."""
        where = None if target is None else resolve_target(self.building, FAULTS[name], target)
        ended = [f for f in self._faults.values() if f.name == name and where in {None, f.target}]
        for fault in ended:
            del self._faults[name, fault.target]
            self._apply(fault, active=False)
        return ended

    def _apply(self, active_fault: ActiveFault, *, active: bool) -> None:
        fault = FAULTS[active_fault.name]
        if fault.reach is Reach.PLANT:
            item = self.building.find_equipment(active_fault.target)
            self._state = disturbed(self._state, item.type.code, item.unit, fault.column, active=active)
        elif fault.reach is Reach.SENSOR:
            self._apply_to_sensor(fault.name, self.building.by_name[active_fault.target].index, active=active)
        self.revision += 1
        self._changed()

    def _apply_to_sensor(self, name: str, index: int, *, active: bool) -> None:
        if name == "sensor_dropout":
            self.bad[index] = active
            return
        kept = self._stuck if name == "sensor_stuck" else self._spike_since
        if active:
            kept[index] = float(self.shown[index]) if name == "sensor_stuck" else self._elapsed_s
        else:
            kept.pop(index, None)

    def _changed(self) -> None:
        for call in self._on_change:
            call()

    # Sensors

    def _publish(self) -> None:
        for code, role, indexes, units in self._gather:
            self.truth[indexes] = self._state.columns[code][role][units]
        chance = np.random.default_rng((self._state.seed, self._state.steps, _NOISE_STREAM))
        noise = chance.uniform(-1.0, 1.0, len(self.truth)) * self._resolution
        # A sensor that measures nothing shows exactly nothing (low cut-off), not noise around it.
        shown = np.clip(self.truth + np.where(self.truth == 0.0, 0.0, noise), self._low, self._high)
        for index, value in self._stuck.items():
            shown[index] = value
        for index, since_s in self._spike_since.items():
            if (self._elapsed_s - since_s) % _SPIKE_PERIOD_S < _SPIKE_S:
                shown[index] = self._spike(index)
        self.shown = shown
        self.revision += 1

    def _spike(self, index: int) -> float:
        """A value far away but within the physical range: only its jump betrays it."""
        low, high, value = self._low[index], self._high[index], self.truth[index]
        if not np.isfinite(low + high):
            return float(value * 3.0 + 100.0)
        return float(low + 0.95 * (high - low) if value < (low + high) / 2.0 else low + 0.05 * (high - low))


_Gather = tuple[str, str, NDArray[np.intp], NDArray[np.intp]]


def _gather_plan(building: Building) -> list[_Gather]:
    """For each column of each type, where the units that this site shows stand among the points."""
    found: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for point in building.points:
        key = (point.equipment.type.code, point.role.role)
        found.setdefault(key, []).append((point.equipment.unit, point.index))
    return [
        (code, role, np.array([index for _, index in pairs]), np.array([unit for unit, _ in pairs]))
        for (code, role), pairs in found.items()
    ]
