"""Physics: balances hold, counters rise, the same seed gives the same bytes."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cityhall_simulators.description import load_building
from cityhall_simulators.plants.city import commanded, layout_of, settled_city, step_city
from cityhall_simulators.plants.common import lag
from cityhall_simulators.plants.weather import surroundings, wet_bulb
from cityhall_simulators.runtime import City

TAIPEI = ZoneInfo("Asia/Taipei")
WORKING_MORNING = datetime(2026, 7, 1, 10, 0, tzinfo=TAIPEI)
# hypothesis takes naive bounds and adds the zone itself.
ANY_TIME = st.datetimes(datetime(2024, 1, 1), datetime(2029, 12, 31), timezones=st.just(TAIPEI))  # noqa: DTZ001
BUILDING = load_building("small")


@pytest.fixture
def city() -> City:
    return City(BUILDING, seed=7, local=WORKING_MORNING)


def run_for(city: City, seconds: float, step_s: float = 0.5) -> None:
    for _ in range(round(seconds / step_s)):
        city.advance(city.local + timedelta(seconds=step_s), step_s)


def value(city: City, name: str) -> float:
    """True value by ``CHC01.CHWS_T``."""
    return float(city.truth[next(p.index for p in BUILDING.points if p.name.endswith(f".{name}"))])


def test_the_small_city_hall_has_every_system_and_about_240_points() -> None:
    assert {item.type.system for item in BUILDING.equipment} == {
        "hvac", "power", "lift", "water", "fire", "parking", "security", "environment",
    }  # fmt: skip
    counts = {item.type.code: len(item.type.roles) for item in BUILDING.equipment}
    # domain.md section 3, column "Qty x pts"
    assert counts == {
        "CHC": 32, "AHU": 26, "ELV": 12, "HVM": 17, "EM": 6, "TNK": 4, "WM": 4, "FACP": 10, "FZN": 2, "PMS": 12,
        "PKG": 3, "PKF": 6, "EVSE": 10, "IAQ": 8, "WX": 8, "ACS": 3, "SOS": 2,
    }  # fmt: skip
    assert len(BUILDING.points) == 247


def test_the_main_meter_is_the_sum_of_its_sub_meters_and_the_rest(city: City) -> None:
    run_for(city, 60.0, step_s=1.0)
    before = {name: value(city, name) for name in ("HVM01.kWh", "EM01.kWh", "EM02.kWh", "EM03.kWh", "EM04.kWh")}
    rest_kwh = 0.0
    for _ in range(300):
        city.advance(city.local + timedelta(seconds=1.0), 1.0)
        rest_kw = float(city.column("HVM", "_rest_kw").sum())
        rest_kwh += rest_kw * 1.0 / 3600.0
        subs_kw = sum(value(city, f"EM0{number}.kW") for number in range(1, 5))
        assert value(city, "HVM01.kW") == pytest.approx(subs_kw + rest_kw, rel=1e-3)
    used = {name: value(city, name) - before[name] for name in before}
    subs_kwh = sum(kwh for name, kwh in used.items() if name != "HVM01.kWh")
    assert used["HVM01.kWh"] == pytest.approx(subs_kwh + rest_kwh, rel=1e-3)
    assert rest_kwh > 0.0


def test_counters_only_rise(city: City) -> None:
    counters = np.array([point.index for point in BUILDING.points if point.role.kind == "CI"])
    before = city.truth[counters].copy()
    first = before.copy()
    for _ in range(240):
        run_for(city, 5.0, step_s=5.0)
        assert (city.truth[counters] >= before).all()
        before = city.truth[counters].copy()
    still = {BUILDING.points[i].name for i, moved in zip(counters, before > first, strict=True) if not moved}
    assert still <= {"TCH.B2.CN.CHC01.Starts"}


def test_the_same_seed_gives_the_same_bytes_and_another_seed_does_not() -> None:
    def history(seed: int) -> bytes:
        city = City(BUILDING, seed, WORKING_MORNING)
        rows = []
        for _ in range(60):
            city.advance(city.local + timedelta(seconds=0.5), 0.5)
            rows.append(city.shown.tobytes())
        return b"".join(rows)

    assert history(3) == history(3)
    assert history(3) != history(4)


def test_a_step_leaves_the_state_it_was_given_alone() -> None:
    layout = layout_of(BUILDING)
    state = settled_city(layout, 1, WORKING_MORNING)
    copies = {code: {role: c.copy() for role, c in columns.items()} for code, columns in state.columns.items()}
    step_city(state, layout, WORKING_MORNING, 1.0)
    commanded(state, "AHU", 0, "SAT_SP", 17.0)
    for code, columns in copies.items():
        for role, column in columns.items():
            np.testing.assert_array_equal(column, state.columns[code][role])


def test_analog_values_change_from_scan_to_scan_by_no_more_than_noise(city: City) -> None:
    run_for(city, 30.0)
    noisy = [p for p in BUILDING.points if p.role.resolution > 0.0 and city.truth[p.index] != 0.0]
    before = city.shown.copy()
    run_for(city, 0.5)
    assert len(noisy) > 80
    assert all(city.shown[p.index] != before[p.index] for p in noisy)
    for point in noisy:
        assert abs(city.shown[point.index] - city.truth[point.index]) <= point.role.resolution * (1 + 1e-9)


@settings(max_examples=8, deadline=None)
@given(
    when=ANY_TIME,
    seed=st.integers(0, 2**31),
)
def test_every_value_stays_within_its_physical_range_at_any_time_of_the_year(when: datetime, seed: int) -> None:
    city = City(BUILDING, seed, when)
    run_for(city, 60.0, step_s=5.0)
    for point in BUILDING.points:
        shown = city.shown[point.index]
        assert np.isfinite(shown), point.name
        true = city.truth[point.index]
        assert point.role.low is None or true >= point.role.low, (point.name, true)
        assert point.role.high is None or true <= point.role.high, (point.name, true)
        assert not point.role.states or true in point.role.states, (point.name, true)


def test_running_values_are_those_of_a_summer_working_day(city: City) -> None:
    run_for(city, 120.0, step_s=1.0)
    # domain.md section 3.2
    assert value(city, "CHC01.CHWS_T") == pytest.approx(7.0, abs=0.3)
    assert 10.0 < value(city, "CHC01.CHWR_T") < 13.0
    kw_per_rt = value(city, "CHC01.kW") / (
        1.163 * value(city, "CHC01.CHW_Flow") * (value(city, "CHC01.CHWR_T") - value(city, "CHC01.CHWS_T")) / 3.517
    )
    assert 0.55 < kw_per_rt < 0.75
    for unit in ("AHU01", "AHU02"):
        assert value(city, f"{unit}.SAT") == pytest.approx(14.0, abs=0.5)
        assert 24.5 < value(city, f"{unit}.RAT") < 27.0
        assert 45.0 <= value(city, f"{unit}.SpdFb") <= 95.0
        assert value(city, f"{unit}.DSP") == pytest.approx(350.0, abs=15.0)
    assert value(city, "HVM01.V12") == pytest.approx(22_800.0, rel=0.02)
    assert value(city, "HVM01.Hz") == pytest.approx(60.0, abs=0.05)
    assert 2.0 <= value(city, "PKG01.CO") <= 30.0


def test_at_night_the_air_conditioning_rests_and_the_load_falls() -> None:
    night = City(BUILDING, 7, datetime(2026, 7, 1, 2, 0, tzinfo=TAIPEI))
    day = City(BUILDING, 7, WORKING_MORNING)
    assert value(night, "CHC01.RunSts") == 0.0
    assert value(night, "AHU01.RunSts") == 0.0
    assert value(night, "HVM01.kW") < 0.5 * value(day, "HVM01.kW")


def test_a_new_supply_air_set_point_moves_the_supply_air(city: City) -> None:
    run_for(city, 60.0, step_s=1.0)
    city.command(next(p.index for p in BUILDING.points if p.name.endswith("AHU01.SAT_SP")), 18.0)
    run_for(city, 600.0, step_s=2.0)
    assert value(city, "AHU01.SAT") == pytest.approx(18.0, abs=0.5)
    assert value(city, "AHU02.SAT") == pytest.approx(14.0, abs=0.5)


def test_a_disabled_chiller_stops_and_the_water_warms_until_it_is_enabled_again(city: City) -> None:
    enable = next(p.index for p in BUILDING.points if p.name.endswith("CHC01.EnableCmd"))
    starts = value(city, "CHC01.Starts")
    city.command(enable, 0.0)
    run_for(city, 60.0, step_s=1.0)
    assert value(city, "CHC01.RunSts") == 0.0
    assert value(city, "CHC01.kW") == 0.0
    assert value(city, "CHC01.CHWS_T") > 8.5
    city.command(enable, 1.0)
    run_for(city, 300.0, step_s=2.0)
    assert value(city, "CHC01.CHWS_T") == pytest.approx(7.0, abs=0.3)
    assert value(city, "CHC01.Starts") == starts + 1


def test_charging_stations_keep_their_limit_and_the_feeder(city: City) -> None:
    limit = next(p.index for p in BUILDING.points if p.name.endswith("EVSE01.LimitA"))
    run_for(city, 30.0)
    assert value(city, "EVSE01.Status") == 2.0
    city.command(limit, 10.0)
    run_for(city, 30.0)
    assert value(city, "EVSE01.A") == pytest.approx(10.0, abs=0.1)
    # Less than 6 A is no charging at all.
    city.command(limit, 5.0)
    run_for(city, 30.0)
    assert value(city, "EVSE01.A") == 0.0
    assert value(city, "EVSE01.Status") == 3.0


def test_an_override_holds_against_the_local_loop_until_it_is_released(city: City) -> None:
    valve = next(p.index for p in BUILDING.points if p.name.endswith("AHU01.CCV_Cmd"))
    city.command(valve, 5.0)
    run_for(city, 60.0, step_s=1.0)
    assert value(city, "AHU01.CCV_Fb") == pytest.approx(5.0, abs=0.5)
    city.command(valve, None)
    run_for(city, 600.0, step_s=2.0)
    assert value(city, "AHU01.SAT") == pytest.approx(14.0, abs=0.7)


def test_lifts_stop_at_floors_only_and_move_with_closed_doors(city: City) -> None:
    travelled = 0.0
    for _ in range(2400):
        before = city.column("ELV", "CarPos").copy()
        city.advance(city.local + timedelta(seconds=0.25), 0.25)
        position = city.column("ELV", "CarPos")
        moved = np.abs(position - before)
        travelled += float(moved.sum())
        opened = np.isin(city.column("ELV", "DoorSts"), (1.0, 6.0, 7.0))
        assert (moved <= 0.5 * 0.25 + 1e-9).all()
        assert (position[opened] == np.round(position[opened])).all()
    assert travelled > 50.0


def test_demand_is_the_mean_of_the_last_whole_quarter_of_an_hour() -> None:
    city = City(BUILDING, 7, datetime(2026, 7, 1, 10, 15, tzinfo=TAIPEI))
    first = value(city, "HVM01.kWh")
    while city.local < datetime(2026, 7, 1, 10, 30, tzinfo=TAIPEI):
        run_for(city, 5.0, step_s=5.0)
    used_kwh = value(city, "HVM01.kWh") - first
    run_for(city, 10.0, step_s=5.0)
    assert value(city, "HVM01.Dmd15") == pytest.approx(used_kwh / 0.25, rel=0.01)


def test_wet_bulb_follows_stull() -> None:
    # Stull (2011), worked example: 20 degC at 50 %RH gives 13.7 degC.
    assert wet_bulb(20.0, 50.0) == pytest.approx(13.7, abs=0.05)


@given(when=ANY_TIME, phase=st.floats(0.0, 1000.0))
def test_weather_is_possible_and_weekends_are_empty(when: datetime, phase: float) -> None:
    around = surroundings(when, phase)
    assert 5.0 < around.outdoor_t < 40.0
    assert around.outdoor_wb <= around.outdoor_t + 0.7
    assert 0.0 <= around.solar_w_m2 < 1400.0
    if when.weekday() >= 5:
        assert around.occupancy < 0.1
        assert not around.air_conditioning


@given(
    value=st.floats(-50.0, 50.0), target=st.floats(-50.0, 50.0), dt_s=st.floats(0.01, 1e4), tau_s=st.floats(0.5, 1e4)
)
def test_a_lag_never_overshoots(value: float, target: float, dt_s: float, tau_s: float) -> None:
    result = float(lag(np.array([value]), target, dt_s, tau_s)[0])
    assert min(value, target) - 1e-9 <= result <= max(value, target) + 1e-9
