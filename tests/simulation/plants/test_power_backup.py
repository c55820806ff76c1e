"""What stands by for the utility: supplies with batteries, generators, fuel, transfer switches."""

from datetime import datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from tests.support.power_rig import PowerRig

TAIPEI = ZoneInfo("Asia/Taipei")
# A Tuesday: no weekly test.
TUESDAY = datetime(2026, 6, 30, 14, 0, tzinfo=TAIPEI)
WEDNESDAY = datetime(2026, 7, 1, 9, 50, tzinfo=TAIPEI)
RATED_KW = 800.0


def test_a_generator_starts_within_ten_seconds_and_carries_the_essential_panel_within_fifteen() -> None:
    rig = PowerRig(TUESDAY)
    rig.fault("HVM", 0, "supply_loss")
    rig.run(2.0)
    assert rig.supply.normal == rig.supply.essential == 0.0
    assert rig.value("LVP", "V12", 4) == 0.0
    rig.run(8.0)
    assert rig.column("GEN", "RunSts").all()
    rig.run(5.0)
    assert (rig.supply.normal, rig.supply.essential) == (0.0, 1.0)
    assert rig.value("LVP", "V12", 4) == pytest.approx(380.0, rel=0.02)
    assert rig.value("LVP", "V12", 0) == 0.0
    assert (rig.column("ATS", "Pos") == 2.0).all()
    assert (rig.column("GEN", "CbSts") == 1.0).all()
    assert rig.column("GEN", "Hz") == pytest.approx([60.0, 60.0], abs=0.3)


def test_in_long_steps_the_essential_panel_is_fed_at_once() -> None:
    rig = PowerRig(TUESDAY)
    rig.step(1800.0)
    rig.fault("HVM", 0, "supply_loss")
    rig.step(1800.0)
    assert (rig.supply.normal, rig.supply.essential) == (0.0, 1.0)
    assert rig.sum("GEN") == pytest.approx(rig.panel_kw(5))


def test_when_the_utility_returns_the_generators_cool_down_and_stop() -> None:
    rig = PowerRig(TUESDAY)
    starts = rig.column("GEN", "Starts").copy()
    rig.fault("HVM", 0, "supply_loss")
    rig.run(600.0)
    fuel = rig.value("FTK", "Vol")
    rig.fault("HVM", 0, "supply_loss", active=False)
    rig.run(10.0)
    assert (rig.column("ATS", "Pos") == 1.0).all()
    assert rig.column("GEN", "RunSts").all()
    assert rig.sum("GEN") == 0.0
    rig.run(600.0, dt_s=10.0)
    assert not rig.column("GEN", "RunSts").any()
    assert (rig.column("GEN", "Starts") == starts + 1).all()
    assert (rig.column("ATS", "XferCnt") == 130.0).all()
    assert rig.value("FTK", "Vol") < fuel
    assert rig.value("GEN", "OilP") < 1.0


def test_one_generator_alone_carries_everything_when_the_other_does_not_start() -> None:
    rig = PowerRig(TUESDAY)
    rig.fault("GEN", 0, "gen_start_fail")
    rig.fault("HVM", 0, "supply_loss")
    rig.run(30.0)
    assert (rig.value("GEN", "StartFail"), rig.value("GEN", "TripCode"), rig.value("GEN", "RunSts")) == (1.0, 4.0, 0.0)
    assert rig.value("GEN", "kW", 0) == 0.0
    assert rig.value("GEN", "kW", 1) == pytest.approx(rig.panel_kw(5))


def test_nobody_starts_when_both_are_left_out_of_automatic() -> None:
    rig = PowerRig(TUESDAY)
    for unit in range(2):
        rig.fault("GEN", unit, "gen_not_auto")
    rig.fault("HVM", 0, "supply_loss")
    rig.run(60.0)
    assert rig.supply.essential == 0.0
    assert rig.sum("LVP") == 0.0
    assert (rig.column("UPS", "OutSrc") == 5.0).all()
    assert (rig.column("ATS", "Pos") == 1.0).all()


def test_every_wednesday_each_generator_runs_half_an_hour_above_thirty_percent_load() -> None:
    # domain.md section 12: 30 min at 30 % load or more
    rig = PowerRig(WEDNESDAY)
    hours, kwh = rig.column("GEN", "RunHr").copy(), rig.column("GEN", "kWh").copy()
    main_kw = rig.sum("HVM")
    rig.run(20 * 60.0, dt_s=10.0)
    assert list(rig.column("GEN", "RunSts")) == [1.0, 0.0]
    assert 0.30 * RATED_KW <= rig.value("GEN", "kW") <= RATED_KW
    assert rig.value("GEN", "Mode") == 2.0
    assert (rig.column("ATS", "Pos") == 1.0).all()
    assert (rig.column("ATS", "TestMode") == 1.0).all()
    assert rig.sum("HVM") == pytest.approx(main_kw, rel=0.05)
    rig.run(3 * 3600.0, dt_s=10.0)
    assert (rig.column("GEN", "RunHr") - hours) == pytest.approx([0.5, 0.5], abs=0.01)
    assert (rig.column("GEN", "kWh") - kwh).min() >= 0.5 * 0.30 * RATED_KW
    ended = datetime.fromtimestamp(rig.value("GEN", "LastTest"), TAIPEI)
    assert (ended.year, ended.month, ended.day, ended.hour, ended.minute) == (2026, 7, 1, 10, 30)


