"""A rule written once for a class holds for every member, and says where it cannot."""

import dataclasses

import numpy as np
from tests.support.rule_trial import point, rule, site_of

from cityhall_bms.domain.site import Site
from cityhall_bms.rules.binding import Unbound, bind

ONE, TWO, FAN = "TCH.01.E.AHU01", "TCH.01.W.AHU02", "TCH.B1.N.PKF01"
SITE = site_of(
    {ONE: "Air_Handling_Unit", TWO: "Air_Handling_Unit", FAN: "Exhaust_Fan"},
    [
        point(ONE, "SAT", device="ahu-1"),
        point(ONE, "SAT_SP", device="ahu-1"),
        point(TWO, "SAT", device="ahu-2"),
        point(FAN, "RunSts", device="fan"),
        point(FAN, "TripAlm", device="fan", deadband=0.5, scan_s=30.0),
    ],
)
IDS = {name: 10 * number for number, name in enumerate(SITE.points, start=1)}


def test_members_of_the_class_get_a_row_each() -> None:
    binding = bind([rule(equipment_class="Air_Handling_Unit", each=["SAT"], condition="POINT > 20 °C")], SITE, IDS)
    (bound,) = binding.rules
    assert [subject.name for subject in bound.subjects] == [f"{ONE}.SAT", f"{TWO}.SAT"]
    assert binding.point_ids.tolist() == [10, 30]


def test_equipment_without_a_role_is_listed_and_has_no_row() -> None:
    needs = rule(
        id="SP", equipment_class=["Air_Handling_Unit", "Other"], condition="SAT > SAT_SP", when="RunSts == 1",
    )  # fmt: skip
    binding = bind([needs], SITE, IDS)
    assert binding.rules == ()
    assert binding.unbound == (
        Unbound("SP", ONE, ("RunSts",), "lacks RunSts"),
        Unbound("SP", TWO, ("SAT_SP", "RunSts"), "lacks SAT_SP, RunSts"),
    )


def test_a_rule_for_any_class_takes_what_has_its_roles_and_misses_nobody() -> None:
    binding = bind([rule(equipment_class="any", condition="TripAlm == 1 °C")], SITE, IDS)
    assert [subject.equipment for bound in binding.rules for subject in bound.subjects] == [FAN]
    assert binding.unbound == ()


def test_a_rule_of_several_roles_has_a_row_for_each_that_is_there() -> None:
    both = rule(equipment_class="Air_Handling_Unit", each=["SAT", "SAT_SP"], condition="POINT > 20 °C")
    binding = bind([both], SITE, IDS)
    assert [subject.name for subject in binding.rules[0].subjects] == [f"{ONE}.SAT", f"{ONE}.SAT_SP", f"{TWO}.SAT"]
    assert binding.unbound == (Unbound("R", TWO, ("SAT_SP",), "lacks SAT_SP"),)


def test_a_point_without_a_number_is_no_point() -> None:
    binding = bind([rule(equipment_class="any", condition="TripAlm == 1 °C")], SITE, {})
    assert binding.rules == ()


def test_rows_of_several_rules_lie_one_after_the_other() -> None:
    first = rule(id="A", equipment_class="Air_Handling_Unit", condition="SAT > 20 °C", on_delay_s=5)
    second = rule(id="B", kind="device", off_delay_s=7)
    binding = bind([first, second], SITE, IDS)
    assert [bound.rows for bound in binding.rules] == [slice(0, 2), slice(2, 5)]
    assert binding.on_delay_us.tolist() == [5_000_000, 5_000_000, 0, 0, 0]
    assert binding.off_delay_us.tolist() == [0, 0, 7_000_000, 7_000_000, 7_000_000]
    assert [subject.name for subject in binding.rules[1].subjects] == ["ahu-1", "ahu-2", "fan"]
    assert [subject.equipment for subject in binding.rules[1].subjects] == [ONE, TWO, FAN]


def test_the_age_that_a_value_may_have_follows_from_how_it_is_recorded() -> None:
    binding = bind([rule(kind="stale", equipment_class="any")], SITE, IDS)
    quiet_s = dict(zip(binding.point_ids.tolist(), (binding.quiet_us / 1e6).tolist(), strict=True))
    assert quiet_s[10] == 60.0  # polled each second: three scans, a minute at least
    assert quiet_s[50] == 2700.0  # deadband: the collector's heartbeat of 15 min, three times
    assert binding.silent_us.max() == 90_000_000
    subscribed = bind([rule(kind="stale", equipment_class="any")], _with_mode("subscribe"), IDS)
    assert subscribed.quiet_us.min() == 180_000_000
    assert subscribed.by_exception.all()
    polled = bind([rule(kind="stale", equipment_class="any")], _with_mode("poll"), IDS)
    assert np.flatnonzero(polled.by_exception).tolist() == [4]


def _with_mode(mode: str) -> Site:
    devices = {name: dataclasses.replace(device, settings={"mode": mode}) for name, device in SITE.devices.items()}
    return dataclasses.replace(SITE, devices=devices)
