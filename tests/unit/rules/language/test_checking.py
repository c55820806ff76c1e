"""What does not fit is refused, with the column and what to do; what fits gets the right unit."""

import pytest

from cityhall_bms.domain.units import Measure, measure_of
from cityhall_bms.rules.language.checking import check, check_condition
from cityhall_bms.rules.language.errors import ExpressionError
from cityhall_bms.rules.language.kinds import BARE_NUMBER, Kind, Sort, of_symbol
from cityhall_bms.rules.language.parser import parse
from cityhall_bms.rules.language.scope import Scope
from cityhall_bms.rules.language.terms import Term, const

UNITS = {
    "SAT": "°C", "SAT_SP": "°C", "CHW_F": "m³/h", "kW": "kW", "P": "W", "Cool": "RT", "DP": "kPa", "Cmd": "%",
    "Run": "", "PF": "PF", "CO2": "ppm", "Odd": "furlong", "RH": "%RH", "E": "kWh",
}  # fmt: skip
MODE = Term("mode", (), ("OS", 0.0), Kind(Sort.MODE, None, states=("OS1", "OS2")))
SITE = Scope(
    role=lambda role: of_symbol(UNITS[role]),
    related=lambda _relation, _class, role: of_symbol(UNITS[role]),
    target=lambda name: of_symbol("kW/RT") if name == "PLANT" else None,
    schedule=lambda name: name == "occupied",
    names={"warm": const(2.8, of_symbol("K")), "three": const(3.0, BARE_NUMBER)},
    modes={"OS": MODE},
)


def kind(text: str) -> Kind:
    return check(parse(text), SITE).kind


@pytest.mark.parametrize(
    ("text", "symbol"),
    [
        ("SAT - SAT_SP", "K"),
        ("SAT + 2 K", "°C"),
        ("2 K + SAT", "°C"),
        ("abs(SAT - SAT_SP) * 3", "K"),
        ("kW + P", "kW"),
        ("kW / Cool", "kW/RT"),
        ("kW / kW", ""),
        ("Cmd * 2", "%"),
        ("sqrt((SAT - SAT_SP) * (SAT - SAT_SP))", "K"),
        ("rate(SAT, 1 h)", "K/h"),
        ("rate(CO2, 1 h)", "ppm/h"),
        ("stddev(SAT, 1 h)", "K"),
        ("avg(SAT, 1 h)", "°C"),
        ("min(SAT, SAT_SP)", "°C"),
        ("min(SAT, 5 min)", "°C"),
        ("age(SAT)", "s"),
        ("since(Run == 1)", "s"),
        ("count(Run == 1, 1 h)", ""),
        ("target(PLANT)", "kW/RT"),
        ("mean(feeds.Box.SAT)", "°C"),
        ("number(feeds.Box.SAT > SAT)", ""),
    ],
)
def test_a_result_has_the_unit_that_follows(text: str, symbol: str) -> None:
    assert kind(text).symbol == symbol


def test_heat_is_flow_times_difference() -> None:
    expected = measure_of("m³/h")
    kelvin = measure_of("K")
    assert expected is not None
    assert kelvin is not None
    assert kind("CHW_F * (SAT - SAT_SP)").measure == expected.times(kelvin)


@pytest.mark.parametrize(
    "text",
    [
        "SAT > 30 °C", "SAT > SAT_SP + warm", "abs(SAT - SAT_SP) > warm", "Run == 1", "Run in (1, 2)", "PF < 0.95",
        "kW > 900 W", "DP * 1000 > 3 Pa * 2", "Cmd > 99 %", "share(Run == 1, 1 h) > 50 %", "share(Run == 1, 1 h) > 0.5",
        "CO2 > 0.1 %", "RH > 60 %", "kW / Cool > 0.9 kW/RT", "Odd > 3", "Odd > 3 K", "mode(OS) == OS1", "OS2 == mode(OS)",
        "mode(OS) in (OS1, OS2)", "within(occupied) and not holiday()", "flagged(SAT, flatline) or bad(SAT)",
        "any(feeds.Box.SAT > SAT + 2 K)", "for(Run == 1, 20 min)", "reversals(Cmd, 20 %, 1 h) >= 5",
        "kW / Cool < target(PLANT)", "number(feeds.Box.Run == 1) > three", "max(SAT, SAT_SP, 20 °C) > 5 °C",
    ],
)  # fmt: skip
def test_what_fits_is_a_condition(text: str) -> None:
    assert check_condition(parse(text), SITE).kind.sort is Sort.TRUTH


