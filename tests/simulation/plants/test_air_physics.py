"""Air, coils, rooms, fans and sun: each formula alone, against the literature or its own balance."""

from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityhall_simulators.plants.air import coil, fan, room
from cityhall_simulators.plants.air.moist import humidity_ratio, relative_humidity, saturation_ratio
from cityhall_simulators.plants.air.sun import facades_w_m2
from cityhall_simulators.plants.moment import moment_at

TAIPEI = ZoneInfo("Asia/Taipei")
OFFICE = room.Room(air_kwh_k=5.0, mass_kwh_k=250.0, mass_kw_k=10.0)
STEPS = st.floats(0.1, 3_600.0)


def one(value: float) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    return np.array([value])


@pytest.mark.parametrize(("t", "ratio"), [(5.0, 0.005425), (10.0, 0.007661), (25.0, 0.020170), (35.0, 0.036756)])
def test_saturated_air_holds_as_much_water_as_the_tables_say(t: float, ratio: float) -> None:
    # ASHRAE Handbook of Fundamentals, thermodynamic properties of moist air at 101.325 kPa.
    assert saturation_ratio(one(t))[0] == pytest.approx(ratio, rel=0.01)


@given(t=st.floats(5.0, 38.0), rh=st.floats(20.0, 95.0))
def test_humidity_survives_the_way_there_and_back(t: float, rh: float) -> None:
    assert relative_humidity(one(t), one(humidity_ratio(t, rh)))[0] == pytest.approx(rh, rel=1e-6)


@given(effect=st.floats(0.0, 1.0))
def test_the_valve_opens_to_where_the_coil_has_the_effect_that_is_wanted(effect: float) -> None:
    assert coil.effect_of(coil.opening_for(one(effect)))[0] == pytest.approx(effect, abs=1e-9)


@given(t=st.floats(5.0, 40.0), rh=st.floats(20.0, 99.0), part=st.floats(0.0, 1.0), water_t=st.floats(5.0, 25.0))
def test_a_coil_puts_into_the_water_what_it_takes_from_the_air(
    t: float, rh: float, part: float, water_t: float
) -> None:
    ratio = one(humidity_ratio(t, rh))
    left = coil.cooled(one(t), ratio, one(10_000.0), one(part), water_t)
    sensible_kw = 10_000.0 / 3600.0 * 1.2 * 1.006 * (t - left.t[0])
    latent_kw = 10_000.0 / 3600.0 * 1.2 * 2501.0 * (ratio[0] - left.ratio[0])
    assert left.kw[0] == pytest.approx(sensible_kw + latent_kw, rel=1e-3, abs=1e-6)
    assert min(t, water_t) - 1e-9 <= left.t[0] <= t + 1e-9
    assert 0.0 < left.ratio[0] <= ratio[0]


def test_a_wet_coil_takes_out_about_a_third_more_than_the_temperature_shows() -> None:
    # A sensible heat ratio of 0.65 to 0.8 is usual for offices in a humid climate.
    left = coil.cooled(one(27.0), one(humidity_ratio(27.0, 56.0)), one(18_000.0), one(0.70), 7.0)
    sensible_kw = 0.000335 * 18_000.0 * (27.0 - left.t[0])
    assert 0.60 < sensible_kw / left.kw[0] < 0.85


@given(dt_s=STEPS, air_t=st.floats(15.0, 35.0), mass_t=st.floats(15.0, 35.0), kw=st.floats(-80.0, 80.0))
def test_many_short_steps_end_where_a_long_one_does(dt_s: float, air_t: float, mass_t: float, kw: float) -> None:
    load = room.Load(one(kw + 1.1 * 30.0), 1.1)
    long = room.after(OFFICE, one(air_t), one(mass_t), load, dt_s)
    short = (one(air_t), one(mass_t))
    for _ in range(64):
        short = room.after(OFFICE, short[0], short[1], load, dt_s / 64.0)
    # A long step takes the mass as it was: a hundredth of how far both were apart.
    apart_k = abs(air_t - mass_t) + abs(kw) / 10.0
    assert long[0][0] == pytest.approx(short[0][0], abs=0.02 * apart_k + 0.02)
    assert long[1][0] == pytest.approx(short[1][0], abs=0.01 * apart_k + 0.01)


