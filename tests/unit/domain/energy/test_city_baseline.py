"""Baselines of the simulated city hall: a sound year is accepted, and fouled chillers show as use that nobody saved.

``tests/support/city_baseline.csv``, made by ``scripts/city_baseline.py``, is the simulator's building in 2014 and 2015; in the
last two columns its centrifugal chillers are fouled through 2015, in condenser and evaporator.
"""

import csv
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from cityhall_bms.domain.energy.baselines import Fit, ModelKind, Observed, fit_baseline
from cityhall_bms.domain.energy.conditions import Conditions
from cityhall_bms.domain.energy.fit_statistics import Limits
from cityhall_bms.domain.energy.savings import Savings, Yardstick, savings

SERIES = Path(__file__).parents[3] / "support" / "city_baseline.csv"
ROWS = list(csv.DictReader(SERIES.read_text(encoding="utf-8").splitlines()))
PLANT_RANGE = (10.0, 24.0)
"""°C: the chillers carry what people and machines give off long before the weather is warm."""


def year(number: int, column: str) -> Observed:
    rows = [row for row in ROWS if row["date"].startswith(str(number))]
    days = [date.fromisoformat(row["date"]) for row in rows]
    return Observed(
        at=np.array([day.toordinal() for day in days], np.int64) * 86_400_000_000,
        used=np.array([float(row[column]) for row in rows]),
        conditions=Conditions(
            np.array([float(row["outdoor_c"]) for row in rows]),
            np.array([row["workday"] == "1" for row in rows]),
            np.zeros(len(rows), np.int64),
        ),
        month=np.array([day.year * 12 + day.month for day in days], np.int64),
    )


def baseline(column: str) -> Fit:
    return fit_baseline(ModelKind.COOLING, year(2014, column), Limits(), PLANT_RANGE)


def saved(fit: Fit, column: str) -> Savings:
    measure = Yardstick(fit.kind, fit.model, fit.statistics, fit.coldest, fit.warmest)
    return savings(measure, year(2015, column), np.zeros(365))


def test_the_building_of_2014_is_an_accepted_baseline() -> None:
    fit = baseline("building_kwh")
    assert fit.refused == ()
    assert fit.statistics.cvrmse == pytest.approx(1.80, abs=0.05)
    assert fit.statistics.r2 > 0.99


def test_so_are_its_chillers_which_rest_on_days_off() -> None:
    fit = baseline("chillers_kwh")
    assert fit.refused == ()
    assert fit.statistics.cvrmse == pytest.approx(13.3, abs=0.3)


def test_fouled_chillers_show_as_negative_savings_beyond_all_doubt() -> None:
    """By half the difference that the same year would have made without fouling, at least."""
    fit = baseline("chillers_kwh")
    sound, fouled = saved(fit, "chillers_kwh"), saved(fit, "chillers_fouled_kwh")
    truth = sound.total(sound.used) - fouled.total(fouled.used)

    assert truth < 0.0
    assert fouled.total(fouled.saved) < -fouled.uncertainty
    assert fouled.proven(Limits())
    assert fouled.total(fouled.saved) - sound.total(sound.saved) == pytest.approx(truth)
