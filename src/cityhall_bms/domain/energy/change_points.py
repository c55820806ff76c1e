"""Daily baselines: use that rises beyond balance points of the outdoor temperature.

Every pair of balance points is tried at once: least squares over the columns that all of them share leave one or two
regressors each, which are solved in closed form. Rules: CalTRACK 2.0, section 3.
"""

from dataclasses import dataclass, fields
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cityhall_bms.domain.energy.conditions import Conditions

Floats = NDArray[np.float64]
SCARCE: Final = 10
"""Least days of either kind for which workdays are told from days off."""


@dataclass(frozen=True, slots=True)
class ChangePointModel:
    """kWh of a day = base + workday + slopes beyond balance points; one without a balance point has no slope.

    ``cooling_off`` and ``cooling_work`` are the slopes of a day off and of a workday, kWh per K; for heating there is
    one. Balance points are in °C.
    """

    base: float
    workday: float = 0.0
    cooling_point: float | None = None
    cooling_off: float = 0.0
    cooling_work: float = 0.0
    heating_point: float | None = None
    heating: float = 0.0

    @property
    def parameters(self) -> int:
        """How many numbers were fitted, balance points among them."""
        slopes = len({self.cooling_off, self.cooling_work} - {0.0}) + (self.heating != 0.0)
        points = (self.cooling_point is not None) + (self.heating_point is not None)
        return 1 + (self.workday != 0.0) + slopes + points

    def predict(self, conditions: Conditions) -> Floats:
        """What a day would have used, kWh; NaN without a temperature."""
        work = conditions.workday.astype(np.float64)
        slope = np.where(conditions.workday, self.cooling_work, self.cooling_off)
        told = self.base + self.workday * work
        if self.cooling_point is not None:
            told = told + slope * np.maximum(conditions.temperature - self.cooling_point, 0.0)
        if self.heating_point is not None:
            told = told + self.heating * np.maximum(self.heating_point - conditions.temperature, 0.0)
        return np.asarray(np.where(np.isnan(conditions.temperature), np.nan, told), np.float64)

    def coefficients(self) -> dict[str, float]:
        """By name, as they are recorded; what the model does not have is left out."""
        found = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: float(value) for name, value in found.items() if value is not None}

    @classmethod
    def of(cls, coefficients: dict[str, float]) -> "ChangePointModel":
        """Read what was recorded."""
        return cls(**coefficients)


@dataclass(frozen=True, slots=True)
class Search:
    """Which models are tried. Temperatures are °C."""

    low: float = -1.0
    high: float = 32.0
    step: float = 1.0
    """At most 1.7 K (CalTRACK 3.2.2: 3 °F)."""
    heating: bool = True
    workdays: bool = False
    """Whether workdays are told from days off, in base and slope."""
    days_min: int = 10
    """Days beyond a balance point without which it is none (CalTRACK 3.2.3)."""
    degree_days_min: float = 20.0
    """Degree-days beyond a balance point without which it is none, K·d."""

    def points(self) -> Floats:
        """Balance points, ascending."""
        return np.linspace(self.low, self.high, round((self.high - self.low) / self.step) + 1)


CALTRACK: Final = Search()
"""Heating and cooling, over the whole range; the days of the week alike."""
COOLING: Final = Search(low=18.0, high=24.0, step=0.1, heating=False, workdays=True)
"""The domain reference's model of cooling weather: CDD base fitted from 18 to 24 °C, workdays apart."""


def fit_change_points(used: Floats, conditions: Conditions, search: Search) -> ChangePointModel:
    """Give the model with the best adjusted R² of all that qualify; ``ValueError`` for fewer than ten days.

    Values must all be known. A slope counts only when it is positive, and its balance point only with enough days and
    degree-days beyond it; heating's lies nowhere above cooling's. What remains at worst is a model without weather.
    """
    if len(used) < SCARCE:
        msg = f"{len(used)} days are too few for a baseline"
        raise ValueError(msg)
    return _Fitting(used, conditions, search).best()


@dataclass(slots=True)
class _Best:
    """The best model so far, and its adjusted R²."""

    score: float
    model: ChangePointModel


