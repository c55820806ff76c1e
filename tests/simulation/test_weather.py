"""The simulated weather against the climate of Taipei, and against what is possible at all."""

import math
from datetime import date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from cityhall_simulators.plants.climate import chance, day, outdoors
from cityhall_simulators.plants.climate.air import wet_bulb
from cityhall_simulators.plants.climate.day import day_of
from cityhall_simulators.plants.climate.rain import Shower
from cityhall_simulators.plants.climate.spells import heat_days, typhoons
from cityhall_simulators.plants.climate.sun import clear_sky_w_m2, sine_of_elevation
from cityhall_simulators.plants.common import Around
from cityhall_simulators.plants.moment import Moment, moment_at
from cityhall_simulators.plants.site import whole_site
from cityhall_simulators.plants.weather import PLANTS

TAIPEI = ZoneInfo("Asia/Taipei")
# hypothesis takes naive bounds and adds the zone itself.
ANY_TIME = st.datetimes(datetime(2005, 1, 1), datetime(2035, 12, 31), timezones=st.just(TAIPEI))  # noqa: DTZ001
ANY_SEED = st.integers(0, 2**31)
SEEDS = (1, 2, 3)
YEARS = range(2008, 2018)
# Ten years of weather are made once, for the tests of one worker.
pytestmark = pytest.mark.xdist_group("weather")
# Central Weather Administration, normals 1991-2020, station 466920 Taipei.
NORMAL_C = (16.6, 17.2, 19.0, 22.5, 25.8, 28.3, 30.1, 29.7, 27.8, 24.7, 21.9, 18.2)
NORMAL_MM = (93.8, 129.4, 157.8, 151.4, 245.2, 354.6, 214.2, 336.5, 336.8, 162.6, 89.3, 96.9)
RAINY_DAYS_A_YEAR = 163.0


def at(local_day: date, hour: float, seed: int = 1) -> Moment:
    return moment_at(datetime.combine(local_day, datetime.min.time()) + timedelta(hours=hour), seed)


def days_of(year: int) -> list[int]:
    return list(range(date(year, 1, 1).toordinal(), date(year + 1, 1, 1).toordinal()))


@cache
def three_hourly(seed: int) -> tuple[NDArray[np.int_], NDArray[np.float64], NDArray[np.float64]]:
    """Of all days: the month, temperatures and humidities at eight hours."""
    ordinals = [ordinal for year in YEARS for ordinal in days_of(year)]
    weather = [[outdoors.outdoors_at(ordinal, 1.5 + 3.0 * k, seed) for k in range(8)] for ordinal in ordinals]
    months = np.array([date.fromordinal(ordinal).month for ordinal in ordinals])
    t = np.array([[each.t for each in hours] for hours in weather])
    return months, t, np.array([[each.rh for each in hours] for hours in weather])


@cache
def daily_mm(seed: int) -> tuple[NDArray[np.int_], NDArray[np.float64]]:
    ordinals = [ordinal for year in YEARS for ordinal in days_of(year)]
    months = np.array([date.fromordinal(ordinal).month for ordinal in ordinals])
    return months, np.array([sum(shower.mm for shower in day_of(ordinal, seed).showers) for ordinal in ordinals])


# Possible at all


@settings(deadline=None)
@given(when=ANY_TIME, seed=ANY_SEED)
def test_weather_is_possible(when: datetime, seed: int) -> None:
    moment = moment_at(when, seed)
    # Within the station's extremes since 1896: -0.2 and 39.7 °C.
    assert 3.0 < moment.outdoor_t < 39.7
    assert 20.0 < moment.outdoor_rh <= 100.0
    assert moment.outdoor_t - 15.0 < moment.outdoor_wb <= moment.outdoor_t
    assert moment.outdoor_wb < 31.0
    assert 0.0 <= moment.solar_w_m2 < 1_150.0
    assert 0.0 < moment.clearness <= 1.0
    assert 0.0 <= moment.rain_mm_h < 250.0
    assert 0.0 < moment.wind_m_s < 40.0
    assert 0.0 <= moment.wind_deg < 360.0
    if moment.hour < 4.5 or moment.hour > 19.5:
        assert moment.solar_w_m2 == 0.0
    if moment.day_of_year <= 180:
        assert not moment.typhoon


@settings(max_examples=30, deadline=None)
@given(when=ANY_TIME, seed=ANY_SEED)
def test_nothing_jumps_within_a_minute(when: datetime, seed: int) -> None:
    now, soon = moment_at(when, seed), moment_at(when + timedelta(minutes=1), seed)
    _expect_no_jump(now, soon)


