"""Electricity adds up at every node of one tree, at every moment, whatever trips or is lost."""

from dataclasses import fields
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.power_rig import LOADS_KW, POWER_OF, PowerRig

from cityhall_simulators.description import load_building
from cityhall_simulators.plants.common import Around, Supply
from cityhall_simulators.plants.moment import moment_at
from cityhall_simulators.plants.power.grid import lines_at
from cityhall_simulators.plants.power.tree import tree
from cityhall_simulators.plants.power.uses import uses, uses_kw

TAIPEI = ZoneInfo("Asia/Taipei")
WORKING_MORNING = datetime(2026, 7, 1, 10, 0, tzinfo=TAIPEI)
ANY_TIME = st.datetimes(datetime(2006, 1, 1), datetime(2027, 12, 31), timezones=st.just(TAIPEI))  # noqa: DTZ001
BUILDING = load_building("full")
EXACT = 1e-9
METERED_PANELS = (2, 3, 4, 6, 7)
"""Everything that these feed has a meter; panels 1 and 5 have none below them."""


def residual(parent: float, children: float) -> float:
    return abs(parent - children) / max(1.0, abs(parent))


def check_every_node(rig: PowerRig) -> None:
    branch = tree()
    meters, panels, transformers = (rig.column(code, "kW") for code in ("EM", "LVP", "TR"))
    for number in range(1, 8):
        below = rig.column("EM", "_kw")[rig.meters_of_panel(number)].sum()
        fed = below + rig.value("LVP", "_direct_kw", number - 1) + rig.value("LVP", "_rest_kw", number - 1)
        assert residual(rig.panel_kw(number), fed) < EXACT, f"panel {number}"
    for unit in range(5):
        below = panels[branch.panels[unit] > 0].sum() + rig.value("TR", "LossKW", unit)
        assert residual(transformers[unit], below) < EXACT, f"transformer {unit + 1}"
    for line in range(2):
        assert residual(rig.value("HVM", "kW", line), transformers[branch.lines[line] > 0].sum()) < EXACT
    assert meters.min() >= 0.0


def everything_used_kw(rig: PowerRig) -> float:
    """All plant and all uses of the building, each counted once, less the sun."""
    plant = sum(rig.sum(code, column) for code, column in POWER_OF.items())
    return plant + rig.sum("EM", "_own_kw") + rig.sum("LVP", "_rest_kw") - rig.sum("PV")


def test_the_meters_stand_where_the_domain_reference_puts_them() -> None:
    # domain.md section 3.1, row EM 64
    loads = [item.load for item in BUILDING.equipment if item.type.code == "EM"]
    assert len(loads) == 64
    assert sum("LTG@here" in load for load in loads) == 14
    assert sum("plugs" in load for load in loads) == 14
    assert sum("stall" in load for load in loads) == 20
    assert loads.count("bank") == 1
    assert sum("ELV" in load for load in loads) == 5
    assert sum("EVSE" in load for load in loads) == 2
    assert sum(load.removeprefix("standby+") in {"PCHP", "SCHP", "CWP", "CT", "AHU+OAH", "PAC"} for load in loads) == 6


def test_every_unit_that_uses_power_is_fed_by_exactly_one_meter_or_panel() -> None:
    branch = tree()
    found: dict[str, np.ndarray] = {}
    for leaves in (branch.metered, branch.direct):
        first = 0
        for code in leaves.codes:
            units = sum(item.type.code == code for item in BUILDING.equipment)
            found[code] = found.get(code, np.zeros(units)) + leaves.share[:, first : first + units].sum(axis=0)
            first += units
    assert set(found) == {*LOADS_KW, "LTG", "UPS", "AVR", "DWS", "PV"}
    for code, fed in found.items():
        assert (fed == (-1.0 if code == "PV" else 1.0)).all(), code


def test_every_meter_panel_and_transformer_has_one_feeder() -> None:
    branch = tree()
    for level in (branch.meters, branch.panels, branch.lines, branch.bays):
        assert (level.sum(axis=0) == 1.0).all()
    assert (branch.bays[:2] == 0.0).all(), "incoming bays feed no transformer"


