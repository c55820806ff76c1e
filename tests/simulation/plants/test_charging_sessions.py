"""Charging stations: sessions of about 12 kWh at 7 kW, one feeder shared by all, commands that bind."""

from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from tests.support.plant_rig import PlantRig

from cityhall_simulators.plants import parking
from cityhall_simulators.plants.common import Supply

TAIPEI = ZoneInfo("Asia/Taipei")
WEDNESDAY = datetime(2026, 7, 1, 0, 0, tzinfo=TAIPEI)
STATIONS = {"EVSE": parking.PLANTS["EVSE"]}
AVAILABLE, PREPARING, CHARGING, SUSPENDED_EVSE, SUSPENDED_EV, UNAVAILABLE, FAULTED = 0, 1, 2, 3, 4, 7, 8


@pytest.fixture
def morning() -> PlantRig:
    """Half past eight: most stations charge."""
    rig = PlantRig(STATIONS, WEDNESDAY)
    rig.run_until(WEDNESDAY.replace(hour=8, minute=45), 60.0)
    return rig


def charging(rig: PlantRig) -> int:
    """A station that charges just now."""
    return int(np.flatnonzero(rig.column("EVSE", "Status") == CHARGING)[0])


def day_of_sessions(dt_s: float, days: int = 5) -> tuple[PlantRig, list[float]]:
    """Energy of each finished session, over some working days."""
    rig = PlantRig(STATIONS, datetime(2026, 7, 6, tzinfo=TAIPEI))
    sessions, before = [], np.zeros(18)
    for _ in range(round(days * 86_400.0 / dt_s)):
        rig.step(dt_s)
        plugged, energy = rig.column("EVSE", "_plugged"), rig.column("EVSE", "SessKWh")
        sessions += energy[(before > 0.0) & (plugged == 0.0)].tolist()
        before = plugged
    return rig, sessions


def test_a_station_has_up_to_two_sessions_of_about_twelve_kwh_on_a_working_day() -> None:
    # domain.md section 3.2: EV session 12 kWh at 7 kW
    _, sessions = day_of_sessions(300.0)
    assert 1.2 < len(sessions) / (5 * 18) <= 2.0
    assert np.mean(sessions) == pytest.approx(12.0, abs=1.0)
    assert min(sessions) > 5.0
    assert max(sessions) < 20.0


def test_days_off_see_few_sessions() -> None:
    rig = PlantRig(STATIONS, datetime(2026, 7, 3, tzinfo=TAIPEI))
    rig.run(86_400.0, 600.0)
    friday = rig.column("EVSE", "kWh").sum()
    rig.run(86_400.0, 600.0)
    saturday = rig.column("EVSE", "kWh").sum() - friday
    assert saturday < 0.35 * (friday - 18 * STATIONS["EVSE"].initial(1)["kWh"][0])


def test_a_car_alone_charges_at_seven_kilowatts(morning: PlantRig) -> None:
    unit = charging(morning)
    for other in range(18):
        if other != unit:
            morning.fault("EVSE", other, "ground")
    morning.run(10.0)
    assert morning.value("EVSE", "kW", unit) == pytest.approx(7.0, abs=0.2)
    assert morning.value("EVSE", "A", unit) == pytest.approx(32.0)


def test_a_sessions_energy_is_the_same_in_seconds_and_in_half_hours() -> None:
    used = []
    for dt_s in (20.0, 60.0, 1800.0, 3600.0):
        rig = PlantRig(STATIONS, WEDNESDAY)
        rig.run_until(WEDNESDAY.replace(hour=7), 3600.0)  # the day is planned: the same for all
        before = rig.column("EVSE", "kWh")
        rig.run_until(WEDNESDAY.replace(hour=19), dt_s)
        used.append(rig.column("EVSE", "kWh") - before)
    for other in used[1:]:
        assert other.sum() == pytest.approx(used[0].sum(), rel=0.01)
    np.testing.assert_allclose(used[1], used[0], rtol=0.01)


@pytest.mark.parametrize("dt_s", [10.0, 1800.0, 3600.0])
def test_a_car_that_comes_within_a_step_charges_for_the_rest_of_it(dt_s: float) -> None:
    rig = PlantRig(STATIONS, WEDNESDAY)
    rig.run_until(WEDNESDAY.replace(hour=8), 3600.0)
    alone = {f"_arrive_{session}": np.full(18, 99.0) for session in "12"}
    alone["_arrive_1"][7] = 8.75
    rig.columns["EVSE"] = rig.columns["EVSE"] | alone | {"_need_1": np.full(18, 16.0), "_leave_1": np.full(18, 12.0)}
    before = rig.column("EVSE", "kWh")
    rig.run_until(WEDNESDAY.replace(hour=9), dt_s)
    charged = rig.column("EVSE", "kWh") - before
    # a quarter of an hour, less the time to plug in, at 7 kW
    assert charged[7] == pytest.approx(7.0 * 0.245, rel=0.02)
    assert rig.value("EVSE", "SessKWh", 7) == pytest.approx(charged[7])
    assert charged.sum() == charged[7]


def test_energy_counts_the_power_at_every_step(morning: PlantRig) -> None:
    for dt_s in (0.1, 1.0, 60.0, 1800.0):
        before = morning.column("EVSE", "kWh")
        morning.step(dt_s)
        risen = morning.column("EVSE", "kWh") - before
        np.testing.assert_allclose(risen, morning.column("EVSE", "kW") * dt_s / 3600.0, atol=1e-9)
        assert (risen >= 0.0).all()