@pytest.mark.parametrize("hour", [0.0, 5.5, 12.0, 13.4])
def test_nothing_jumps_from_day_to_day_or_where_the_daily_curves_meet(hour: float) -> None:
    for number in range(0, 366, 2):
        join = datetime(2024, 1, 1) + timedelta(days=number, hours=hour)  # noqa: DTZ001
        _expect_no_jump(moment_at(join - timedelta(seconds=30), 1), moment_at(join + timedelta(seconds=30), 1))


def _expect_no_jump(now: Moment, soon: Moment) -> None:
    assert abs(soon.outdoor_t - now.outdoor_t) < 0.7
    assert abs(soon.outdoor_rh - now.outdoor_rh) < 6.0
    assert abs(soon.wind_m_s - now.wind_m_s) < 1.0
    assert abs(soon.rain_mm_h - now.rain_mm_h) < 12.0
    assert abs(soon.clearness - now.clearness) < 0.25
    assert abs(soon.occupancy - now.occupancy) < 0.05
    assert abs(soon.visitors - now.visitors) < 0.1


def test_the_same_time_and_seed_give_the_same_weather_and_another_seed_does_not() -> None:
    when = datetime(2015, 5, 20, 14, 30, tzinfo=TAIPEI)
    assert moment_at(when, 7) == moment_at(when, 7)
    assert moment_at(when, 7) != moment_at(when, 8)


def test_a_day_is_the_same_whether_reached_day_by_day_or_at_once() -> None:
    times = [datetime(2015, 8, 1) + timedelta(hours=7 * number) for number in range(120)]  # noqa: DTZ001
    in_order = [moment_at(when, 5) for when in times]
    for cached in (chance._drawn, day.day_of, outdoors._today, typhoons, heat_days):
        cached.cache_clear()
    assert [moment_at(when, 5) for when in reversed(times)] == in_order[::-1]


def test_seconds_and_zone_are_local_time() -> None:
    moment = moment_at(datetime(2026, 7, 1, 10, 30, 15, 500_000, tzinfo=TAIPEI), 1)
    assert moment.hour == pytest.approx(10.504305555)
    assert moment.epoch_s == date(2026, 7, 1).toordinal() * 86_400 + 37_815.5
    assert (moment.year, moment.day_of_year) == (2026, 182)


# Taipei's climate


def test_monthly_mean_temperatures_are_the_normals() -> None:
    for month, normal_c in enumerate(NORMAL_C, 1):
        found = np.mean([t[months == month].mean() for months, t, _ in map(three_hourly, SEEDS)])
        assert found == pytest.approx(normal_c, abs=0.8), month
    assert np.mean([three_hourly(seed)[1].mean() for seed in SEEDS]) == pytest.approx(np.mean(NORMAL_C), abs=0.3)


def test_years_and_months_differ_as_real_ones_do() -> None:
    months, t, _ = three_hourly(1)
    januaries = t[months == 1].reshape(len(YEARS), 31 * 8).mean(axis=1)
    assert 0.4 < januaries.std() < 2.5


def test_days_remember_the_day_before() -> None:
    months, t, _ = three_hourly(1)
    winter = t.mean(axis=1)[np.isin(months, (1, 2))]
    assert 0.4 < np.corrcoef(winter[:-1], winter[1:])[0, 1] < 0.85


def test_the_daily_range_is_five_to_eight_kelvins_and_it_is_warmest_early_in_the_afternoon() -> None:
    months, t, _ = three_hourly(1)
    for month in range(1, 13):
        assert 4.5 < np.ptp(t[months == month], axis=1).mean() < 8.0
    hours = [k / 4.0 for k in range(96)]
    clear = [date.fromordinal(o) for o in days_of(2015) if day_of(o, 1).sunshine > 0.5 and not day_of(o, 1).showers]
    warmest = [max(hours, key=lambda hour: at(each, hour).outdoor_t) for each in clear]
    assert 13.0 <= np.median(warmest) <= 14.0


def test_rain_is_the_normals_over_years() -> None:
    for month, normal_mm in enumerate(NORMAL_MM, 1):
        found = np.mean([mm[months == month].sum() / len(YEARS) for months, mm in map(daily_mm, SEEDS)])
        assert found == pytest.approx(normal_mm, rel=0.25), month
    yearly = np.mean([daily_mm(seed)[1].sum() / len(YEARS) for seed in SEEDS])
    assert yearly == pytest.approx(sum(NORMAL_MM), rel=0.08)


