"""The electricity shows normal values, meets no alarm rule while it is sound, and each fault does what it says."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from tests.support.power_rig import PowerRig

from cityhall_simulators.plants.years import factor

TAIPEI = ZoneInfo("Asia/Taipei")
WORKING_MORNING = datetime(2026, 7, 1, 10, 0, tzinfo=TAIPEI)
NIGHT = datetime(2026, 7, 2, 3, 0, tzinfo=TAIPEI)


def moments_of_a_year() -> Iterator[PowerRig]:
    """A rig that has been led through a year in steps that meet every hour of the day."""
    rig = PowerRig(datetime(2026, 1, 1, tzinfo=TAIPEI))
    for _ in range(800):
        rig.step(3600.0)
        rig.step(3600.0)
        rig.local += timedelta(hours=9)
        yield rig


@pytest.fixture(scope="module")
def year() -> dict[tuple[str, str], np.ndarray]:
    """All columns of power quality, a row per moment."""
    wanted = {
        "HVM": ("V12", "V23", "V31", "PF", "Hz", "THDv", "THDi"),
        "LVP": ("V12", "V23", "V31", "PF", "Hz", "THDv", "THDi", "kVA"),
        "EM": ("PF", "Vavg", "kW"),
        "CAP": ("PF", "StepsOn", "kVAR"),
        "TR": ("LoadPct", "WindT_U", "WindT_V", "WindT_W", "TmpAlm"),
        "GIS": ("Sf6Low", "TripRly", "CbSts", "Sf6P"),
        "UPS": ("OutPct", "MinRem", "OnBattSec", "BattT", "Bypass"),
        "BAT": ("StrV", "CellRmax"),
        "GEN": ("StartFail", "Mode", "FuelLvl", "CoolT", "BattV"),
        "ATS": ("Fault", "Pos"),
        "FTK": ("LeakAlm", "LowAlm", "Lvl"),
    }
    rows: dict[tuple[str, str], list[np.ndarray]] = {
        (code, role): [] for code, roles in wanted.items() for role in roles
    }
    for rig in moments_of_a_year():
        for (code, role), found in rows.items():
            found.append(rig.column(code, role))
    return {key: np.array(found) for key, found in rows.items()}


def test_voltages_and_frequency_stay_normal_all_year(year: dict[tuple[str, str], np.ndarray]) -> None:
    # domain.md section 3.2: 22.8 kV within 2 %, 60 Hz within 0.05; E01 unbalance below 2 %
    for code, nominal, within in (("HVM", 22_800.0, 0.02), ("LVP", 380.0, 0.04)):
        volts = np.array([year[code, role] for role in ("V12", "V23", "V31")])
        assert np.abs(volts / nominal - 1.0).max() < within
        mean = volts.mean(axis=0)
        assert (np.abs(volts - mean).max(axis=0) / mean).max() < 0.01
        assert np.abs(year[code, "Hz"] - 60.0).max() <= 0.05
    assert np.abs(year["EM", "Vavg"] / 380.0 - 1.0).max() < 0.04


def test_power_factors_stay_within_their_limits_all_year(year: dict[tuple[str, str], np.ndarray]) -> None:
    # domain.md section 3.2: 0.97 to 0.99 at the main; E03: never below 0.95
    assert year["HVM", "PF"].min() > 0.965
    assert year["HVM", "PF"].max() < 0.992
    for code in ("LVP", "EM", "CAP"):
        assert year[code, "PF"].min() > 0.955
    assert year["CAP", "StepsOn"].max() <= 12.0
    assert year["CAP", "StepsOn"].max() > year["CAP", "StepsOn"].min()


def test_distortion_is_usual_all_year(year: dict[tuple[str, str], np.ndarray]) -> None:
    # domain.md section 3.2: THDv 2 to 3 %; E04: THDi below 20 %
    assert year["HVM", "THDv"].min() >= 2.0
    assert max(year["HVM", "THDv"].max(), year["LVP", "THDv"].max()) <= 3.0
    assert max(year["HVM", "THDi"].max(), year["LVP", "THDi"].max()) < 15.0


def test_transformers_are_warm_and_never_overloaded(year: dict[tuple[str, str], np.ndarray]) -> None:
    # domain.md E07: 80 %; section 3.2: 60 to 95 degC at 30 to 70 % load, as far as the windings have settled
    load = year["TR", "LoadPct"]
    assert load.max() < 80.0
    usual = (load > 30.0) & (load < 70.0)
    assert usual.any()
    for role in ("WindT_U", "WindT_V", "WindT_W"):
        assert year["TR", role][usual].min() > 54.0
        assert year["TR", role].max() < 100.0


def test_a_sound_supply_meets_no_other_rule_all_year(year: dict[tuple[str, str], np.ndarray]) -> None:
    # domain.md E05, E08, E09, E10, E11, E13
    assert not year["GIS", "TripRly"].any()
    assert not year["GIS", "Sf6Low"].any()
    assert (year["GIS", "CbSts"] == 1.0).all()
    assert year["UPS", "OutPct"].max() < 60.0
    assert year["UPS", "MinRem"].min() > 20.0
    assert not year["UPS", "OnBattSec"].any()
    assert year["UPS", "BattT"].max() < 29.0
    assert np.abs(year["BAT", "StrV"] / 125.0 - 1.0).max() < 0.01
    assert year["BAT", "CellRmax"].max() < 0.82 * 1.1
    assert not year["GEN", "StartFail"].any()
    assert (year["GEN", "Mode"] == 2.0).all()
    assert year["GEN", "FuelLvl"].min() > 70.0
    assert year["GEN", "CoolT"].max() < 90.0
    assert year["GEN", "BattV"].min() > 26.5
    assert (year["ATS", "Pos"] == 1.0).all()
    assert year["FTK", "Lvl"].min() > 70.0
    assert year["EM", "kW"].min() > 0.1


def test_windings_follow_the_load_as_the_reference_says() -> None:
    # domain.md section 3.2: 60 to 95 degC at 30 to 70 % load
    rig = PowerRig(WORKING_MORNING)
    rig.run(12 * 3600.0, dt_s=3600.0)
    rig.local = WORKING_MORNING
    rig.run(6 * 3600.0, dt_s=600.0)
    for unit, load in enumerate(rig.column("TR", "LoadPct")):
        if 30.0 < load < 70.0:
            assert 58.0 < rig.value("TR", "WindT_V", unit) < 96.0


def test_without_its_fan_a_transformer_passes_its_alarm_and_cools_again() -> None:
    # domain.md E06: dry class F, pre-alarm 130, alarm 140, trip 150
    rig = PowerRig(WORKING_MORNING)
    rig.fault("TR", 0, "hot")
    rig.run(4 * 3600.0, dt_s=60.0)
    assert 140.0 < rig.value("TR", "WindT_V") < 150.0
    assert (rig.value("TR", "TmpAlm"), rig.value("TR", "FanSts")) == (1.0, 0.0)
    assert rig.column("TR", "WindT_V")[1:].max() < 95.0
    rig.fault("TR", 0, "hot", active=False)
    rig.run(600.0, dt_s=60.0)
    assert rig.value("TR", "FanSts") == 1.0
    rig.run(6 * 3600.0, dt_s=60.0)
    assert rig.value("TR", "WindT_V") < 95.0
    assert rig.value("TR", "FanSts") == 0.0


def test_a_bank_that_fails_lets_the_power_factor_fall() -> None:
    # domain.md E03
    rig = PowerRig(WORKING_MORNING)
    main = rig.column("HVM", "PF")[0]
    rig.fault("CAP", 0, "pf_bank_failure")
    rig.step(1.0)
    assert rig.value("CAP", "StepsOn") == rig.value("CAP", "kVAR") == 0.0
    assert 0.80 < rig.value("CAP", "PF") < 0.95
    assert rig.value("LVP", "PF") == rig.value("CAP", "PF")
    assert rig.column("CAP", "PF")[1:].min() > 0.97
    assert rig.column("HVM", "PF")[0] < main - 0.005


def test_too_many_steps_let_the_current_lead() -> None:
    rig = PowerRig(NIGHT)
    rig.fault("CAP", 4, "pf_leading")
    rig.step(1.0)
    # domain.md section 3: PF -1..1; E03: leading below 0.98
    assert -0.98 < rig.value("CAP", "PF", 4) < 0.0
    assert rig.value("LVP", "kVAR", 4) < 0.0


def test_a_lost_phase_is_seen_down_to_the_panels_of_its_line() -> None:
    rig = PowerRig(WORKING_MORNING)
    rig.fault("HVM", 0, "phase_loss")
    rig.step(1.0)
    assert rig.value("HVM", "V12") < 0.6 * 22_800.0
    assert rig.value("HVM", "V31") > 0.95 * 22_800.0
    assert rig.value("LVP", "V12", 0) < 0.6 * 380.0
    assert rig.value("LVP", "V12", 4) > 0.95 * 380.0


def test_leaking_gas_alarms_before_it_blocks_the_breaker() -> None:
    # domain.md section 3: Sf6Low 5 to 10 % below nominal, Sf6Block at minimum functional density
    rig = PowerRig(WORKING_MORNING)
    rig.fault("GIS", 2, "sf6_leak")
    seen = []
    for _ in range(90):
        rig.step(60.0)
        seen.append((rig.value("GIS", "Sf6P", 2), rig.value("GIS", "Sf6Low", 2), rig.value("GIS", "Sf6Block", 2)))
    first_low = next(row for row in seen if row[1])
    assert 0.90 * 620.0 <= first_low[0] <= 0.95 * 620.0
    assert first_low[2] == 0.0
    assert seen[-1][2] == 1.0
    rig.fault("GIS", 2, "sf6_leak", active=False)
    rig.run(3 * 3600.0, dt_s=60.0)
    assert rig.value("GIS", "Sf6Low", 2) == 0.0


def test_one_pulse_counts_one_kilowatt_hour() -> None:
    rig = PowerRig(WORKING_MORNING)
    pulses, kwh = rig.sum("HVM", "PulseMin"), rig.sum("HVM", "kWh")
    rig.run(600.0, dt_s=10.0)
    assert rig.sum("HVM", "PulseMin") - pulses == pytest.approx(rig.sum("HVM", "kWh") - kwh, abs=2.0)


def test_the_building_used_more_in_earlier_years_and_less_in_later_ones() -> None:
    # domain.md section 2: H1 of 2006 and 2014 above 2015
    assert factor(2006, "electricity") > factor(2010, "electricity") > factor(2014, "electricity")
    assert factor(2014, "electricity") > factor(2015, "electricity") > factor(2020, "electricity")
    between = factor(2010, "electricity"), factor(2012, "electricity"), factor(2014, "electricity")
    assert between[1] == pytest.approx((between[0] + between[2]) / 2.0)
    assert factor(1999, "electricity") == factor(2006, "electricity")
