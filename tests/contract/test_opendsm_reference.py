"""OpenDSM itself, on the data that its package carries: run by ``make mv``, in an environment that has it."""

import csv
import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
from tests.support.pages import ROOT

from cityhall_bms.adapters.opendsm_reference import OpendsmReference
from cityhall_bms.domain.energy.baselines import ModelKind, Observed
from cityhall_bms.domain.energy.change_points import CALTRACK, fit_change_points
from cityhall_bms.domain.energy.conditions import Conditions
from cityhall_bms.domain.energy.fit_statistics import fit_statistics
from cityhall_bms.domain.errors import MissingLibraryError, RefusedError

PYTHON = ROOT / ".cache" / "mv" / "bin" / "python"
ROWS = list(
    csv.DictReader((ROOT / "tests" / "support" / "opendsm_samples.csv").read_text(encoding="utf-8").splitlines())
)
SAMPLES = """
import json
from opendsm import eemeter
found = []
for sample in ("il-electricity-cdd-hdd-daily", "il-electricity-cdd-only-daily"):
    meter, temperature, about = eemeter.load_sample(sample)
    year = meter[meter.index <= about["blackout_start_date"]].tail(366)
    days = eemeter.DailyBaselineData.from_series(year, temperature, is_electricity_data=True).df
    found.append([days["temperature"].tolist(), days["observed"].tolist()])
print(json.dumps(found))
"""
needs_opendsm = pytest.mark.skipif(
    not PYTHON.exists(), reason="make mv installs OpenDSM into an environment of its own"
)


def year(column: str) -> Observed:
    at = np.array([np.datetime64(row["date"], "us").astype(np.int64) for row in ROWS])
    outdoor = np.array([float(row["outdoor_c"]) for row in ROWS])
    conditions = Conditions(outdoor, np.ones(len(at), np.bool_), np.zeros(len(at), np.int64))
    return Observed(at, np.array([float(row[column]) for row in ROWS]), conditions, at // 2_592_000_000_000)


@needs_opendsm
@pytest.mark.timeout(300)
async def test_opendsm_and_we_tell_the_same_of_every_day() -> None:
    """Within an eighth of the mean on the coldest day, and within a hundredth of the CVRMSE."""
    observed = year("cdd_hdd_kwh")
    theirs = await OpendsmReference(str(PYTHON)).fit(ModelKind.CALTRACK, observed, "UTC")
    ours = fit_change_points(observed.used, observed.conditions, CALTRACK)
    told = ours.predict(observed.conditions)

    assert theirs.software == "opendsm 1.2.7"
    assert np.abs(theirs.told - told).max() < observed.used.mean() / 8.0
    one, other = (
        fit_statistics(observed.used, column, parameters).cvrmse
        for column, parameters in ((told, ours.parameters), (theirs.told, theirs.parameters))
    )
    assert one == pytest.approx(other, rel=0.01)


@needs_opendsm
@pytest.mark.timeout(300)
def test_our_copy_of_the_public_data_is_what_the_package_carries() -> None:
    told = subprocess.run([PYTHON, "-c", SAMPLES], check=True, capture_output=True, text=True).stdout
    both, cooling = json.loads(told.splitlines()[-1])
    for column, (temperature, used) in (("cdd_hdd_kwh", both), ("cdd_only_kwh", cooling)):
        assert year(column).conditions.temperature == pytest.approx((np.array(temperature) - 32.0) / 1.8, abs=1e-4)
        assert year(column).used == pytest.approx(used)


async def test_without_the_library_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(MissingLibraryError, match=r"cityhall-bms\[mv\]"):
        await OpendsmReference().fit(ModelKind.CALTRACK, year("cdd_hdd_kwh"), "UTC")


async def test_a_library_that_fails_is_no_failure_of_ours(tmp_path: Path) -> None:
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\ncat >/dev/null\necho kaput >&2\nexit 3\n")
    broken.chmod(0o700)
    with pytest.raises(RefusedError, match="could not fit"):
        await OpendsmReference(str(broken)).fit(ModelKind.CALTRACK, year("cdd_hdd_kwh"), "UTC")
