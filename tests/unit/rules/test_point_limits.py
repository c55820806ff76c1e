"""A bar beside a value shows the numbers beyond which a rule says yes of that point alone, and no others."""

from typing import Any

import pytest
from tests.support.rule_trial import point, rule, site_of

from cityhall_bms.rules.binding import bind
from cityhall_bms.rules.point_limits import PointLimit

ONE, TWO = "TCH.B2.N.UNIT01", "TCH.B2.N.UNIT02"
SITE = site_of(
    {ONE: "Unit", TWO: "Unit"},
    [
        point(ONE, "P", unit="kPa"),
        point(TWO, "P", unit="Pa"),
        point(ONE, "SP", unit="kPa"),
        point(ONE, "T"),
        point(ONE, "RunSts", unit=""),
    ],
)
IDS = {name: number for number, name in enumerate(SITE.points, start=1)}


def limits(**keys: Any) -> tuple[PointLimit, ...]:
    (bound,) = bind([rule(**keys)], SITE, IDS).rules
    return bound.limits


def figures(**keys: Any) -> list[tuple[str, str, float]]:
    return [(item.point, ">" if item.is_upper else "<", item.value) for item in limits(**keys)]


def test_each_point_of_a_class_has_the_limit_in_its_own_unit() -> None:
    assert figures(each="P", condition="POINT > high", parameters={"high": "2 kPa"}) == [
        (f"{ONE}.P", ">", 2.0),
        (f"{TWO}.P", ">", 2000.0),
    ]


def test_the_limits_of_severity_steps_have_their_priority() -> None:
    found = limits(each="T", condition="POINT >= 30 °C", step=[{"priority": 1, "condition": "POINT >= 40 °C"}])
    assert [(item.value, item.priority, item.is_reached) for item in found] == [(30.0, 3, True), (40.0, 1, True)]


def test_a_band_has_two_ends_and_a_constant_may_stand_first() -> None:
    assert figures(condition="for(5 °C > T or T >= 9 °C, 5 min)") == [(f"{ONE}.T", "<", 5.0), (f"{ONE}.T", ">", 9.0)]


def test_a_limit_of_a_mean_says_over_how_long() -> None:
    (found,) = limits(condition="avg(T, 1 h) > 26 °C")
    assert (found.value, found.mean_s) == (26.0, 3600.0)


@pytest.mark.parametrize(
    "condition",
    ["T > 30 °C and P > 2 kPa", "P > SP", "T == 3 °C", "not T > 30 °C", "max(T, 1 h) > 30 °C", "P - SP > 1 kPa"],
)
def test_what_is_no_fixed_limit_of_one_point_alone_is_none(condition: str) -> None:
    assert limits(condition=condition) == ()