def test_a_closed_room_keeps_its_heat() -> None:
    air_t, mass_t = one(30.0), one(24.0)
    for _ in range(600):
        air_t, mass_t = room.after(OFFICE, air_t, mass_t, room.Load(one(0.0), 0.0), 60.0)
    assert 5.0 * air_t[0] + 250.0 * mass_t[0] == pytest.approx(5.0 * 30.0 + 250.0 * 24.0, rel=1e-3)
    assert air_t[0] == pytest.approx(mass_t[0], abs=0.01)


@given(dt_s=STEPS, air_t=st.floats(18.0, 36.0), gain_kw=st.floats(0.0, 100.0))
def test_the_heat_that_control_removes_brings_the_air_to_its_set_point_and_never_beyond(
    dt_s: float, air_t: float, gain_kw: float
) -> None:
    load, mass_t, set_t = room.Load(one(gain_kw + 1.1 * 30.0), 1.1), one(26.0), one(25.7)
    kw, _ = room.wanted_kw(OFFICE, one(air_t), mass_t, load, set_t, dt_s)
    after_t, _ = room.after(OFFICE, one(air_t), mass_t, room.Load(load.kw - kw, load.kw_k), dt_s)
    low, high = sorted((air_t, 25.7))
    # How the heat is spread over the step makes a small difference.
    assert low - 0.1 * (high - low) - 1e-6 <= after_t[0] <= high + 0.1 * (high - low) + 1e-6


def test_carbon_dioxide_settles_where_breath_and_fresh_air_balance() -> None:
    # 100 people at 0.019 m³/h into 5,000 m³/h of outdoor air: 380 ppm above the 420 outside.
    ppm = one(420.0)
    for _ in range(200):
        ppm = room.exchanged(ppm, one(420.0 * 5_000.0 + 1e6 * 0.019 * 100.0), one(5_000.0), 8_000.0, 1_800.0)
    assert ppm[0] == pytest.approx(800.0, abs=0.1)


def test_a_fan_obeys_the_fan_laws() -> None:
    loss = fan.loss_pa(one(120.0))
    full, half = fan.blown(one(1.0), one(2.0), loss), fan.blown(one(0.5), one(2.0), loss)
    assert half.part[0] == pytest.approx(full.part[0] / 2.0)
    assert half.static_pa[0] == pytest.approx(full.static_pa[0] / 4.0)


@given(part=st.floats(0.15, 1.0), static_pa=st.floats(100.0, 400.0), dust_pa=st.floats(80.0, 240.0))
def test_the_drive_finds_the_speed_that_holds_the_pressure(part: float, static_pa: float, dust_pa: float) -> None:
    loss = fan.loss_pa(one(dust_pa))
    speed = fan.speed_for(one(part), one(static_pa), loss)
    if speed[0] < 1.0 and part <= np.sqrt(static_pa / 350.0):
        duct = fan.blown(speed, one(part), loss)
        assert duct.part[0] == pytest.approx(part, rel=1e-6)
        assert duct.static_pa[0] == pytest.approx(static_pa, rel=1e-6)


def test_a_filter_fills_in_ninety_days_of_office_hours_and_is_changed_before_its_alarm() -> None:
    pa, clogged, on = one(80.0), one(0.0), one(1.0)
    shown = []
    for _ in range(int(90 / 7 * 5 * 9.5)):
        pa, now = fan.filtered(pa, clogged, one(1.0), on, 3_600.0)
        shown.append(now[0])
    assert max(shown) == pytest.approx(240.0, abs=0.5)
    assert shown[-1] < 100.0, "changed"
    assert np.argmax(shown) > 0.9 * len(shown)


def test_the_sun_shines_on_the_east_in_the_morning_and_on_the_west_in_the_afternoon() -> None:
    for month in (1, 7):
        morning = facades_w_m2(moment_at(datetime(2015, month, 15, 9, tzinfo=TAIPEI), 1))
        afternoon = facades_w_m2(moment_at(datetime(2015, month, 15, 15, 30, tzinfo=TAIPEI), 1))
        assert morning[0] > morning[1] > 0.0
        assert afternoon[1] > afternoon[0] > 0.0
        assert max(*morning, *afternoon) < 1_000.0
    assert facades_w_m2(moment_at(datetime(2015, 7, 15, 2, tzinfo=TAIPEI), 1)) == (0.0, 0.0)