def test_it_rains_on_as_many_days_as_in_taipei() -> None:
    found = np.mean([(daily_mm(seed)[1] >= 0.1).sum() / len(YEARS) for seed in SEEDS])
    assert found == pytest.approx(RAINY_DAYS_A_YEAR, rel=0.08)


def test_rain_fallen_is_the_intensity_over_time() -> None:
    shower = Shower(begin_h=14.0, hours=1.5, mm=30.0)
    minutes = np.arange(0, 24 * 60) + 0.5
    assert sum(shower.rate_mm_h(minute / 60.0) for minute in minutes) / 60.0 == pytest.approx(30.0, rel=1e-3)
    assert shower.rate_mm_h(13.9) == shower.rate_mm_h(15.6) == 0.0
    assert max(shower.rate_mm_h(14.01), shower.rate_mm_h(15.49)) < 0.1


def test_summer_rain_falls_in_the_afternoon_and_winter_rain_at_any_hour() -> None:
    def afternoon_part(months: set[int]) -> float:
        ordinals = [o for year in YEARS for o in days_of(year) if date.fromordinal(o).month in months]
        showers = [shower for o in ordinals if day_of(o, 1).storm is None for shower in day_of(o, 1).showers]
        return sum(s.mm for s in showers if 12.5 <= s.begin_h <= 18.0) / sum(s.mm for s in showers)

    assert afternoon_part({7, 8}) > 0.6
    assert afternoon_part({12, 1, 2}) < 0.4


def test_a_thunderstorm_cools_and_moistens_the_air_but_not_its_wet_bulb() -> None:
    storms = [
        (o, shower)
        for year in YEARS
        for o in days_of(year)
        for shower in day_of(o, 1).showers
        if shower.squall_m_s > 0.0 and shower.mm > 25.0 and 14.0 < shower.begin_h < 15.0
    ]
    assert len(storms) > 10
    for ordinal, shower in storms:
        before = at(date.fromordinal(ordinal), shower.begin_h - 0.1)
        after = at(date.fromordinal(ordinal), shower.begin_h + shower.hours)
        assert after.outdoor_t < before.outdoor_t - 1.0
        assert after.outdoor_rh > before.outdoor_rh
        assert abs(after.outdoor_wb - before.outdoor_wb) < 0.7
        assert after.clearness < 0.4


def test_humidity_is_that_of_taipei() -> None:
    # Normals: between 71 %RH in July and 79 %RH in February; 76 in the year.
    found = [np.mean([rh[months == month].mean() for months, _, rh in map(three_hourly, SEEDS)]) for month in (2, 7)]
    assert found == pytest.approx([79.0, 71.0], abs=3.0)
    assert np.mean([three_hourly(seed)[2].mean() for seed in SEEDS]) == pytest.approx(75.5, abs=2.0)


# The sun


@pytest.mark.parametrize(
    ("day_of_year", "elevation_deg"), [(172, 90.0 - 25.04 + 23.45), (355, 90.0 - 25.04 - 23.45), (81, 90.0 - 25.04)]
)
def test_the_sun_stands_highest_where_astronomy_has_it(day_of_year: int, elevation_deg: float) -> None:
    highest = max(sine_of_elevation(day_of_year, minute / 60.0) for minute in range(24 * 60))
    assert math.degrees(math.asin(highest)) == pytest.approx(elevation_deg, abs=0.7)


@pytest.mark.parametrize(
    # Almanac of Taipei: June and December solstices.
    ("day_of_year", "rise_h", "set_h"),
    [(172, 5 + 4 / 60, 18 + 47 / 60), (355, 6 + 34 / 60, 17 + 10 / 60)],
)
def test_the_sun_rises_and_sets_with_the_almanac(day_of_year: int, rise_h: float, set_h: float) -> None:
    # Refraction and the sun's disc make five minutes at either end.
    minutes = [minute / 60.0 for minute in range(24 * 60) if sine_of_elevation(day_of_year, minute / 60.0) > 0.0]
    assert (minutes[0], minutes[-1]) == pytest.approx((rise_h + 5 / 60, set_h - 5 / 60), abs=5 / 60)


def test_radiation_of_a_year_is_that_of_a_cloudy_basin() -> None:
    assert clear_sky_w_m2(1.0) == pytest.approx(1_098.0 * math.exp(-0.057))
    # 1,405 h of sunshine a year; stations of northern Taiwan measure 1,000 to 1,300 kWh/m².
    kwh_m2 = sum(outdoors.outdoors_at(o, h + 0.5, 1).solar_w_m2 for o in days_of(2015) for h in range(5, 20)) / 1_000.0
    assert 1_000.0 < kwh_m2 < 1_300.0