@pytest.mark.parametrize(
    ("text", "column", "part"),
    [
        ("SAT > 30", 5, "write the number with its unit, like '5 °C'"),
        ("SAT > 30 K", 5, "temperatures in °C and their differences in K"),
        ("SAT > 30 kPa", 5, "compare and add like with like"),
        ("SAT + SAT_SP > 1 °C", 5, "two temperatures cannot be added"),
        ("SAT * 2 > 1 °C", 1, "(T - 0 °C)"),
        ("2 K - SAT > 1 K", 5, "K against °C"),
        ("Cmd > 99", 5, "like '50 %'"),
        ("kW / Cool > 0.9", 11, "number without unit against kW/RT"),
        ("SAT", 1, "compare it with something"),
        ("Run and Run == 1", 1, "compare it with something"),
        ("abs(Run == 1) > 2", 9, "wanted is a number"),
        ("for(Run == 1, 20)", 15, "write one like '5 min'"),
        ("for(Run == 1, SAT)", 15, "this is no duration"),
        ("for(Run == 1, 500 d)", 15, "1 s to 400 d"),
        ("avg(SAT) > 1 °C", 1, "write avg(x, w)"),
        ("avrg(SAT, 1 h) > 1 °C", 1, "did you mean 'avg'?"),
        ("within(night) and Run == 1", 8, "no schedule of this site"),
        ("target(X) > 1", 8, "no target of this site"),
        ("mode(AHU) == OS1", 6, "add a [[mode]] table"),
        ("mode(OS) == OS9", 13, "states are OS1, OS2"),
        ("mode(OS) > OS1", 10, "have no order"),
        ("flagged(SAT, tired)", 14, "reasons are"),
        ("any(Run == 1)", 1, "no other equipment in it"),
        ("any(feeds.Box.Run == 1 or fed_by.AHU.Run == 1)", 1, "more than one kind"),
        ("sum(feeds.Box.SAT) > 1 °C", 1, "cannot be added up"),
        ("any(number(feeds.Box.Run == 1) > 1)", 5, "an aggregate within an aggregate"),
        ("POINT > 1 °C", 1, "list them in 'each'"),
        ("reversals(Cmd, 20 K, 1 h) > 5", 16, "% against K"),
        ("Run in (1, Run)", 12, "no constant"),
        ("sqrt(SAT - SAT_SP) > 2 K", 1, "has no unit"),
        ("1 / 0 > Run", 3, "divided by zero"),
        ("baseline(kW, 3 d) > kW", 1, "of 7 to 60 days"),
    ],
)
def test_what_does_not_fit_is_named_with_its_column(text: str, column: int, part: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        check_condition(parse(text), SITE)
    assert (caught.value.column, part in str(caught.value)) == (column, True), str(caught.value)


def test_a_rule_that_has_not_met_its_site_may_have_any_unit() -> None:
    for text in ("SAT > 30", "SAT + SAT_SP > 30 K", "Cmd > 99", "X * Y / Z > 3 kPa"):
        check_condition(parse(text), Scope())
    with pytest.raises(ExpressionError):
        check_condition(parse("SAT > 3 kPa + 2 K"), Scope())


def test_constants_are_converted_without_noise() -> None:
    term = check(parse("kW > 900 W"), SITE)
    assert term.args[1].constant == 0.9
    assert check(parse("Cmd >= 99 %"), SITE).args[1].constant == 99.0


def test_a_window_is_told_from_the_least_of_two() -> None:
    assert check(parse("min(SAT, 5 min)"), SITE).op == "window_min"
    assert check(parse("min(age(SAT), 5 min)"), SITE).op == "min"
    assert check(parse("min(SAT, SAT_SP)"), SITE).op == "min"


def test_the_change_of_a_counter_is_what_it_went_up() -> None:
    scope = Scope(role=lambda _: Kind(measure=Measure(), symbol="kWh", counter=True))
    assert check(parse("delta(E, 1 h)"), scope).op == "increase"
    assert check(parse("delta(E - E, 1 h)"), scope).op == "delta"
