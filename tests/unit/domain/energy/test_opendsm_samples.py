"""Our CalTRACK fit beside OpenDSM's own on the public data that its package carries.

``tests/support/opendsm_samples.csv`` is the baseline year of two of its samples (OpenDSM 1.2.7, Apache-2.0; simulated
homes in Illinois), with the mean temperature of each day in °C; ``make mv`` holds it to the package. The figures are
those of its ``DailyModel(model="legacy")``, which is CalTRACK 2.0 with balance points that are not bound to a grid.
"""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from cityhall_bms.domain.energy.change_points import CALTRACK, fit_change_points
from cityhall_bms.domain.energy.conditions import Conditions
from cityhall_bms.domain.energy.fit_statistics import fit_statistics

SAMPLES = Path(__file__).parents[3] / "support" / "opendsm_samples.csv"


@dataclass(frozen=True)
class Theirs:
    column: str
    cvrmse: float
    """As ``cvrmse_adj``, in percent."""
    nmbe: float
    r2: float
    cooling_point: float
    cooling: float
    heating_point: float | None = None
    heating: float = 0.0


OPENDSM = [
    Theirs("cdd_hdd_kwh", 25.530, -0.0390, 0.77061, 19.786, 4.3781, 11.475, 2.0353),
    Theirs("cdd_only_kwh", 34.469, 0.0006, 0.88579, 17.821, 7.3903),
]


@pytest.mark.parametrize("theirs", OPENDSM, ids=lambda theirs: theirs.column)
def test_cvrmse_nmbe_and_coefficients_are_those_of_opendsm(theirs: Theirs) -> None:
    rows = list(csv.DictReader(SAMPLES.read_text(encoding="utf-8").splitlines()))
    used = np.array([float(row[theirs.column]) for row in rows])
    conditions = Conditions(
        np.array([float(row["outdoor_c"]) for row in rows]), np.ones(len(rows), np.bool_), np.zeros(len(rows), np.int64)
    )
    model = fit_change_points(used, conditions, CALTRACK)
    ours = fit_statistics(used, model.predict(conditions), model.parameters)

    assert ours.cvrmse == pytest.approx(theirs.cvrmse, rel=0.003)
    assert ours.nmbe == pytest.approx(theirs.nmbe, abs=0.05)
    assert ours.r2 == pytest.approx(theirs.r2, abs=0.001)
    assert model.cooling_point == pytest.approx(theirs.cooling_point, abs=0.5)  # half a step of the grid
    assert model.cooling_work == pytest.approx(theirs.cooling, rel=0.03)
    assert (model.heating_point is None) == (theirs.heating_point is None)
    assert model.heating == pytest.approx(theirs.heating, rel=0.03)
    if theirs.heating_point is not None:
        assert model.heating_point == pytest.approx(theirs.heating_point, abs=0.5)