# Typhoons and heat


@given(year=st.integers(2000, 2040), seed=ANY_SEED)
def test_a_year_has_at_most_three_typhoons_all_between_july_and_october(year: int, seed: int) -> None:
    closed = [date.fromordinal(storm.ordinal) for storm in typhoons(year, seed)]
    assert len(closed) <= 3
    assert all(day.year == year and 7 <= day.month <= 10 for day in closed)


def test_there_is_about_one_typhoon_a_year_and_years_differ() -> None:
    counts = [len(typhoons(year, seed)) for year in range(2000, 2030) for seed in SEEDS]
    assert 0.7 < np.mean(counts) < 1.6
    assert {0, 1, 2} <= set(counts)


def test_a_typhoon_brings_heavy_rain_and_gales() -> None:
    for storm in (storm for seed in SEEDS for year in YEARS for storm in typhoons(year, seed)):
        seed = next(seed for seed in SEEDS if storm in typhoons(date.fromordinal(storm.ordinal).year, seed))
        moments = [at(date.fromordinal(storm.ordinal), k / 6.0, seed) for k in range(144)]
        assert all(moment.typhoon for moment in moments)
        assert sum(moment.rain_mm_h for moment in moments) / 6.0 > 60.0
        assert max(moment.wind_m_s for moment in moments) > 12.0


@given(year=st.integers(2000, 2040), seed=ANY_SEED)
def test_a_heat_wave_lasts_three_to_seven_days_in_july_or_august(year: int, seed: int) -> None:
    hot = sorted(heat_days(year, seed))
    for month in (7, 8):
        spell = [ordinal for ordinal in hot if date.fromordinal(ordinal).month == month]
        assert not spell or (3 <= len(spell) <= 7 and spell[-1] - spell[0] == len(spell) - 1)
    assert all(date.fromordinal(ordinal).month in {7, 8} for ordinal in hot)
    assert not any(abs(ordinal - storm.ordinal) <= 2 for ordinal in hot for storm in typhoons(year, seed))


def test_every_day_of_a_heat_wave_reaches_36_degrees_without_rain() -> None:
    hot = [(ordinal, seed) for seed in SEEDS for year in YEARS for ordinal in heat_days(year, seed)]
    assert len(hot) > 50
    for ordinal, seed in hot:
        assert max(at(date.fromordinal(ordinal), 12.0 + k / 10.0, seed).outdoor_t for k in range(31)) >= 35.9
        assert day_of(ordinal, seed).showers == ()


# Moist air and the station


def test_wet_bulb_follows_stull() -> None:
    # Stull (2011), worked example: 20 °C at 50 %RH gives 13.7 °C.
    assert wet_bulb(20.0, 50.0) == pytest.approx(13.7, abs=0.05)


def test_a_weather_station_shows_the_weather_around_it() -> None:
    moment = at(date(2026, 7, 1), 12.0)
    shown = PLANTS["WX"].step(PLANTS["WX"].initial(1), Around(moment, whole_site(), {}), 60.0, np.random.default_rng(1))
    assert shown["OAT"] == moment.outdoor_t
    assert shown["RH"] == moment.outdoor_rh
    assert shown["WB"] == moment.outdoor_wb
    assert shown["Solar"] == moment.solar_w_m2
    assert shown["WindSpd"] == pytest.approx(moment.wind_m_s, rel=0.6)


@pytest.mark.parametrize("dt_s", [60.0, 1_800.0])
def test_a_rain_gauge_counts_all_rain_whatever_the_step(dt_s: float) -> None:
    storm = next(s for year in YEARS for s in typhoons(year, 1))
    begin = datetime.combine(date.fromordinal(storm.ordinal - 1), datetime.min.time())
    columns, gauge, fell = PLANTS["WX"].initial(1), 0.0, 0.0
    chance_ = np.random.default_rng(1)
    for number in range(1, round(4 * 86_400 / dt_s) + 1):
        moment = moment_at(begin + timedelta(seconds=number * dt_s), 1)
        columns = PLANTS["WX"].step(columns, Around(moment, whole_site(), {}), dt_s, chance_)
        gauge += float(columns["Rain"][0]) * dt_s / 3_600.0
        fell += moment.rain_mm_h * dt_s / 3_600.0
    assert fell > 60.0
    assert gauge == pytest.approx(fell, rel=0.01)
