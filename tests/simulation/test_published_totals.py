"""Simulated half-years give the totals that the city published, and a year's meters add up over all of it.

Published figures: domain reference section 2. ROC year = CE - 1911.
"""

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.support.pages import table, text_of
from tests.support.simulated_year import Stretch, half_year, twelve_months

from cityhall_simulators.description import load_building
from cityhall_simulators.plants.site import whole_site

ELECTRICITY_H1_KWH = {2006: 13_952_000.0, 2014: 10_528_000.0, 2015: 10_404_800.0}
WATER_H1_M3 = {2010: 78_323.0, 2014: 71_409.0, 2015: 70_243.0}
RAIN_H1_2015_M3, RAIN_TARGET_2015_M3 = 112.0, 150.0
REGENERATED_PER_CAR_KWH = 10_992.0
REGENERATIVE_CARS = 9
BUILDING = load_building("full")
# One run of years serves all of it, and the half-year report of ROC 104.
pytestmark = [pytest.mark.timeout(900), pytest.mark.xdist_group("simulated years")]


def electricity_kwh(stretch: Stretch) -> float:
    return float(stretch.counted["HVM", "kWh"].sum())


def water_m3(stretch: Stretch) -> float:
    """Through the two inlets of the city."""
    return float(stretch.counted["WM", "Vol"][:2].sum())


@pytest.mark.parametrize("year", ELECTRICITY_H1_KWH)
def test_electricity_of_the_first_half_year_is_what_was_published(year: int) -> None:
    assert electricity_kwh(half_year(year)) == pytest.approx(ELECTRICITY_H1_KWH[year], abs=0.5)


@pytest.mark.parametrize("year", WATER_H1_M3)
def test_water_of_the_first_half_year_is_what_was_published(year: int) -> None:
    assert water_m3(half_year(year)) == pytest.approx(WATER_H1_M3[year], abs=0.5)


def test_rain_water_used_by_the_end_of_june_is_what_was_published() -> None:
    used = float(half_year(2015).counted["RWS", "UsedVol"].sum())
    assert used == pytest.approx(RAIN_H1_2015_M3, abs=0.005)
    assert used / RAIN_TARGET_2015_M3 == pytest.approx(0.7467, abs=0.00005)


def test_nine_lifts_feed_back_what_was_published_and_no_other_does() -> None:
    regenerated = sum(stretch.counted["ELV", "kWhRegen"] for stretch in twelve_months())
    placed = np.array([item.place.rsplit(".", 1)[1] for item in BUILDING.equipment if item.type.code == "ELV"])
    regenerative = np.isin(placed, ["N", "NE", "NW"])
    assert regenerative.sum() == REGENERATIVE_CARS
    assert np.abs(regenerated[regenerative] / REGENERATED_PER_CAR_KWH - 1.0).max() < 0.03
    assert regenerated[regenerative].mean() == pytest.approx(REGENERATED_PER_CAR_KWH, abs=0.5)
    assert (regenerated[~regenerative] == 0.0).all()


def test_a_lift_uses_what_a_renewed_one_uses() -> None:
    net = sum(s.counted["ELV", "kWh"] - s.counted["ELV", "kWhRegen"] for s in twelve_months())
    # Placement table 3.1: about 3,660 kWh a month and car.
    assert float(np.mean(net)) / 12.0 == pytest.approx(3660.0, rel=0.03)


def check(parent: NDArray[np.float64], children: NDArray[np.float64]) -> None:
    """Within a tenth of a percent of truth."""
    np.testing.assert_allclose(parent, children, rtol=1e-3)


def test_energy_balances_at_every_node_over_the_year() -> None:
    for stretch in twelve_months():
        counted, energy = stretch.counted, stretch.energy_kwh
        lines = incidence("HVM", "TR")
        check(counted["HVM", "kWh"], lines @ counted["TR", "kWh"])
        panels = incidence("TR", "LVP")
        check(counted["TR", "kWh"], panels @ counted["LVP", "kWh"] + energy["TR", "LossKW"])
        meters = incidence("LVP", "EM")
        unmetered = energy["LVP", "_direct_kw"] + energy["LVP", "_rest_kw"]
        check(counted["LVP", "kWh"], meters @ counted["EM", "kWh"] + unmetered)