def test_dishwashers_hang_on_tenants_and_meeting_rooms_on_their_floor() -> None:
    branch, loads = tree(), [item for item in BUILDING.equipment if item.type.code == "EM"]
    first = 0
    for code in branch.metered.codes:
        items = [item for item in BUILDING.equipment if item.type.code == code]
        share = branch.metered.share[:, first : first + len(items)]
        first += len(items)
        for unit, item in enumerate(items):
            meter = loads[int(np.flatnonzero(share[:, unit])[0])]
            if code == "DWS":
                assert meter.load.startswith("stall")
            if code in {"AVR", "HWD", "LTG"}:
                assert meter.place.split(".")[0] == item.place.split(".")[0]


@settings(max_examples=25, deadline=None)
@given(when=ANY_TIME, dt_s=st.floats(0.1, 3600.0))
def test_every_node_balances_at_any_time(when: datetime, dt_s: float) -> None:
    rig = PowerRig(when)
    rig.step(dt_s)
    check_every_node(rig)
    assert residual(rig.sum("HVM"), everything_used_kw(rig) + rig.sum("TR", "LossKW")) < EXACT


def test_energy_counts_balance_over_a_day_of_unequal_steps() -> None:
    rig = PowerRig(WORKING_MORNING)
    before = {code: rig.column(code, "kWh").copy() for code in ("HVM", "TR", "LVP", "EM")}
    loss_kwh = direct_kwh = 0.0
    for dt_s in [1800.0] * 24 + [60.0] * 300 + [1.0] * 300:
        rig.step(dt_s)
        loss_kwh += rig.sum("TR", "LossKW") * dt_s / 3600.0
        direct_kwh += (rig.sum("LVP", "_direct_kw") + rig.sum("LVP", "_rest_kw")) * dt_s / 3600.0
    used = {code: (rig.column(code, "kWh") - first).sum() for code, first in before.items()}
    assert used["HVM"] == pytest.approx(used["TR"], rel=1e-9)
    assert used["TR"] == pytest.approx(used["LVP"] + loss_kwh, rel=1e-9)
    assert used["LVP"] == pytest.approx(used["EM"] + direct_kwh, rel=1e-9)


def test_panels_with_meters_are_metered_to_the_last_kilowatt() -> None:
    # domain.md section 7, METER BALANCE: more than 5 % missing would be a warning
    rig = PowerRig(WORKING_MORNING)
    for number in METERED_PANELS:
        metered = rig.column("EM", "kW")[rig.meters_of_panel(number)].sum()
        assert residual(rig.panel_kw(number), metered) < 0.01, f"panel {number}"


@pytest.mark.parametrize(("meter", "panel"), [(58, 2), (0, 6)])
def test_a_meter_with_a_wrong_ratio_reads_sixty_percent_and_its_panel_misses_the_rest(meter: int, panel: int) -> None:
    rig = PowerRig(WORKING_MORNING)
    sound_kw, panel_kw = rig.value("EM", "kW", meter), rig.panel_kw(panel)
    rig.fault("EM", meter, "ct_wrong")
    rig.step(1.0)
    assert rig.value("EM", "kW", meter) == pytest.approx(0.6 * sound_kw, rel=0.01)
    assert rig.panel_kw(panel) == pytest.approx(panel_kw, rel=0.01)
    missing = rig.panel_kw(panel) - rig.column("EM", "kW")[rig.meters_of_panel(panel)].sum()
    assert missing == pytest.approx(0.4 * sound_kw, rel=0.02)


def test_the_default_meter_with_a_wrong_ratio_upsets_its_panels_balance() -> None:
    # domain.md section 7: a residual of more than 10 % is an alarm
    rig = PowerRig(WORKING_MORNING)
    rig.fault("EM", 58, "ct_wrong")
    rig.step(1.0)
    metered = rig.column("EM", "kW")[rig.meters_of_panel(2)].sum()
    assert (rig.panel_kw(2) - metered) / rig.panel_kw(2) > 0.10


def test_a_dead_meter_shows_nothing_of_what_its_panel_still_feeds() -> None:
    rig = PowerRig(WORKING_MORNING)
    before_kw, counted = rig.panel_kw(7), rig.value("EM", "kWh", 19)
    rig.fault("EM", 19, "meter_dead")
    rig.run(60.0)
    assert rig.value("EM", "kW", 19) == 0.0
    assert rig.value("EM", "kWh", 19) == counted
    assert rig.value("EM", "Vavg", 19) > 360.0
    assert rig.panel_kw(7) == pytest.approx(before_kw, rel=0.01)