@pytest.mark.parametrize("dt_s", [60.0, 1800.0, 3600.0])
def test_steps_of_any_length_count_the_same_test(dt_s: float) -> None:
    rig = PowerRig(datetime(2026, 6, 30, tzinfo=TAIPEI))
    before = {role: rig.column("GEN", role).copy() for role in ("RunHr", "kWh", "Starts")}
    rig.run_until(rig.local + timedelta(days=2), dt_s)
    assert rig.column("GEN", "RunHr") - before["RunHr"] == pytest.approx([0.5, 0.5], abs=0.02)
    assert rig.column("GEN", "kWh") - before["kWh"] == pytest.approx([140.0, 140.0], rel=0.02)
    assert list(rig.column("GEN", "Starts") - before["Starts"]) == [1.0, 1.0]


def test_fuel_that_was_burnt_comes_from_the_tank_and_is_ordered_in_time() -> None:
    rig = PowerRig(WEDNESDAY.replace(hour=9, minute=0))
    litres = [rig.value("FTK", "Vol")]
    for _ in range(104):
        rig.run(4 * 3600.0, dt_s=3600.0)
        rig.local += timedelta(days=7, hours=-4)
        litres.append(rig.value("FTK", "Vol"))
    # Half an hour at 280 kW and 0.26 l/kWh, and a little for running at all.
    assert litres[0] - litres[1] == pytest.approx(40.0, rel=0.1)
    assert min(litres) > 7_000.0
    assert max(litres) <= 8_800.0
    assert max(later - earlier for earlier, later in pairwise(litres)) > 1_000.0, "a tanker came"
    assert rig.value("GEN", "FuelLvl") == pytest.approx(88.0, abs=1.0)


def test_an_oil_pressure_that_is_low_shows_while_the_engine_runs() -> None:
    # domain.md E10: below 150 kPa running
    rig = PowerRig(TUESDAY)
    rig.fault("GEN", 0, "gen_oil_low")
    rig.run(30.0)
    assert rig.value("GEN", "RunSts") == 1.0
    assert 50.0 < rig.value("GEN", "OilP") < 150.0
    assert rig.value("GEN", "OilP", 1) == 0.0
    rig.fault("GEN", 0, "gen_oil_low", active=False)
    rig.run(30.0)
    assert rig.value("GEN", "RunSts") == 0.0


def test_a_supply_without_input_runs_on_its_battery_until_that_is_empty() -> None:
    # RFC 1628: output source 3 normal, 5 battery, 2 none; battery status 2 normal, 3 low, 4 depleted
    rig = PowerRig(TUESDAY)
    rig.run(60.0)
    expected_min = rig.value("UPS", "MinRem")
    assert expected_min == pytest.approx(32.0, abs=4.0)
    rig.fault("UPS", 0, "ups_on_battery")
    rig.run(300.0)
    assert (rig.value("UPS", "OutSrc"), rig.value("UPS", "BattSts"), rig.value("UPS", "InV")) == (5.0, 2.0, 0.0)
    assert rig.value("UPS", "OnBattSec") == pytest.approx(300.0)
    assert rig.value("UPS", "MinRem") == pytest.approx(expected_min - 5.0, abs=1.0)
    assert rig.value("UPS", "OutV") == pytest.approx(220.0, rel=0.01)
    assert list(rig.column("UPS", "OutSrc")[1:]) == [3.0, 3.0, 3.0]
    rig.run((expected_min - 5.0 - 3.0) * 60.0, dt_s=10.0)
    assert rig.value("UPS", "BattSts") == 3.0
    rig.run(600.0, dt_s=10.0)
    assert (rig.value("UPS", "OutSrc"), rig.value("UPS", "BattSts"), rig.value("UPS", "OutV")) == (2.0, 4.0, 0.0)
    rig.fault("UPS", 0, "ups_on_battery", active=False)
    rig.run(60.0)
    assert (rig.value("UPS", "OutSrc"), rig.value("UPS", "OnBattSec")) == (3.0, 0.0)
    rig.run(12 * 3600.0, dt_s=600.0)
    assert rig.value("UPS", "ChgPct") > 99.0


def test_charging_a_battery_takes_what_it_had_given_and_some_more() -> None:
    rig = PowerRig(TUESDAY)
    rig.fault("UPS", 0, "ups_on_battery")
    counted = rig.value("UPS", "kWh")
    rig.run(600.0)
    given_kwh = rig.value("UPS", "kWh") - counted
    assert rig.value("UPS", "_in_kw") == 0.0
    rig.fault("UPS", 0, "ups_on_battery", active=False)
    counted, taken_kwh = rig.value("UPS", "kWh"), 0.0
    for _ in range(900):
        rig.step(60.0)
        taken_kwh += rig.value("UPS", "_in_kw") / 60.0
    charged_kwh = taken_kwh - (rig.value("UPS", "kWh") - counted) / 0.94
    assert given_kwh < charged_kwh < 1.25 * given_kwh


def test_supplies_carry_the_load_through_the_gap_before_the_generators() -> None:
    rig = PowerRig(TUESDAY)
    rig.fault("HVM", 0, "supply_loss")
    for _ in range(40):
        rig.step(1.0)
        assert (rig.column("UPS", "OutV") > 200.0).all()
    assert (rig.column("UPS", "OutSrc") == 3.0).all()
    assert (rig.column("UPS", "OnBattSec") == 0.0).all()


@pytest.mark.parametrize("dt_s", [1.0, 60.0, 1800.0])
def test_the_station_battery_discharges_only_in_the_dark(dt_s: float) -> None:
    rig = PowerRig(TUESDAY)
    rig.run(2 * dt_s, dt_s)
    assert (rig.column("BAT", "StrI") > 0.0).all()
    for unit in range(2):
        rig.fault("GEN", unit, "gen_start_fail")
    rig.fault("HVM", 0, "supply_loss")
    rig.run(max(60.0, dt_s), dt_s)
    assert (rig.column("BAT", "StrI") < -5.0).all()
    assert (rig.column("BAT", "StrV") < 123.0).all()
