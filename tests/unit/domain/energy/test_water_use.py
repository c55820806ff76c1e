"""Water per person, rain's share and its target: the figures of the city's plans."""

from datetime import date

import pytest

from cityhall_bms.domain.energy.shown import half_up
from cityhall_bms.domain.energy.vehicles import avoided
from cityhall_bms.domain.energy.water_use import litres_per_person_day, pace_percent, progress_percent, rain_ratio
from cityhall_bms.domain.environment import VehiclePlan


def test_rainwater_of_the_half_year_against_its_target_of_150_m3() -> None:
    progress, pace = progress_percent(112.0, 150.0), pace_percent(112.0, 150.0, date(2015, 7, 1), 2015)
    assert progress is not None
    assert pace is not None
    assert str(half_up(progress)) == "74.67"
    assert str(half_up(pace)) == "149.33"


def test_water_per_person_and_day() -> None:
    assert litres_per_person_day(70_243.0, 6_000, 181) == pytest.approx(64.68, abs=0.005)


def test_the_share_of_rain() -> None:
    assert rain_ratio(112.0, 70_131.0) == pytest.approx(112 / 70_243)


def test_what_is_unknown_gives_no_figure() -> None:
    assert litres_per_person_day(None, 6_000, 181) is None
    assert litres_per_person_day(70_243.0, None, 181) is None
    assert rain_ratio(None, 1.0) is None
    assert rain_ratio(0.0, 0.0) is None
    assert progress_percent(1.0, None) is None
    assert pace_percent(1.0, 150.0, date(2015, 1, 1), 2015) is None, "nothing is due before the year begins"


def test_charged_power_replaces_petrol_and_costs_the_carbon_of_the_grid() -> None:
    plan = VehiclePlan(km_per_kwh=6.0, petrol_km_per_l=15.0, petrol_kgco2_per_l=2.263, source="test")
    found = avoided(1_000.0, plan, 0.474)
    assert (found.km, found.petrol_l) == (6_000.0, 400.0)
    assert found.petrol_kg == pytest.approx(905.2)
    assert found.saved_kg == pytest.approx(905.2 - 474.0)
    assert avoided(1_000.0, plan, None).saved_kg is None