class _Fitting:
    """One fit: what all candidates share, with the shared columns projected out."""

    def __init__(self, used: Floats, conditions: Conditions, search: Search) -> None:
        self._used, self._search = used, search
        off = ~conditions.workday
        self._work = conditions.workday.astype(np.float64)
        self._split = search.workdays and min(off.sum(), len(off) - off.sum()) >= SCARCE
        shared = [np.ones(len(used)), *([self._work] if self._split else [])]
        self._basis, _ = np.linalg.qr(np.stack(shared, axis=1))
        self._shared = np.stack(shared, axis=1)
        self._left = self._apart(used[np.newaxis])[0]
        self._squares = float(self._left @ self._left)
        self._spread = float(np.square(used - used.mean()).sum())
        points, outside = search.points()[:, np.newaxis], conditions.temperature[np.newaxis]
        self._points = points[:, 0]
        self._cooling = np.maximum(outside - points, 0.0)
        self._heating = np.maximum(points - outside, 0.0)

    def best(self) -> ChangePointModel:
        """Try all kinds of models, the simplest first: a later one must be truly better."""
        base, workday = self._shared_part(np.zeros_like(self._used))
        best = _Best(float(self._score(np.array(self._squares), 0)), ChangePointModel(base, workday))
        self._try_one(best, self._cooling, off=1.0, work=1.0)
        if self._split:
            # A plant that rests on days off, and one that does then something else.
            self._try_one(best, self._cooling * self._work, off=0.0, work=1.0)
            self._try_slopes_by_day(best)
        if self._search.heating:
            self._try_one(best, self._heating)
            self._try_both(best)
        return best.model

    def _try_one(self, best: _Best, beyond: Floats, off: float = 0.0, work: float = 0.0) -> None:
        """One slope: of cooling, in parts for days ``off`` and at ``work``, or of heating where both are zero."""
        left = self._apart(beyond)
        squares = np.einsum("ij,ij->i", left, left)
        slope = _divided(left @ self._left, squares)
        score = self._score(self._squares - slope**2 * squares, 1)
        i = int(np.argmax(np.where(self._enough(beyond) & (slope > 0.0), score, -np.inf)))
        if not (self._enough(beyond)[i] and slope[i] > 0.0 and score[i] > best.score):
            return
        base, workday = self._shared_part(slope[i] * beyond[i])
        point, value = float(self._points[i]), float(slope[i])
        best.score = float(score[i])
        best.model = (
            ChangePointModel(base, workday, cooling_point=point, cooling_off=off * value, cooling_work=work * value)
            if work
            else ChangePointModel(base, workday, heating_point=point, heating=value)
        )

    def _try_slopes_by_day(self, best: _Best) -> None:
        """Cooling with a slope of its own for workdays, as where the plant rests on days off."""
        work, off = self._cooling * self._work, self._cooling * (1.0 - self._work)
        a, b, gain = _pairs(self._apart(work), self._apart(off), self._left)
        fits = self._enough(work) & self._enough(off) & (a > 0.0) & (b > 0.0)
        score = np.where(fits, self._score(self._squares - gain, 2), -np.inf)
        i = int(np.argmax(score))
        if score[i] > best.score:
            base, workday = self._shared_part(a[i] * work[i] + b[i] * off[i])
            best.score = float(score[i])
            best.model = ChangePointModel(base, workday, float(self._points[i]), float(b[i]), float(a[i]))

    def _try_both(self, best: _Best) -> None:
        """Heating below one balance point, cooling above another that is not lower."""
        i, j = np.triu_indices(len(self._points))  # heating's point is never above cooling's
        heat, cool = self._apart(self._heating), self._apart(self._cooling)
        a, b, gain = _solved(
            np.einsum("ij,ij->i", heat, heat)[i],
            (heat @ cool.T)[i, j],
            np.einsum("ij,ij->i", cool, cool)[j],
            (heat @ self._left)[i],
            (cool @ self._left)[j],
        )
        fits = self._enough(self._heating)[i] & self._enough(self._cooling)[j] & (a > 0.0) & (b > 0.0)
        score = np.where(fits, self._score(self._squares - gain, 2), -np.inf)
        k = int(np.argmax(score))
        if score[k] > best.score:
            base, workday = self._shared_part(a[k] * self._heating[i[k]] + b[k] * self._cooling[j[k]])
            best.score = float(score[k])
            best.model = ChangePointModel(
                base, workday, float(self._points[j[k]]), float(b[k]), float(b[k]),
                heating_point=float(self._points[i[k]]), heating=float(a[k]),
            )  # fmt: skip

    def _apart(self, rows: Floats) -> Floats:
        """Rows without what the shared columns explain of them."""
        return np.asarray(rows - (rows @ self._basis) @ self._basis.T, np.float64)

    def _shared_part(self, weather: Floats) -> tuple[float, float]:
        found = np.linalg.lstsq(self._shared, self._used - weather, rcond=None)[0]
        return float(found[0]), float(found[1]) if self._split else 0.0

    def _enough(self, beyond: Floats) -> NDArray[np.bool_]:
        days, degrees = (beyond > 0.0).sum(axis=1), beyond.sum(axis=1)
        enough: NDArray[np.bool_] = (days >= self._search.days_min) & (degrees >= self._search.degree_days_min)
        return enough

    def _score(self, squares: Floats, slopes: int) -> Floats:
        """Adjusted R² by the columns of the regression, as CalTRACK 3.4.3.2 chooses by it."""
        n, columns = len(self._used), self._shared.shape[1] + slopes
        spread = self._spread or 1.0
        score: Floats = 1.0 - np.maximum(squares, 0.0) / spread * (n - 1) / max(1, n - columns)
        return score


def _pairs(first: Floats, second: Floats, wanted: Floats) -> tuple[Floats, Floats, Floats]:
    """Least squares of ``wanted`` on each pair of rows: both slopes, and by how much the squares shrink."""
    return _solved(
        np.einsum("ij,ij->i", first, first),
        np.einsum("ij,ij->i", first, second),
        np.einsum("ij,ij->i", second, second),
        first @ wanted,
        second @ wanted,
    )


def _solved(aa: Floats, ab: Floats, bb: Floats, aw: Floats, bw: Floats) -> tuple[Floats, Floats, Floats]:
    """Solve the normal equations of two regressors, for many pairs; NaN where both say the same."""
    determinant = aa * bb - ab * ab
    sure = determinant > 1e-9 * aa * bb
    a, b = (bb * aw - ab * bw), (aa * bw - ab * aw)
    a, b = (_divided(part, np.where(sure, determinant, 0.0)) for part in (a, b))
    return a, b, a * aw + b * bw


def _divided(above: Floats, below: Floats) -> Floats:
    quotient = np.full(np.shape(above), np.nan)
    np.divide(above, below, out=quotient, where=below > 0.0)
    return quotient
