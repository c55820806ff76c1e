"""Lamps, meeting rooms, kitchens and the sun: they follow people, weather and whoever commands them."""

from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.power_rig import PowerRig

from cityhall_simulators.plants.common import Supply
from cityhall_simulators.plants.moment import moment_at
from cityhall_simulators.plants.power import uses as unseen

TAIPEI = ZoneInfo("Asia/Taipei")
ANY_TIME = st.datetimes(datetime(2006, 1, 1), datetime(2027, 12, 31, 23, 59), timezones=st.just(TAIPEI))  # noqa: DTZ001
HOT_MORNING = moment_at(datetime(2026, 7, 1, 8, 45, tzinfo=TAIPEI), 5)
WEDNESDAY = datetime(2026, 7, 1, tzinfo=TAIPEI)
SUNDAY = datetime(2026, 7, 5, tzinfo=TAIPEI)
OFFICES = slice(0, 28)
CAR_PARK = slice(28, 32)
SIGN, ATRIUM, PLAZA, HALL = 32, 33, 34, 35


def at(day: datetime, hour: float) -> PowerRig:
    rig = PowerRig(day + timedelta(hours=hour))
    rig.run(5.0)
    return rig


def test_offices_are_lit_in_office_hours_of_working_days_only() -> None:
    for hour, lit in ((3.0, 0.0), (7.4, 0.0), (8.0, 1.0), (12.5, 1.0), (17.4, 1.0), (23.0, 0.0)):
        assert (at(WEDNESDAY, hour).column("LTG", "OnSts")[OFFICES] == lit).all(), hour
    assert not at(SUNDAY, 11.0).column("LTG", "OnSts")[OFFICES].any()


def test_a_zone_lit_after_hours_counts_the_minutes_of_its_override_down() -> None:
    rig = at(WEDNESDAY, 18.2)
    lit = rig.column("LTG", "OnSts")[OFFICES] == 1.0
    left = rig.column("LTG", "OvrMin")[OFFICES].copy()
    assert 0.3 < lit.mean() < 0.9
    assert ((left > 0.0) == lit).all()
    rig.run(600.0, dt_s=60.0)
    fell = left - rig.column("LTG", "OvrMin")[OFFICES]
    assert fell[left > 10.0] == pytest.approx(10.0)
    assert left.max() <= 240.0


def test_the_car_park_is_always_lit_and_the_sign_only_in_the_evening() -> None:
    for hour in (1.0, 11.0, 20.0):
        assert at(SUNDAY, hour).column("LTG", "OnSts")[CAR_PARK].all()
    assert at(WEDNESDAY, 20.5).value("LTG", "OnSts", SIGN) == 1.0
    assert at(WEDNESDAY, 20.5).value("LTG", "OnSts", PLAZA) == 1.0
    assert at(WEDNESDAY, 12.0).value("LTG", "OnSts", SIGN) == 0.0
    assert at(WEDNESDAY, 2.0).value("LTG", "OnSts", SIGN) == 0.0


def test_switching_a_zone_off_takes_its_power_from_its_floors_meter() -> None:
    rig = at(WEDNESDAY, 10.0)
    meter_kw, zone_kw = rig.value("EM", "kW", 2), rig.value("LTG", "_kw", 4)
    assert zone_kw > 10.0
    rig.command("LTG", 4, "OnCmd", 0.0)
    rig.run(2.0)
    assert rig.value("LTG", "OnSts", 4) == rig.value("LTG", "_kw", 4) == 0.0
    assert rig.value("EM", "kW", 2) == pytest.approx(meter_kw - zone_kw, rel=0.02)
    rig.command("LTG", 4, "OnCmd", None)
    rig.run(2.0)
    assert rig.value("EM", "kW", 2) == pytest.approx(meter_kw, rel=0.02)


def test_dimming_saves_power_in_proportion() -> None:
    rig = at(WEDNESDAY, 10.0)
    found = []
    for percent in (100.0, 50.0, 0.0):
        rig.command("LTG", 0, "DimPct", percent)
        rig.step(1.0)
        found.append(rig.value("LTG", "_kw"))
    assert found[0] - found[1] == pytest.approx(found[1] - found[2], rel=1e-6)
    assert 0.0 < found[2] < 0.1 * found[0]


def test_switching_a_zone_on_by_night_starts_an_override_of_four_hours() -> None:
    # domain.md section 11: a manual override expires after 4 h
    rig = at(WEDNESDAY, 1.0)
    rig.command("LTG", 4, "OnCmd", 1.0)
    rig.run(600.0, dt_s=60.0)
    assert rig.value("LTG", "OnSts", 4) == 1.0
    assert rig.value("LTG", "OvrMin", 4) == pytest.approx(230.0)
    rig.run(229 * 60.0, dt_s=60.0)
    assert rig.value("LTG", "OnSts", 4) == 1.0
    rig.run(120.0, dt_s=60.0)
    assert [rig.value("LTG", role, 4) for role in ("OnSts", "OnCmd", "OvrMin")] == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("dt_s", [1800.0, 3600.0])
def test_an_override_expires_whatever_the_step_and_another_one_lasts_as_long(dt_s: float) -> None:
    rig = at(SUNDAY, 8.0)
    for _ in range(2):
        rig.command("LTG", 4, "OnCmd", 1.0)
        rig.run(3 * 3600.0, dt_s)
        assert rig.value("LTG", "OnSts", 4) == 1.0
        rig.run(3600.0, dt_s)
        assert rig.value("LTG", "OnSts", 4) == 0.0


