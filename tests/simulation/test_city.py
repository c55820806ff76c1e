"""The city as a whole: possible values at any time and any step, the same bytes from the same seed, pure steps."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cityhall_simulators.description import WRITABLE_KINDS, Building, Point, load_building
from cityhall_simulators.faults import FAULTS, FaultTargetError, resolve_target
from cityhall_simulators.plants.city import PLANTS, CityState, commanded, disturbed, settled_city, step_city
from cityhall_simulators.plants.common import Around, demand_15_min, lag
from cityhall_simulators.plants.moment import moment_at
from cityhall_simulators.plants.power.supply import supply_of
from cityhall_simulators.plants.site import whole_site
from cityhall_simulators.runtime import City

TAIPEI = ZoneInfo("Asia/Taipei")
WORKING_MORNING = datetime(2026, 7, 1, 10, 0, tzinfo=TAIPEI)
# hypothesis takes naive bounds and adds the zone itself.
ANY_TIME = st.datetimes(datetime(2006, 1, 1), datetime(2027, 12, 31), timezones=st.just(TAIPEI))  # noqa: DTZ001
SMALL, WHOLE = load_building("small"), load_building("full")


def run_for(city: City, seconds: float, step_s: float) -> None:
    for _ in range(round(seconds / step_s)):
        city.advance(city.local + timedelta(seconds=step_s), step_s)


def impossible(points: Sequence[Point], city: City) -> list[tuple[str, float]]:
    """Points whose true value is outside their physical range, or no state of theirs."""
    found = []
    for point in points:
        value, role = float(city.truth[point.index]), point.role
        in_range = (role.low is None or value >= role.low) and (role.high is None or value <= role.high)
        if not np.isfinite(value) or not in_range or (role.states and value not in role.states):
            found.append((point.name, value))
    return found


def test_every_type_of_the_building_has_physics() -> None:
    assert set(PLANTS) == {item.type.code for item in WHOLE.equipment}


def test_every_role_has_a_column_and_every_writable_one_can_be_commanded() -> None:
    state = settled_city(1, WORKING_MORNING)
    for item in WHOLE.equipment:
        for role in item.type.roles:
            assert role.role in state.columns[item.type.code], (item.type.code, role.role)


def test_every_column_holds_float64_so_that_no_command_or_fault_is_rounded() -> None:
    state = settled_city(1, WORKING_MORNING)
    others = {
        (code, name): column.dtype
        for code, columns in state.columns.items()
        for name, column in columns.items()
        if column.dtype != np.float64
    }
    assert others == {}


def test_every_fault_has_its_column_and_begins_at_rest() -> None:
    state = settled_city(1, WORKING_MORNING)
    for fault in FAULTS.values():
        for code in fault.codes if fault.column else ():
            assert (state.columns[code][fault.column] == 0.0).all(), fault.name


@settings(max_examples=12, deadline=None)
@given(when=ANY_TIME, seed=st.integers(0, 2**31), step_s=st.sampled_from([0.5, 7.0, 60.0, 900.0, 3600.0]))
def test_every_value_is_physically_possible_at_any_time_and_after_any_step(
    when: datetime, seed: int, step_s: float
) -> None:
    city = City(WHOLE, seed, when)
    assert impossible(WHOLE.points, city) == []
    run_for(city, 5 * step_s, step_s)
    assert impossible(WHOLE.points, city) == []
    assert np.isfinite(city.shown).all()


@settings(max_examples=6, deadline=None)
@given(data=st.data(), step_s=st.sampled_from([1.0, 60.0, 1800.0]))
def test_every_value_is_possible_whatever_is_commanded_and_broken(data: st.DataObject, step_s: float) -> None:
    city = City(WHOLE, 3, WORKING_MORNING)
    writable = [point for point in WHOLE.points if point.writable]
    for point in data.draw(st.lists(st.sampled_from(writable), max_size=30, unique_by=lambda p: p.index)):
        city.command(point.index, data.draw(possible(point)))
    for name in data.draw(st.lists(st.sampled_from(sorted(FAULTS)), max_size=8, unique=True)):
        if FAULTS[name].column:
            city.fault_on(name, None, "now")
    run_for(city, 4 * step_s, step_s)
    assert impossible(WHOLE.points, city) == []


def possible(point: Point) -> st.SearchStrategy[float]:
    """Anything that a client may write to the point."""
    if point.role.states:
        return st.sampled_from([float(state) for state in point.role.states])
    assert point.role.low is not None
    assert point.role.high is not None
    return st.floats(point.role.low, point.role.high)


def test_the_same_seed_gives_the_same_bytes_and_another_seed_does_not() -> None:
    def history(seed: int) -> bytes:
        city = City(WHOLE, seed, WORKING_MORNING)
        rows = []
        for _ in range(30):
            run_for(city, 0.5, 0.5)
            rows.append(city.shown.tobytes())
        return b"".join(rows)

    first = history(3)
    settled_city.cache_clear()
    assert history(3) == first
    assert history(4) != first


def test_a_step_leaves_the_state_it_was_given_alone() -> None:
    state = settled_city(1, WORKING_MORNING)
    copies = {code: {role: c.copy() for role, c in columns.items()} for code, columns in state.columns.items()}
    step_city(state, WORKING_MORNING + timedelta(seconds=60), 60.0)
    commanded(state, "AHU", 0, "SAT_SP", 17.0)
    disturbed(state, "CHC", 0, "_fault_trip", active=True)
    for code, columns in copies.items():
        for role, column in columns.items():
            np.testing.assert_array_equal(column, state.columns[code][role])


def broken_everywhere(state: CityState) -> CityState:
    """The state with every plant fault on at every unit that can have it."""
    for fault in FAULTS.values():
        for code in fault.codes if fault.column else ():
            for unit in range(whole_site().units[code]):
                state = disturbed(state, code, unit, fault.column, active=True)
    return state


def read_only(state: CityState) -> CityState:
    """A copy whose columns cannot be written: settled cities are shared, and one write would spoil all later ones."""
    columns = {code: {role: c.copy() for role, c in of_type.items()} for code, of_type in state.columns.items()}
    for of_type in columns.values():
        for column in of_type.values():
            column.setflags(write=False)
    return replace(state, columns=columns)


@pytest.mark.parametrize("step_s", [0.1, 60.0, 900.0, 3600.0])
@pytest.mark.parametrize(
    "make", [read_only, lambda state: read_only(broken_everywhere(state))], ids=["sound", "broken"]
)
def test_no_plant_writes_into_a_column_or_divides_by_nothing(
    make: Callable[[CityState], CityState], step_s: float
) -> None:
    state, local = make(settled_city(1, WORKING_MORNING)), WORKING_MORNING
    with np.errstate(divide="raise", invalid="raise", over="raise"):
        for _ in range(4):
            local += timedelta(seconds=step_s)
            state = read_only(step_city(state, local, step_s))


@pytest.mark.parametrize("step_s", [1.0, 60.0, 1800.0])
def test_no_fault_changes_how_much_chance_a_plant_draws(step_s: float) -> None:
    sound = settled_city(1, WORKING_MORNING)
    local = WORKING_MORNING + timedelta(seconds=step_s)
    assert drawn(broken_everywhere(sound), local, step_s) == drawn(sound, local, step_s)


def drawn(state: CityState, local: datetime, step_s: float) -> list[tuple[str, int]]:
    """How far the stream of chance has run after each type."""
    columns, chance = dict(state.columns), np.random.default_rng(7)
    around = Around(moment_at(local, state.seed), whole_site(), columns, supply_of(columns))
    found = []
    for code, plant in PLANTS.items():
        columns[code] = plant.step(columns[code], around, step_s, chance)
        found.append((code, int(chance.bit_generator.state["state"]["state"])))
    return found


def test_a_smaller_site_shows_the_same_plant() -> None:
    small, whole = City(SMALL, 5, WORKING_MORNING), City(WHOLE, 5, WORKING_MORNING)
    for city in (small, whole):
        run_for(city, 120.0, 10.0)
    by_plant = {(p.equipment.type.code, p.equipment.unit, p.role.role): p.index for p in WHOLE.points}
    for point in SMALL.points:
        twin = by_plant[point.equipment.type.code, point.equipment.unit, point.role.role]
        assert small.truth[point.index] == whole.truth[twin], point.name


@pytest.mark.parametrize("name", ["01.E.EM01", "B1.N.FZN02", "B1.S.PKG02", "B1.S.PKF02", "01.W.ACS01", "01.S.SOS01"])
def test_what_stands_for_another_piece_of_plant_stands_at_its_place(name: str) -> None:
    """``stands_for`` in small.toml: the floor is the same, and for all but the meters the zone too."""
    item = next(item for item in SMALL.equipment if item.name.endswith(name))
    twin = next(t for t in WHOLE.equipment if (t.type.code, t.unit) == (item.type.code, item.unit))
    same = slice(0, 1) if item.type.code == "EM" else slice(0, 2)
    assert item.place.split(".")[same] == twin.place.split(".")[same]


def test_the_small_city_hall_has_every_system_and_about_240_points() -> None:
    assert {item.type.system for item in SMALL.equipment} == {
        "hvac", "power", "lift", "water", "fire", "parking", "security", "environment",
    }  # fmt: skip
    assert len(SMALL.points) == 247


@pytest.mark.parametrize("step_s", [30.0, 1800.0])
def test_counters_only_rise(step_s: float) -> None:
    city = City(WHOLE, 5, WORKING_MORNING - timedelta(hours=4))
    counters = np.array([p.index for p in WHOLE.points if p.role.kind == "CI" and p.role.unit != "ts"])
    first = city.truth[counters].copy()
    before = first
    for _ in range(16):
        run_for(city, step_s, step_s)
        assert (city.truth[counters] >= before).all()
        before = city.truth[counters].copy()
    assert (before > first).mean() > 0.4, "starts and trips rise more rarely"


def test_analog_values_move_from_scan_to_scan_by_no_more_than_their_accuracy() -> None:
    city = City(WHOLE, 5, WORKING_MORNING)
    run_for(city, 60.0, 10.0)
    noisy = np.array([p.role.resolution > 0.0 for p in WHOLE.points]) & (city.truth != 0.0)
    accuracy = np.array([p.role.resolution for p in WHOLE.points])
    moved = np.zeros(noisy.sum())
    for _ in range(10):
        before = city.shown
        run_for(city, 0.5, 0.5)
        moved += city.shown[noisy] != before[noisy]
    assert noisy.sum() > 1000
    assert (moved >= 1).mean() > 0.95, "no two scans of a sensor are alike for long"
    assert (np.abs(city.shown - city.truth)[noisy] <= accuracy[noisy] * (1.0 + 1e-9)).all()


def test_a_fault_does_not_change_the_rest_of_the_city() -> None:
    with_fault, without = (City(SMALL, 5, WORKING_MORNING) for _ in range(2))
    with_fault.fault_on("sos_pressed", None, "now")
    for city in (with_fault, without):
        run_for(city, 10.0, 0.5)
    differing = np.flatnonzero(with_fault.shown != without.shown)
    assert [SMALL.points[i].name for i in differing] == ["TCH.01.S.SOS01.Pressed"]


@pytest.mark.parametrize(("name", "target", "said"), [
    ("chiller_trip", "AHU01", "CHC01"),
    ("sensor_stuck", "AHU09.SAT", r"AHU01\.SAT"),
    ("sensor_stuck", "SOS01.Pressed", "points of kind AI"),
    ("wrong_word_order", "ahu01", "em01"),
    ("clock_jump", "em01", "parking-opcua"),
])  # fmt: skip
def test_a_nonsensical_target_is_refused_with_what_would_do(name: str, target: str, said: str) -> None:
    city = City(SMALL, 5, WORKING_MORNING)
    with pytest.raises(FaultTargetError, match=said):
        city.fault_on(name, target, "now")
    assert city.faults == []


def test_a_fault_of_plant_that_a_site_does_not_show_says_so() -> None:
    with pytest.raises(FaultTargetError, match="this site shows none"):
        resolve_target(SMALL, FAULTS["tower_vibration"], None)


def test_a_fault_is_switched_once_and_off_where_it_is() -> None:
    city = City(SMALL, 5, WORKING_MORNING)
    assert city.fault_on("sos_pressed", "SOS01", "first") is not None
    assert city.fault_on("sos_pressed", "SOS01", "again") is None
    assert city.fault_on("sos_pressed", "SOS02", "second") is not None
    assert [fault.target for fault in city.fault_off("sos_pressed", "SOS02")] == ["TCH.B1.N.SOS02"]
    assert [fault.since for fault in city.faults] == ["first"]
    with pytest.raises(KeyError):
        city.fault_on("earthquake", None, "now")


def in_kind(building: Building, kinds: frozenset[str]) -> list[Point]:
    return [point for point in building.points if point.role.kind in kinds]


def test_life_safety_takes_no_command() -> None:
    refused = {p.equipment.type.system for p in in_kind(WHOLE, WRITABLE_KINDS) if not p.writable}
    taken = {p.equipment.type.system for p in in_kind(WHOLE, WRITABLE_KINDS) if p.writable}
    assert not taken & {"fire", "lift", "security"}
    assert refused <= {"fire", "lift", "security"}


@pytest.mark.parametrize("code", ["FACP", "FZN", "FPP", "GIS", "HVM", "TR", "ELV", "ESC", "GEN", "ATS", "ACS", "IDS"])
def test_what_must_never_be_commanded_has_nothing_to_command(code: str) -> None:
    """Domain reference section 11: fire, high voltage, lifts, generator, transfer switches, door locks."""
    assert [p.name for p in WHOLE.points if p.equipment.type.code == code and p.writable] == []


def test_the_city_itself_takes_no_command_for_what_may_not_be_written() -> None:
    """Whatever a face lets through: nothing but what section 11 lists as writable changes the plant."""
    city = City(WHOLE, 5, WORKING_MORNING)
    before = city.truth.copy()
    closed = {(p.equipment.type.code, p.role.role): p for p in WHOLE.points if not p.writable}
    for point in closed.values():
        with pytest.raises(ValueError, match="takes no command"):
            city.command(point.index, 1.0)
    assert (city.truth == before).all()


def test_demand_is_the_mean_of_the_last_whole_quarter_of_an_hour() -> None:
    quarter = {"Dmd15": np.zeros(1), "_window": np.full(1, -1.0), "_window_s": np.zeros(1), "_window_kws": np.zeros(1)}
    begin = 900.0 * 1000
    for number in range(1, 31):
        kw = np.array([100.0 if number <= 15 else 300.0])
        quarter |= demand_15_min(quarter, kw, begin + 60.0 * number, 60.0)
        if 15 <= number < 30:
            assert quarter["Dmd15"][0] == pytest.approx(100.0)
    assert quarter["Dmd15"][0] == pytest.approx(300.0)


@pytest.mark.parametrize("step_s", [900.0, 1800.0, 3600.0])
def test_a_step_longer_than_a_quarter_has_that_quarters_power(step_s: float) -> None:
    quarter = {"Dmd15": np.zeros(1), "_window": np.full(1, -1.0), "_window_s": np.zeros(1), "_window_kws": np.zeros(1)}
    for number in range(1, 5):
        kw = np.array([100.0 * number])
        quarter |= demand_15_min(quarter, kw, 3600.0 * 500 + step_s * number, step_s)
        assert quarter["Dmd15"][0] == pytest.approx(100.0 * number)


@given(
    value=st.floats(-50.0, 50.0), target=st.floats(-50.0, 50.0), dt_s=st.floats(0.01, 1e4), tau_s=st.floats(0.5, 1e4)
)
def test_a_lag_never_overshoots(value: float, target: float, dt_s: float, tau_s: float) -> None:
    result = float(lag(np.array([value]), target, dt_s, tau_s)[0])
    assert min(value, target) - 1e-9 <= result <= max(value, target) + 1e-9