def test_sub_meters_are_the_sums_of_their_plant_over_the_year() -> None:
    first, second = twelve_months()
    # Controls and heaters of a panel take a little beside the plant that it is for.
    metered = sum(s.counted["EM", "kWh"] - s.energy_kwh["EM", "_own_kw"] for s in (first, second))
    # The order of the meters is that of the placement table: 5 lift banks, 6 HVAC auxiliaries, 2 EV feeders.
    lifts = sum(s.counted["ELV", "kWh"] - s.counted["ELV", "kWhRegen"] for s in (first, second))
    zones = np.array(whole_site().zones["ELV"])
    banks = [lifts[np.isin(zones, names)].sum() for names in (["N", "NE", "NW"], ["CS"], ["CN"], ["S", "SE"])]
    # The escalators run from the machine rooms of the central north lifts.
    banks[2] += sum(float(s.counted["ESC", "kWh"].sum()) for s in (first, second))
    check(metered[49:53], np.array(banks))
    pumps = [sum(float(s.energy_kwh[code, "kW"].sum()) for s in (first, second)) for code in ("PCHP", "SCHP", "CWP")]
    check(metered[54:57], np.array(pumps))
    charged = first.counted["EVSE", "kWh"] + second.counted["EVSE", "kWh"]
    check(metered[60:62], np.array([charged[:9].sum(), charged[9:].sum()]))


def test_water_through_the_inlets_is_what_the_sub_meters_count() -> None:
    first, second = twelve_months()
    volume = first.counted["WM", "Vol"] + second.counted["WM", "Vol"]
    # All but the inlets themselves and the rain water, which no inlet brought.
    subs = np.delete(volume, [0, 1, 25]).sum()
    assert subs == pytest.approx(volume[:2].sum(), rel=2e-3)


def test_the_load_is_a_city_halls() -> None:
    first, second = twelve_months()
    main_kw = np.concatenate([first.main_kw, second.main_kw])
    total = electricity_kwh(first) + electricity_kwh(second)
    # Section 1: about 21 GWh, a night base near 1.2 MW, a summer peak near 4.8 MW.
    assert 20.8e6 < total < 23.0e6
    assert np.percentile(main_kw, 5) == pytest.approx(1200.0, rel=0.2)
    assert main_kw.max() == pytest.approx(4800.0, rel=0.06)


def incidence(feeder: str, fed: str) -> NDArray[np.float64]:
    """Who feeds whom, as the description of the building says."""
    above = [item.name for item in BUILDING.equipment if item.type.code == feeder]
    through = {item.name: item.fed_by for item in BUILDING.equipment if item.type.code == "ATS"}
    rows = [item.fed_by for item in BUILDING.equipment if item.type.code == fed]
    reached = [{*names, *(far for name in names for far in through.get(name, ()))} for names in rows]
    return np.array([[float(name in names) for names in reached] for name in above])


def figures(year: int) -> dict[str, float]:
    """What the page shows of a year, by its first column."""
    first = half_year(year)
    found = {f"{year}-H1 kWh": electricity_kwh(first), f"{year}-H1 m³": water_m3(first)}
    if year == 2015:
        regenerated = sum(stretch.counted["ELV", "kWhRegen"] for stretch in twelve_months())
        found["2015-H1 rain m³"] = float(first.counted["RWS", "UsedVol"].sum())
        found["2015-H1 regenerated kWh per lift in twelve months"] = float(regenerated[:REGENERATIVE_CARS].mean())
    return found


@pytest.mark.parametrize("year", [2006, 2010, 2014, 2015])
def test_the_page_shows_what_was_simulated(year: int) -> None:
    rows = {row[0]: row[2] for row in table(text_of("explanation/simulated-building.md"), "Figure")}
    shown = {name: float(text.replace(",", "")) for name, text in rows.items() if name.startswith(str(year))}
    found = figures(year)
    assert shown
    for name, value in shown.items():
        assert found[name] == pytest.approx(value, rel=1e-4), name