def test_all_stations_together_keep_within_the_feeder_and_share_it_equally() -> None:
    rig = PlantRig(STATIONS, WEDNESDAY)
    most = 0
    for _ in range(24 * 60):
        rig.step(60.0)
        offered = rig.column("EVSE", "Offered")
        assert offered.sum() <= rig.site.parameters["feeder_limit_a"] + 1e-9
        assert rig.column("EVSE", "A").sum() <= rig.site.parameters["feeder_limit_a"] + 1e-6
        assert len(set(offered[offered > 0.0].tolist())) <= 1
        most = max(most, int((offered > 0.0).sum()))
    assert most > 300 / 32, "some had to share"


def test_a_small_feeder_serves_as_many_as_it_can_with_six_amperes_and_lets_the_others_wait() -> None:
    # domain.md section 10: an active car gets at least 6 A or nothing
    rig = PlantRig(STATIONS, WEDNESDAY, parameters={"feeder_limit_a": 40.0})
    rig.run_until(WEDNESDAY.replace(hour=9), 60.0)
    offered = rig.column("EVSE", "Offered")
    assert (offered > 0.0).sum() == 6
    assert offered[offered > 0.0].min() >= 6.0
    assert offered.sum() <= 40.0 + 1e-9
    assert (rig.column("EVSE", "Status") == SUSPENDED_EVSE).sum() > 3


def test_a_commanded_limit_binds_and_below_six_amperes_nothing_flows(morning: PlantRig) -> None:
    unit = charging(morning)
    before = morning.value("EVSE", "A", unit)
    assert before > 12.0
    morning.command("EVSE", unit, "LimitA", 10.0)
    morning.run(5.0)
    assert morning.value("EVSE", "LimitA", unit) == 10.0
    assert morning.value("EVSE", "A", unit) == pytest.approx(10.0)
    assert morning.value("EVSE", "Status", unit) == CHARGING
    for limit_a in (5.0, 0.0):
        morning.command("EVSE", unit, "LimitA", limit_a)
        morning.run(5.0)
        assert morning.value("EVSE", "A", unit) == 0.0
        assert morning.value("EVSE", "Status", unit) == SUSPENDED_EVSE
    morning.command("EVSE", unit, "LimitA", None)
    morning.run(5.0)
    assert morning.value("EVSE", "LimitA", unit) == 32.0
    assert morning.value("EVSE", "A", unit) == pytest.approx(before, rel=0.2)


def test_half_the_limit_at_every_station_sheds_load() -> None:
    # domain.md section 8: the first step of demand control halves the EV limit
    rig = PlantRig(STATIONS, WEDNESDAY)
    rig.run_until(WEDNESDAY.replace(hour=8, minute=15), 60.0)
    before = rig.column("EVSE", "kW").sum()
    for unit in range(18):
        rig.command("EVSE", unit, "LimitA", 8.0)
    rig.run(5.0)
    assert rig.column("EVSE", "kW").sum() < 0.6 * before


def test_a_car_goes_through_the_states_of_ocpp_in_order() -> None:
    rig = PlantRig(STATIONS, WEDNESDAY)
    rig.run_until(WEDNESDAY.replace(hour=7), 60.0)
    seen: list[list[float]] = [[] for _ in range(18)]
    while rig.local < WEDNESDAY.replace(hour=13):
        rig.step(10.0)
        for unit, status in enumerate(rig.column("EVSE", "Status").tolist()):
            if not seen[unit] or seen[unit][-1] != status:
                seen[unit].append(status)
    orders = {tuple(states[:5]) for states in seen}
    assert (AVAILABLE, PREPARING, CHARGING, SUSPENDED_EV, AVAILABLE) in orders
    assert all(states[0] == AVAILABLE for states in seen)


@pytest.mark.parametrize(("fault", "status", "code"), [
    # OCPP 1.6: GroundFailure, OverCurrentFailure; numbers of states.csv
    ("ground", FAULTED, 3), ("current", FAULTED, 6), ("offline", UNAVAILABLE, 0),
])  # fmt: skip
def test_a_faulted_station_charges_nothing_and_goes_on_afterwards(
    morning: PlantRig, fault: str, status: int, code: int
) -> None:
    unit = charging(morning)
    morning.fault("EVSE", unit, fault)
    morning.run(30.0)
    assert (morning.value("EVSE", "Status", unit), morning.value("EVSE", "ErrCode", unit)) == (status, code)
    assert morning.value("EVSE", "kW", unit) == morning.value("EVSE", "A", unit) == 0.0
    morning.fault("EVSE", unit, fault, active=False)
    morning.run(5.0)
    assert morning.value("EVSE", "Status", unit) == CHARGING
    assert morning.value("EVSE", "kW", unit) > 3.0


def test_connectors_are_warm_while_charging_and_hot_only_when_they_are_broken(morning: PlantRig) -> None:
    morning.run(900.0, 10.0)
    assert 30.0 < morning.column("EVSE", "ConnTemp").max() < 70.0
    morning.fault("EVSE", 4, "hot")
    morning.run(300.0)
    assert morning.value("EVSE", "ConnTemp", 4) > 80.0
    assert np.delete(morning.column("EVSE", "ConnTemp"), 4).max() < 70.0


def test_a_power_failure_ends_all_charging(morning: PlantRig) -> None:
    morning.supply = Supply(normal=0.0, essential=1.0)
    morning.step(1.0)
    assert morning.column("EVSE", "kW").sum() == 0.0
    assert morning.column("EVSE", "V").sum() == 0.0
    assert (morning.column("EVSE", "Status") == UNAVAILABLE).all()
