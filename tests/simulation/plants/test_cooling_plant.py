"""The chilled water plant on a summer day: balances, normal values, commands, and what a lost supply does."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from cityhall_simulators.description import load_building
from cityhall_simulators.runtime import City

TAIPEI = ZoneInfo("Asia/Taipei")
SUMMER = datetime(2026, 7, 1, 10, 0, tzinfo=TAIPEI)
WINTER = datetime(2026, 1, 14, 10, 0, tzinfo=TAIPEI)
BUILDING = load_building("full")
INDEX = {point.name.split(".", 3)[-1]: point.index for point in BUILDING.points}
WATER_KWH_M3_K = 1.163
KW_PER_RT = 3.517
UNITS = {"CHC": 3, "CHS": 2, "PCHP": 6, "SCHP": 6, "CWP": 6, "CT": 6}


def run_for(city: City, seconds: float, step_s: float = 5.0) -> None:
    for _ in range(round(seconds / step_s)):
        city.advance(city.local + timedelta(seconds=step_s), step_s)


def value(city: City, name: str) -> float:
    return float(city.truth[INDEX[name]])


def values(city: City, code: str, role: str) -> np.ndarray:
    return np.array([value(city, f"{code}{unit:02d}.{role}") for unit in range(1, UNITS[code] + 1)])


def taken_kw(city: City, code: str) -> np.ndarray:
    warmed_k = values(city, code, "CHWR_T") - values(city, code, "CHWS_T")
    return WATER_KWH_M3_K * values(city, code, "CHW_Flow") * warmed_k * values(city, code, "RunSts")


@pytest.fixture
def city() -> City:
    return City(BUILDING, 5, SUMMER)


def some_days() -> Iterator[City]:
    for local in (SUMMER, SUMMER + timedelta(hours=5), WINTER, WINTER + timedelta(hours=4)):
        found = City(BUILDING, 5, local)
        run_for(found, 300.0)
        yield found


# Balances


def test_each_chiller_rejects_what_it_takes_and_uses() -> None:
    for city in some_days():
        rejected = WATER_KWH_M3_K * values(city, "CHC", "CDW_Flow")
        rejected *= values(city, "CHC", "CDWL_T") - values(city, "CHC", "CDWE_T")
        used = taken_kw(city, "CHC") + values(city, "CHC", "kW")
        on = values(city, "CHC", "RunSts") == 1
        assert rejected[on] == pytest.approx(used[on], rel=0.01)


def test_headers_carry_the_sum_and_the_mix_of_their_units() -> None:
    for city in some_days():
        flow = np.concatenate([values(city, code, "CHW_Flow") for code in ("CHC", "CHS")])
        supply = np.concatenate([values(city, code, "CHWS_T") for code in ("CHC", "CHS")])
        assert value(city, "PLT01.CHW_Flow") == pytest.approx(flow.sum())
        assert value(city, "PLT01.CHWS_T") == pytest.approx((flow * supply).sum() / flow.sum())
        assert value(city, "PLT01.Cool_kW") == pytest.approx(
            WATER_KWH_M3_K * flow.sum() * (value(city, "PLT01.CHWR_T") - value(city, "PLT01.CHWS_T"))
        )
        assert value(city, "PLT01.ChOnCnt") == sum(values(city, code, "RunSts").sum() for code in ("CHC", "CHS"))


def test_plant_power_is_the_sum_of_its_units_and_efficiency_follows_from_it() -> None:
    for city in some_days():
        assert value(city, "PLT01.Plant_kW") == pytest.approx(sum(values(city, code, "kW").sum() for code in UNITS))
        per_rt = value(city, "PLT01.Plant_kW") / (value(city, "PLT01.Cool_kW") / KW_PER_RT)
        assert value(city, "PLT01.kWperRT") == pytest.approx(per_rt)
        assert value(city, "PLT01.COP") == pytest.approx(KW_PER_RT / per_rt)


def test_towers_cool_the_condenser_water_by_what_the_chillers_reject(city: City) -> None:
    run_for(city, 900.0)
    rejected = sum(taken_kw(city, code).sum() + values(city, code, "kW").sum() for code in ("CHC", "CHS"))
    wet = values(city, "CT", "RunSts") == 1
    cooled_k = (values(city, "CT", "EW_T") - values(city, "CT", "LW_T"))[wet].mean()
    assert WATER_KWH_M3_K * value(city, "PLT01.CDW_Flow") * cooled_k == pytest.approx(rejected, rel=0.03)


def test_energy_and_make_up_count_what_flows(city: City) -> None:
    before = {name: value(city, name) for name in ("CHC01.kWh", "PLT01.Cool_kWh", "PLT01.MkupVol")}
    kwh = cool_kwh = made_up_m3 = 0.0
    for _ in range(120):
        run_for(city, 5.0)
        kwh += value(city, "CHC01.kW") * 5.0 / 3600.0
        cool_kwh += value(city, "PLT01.Cool_kW") * 5.0 / 3600.0
        made_up_m3 += value(city, "PLT01.MkupFlow") * 5.0 / 3600.0
    assert value(city, "CHC01.kWh") - before["CHC01.kWh"] == pytest.approx(kwh)
    assert value(city, "PLT01.Cool_kWh") - before["PLT01.Cool_kWh"] == pytest.approx(cool_kwh)
    assert value(city, "PLT01.MkupVol") - before["PLT01.MkupVol"] == pytest.approx(made_up_m3)


def test_a_day_in_half_hours_uses_what_it_uses_in_minutes() -> None:
    def used(step_s: float) -> float:
        city = City(BUILDING, 5, SUMMER.replace(hour=5))
        begin = values(city, "CHC", "kWh").sum() + value(city, "CHS01.kWh") + value(city, "CHS02.kWh")
        run_for(city, 86_400.0, step_s)
        return values(city, "CHC", "kWh").sum() + value(city, "CHS01.kWh") + value(city, "CHS02.kWh") - begin

    assert used(1800.0) == pytest.approx(used(120.0), rel=0.03)


# Normal values of domain.md 3.2


def test_a_summer_day_runs_at_normal_values(city: City) -> None:
    for _ in range(14):
        run_for(city, 1800.0, 60.0)
        on = values(city, "CHC", "RunSts") == 1
        assert value(city, "PLT01.CHWS_T") == pytest.approx(7.0, abs=0.3) or city.local.hour >= 17
        if city.local.hour >= 17:
            break
        assert 10.0 < value(city, "PLT01.CHWR_T") < 13.0
        assert 27.0 < value(city, "PLT01.CDWS_T") < 33.0
        assert 0.78 <= value(city, "PLT01.kWperRT") <= 0.95
        assert value(city, "PLT01.DpEnd1") == pytest.approx(150.0, abs=2.0)
        each = values(city, "CHC", "kW")[on] / (taken_kw(city, "CHC")[on] / KW_PER_RT)
        assert ((each >= 0.58) & (each <= 0.68)).all()
        assert (values(city, "SCHP", "SpdFb") < 87.0).all()


def test_condenser_water_is_colder_in_winter() -> None:
    city = City(BUILDING, 5, WINTER)
    assert value(city, "PLT01.CDWS_T") == pytest.approx(24.0, abs=0.5)
    assert value(city, "PLT01.CDWR_T") == pytest.approx(28.0, abs=1.5)


def test_towers_keep_their_approach_even_at_full_fan(city: City) -> None:
    """Rule TOWER calls more than 4.4 K a fault."""
    city.command(INDEX["PLT01.CDWS_SP"], 18.0)
    run_for(city, 1800.0, 30.0)
    on = values(city, "CT", "RunSts") == 1
    assert (values(city, "CT", "SpdFb")[on] > 99.0).all()
    approach = values(city, "CT", "LW_T")[on] - value(city, "PLT01.OA_WB")
    assert ((approach > 1.0) & (approach < 4.4)).all()


def test_make_up_is_evaporation_and_blow_down(city: City) -> None:
    run_for(city, 600.0)
    rejected_kw = sum(taken_kw(city, code).sum() + values(city, code, "kW").sum() for code in ("CHC", "CHS"))
    # Water takes 675 kWh a cubic metre with it; most of the heat goes that way, and a sixth more is blown down.
    assert 0.8 * rejected_kw / 675.0 < value(city, "PLT01.MkupFlow") < 1.3 * rejected_kw / 675.0
    assert 600.0 <= value(city, "PLT01.Cond") <= 1500.0
    assert 7.5 <= value(city, "PLT01.pH") <= 8.5


def test_at_night_and_on_sundays_the_plant_rests() -> None:
    for local in (datetime(2026, 7, 1, 2, 0, tzinfo=TAIPEI), datetime(2026, 7, 5, 14, 0, tzinfo=TAIPEI)):
        city = City(BUILDING, 5, local)
        assert value(city, "PLT01.Plant_kW") == 0.0
        assert all(values(city, code, "RunSts").sum() == 0.0 for code in UNITS)


def test_the_water_is_cold_before_the_offices_open_and_large_chillers_start_rarely() -> None:
    city = City(BUILDING, 5, SUMMER.replace(hour=6))
    run_for(city, 1.5 * 3600.0, 60.0)
    assert value(city, "PLT01.ChOnCnt") >= 1.0
    run_for(city, 1800.0, 60.0)
    assert value(city, "PLT01.CHWS_T") < 8.0
    run_for(city, 12 * 3600.0, 60.0)
    # Rule H08: at most three starts a day.
    assert (values(city, "CHC", "Starts") - 812.0 <= 2 * 3).all()


# Commands


def test_a_disabled_chiller_stops_its_pumps_three_minutes_later_and_another_steps_in(city: City) -> None:
    assert value(city, "CHC01.RunSts") == 1.0
    city.command(INDEX["CHC01.EnableCmd"], 0.0)
    run_for(city, 120.0)
    assert (value(city, "CHC01.RunSts"), value(city, "CHC01.kW")) == (0.0, 0.0)
    assert value(city, "CHC01.CHWS_T") > 9.0
    assert (value(city, "PCHP01.RunSts"), value(city, "CWP01.RunSts")) == (1.0, 1.0)
    run_for(city, 120.0)
    assert (value(city, "PCHP01.RunSts"), value(city, "CWP01.RunSts")) == (0.0, 0.0)
    assert values(city, "CHC", "RunSts").tolist() == [0.0, 1.0, 1.0]
    city.command(INDEX["CHC01.EnableCmd"], 1.0)
    run_for(city, 300.0)
    assert value(city, "CHC01.CHWS_T") == pytest.approx(7.0, abs=0.3)


def test_somebody_may_choose_how_many_run(city: City) -> None:
    city.command(INDEX["PLT01.StageCmd"], 5.0)
    run_for(city, 600.0)
    assert value(city, "PLT01.ChOnCnt") == 5.0
    city.command(INDEX["PLT01.SeqMode"], 2.0)
    run_for(city, 60.0)
    assert value(city, "PLT01.ChOnCnt") == 0.0


def test_set_points_act(city: City) -> None:
    for name, set_to in (("CHWS_SP", 9.0), ("DP_SP", 200.0), ("CDWS_SP", 33.0)):
        city.command(INDEX[f"PLT01.{name}"], set_to)
    run_for(city, 1200.0)
    assert value(city, "PLT01.CHWS_T") == pytest.approx(9.0, abs=0.3)
    assert value(city, "CHC01.CHWS_SP") == 9.0
    assert value(city, "PLT01.DpEnd1") == pytest.approx(200.0, abs=3.0)
    assert value(city, "PLT01.CDWS_T") == pytest.approx(33.0, abs=0.3)


def test_a_demand_limit_takes_power_off_a_chiller(city: City) -> None:
    run_for(city, 60.0)
    before_kw = value(city, "CHC01.kW")
    city.command(INDEX["CHC01.DmdLimit"], 40.0)
    run_for(city, 300.0)
    assert value(city, "CHC01.CapPct") <= 41.0
    assert value(city, "CHC01.kW") < 0.6 * before_kw
    assert value(city, "CHC01.CHWS_T") > 8.0


def test_a_bypass_that_is_opened_leaves_less_for_the_coils_and_one_that_is_closed_chokes_the_chillers(
    city: City,
) -> None:
    run_for(city, 60.0)
    flow = value(city, "PLT01.CHW_Flow")
    city.command(INDEX["PLT01.BypVlv"], 0.0)
    run_for(city, 120.0)
    assert value(city, "PLT01.CHW_Flow") < 0.95 * flow
    city.command(INDEX["PLT01.BypVlv"], 100.0)
    run_for(city, 120.0)
    assert city.column("PLT", "_flow_part")[0] < 0.6


def test_pump_power_goes_with_the_cube_of_speed(city: City) -> None:
    run_for(city, 60.0)
    speed, kw = values(city, "CT", "SpdFb"), values(city, "CT", "kW")
    city.command(INDEX["CT01.SpdCmd"], 0.5 * speed[0])
    run_for(city, 120.0)
    assert value(city, "CT01.kW") == pytest.approx(kw[0] / 8.0, abs=0.3)


def test_a_float_valve_held_shut_empties_the_basin_and_held_open_fills_it(city: City) -> None:
    city.command(INDEX["CT01.MakeupVlv"], 0.0)
    city.command(INDEX["CT02.MakeupVlv"], 1.0)
    run_for(city, 3600.0, 30.0)
    levels = values(city, "CT", "BasinLvl")
    assert levels[0] < 55.0
    assert levels[1] > 90.0
    assert levels[2] == pytest.approx(62.0, abs=3.0)


# Supply


def test_without_supply_everything_stops_and_comes_back_in_turn(city: City) -> None:
    city.fault_on("supply_loss", None, "now")
    run_for(city, 600.0)
    assert value(city, "PLT01.Plant_kW") == 0.0
    assert all(values(city, code, "RunSts").sum() == 0.0 for code in UNITS)
    assert value(city, "PLT01.CHWS_T") > 9.0
    city.fault_off("supply_loss")
    starts = []
    for _ in range(500):
        before = values(city, "CHC", "RunSts").sum()
        run_for(city, 5.0)
        starts.append(values(city, "CHC", "RunSts").sum() - before)
    assert max(starts) == 1.0, "motors start one after the other"
    run_for(city, 2400.0, 30.0)
    assert value(city, "PLT01.CHWS_T") == pytest.approx(7.0, abs=0.4)