@pytest.mark.parametrize("panel", range(7))
def test_the_load_of_a_tripped_panel_moves_to_a_neighbour(panel: int) -> None:
    rig = PowerRig(WORKING_MORNING)
    before_kw = rig.sum("LVP")
    rig.fault("LVP", panel, "panel_trip")
    rig.step(1.0)
    assert rig.value("LVP", "kW", panel) == rig.value("LVP", "I2", panel) == 0.0
    assert rig.value("LVP", "AcbTrip", panel) == 1.0
    assert rig.sum("LVP") == pytest.approx(before_kw, rel=0.005)
    rig.fault("LVP", panel, "panel_trip", active=False)
    rig.step(1.0)
    check_every_node(rig)


@pytest.mark.parametrize("bay", range(6))
def test_the_load_of_a_tripped_bay_takes_another_way(bay: int) -> None:
    rig = PowerRig(WORKING_MORNING)
    before_kw = rig.sum("HVM")
    rig.fault("GIS", bay, "gis_trip")
    rig.step(1.0)
    assert (rig.value("GIS", "TripRly", bay), rig.value("GIS", "CbSts", bay)) == (1.0, 0.0)
    assert rig.value("GIS", "I2", bay) == 0.0
    if bay < 2:
        assert rig.value("HVM", "kW", bay) == 0.0
    else:
        assert (rig.column("TR", "kW")[tree().bays[bay] > 0] == 0.0).all()
    assert rig.sum("HVM") == pytest.approx(before_kw, rel=0.01)
    assert rig.sum("HVM") == pytest.approx(rig.sum("TR"), rel=EXACT)
    assert rig.sum("TR") == pytest.approx(rig.sum("LVP") + rig.sum("TR", "LossKW"), rel=EXACT)


def test_switchgear_currents_are_those_of_what_hangs_below() -> None:
    rig = PowerRig(WORKING_MORNING)
    amps = rig.column("GIS", "I2")
    assert amps[0] == pytest.approx(amps[2] + amps[3], rel=0.03)
    assert amps[1] == pytest.approx(amps[4] + amps[5], rel=0.03)


def test_without_the_utility_the_generators_carry_exactly_the_essential_panel() -> None:
    rig = PowerRig(WORKING_MORNING)
    rig.fault("HVM", 0, "supply_loss")
    rig.run(30.0)
    for code in ("HVM", "TR", "GIS"):
        assert (rig.column(code, "kV" if code == "GIS" else "kW") == 0.0).all()
    assert rig.panel_kw(5) > 100.0
    assert rig.sum("LVP") == rig.panel_kw(5)
    assert rig.sum("GEN") == pytest.approx(rig.panel_kw(5), rel=EXACT)
    rig.fault("HVM", 0, "supply_loss", active=False)
    rig.step(1.0)
    check_every_node(rig)


def test_a_demand_peak_brings_the_building_above_its_contract_on_the_struck_line() -> None:
    rig = PowerRig(WORKING_MORNING)
    before = rig.column("HVM", "kW").copy()
    rig.fault("HVM", 1, "demand_peak")
    rig.step(1.0)
    assert 5_000.0 < rig.sum("HVM") < 5_400.0
    assert rig.value("HVM", "kW", 0) == pytest.approx(before[0], rel=0.01)
    check_every_node(rig)


def test_long_and_short_steps_count_the_same_energy() -> None:
    def day_kwh(dt_s: float) -> float:
        rig = PowerRig(datetime(2026, 7, 1, tzinfo=TAIPEI))
        first = rig.sum("HVM", "kWh")
        rig.run_until(rig.local + timedelta(days=1), dt_s)
        return rig.sum("HVM", "kWh") - first

    assert day_kwh(1800.0) == pytest.approx(day_kwh(60.0), rel=0.003)


def test_nobody_can_change_what_the_plants_of_a_step_share() -> None:
    rig = PowerRig(WORKING_MORNING)
    around = Around(moment_at(WORKING_MORNING, 5), rig.site, rig.columns)
    branch = tree()
    matrices = [getattr(branch, field.name) for field in fields(branch) if field.name not in {"metered", "direct"}]
    shared = [*matrices, branch.metered.share, branch.direct.share, uses().kw, uses().essential]
    shared += [uses_kw(around.moment, Supply()), lines_at(around).volts_pu, lines_at(around).hz]
    rig.fault("HVM", 0, "supply_loss")
    dark = lines_at(Around(around.moment, rig.site, rig.columns))
    for array in (*shared, dark.volts_pu, dark.hz):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0.0
