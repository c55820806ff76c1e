"""Air handlers and outdoor-air units: normal values, schedule, commands, economizer, supply. Numbers of domain.md."""

from datetime import datetime

import numpy as np
import pytest
from tests.support.air_side import TAIPEI, AirSide

from cityhall_simulators.plants.common import Supply
from cityhall_simulators.plants.site import whole_site

SUMMER_MORNING = datetime(2015, 7, 15, 10, 30, tzinfo=TAIPEI)
WINTER_MORNING = datetime(2015, 1, 14, 11, 0, tzinfo=TAIPEI)


@pytest.fixture
def side() -> AirSide:
    return AirSide(SUMMER_MORNING)


def test_a_summer_working_day_has_its_normal_values(side: AirSide) -> None:
    # domain.md 3.2
    assert side.get("AHU", "SAT") == pytest.approx(14.0, abs=0.2)
    assert (np.abs(side.get("AHU", "RAT") - 25.5) < 1.0).all()
    assert (np.abs(side.get("AHU", "MAT") - 26.5) < 1.5).all()
    assert side.get("AHU", "DSP") == pytest.approx(350.0, abs=2.0)
    assert ((side.get("AHU", "SpdFb") > 45.0) & (side.get("AHU", "SpdFb") < 95.0)).all()
    assert ((side.get("AHU", "RA_RH") > 45.0) & (side.get("AHU", "RA_RH") < 65.0)).all()
    assert ((side.get("AHU", "RA_CO2") > 600.0) & (side.get("AHU", "RA_CO2") < 900.0)).all()
    assert side.get("OAH", "SAT") == pytest.approx(16.0, abs=0.2)
    assert side.get("OAH", "OA_Flow") == pytest.approx(12_000.0, rel=0.05)


def test_a_hot_afternoon_asks_for_about_four_point_eight_megawatts_of_cooling() -> None:
    side = AirSide(datetime(2015, 7, 15, 14, 0, tzinfo=TAIPEI))
    assert 3_800.0 < side.coil_kw() < 6_200.0


def test_at_night_the_air_is_still_and_the_carbon_dioxide_gone() -> None:
    side = AirSide(datetime(2015, 7, 15, 4, 0, tzinfo=TAIPEI))
    for role in ("RunSts", "SpdFb", "kW", "SA_Flow", "CCV_Cmd", "OAD_Cmd", "_coil_kw"):
        assert (side.get("AHU", role) == 0.0).all(), role
    assert (side.get("AHU", "RA_CO2") < 560.0).all()


def test_half_hours_count_what_minutes_count() -> None:
    def day(dt_s: float) -> tuple[float, float]:
        side = AirSide(datetime(2015, 7, 15, 0, 0, tzinfo=TAIPEI))
        heat, power = 0.0, 0.0
        for _ in range(round(86_400.0 / dt_s)):
            side.step(dt_s)
            heat += side.coil_kw() * dt_s / 3600.0
            power += float(side.get("AHU", "kW").sum()) * dt_s / 3600.0
        return heat, power

    minutes, half_hours = day(60.0), day(1_800.0)
    # The schedule of half hours counts 07:30-17:00, when fewer people are there than from 08:00 to 17:30.
    assert half_hours[0] == pytest.approx(minutes[0], rel=0.02)
    assert half_hours[1] == pytest.approx(minutes[1], rel=0.02)


@pytest.mark.parametrize("dt_s", [0.1, 1.0, 60.0, 1_800.0, 3_600.0])
def test_no_step_is_too_short_or_too_long(dt_s: float) -> None:
    side = AirSide(SUMMER_MORNING)
    for _ in range(12):
        side.step(dt_s)
        assert ((side.get("AHU", "RAT") > 24.0) & (side.get("AHU", "RAT") < 32.0)).all()
        assert ((side.get("AHU", "SAT") > 10.0) & (side.get("AHU", "SAT") < 32.0)).all()
        assert ((side.get("AHU", "DSP") >= 0.0) & (side.get("AHU", "DSP") < 1_500.0)).all()


def test_fan_power_is_the_cube_of_the_speed(side: AirSide) -> None:
    side.set("AHU", 0, "_ovr_SpdCmd", 100.0)
    side.set("AHU", 1, "_ovr_SpdCmd", 50.0)
    side.run(120.0, 5.0)
    kw = side.get("AHU", "kW")
    assert kw[0] / kw[1] == pytest.approx(8.0, rel=1e-3)
    assert kw[0] < 30.0


