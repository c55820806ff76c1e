"""A running city: the state of its plants, what its sensors show, which faults are active.

Faces read ``shown``, ``bad`` and the device switches; nothing here knows a protocol or a clock.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Self

import numpy as np
from numpy.typing import NDArray

from cityhall_simulators.description import Building
from cityhall_simulators.faults import FAULTS, Reach, resolve_target
from cityhall_simulators.plants.city import commanded, disturbed, settled_city, step_city
from cityhall_simulators.plants.common import Columns
from cityhall_simulators.plants.site import whole_site
from cityhall_simulators.sensors import Sensors

_NOISE_STREAM = 1_000
"""Apart from the plants' own streams of chance."""
_SAYS_NOTHING = frozenset({"device_silent", "device_refuses"})


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
        self.truth: NDArray[np.float64] = np.zeros(len(building.points))
        self.shown: NDArray[np.float64] = np.zeros(len(building.points))
        self.revision = 0
        """Counts the changes of ``shown``; a face that kept something compares it."""
        self._sensors = Sensors(building.points)
        self._gather = _Gather.of(building)
        self._faults: dict[tuple[str, str], ActiveFault] = {}
        self._on_change: list[Callable[[], None]] = []
        self._elapsed_s = 0.0
        self._publish()

    @property
    def bad(self) -> NDArray[np.bool_]:
        """Points whose sensor gives no valid value."""
        return self._sensors.bad

    @property
    def sound(self) -> NDArray[np.float64]:
        """What the sensors would show without their faults; a register that was set back stays so."""
        return self._sensors.sound

    @property
    def unheard(self) -> NDArray[np.bool_]:
        """Points whose device answers nobody just now."""
        mute = {fault.target for fault in self._faults.values() if fault.name in _SAYS_NOTHING}
        if not mute:
            return np.zeros(len(self.truth), dtype=np.bool_)
        return np.array([point.device in mute for point in self.building.points])

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
        """Command a writable point in engineering units; None hands it back to the plant's own control.

        :class:`ValueError` for any other point: faces refuse those themselves, and none of them can forget to.
        """
        point = self.building.points[index]
        if not point.writable:
            msg = f"{point.name} takes no command"
            raise ValueError(msg)
        equipment = point.equipment
        self._state = commanded(self._state, equipment.type.code, equipment.unit, point.role.role, value)
        self._publish()
        self._changed()

    def accepts(self, index: int, value: float) -> bool:
        """Whether a value is within the physical range, or one of the states."""
        states = self.building.points[index].role.states
        return value in states if states else self._sensors.accepts(index, value)

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
            index = self.building.by_name[active_fault.target].index
            if active:
                self._sensors.fault_on(fault.name, index, self._elapsed_s)
            else:
                self._sensors.fault_off(fault.name, index)
            # At once: a sample of the moment in which a fault begins shows it, one of that in which it ends does not.
            self._publish()
        self.revision += 1
        self._changed()

    def _changed(self) -> None:
        for call in self._on_change:
            call()

    def _publish(self) -> None:
        self.truth = self._gather.truth(self._state.columns)
        chance = np.random.default_rng((self._state.seed, self._state.steps, _NOISE_STREAM))
        self.shown = self._sensors.show(self.truth, self._elapsed_s, chance)
        self.revision += 1


@dataclass(frozen=True, slots=True)
class _Gather:
    """Where the points of a site stand among the columns of the whole building, all of them laid end to end."""

    columns: tuple[tuple[str, str], ...]
    take: NDArray[np.intp]

    @classmethod
    def of(cls, building: Building) -> Self:
        units = whole_site().units
        columns = tuple(dict.fromkeys((p.equipment.type.code, p.role.role) for p in building.points))
        ends = np.cumsum([units[code] for code, _ in columns])
        begins = dict(zip(columns, ends - [units[code] for code, _ in columns], strict=True))
        take = [begins[p.equipment.type.code, p.role.role] + p.equipment.unit for p in building.points]
        return cls(columns, np.array(take, dtype=np.intp))

    def truth(self, columns: Mapping[str, Columns]) -> NDArray[np.float64]:
        laid: NDArray[np.float64] = np.concatenate([columns[code][role] for code, role in self.columns])
        return laid[self.take]
