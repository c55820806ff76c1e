"""What the instruments show of the truth: their steps and noise, their range, and what goes wrong with them."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cityhall_simulators.description import Point

# Periods that share no factor with usual scan intervals, so that no scan meets always the same phase.
_SPIKE_PERIOD_S, _SPIKE_S = 11.0, 2.0
_GLITCH_PERIOD_S, _GLITCH_S = 420.0, 60.0
_FLAP_S = 7.0
_DRIFT_OF_RANGE_PER_H, _DRIFT_OF_RANGE_MAX = 0.10, 0.25
_OFFSET_OF_RANGE = 0.10
_NEW_METER_SHOWS = 17.3
_COUNTED_PART = 0.6


@dataclass(frozen=True, slots=True)
class Struck:
    """An instrument with a fault: since when (in seconds of the run), and what it showed then."""

    since_s: float
    shown: float
    low: float
    high: float

    @property
    def span(self) -> float:
        """Width of its range; of an endless one, what it showed."""
        return self.high - self.low if math.isfinite(self.high - self.low) else abs(self.shown) + 100.0


def _spiking(struck: Struck, shown: float, elapsed_s: float) -> float:
    """A value far away but within the physical range: only its jump betrays it."""
    if (elapsed_s - struck.since_s) % _SPIKE_PERIOD_S >= _SPIKE_S:
        return shown
    if not math.isfinite(struck.high - struck.low):
        return shown * 3.0 + 100.0
    middle = (struck.low + struck.high) / 2.0
    return struck.low + (0.95 if shown < middle else 0.05) * struck.span


def _drifting(struck: Struck, shown: float, elapsed_s: float) -> float:
    gone = min(_DRIFT_OF_RANGE_PER_H * (elapsed_s - struck.since_s) / 3600.0, _DRIFT_OF_RANGE_MAX)
    return min(struck.high, max(struck.low, shown + _away(struck) * gone * struck.span))


def _offset(struck: Struck, shown: float, _: float) -> float:
    return min(struck.high, max(struck.low, shown + _away(struck) * _OFFSET_OF_RANGE * struck.span))


def _away(struck: Struck) -> float:
    """Towards the farther end of the range, so that the range never hides it."""
    return -1.0 if struck.shown - struck.low > struck.high - struck.shown else 1.0


def _glitching(struck: Struck, shown: float, elapsed_s: float) -> float:
    return 0.0 if (elapsed_s - struck.since_s) % _GLITCH_PERIOD_S < _GLITCH_S else shown


def _flapping(struck: Struck, shown: float, elapsed_s: float) -> float:
    return 1.0 - shown if int((elapsed_s - struck.since_s) // _FLAP_S) % 2 == 0 else shown


def _slow(struck: Struck, shown: float, _: float) -> float:
    return struck.shown + _COUNTED_PART * (shown - struck.shown)


_SHOWS: Final[Mapping[str, Callable[[Struck, float, float], float]]] = {
    "sensor_drift": _drifting,
    "sensor_offset": _offset,
    "sensor_spike": _spiking,
    "counter_glitch": _glitching,
    "counter_slow": _slow,
    "flapping_contact": _flapping,
    # Last: what is stuck shows nothing of whatever else is wrong.
    "sensor_stuck": lambda struck, _, __: struck.shown,
}
_REGISTER_AFTER: Final[Mapping[str, Callable[[float], float]]] = {
    "meter_reset": lambda _: 0.0,
    "meter_exchange": lambda _: _NEW_METER_SHOWS,
    # A counter of few digits: what it shows is the end of its register, and it goes on from nothing.
    "meter_rollover": lambda shown: shown % 1.0,
}


class Sensors:
    """The instruments of one site."""

    def __init__(self, points: Sequence[Point]) -> None:
        resolution = np.array([point.role.resolution for point in points])
        self._low = np.array([-np.inf if p.role.low is None else p.role.low for p in points])
        self._high = np.array([np.inf if p.role.high is None else p.role.high for p in points])
        # An instrument shows whole decimal steps, of which its noise takes several.
        self._step = np.where(resolution > 0.0, 10.0 ** np.floor(np.log10(np.maximum(resolution, 1e-9))), 1.0)
        self._noise = np.where(resolution > 0.0, resolution - self._step / 2.0, 0.0)
        self._is_analog = resolution > 0.0
        self._base = np.zeros(len(points))
        self._struck: dict[str, dict[int, Struck]] = {name: {} for name in _SHOWS}
        self.sound: NDArray[np.float64] = np.zeros(len(points))
        """What they would show just now without their faults; a register that was set back stays so."""
        self.bad: NDArray[np.bool_] = np.zeros(len(points), dtype=np.bool_)

    def show(self, truth: NDArray[np.float64], elapsed_s: float, chance: np.random.Generator) -> NDArray[np.float64]:
        """What all of them show of ``truth``, both in the order of the points."""
        noisy = truth + chance.uniform(-1.0, 1.0, len(truth)) * self._noise
        stepped = np.round(noisy / self._step) * self._step
        # A sensor that measures nothing shows exactly nothing (low cut-off), not noise around it.
        measured = np.where(self._is_analog & (truth != 0.0), stepped, truth)
        self.sound = np.clip(measured - self._base, self._low, self._high)
        shown = self.sound.copy()
        for name, shows in _SHOWS.items():
            for index, struck in self._struck[name].items():
                shown[index] = shows(struck, float(shown[index]), elapsed_s)
        return shown

    def accepts(self, index: int, value: float) -> bool:
        """Whether a value is within the physical range."""
        return bool(self._low[index] <= value <= self._high[index])

    def fault_on(self, name: str, index: int, elapsed_s: float) -> None:
        """Let an instrument go wrong; it is seen when they show the truth again."""
        shown = float(self.sound[index])
        if name == "sensor_dropout":
            self.bad[index] = True
        elif name in _REGISTER_AFTER:
            self._base[index] += shown - _REGISTER_AFTER[name](shown)
        else:
            low, high = float(self._low[index]), float(self._high[index])
            self._struck[name][index] = Struck(elapsed_s, shown, low, high)

    def fault_off(self, name: str, index: int) -> None:
        """Repair an instrument. A register that was set back counts on from where it stands."""
        if name == "sensor_dropout":
            self.bad[index] = False
        struck = self._struck.get(name, {}).pop(index, None)
        if struck is not None and name == "counter_slow":
            self._base[index] += (1.0 - _COUNTED_PART) * (float(self.sound[index]) - struck.shown)