def test_units_start_and_stop_with_the_schedule() -> None:
    side = AirSide(datetime(2015, 7, 15, 7, 59, tzinfo=TAIPEI))
    assert not side.get("AHU", "RunSts").any()
    side.run(90.0, 1.0)
    assert side.get("AHU", "RunSts").all()
    side = AirSide(datetime(2015, 7, 15, 17, 29, tzinfo=TAIPEI))
    assert side.get("OAH", "RunSts").all()
    side.run(90.0, 1.0)
    assert not side.get("OAH", "RunSts").any()
    assert (side.get("AHU", "RunSts") == side.get("AHU", "SchOvr")).all()


def test_a_command_holds_until_the_clock_acts_again_or_it_is_released(side: AirSide) -> None:
    side.set("AHU", 2, "_ovr_StartCmd", 0.0)
    side.set("AHU", 3, "_ovr_StartCmd", 0.0)
    side.run(1_800.0, 60.0)
    assert side.get("AHU", "RunSts")[[2, 3]].tolist() == [0.0, 0.0]
    side.set("AHU", 2, "_ovr_StartCmd", np.nan)
    side.run(2.0, 1.0)
    assert side.get("AHU", "RunSts")[[2, 3]].tolist() == [1.0, 0.0]
    side.run(24 * 3_600.0, 1_800.0)
    assert side.get("AHU", "RunSts")[3] == 1.0


def test_after_hours_runs_are_few_and_say_so() -> None:
    days, asked = 0, []
    for day in range(6, 31):
        side = AirSide(datetime(2015, 7, day, 18, 30, tzinfo=TAIPEI), settle_h=2)
        days += side.moment.workday
        overtime = side.get("AHU", "SchOvr")
        assert (side.get("AHU", "RunSts") == overtime).all()
        asked.append(float(overtime.sum()))
    assert 0.01 < sum(asked) / (days * 24) < 0.10


def test_a_new_supply_set_point_moves_the_supply_air(side: AirSide) -> None:
    side.set("AHU", 0, "SAT_SP", 18.0)
    side.run(600.0, 2.0)
    assert side.get("AHU", "SAT")[:2] == pytest.approx([18.0, 14.0], abs=0.3)


def test_a_valve_held_by_hand_cools_as_far_as_it_is_open(side: AirSide) -> None:
    side.set("AHU", 0, "_ovr_CCV_Cmd", 5.0)
    side.run(300.0, 2.0)
    assert side.get("AHU", "CCV_Fb")[0] == pytest.approx(5.0, abs=0.1)
    assert side.get("AHU", "SAT")[0] > 22.0
    side.set("AHU", 0, "_ovr_CCV_Cmd", np.nan)
    side.run(600.0, 2.0)
    assert side.get("AHU", "SAT")[0] == pytest.approx(14.0, abs=0.3)


def test_more_duct_pressure_takes_more_speed(side: AirSide) -> None:
    before = side.get("AHU", "SpdFb")[0]
    side.set("AHU", 0, "DSP_SP", 500.0)
    side.run(300.0, 5.0)
    assert side.get("AHU", "DSP")[0] == pytest.approx(500.0, abs=5.0)
    assert side.get("AHU", "SpdFb")[0] > before + 3.0


def test_a_damper_opened_by_hand_lets_the_summer_in(side: AirSide) -> None:
    before = side.get("AHU", "_coil_kw")[0]
    side.set("AHU", 0, "_ovr_OAD_Cmd", 90.0)
    side.run(300.0, 5.0)
    assert side.get("AHU", "MAT")[0] > side.get("AHU", "RAT")[0] + 0.8 * (side.moment.outdoor_t - 26.0)
    assert side.get("AHU", "_coil_kw")[0] > 1.5 * before


def test_an_unoccupied_room_is_left_warmer_and_without_outdoor_air(side: AirSide) -> None:
    side.set("AHU", 0, "_ovr_OccMode", 0.0)
    side.run(3_600.0, 60.0)
    assert side.get("AHU", "OAD_Cmd")[0] == 0.0
    assert side.get("AHU", "SA_Flow")[0] < side.get("AHU", "SA_Flow")[2]


def test_a_unit_in_local_stays_as_it_is() -> None:
    side = AirSide(datetime(2015, 7, 15, 17, 0, tzinfo=TAIPEI))
    side.set("AHU", 0, "_fault_local", 1.0)
    side.run(3_600.0, 60.0)
    assert side.get("AHU", "LocRem")[0] == 0.0
    assert side.get("AHU", "RunSts")[0] == 1.0
    side.set("AHU", 0, "_fault_local", 0.0)
    side.run(60.0, 1.0)
    assert side.get("AHU", "RunSts")[0] == side.get("AHU", "SchOvr")[0]