def test_an_override_ends_when_the_schedule_lights_the_zone_meanwhile() -> None:
    # The plaza, lit from dusk to dawn, is not lit by day because somebody switched it on the afternoon before.
    rig = at(WEDNESDAY, 15.0)
    rig.command("LTG", PLAZA, "OnCmd", 1.0)
    rig.run_until(WEDNESDAY + timedelta(hours=20), dt_s=600.0)
    assert (rig.value("LTG", "OnSts", PLAZA), rig.value("LTG", "OvrMin", PLAZA)) == (1.0, 0.0)
    rig.run_until(WEDNESDAY + timedelta(hours=31), dt_s=600.0)
    assert rig.value("LTG", "OnSts", PLAZA) == 0.0


def test_a_zone_commanded_on_in_office_hours_is_dark_four_hours_after_its_schedule_and_overtime() -> None:
    # Overtime is asked for until 17.85 + 4 = 21.85 h at the latest; a floor's lamps then expire by 1.85 h.
    rig = at(WEDNESDAY, 10.0)
    rig.command("LTG", 4, "OnCmd", 1.0)
    rig.run_until(WEDNESDAY + timedelta(hours=21.5), dt_s=600.0)
    assert rig.value("LTG", "OnSts", 4) == 1.0
    rig.run_until(WEDNESDAY + timedelta(hours=26), dt_s=600.0)
    assert rig.value("LTG", "OnSts", 4) == 0.0


def test_a_contactor_that_sticks_keeps_its_zone_lit_without_command_or_override() -> None:
    rig = at(WEDNESDAY, 2.0)
    rig.fault("LTG", 4, "lights_stay_on")
    rig.run(5.0)
    found = [rig.value("LTG", role, 4) for role in ("OnSts", "OnCmd", "OvrMin")]
    assert found == [1.0, 0.0, 0.0]
    assert rig.column("LTG", "OnSts")[OFFICES].sum() == 1.0


def test_nothing_is_lit_in_the_dark() -> None:
    rig = at(WEDNESDAY, 10.0)
    rig.fault("HVM", 0, "supply_loss")
    rig.run(60.0)
    assert not rig.column("LTG", "OnSts").any()
    assert rig.sum("LTG", "_kw") == rig.sum("AVR") == rig.sum("DWS") == rig.sum("PV") == 0.0


def test_tenants_use_most_at_lunch_on_working_days() -> None:
    def tenants_kw(rig: PowerRig) -> float:
        return float(rig.column("EM", "kW")[28:48].sum())

    lunch, night, sunday = (tenants_kw(at(*when)) for when in ((WEDNESDAY, 12.0), (WEDNESDAY, 2.0), (SUNDAY, 12.0)))
    assert lunch > 4.0 * night
    assert sunday == pytest.approx(night, rel=0.2)


def test_dishes_are_washed_while_and_after_people_eat() -> None:
    washed = {}
    for hour in (6.0, 13.0):
        rig = at(WEDNESDAY, hour)
        before = rig.sum("DWS", "kWh")
        rig.run(1800.0, dt_s=60.0)
        washed[hour] = rig.sum("DWS", "kWh") - before
    assert washed[6.0] == 0.0
    assert washed[13.0] > 5.0


def test_meeting_rooms_are_used_by_the_hour_in_working_hours() -> None:
    used = [at(WEDNESDAY, hour).column("AVR", "PwrSts").sum() for hour in (9.5, 11.5, 14.5, 16.5)]
    assert 2.0 < np.mean(used) < 10.0
    assert at(WEDNESDAY, 22.0).sum("AVR", "PwrSts") == 0.0


def test_photovoltaics_follow_the_sun_and_stop_at_night() -> None:
    noon, night = at(WEDNESDAY, 12.0), at(WEDNESDAY, 0.5)
    assert night.sum("PV") == 0.0
    assert (night.column("PV", "Sts") == 2.0).all()
    irradiance = noon.value("PV", "Irr")
    # Efficiency of module, inverter and heat together: 70 to 90 % of what the plate says.
    assert 0.70 < noon.value("PV", "kW") / (60.0 * irradiance / 1000.0) < 0.90
    assert noon.value("PV", "DcV") * noon.value("PV", "DcA") / 1000.0 == pytest.approx(noon.value("PV", "kW"), rel=0.05)


def test_an_inverter_with_a_ground_fault_gives_nothing_and_the_other_goes_on() -> None:
    rig = at(WEDNESDAY, 12.0)
    rig.fault("PV", 0, "pv_fault")
    rig.step(1.0)
    assert (rig.value("PV", "kW"), rig.value("PV", "Sts"), rig.value("PV", "Fault")) == (0.0, 7.0, 1.0)
    assert rig.value("PV", "kW", 1) > 0.0


@settings(max_examples=300, deadline=None)
@given(when=ANY_TIME, seed=st.integers(1, 50))
def test_no_use_gives_power_back_at_any_time_of_any_year(when: datetime, seed: int) -> None:
    assert (unseen.uses_kw(moment_at(when, seed), Supply()) >= 0.0).all()


def test_a_use_that_is_throttled_by_more_than_it_takes_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    table = unseen.uses()
    rush = unseen.SHAPES.index("rush")
    asked_too_much = table.kw - 1_000.0 * (np.arange(len(unseen.SHAPES)) == rush)
    monkeypatch.setattr(unseen, "uses", lambda: replace(table, kw=asked_too_much))
    assert (unseen.uses_kw.__wrapped__(HOT_MORNING, Supply()) == 0.0).all(), "past its cache"