def test_without_supply_nothing_of_the_air_side_uses_power_but_the_computer_rooms(side: AirSide) -> None:
    side.supply = Supply(normal=0.0, essential=1.0)
    side.run(120.0, 1.0)
    used = {code: side.get(code, role).sum() for code, role in (("AHU", "kW"), ("OAH", "kW"), ("FCU", "_kw"))}
    assert used == {"AHU": 0.0, "OAH": 0.0, "FCU": 0.0}
    assert side.get("EF", "_kw").sum() == 0.0
    assert side.get("PAC", "RunSts").all()
    side.supply = Supply()
    side.run(120.0, 1.0)
    assert side.get("AHU", "RunSts").all()


def test_warm_chilled_water_makes_warm_supply_air_and_open_valves(side: AirSide) -> None:
    side.water_part = 0.15
    side.run(1_800.0, 30.0)
    assert (side.get("AHU", "CCV_Cmd") >= 99.0).all()
    assert (side.get("AHU", "SAT") > 16.8).all()


def test_fire_on_a_floor_stops_its_air_handlers_and_no_others(side: AirSide) -> None:
    site = whole_site()
    burning = site.floors["FZN"].index("05")
    side.set("FZN", burning, "State", 2.0)
    side.run(2.0, 1.0)
    stopped = {site.floors["AHU"][unit] for unit in np.flatnonzero(side.get("AHU", "RunSts") == 0.0)}
    assert stopped == {"05"}
    assert side.get("AHU", "DuctSmoke").sum() == 2.0


def test_cold_outdoor_air_cools_alone_as_far_as_it_is_needed() -> None:
    side = AirSide(WINTER_MORNING)
    side.outdoor_t = 9.5
    side.run(3_600.0, 60.0)
    assert (side.get("AHU", "CCV_Cmd") == 0.0).all()
    assert ((side.get("AHU", "OAD_Cmd") > 20.0) & (side.get("AHU", "OAD_Cmd") < 100.0)).all()
    assert side.get("AHU", "SAT") == pytest.approx(14.0, abs=0.2)
    assert side.get("AHU", "_coil_kw").sum() == 0.0


def test_mild_outdoor_air_is_taken_wholly_and_cooled_the_rest_of_the_way() -> None:
    side = AirSide(WINTER_MORNING)
    side.outdoor_t = 17.0
    side.run(3_600.0, 60.0)
    assert (side.get("AHU", "OAD_Cmd") == 100.0).all()
    assert ((side.get("AHU", "CCV_Cmd") > 0.0) & (side.get("AHU", "CCV_Cmd") < 60.0)).all()
    assert side.get("AHU", "MAT") == pytest.approx(17.0, abs=0.3)
    assert side.get("AHU", "SAT") == pytest.approx(14.0, abs=0.2)


def test_the_economizer_does_not_waver_at_its_limits() -> None:
    side = AirSide(WINTER_MORNING)
    moves = np.zeros(24)
    before = side.get("AHU", "OAD_Cmd")
    for minute in range(60):
        side.outdoor_t = 19.5 + 0.8 * np.sin(minute)
        side.step(60.0)
        moves += np.abs(side.get("AHU", "OAD_Cmd") - before) > 50.0
        before = side.get("AHU", "OAD_Cmd")
    assert (moves <= 1.0).all()


def test_in_summer_the_dampers_let_in_a_fifth(side: AirSide) -> None:
    assert (side.get("AHU", "OAD_Cmd") == 20.0).all()
    share = (side.get("AHU", "MAT") - side.get("AHU", "RAT")) / (side.moment.outdoor_t - side.get("AHU", "RAT"))
    assert share == pytest.approx(0.20, abs=0.03)


def test_a_loaded_filter_costs_fan_power(side: AirSide) -> None:
    side.set("AHU", 0, "_filter_pa", 80.0)
    side.run(60.0, 5.0)
    clean_kw, clean_pa = side.get("AHU", "kW")[0], side.get("AHU", "FltDP")[0]
    side.set("AHU", 0, "_filter_pa", 180.0)
    side.run(60.0, 5.0)
    assert side.get("AHU", "FltDP")[0] == pytest.approx(clean_pa * 180.0 / 80.0, rel=0.05)
    assert side.get("AHU", "kW")[0] > clean_kw
